"""The client of a witness (C2SP tlog-witness), which asks it to sign checkpoints."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..model.errors import ElsewhereError, EvidenceError, ForkError
from ..model.text import Text
from .approval import LARGEST_APPROVAL, Approval, log_digest
from .checkpoint import Checkpoint
from .cosignature import WitnessVerifier
from .elsewhere import LocalLog, longer_elsewhere
from .encoding import decimal
from .note import Signature, parse_signatures
from .settings import WitnessAddress
from .tree import HashReader, consistency_proof
from .witness import SIZE_TYPE, AddCheckpoint

if TYPE_CHECKING:
    from .http import HttpAnswer, HttpClient

LARGEST_ANSWER = 65_536  # bytes
TRIES = 3  # each but the first with the size that the witness answered


class WitnessClient:
    """One witness."""

    def __init__(self, address: WitnessAddress, http: HttpClient | None = None) -> None:
        """Raises EvidenceFormatError for what is no witness's key."""
        from .http import HttpClient  # not for who only reads what it answered

        self.key = WitnessVerifier.parse(address.key)
        self._http = http or HttpClient(address.url, self.name)

    @property
    def name(self) -> str:
        return self.key.name

    def newest(self, own: LocalLog) -> Checkpoint | None:
        """Return the last checkpoint here, which the witness proves to have by signing it once more."""
        last = Checkpoint.unverified(own.last)
        self.cosign(own.last, own.hashes(), last.size)
        return last

    def cosign(self, note: bytes, hashes: HashReader, guess: int = 0) -> tuple[Signature, ...]:
        """Return the witness's verified signatures of a checkpoint. `hashes` are those of the log, `guess` is
        the size that it probably signed last. Raises ElsewhereError if its answer cannot be understood,
        ForkError if it signed another log, and what `hashes` raises."""
        checkpoint = Checkpoint.unverified(note)
        old = min(guess, checkpoint.size)
        for _try in range(TRIES):
            proof = consistency_proof(old, checkpoint.size, hashes)
            body = AddCheckpoint(old, proof, note).body
            answer = self._http.request("POST", "/add-checkpoint", body, largest=LARGEST_ANSWER)
            if answer.status == 200:
                return self._signatures(answer.body, checkpoint)
            if answer.status == 422:
                raise self._forked(old)
            last_signed = self._last_size(answer)
            if last_signed > checkpoint.size:
                raise longer_elsewhere(self.name, last_signed, checkpoint.size)
            if last_signed == old:  # another tree of that size
                raise self._forked(old)
            old = last_signed
        raise ElsewhereError(
            Text("{name} reports a different size each time", "it is asked again", name=self.name)
        )

    def approval(self, origin: str, number: int) -> bytes | None:
        """Return approval `number` of a log, from 0 on, whose signatures are not verified; `None` after the
        last, or where the witness serves none. Raises ElsewhereError if its answer cannot be understood."""
        path = f"/approvals/{log_digest(origin)}/{number}"
        answer = self._http.request("GET", path, largest=LARGEST_APPROVAL)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise ElsewhereError(
                Text(
                    "{name} answered with status {status}",
                    "it is asked again",
                    name=self.name,
                    status=answer.status,
                )
            )
        with suppress(EvidenceError):
            if any(leaf.origin == origin for leaf in Approval.unverified(answer.body).leaves):
                return answer.body
        raise ElsewhereError(
            Text(
                "{name} answered with something else than an approval for {log}",
                "it is asked again",
                name=self.name,
                log=origin,
            )
        )

    def _signatures(self, body: bytes, checkpoint: Checkpoint) -> tuple[Signature, ...]:
        """Return the verified signatures of its key. Others are left out."""
        try:
            signatures = tuple(
                signature
                for signature in parse_signatures(body.decode("utf-8", "replace"))
                if (signature.name, signature.key_id) == (self.key.name, self.key.key_id)
                and self.key.verify(checkpoint.text, signature.data)
            )
        except EvidenceError:
            signatures = ()
        if not signatures:
            raise ElsewhereError(
                Text(
                    "{name} did not sign with the key that is configured",
                    "ask whoever runs it for its key: informativa witness key",
                    name=self.name,
                )
            )
        return signatures

    def _last_size(self, answer: HttpAnswer) -> int:
        """Return the size in an answer with status 409. Raises ElsewhereError for any other answer."""
        if answer.status == 409 and answer.kind.partition(";")[0].strip() == SIZE_TYPE:
            try:
                return decimal(answer.body.decode("ascii", "replace").removesuffix("\n"))
            except EvidenceError:
                pass
        messages = {
            403: Text("{name} has another key for this log", "give it the one of: informativa evidence key"),
            404: Text("{name} does not know this log", "give it the key of: informativa evidence key"),
        }
        other = Text("{name} answered with status {status}", "it is asked again")
        raise ElsewhereError(messages.get(answer.status, other).format(name=self.name, status=answer.status))

    def _forked(self, size: int) -> ForkError:
        return ForkError(
            Text(
                "{name} signed another log of {size} records than the one that is here",
                "keep what is here, and find out what was changed: informativa evidence audit",
                name=self.name,
                size=size,
            )
        )
