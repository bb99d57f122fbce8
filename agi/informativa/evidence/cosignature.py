"""Cosignatures (C2SP tlog-cosignature): a witness states when it saw a checkpoint as the largest one of a log
that took nothing back. Pure.

Ed25519 over `cosignature/v1`, `time <seconds>` and the checkpoint's text; in the note the time (8 bytes,
big-endian) stands before the signature. The key ID is of type 0x04, so that no log's key is taken for a
witness's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ..model.errors import EvidenceError, EvidenceFormatError
from ..model.text import Text
from . import ed25519
from .checkpoint import Checkpoint, open_checkpoint
from .encoding import LARGEST
from .keys import PrivateKey, PublicKey
from .note import Signature, Verifier

COSIGNATURE = 0x04  # the signature type
_TIME = 8  # bytes


class WitnessVerifier(PublicKey):
    """A witness's public key."""

    kind = COSIGNATURE

    def verify(self, text: str, signature: bytes) -> bool:
        """Return whether the cosignature, time included, is this witness's for this checkpoint."""
        if len(signature) != _TIME + ed25519.SIGNATURE_SIZE:
            return False
        try:
            message = _message(text, int.from_bytes(signature[:_TIME], "big"))
        except EvidenceFormatError:
            return False
        return ed25519.verify(self.public, message, signature[_TIME:])


class WitnessSigner(PrivateKey):
    """A witness's private key, which signs nothing else."""

    kind = COSIGNATURE

    @property
    def verifier(self) -> WitnessVerifier:
        """The public key."""
        return WitnessVerifier(self.name, ed25519.public_key(self.seed))

    def cosign(self, text: str, at: int) -> Signature:
        """Sign a checkpoint's text, at a POSIX time in seconds. Raises EvidenceFormatError if the text is no
        checkpoint, or `at` no valid time (0 would mean that the time is left open)."""
        if at == 0:
            raise _no_time()
        signature = ed25519.sign(self.seed, _message(text, at))
        return Signature(self.name, self.verifier.key_id, at.to_bytes(_TIME, "big") + signature)


def cosigned_at(signature: Signature) -> int:
    """Return the time that a cosignature states, in POSIX seconds. It proves nothing before the signature is
    verified."""
    return int.from_bytes(signature.data[:_TIME], "big")


def cosignatures(note: bytes | None, key: Verifier, witnesses: Sequence[WitnessVerifier]) -> list[int]:
    """Return the times at which these witnesses signed a checkpoint of the log with this key, in POSIX
    seconds; none if the log did not sign it. A broken cosignature takes nothing from the others."""
    with suppress(EvidenceError):
        if note is not None:
            signed = open_checkpoint(note, [key]).note
            by_key = {(witness.name, witness.key_id): witness for witness in witnesses}
            return [
                cosigned_at(line)
                for line in signed.others
                if (witness := by_key.get((line.name, line.key_id)))
                and witness.verify(signed.text, line.data)
            ]
    return []


def _message(text: str, at: int) -> bytes:
    Checkpoint.parse(text)
    if not 0 <= at <= LARGEST:
        raise _no_time()
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _no_time() -> EvidenceFormatError:
    return EvidenceFormatError(Text("A witness's time is in seconds since 1970."))
