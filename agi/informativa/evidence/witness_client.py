"""Asking a witness to sign a checkpoint (C2SP tlog-witness)."""

from __future__ import annotations

from ..errors import ElsewhereError, EvidenceError, ForkError
from ..text import Text
from .checkpoint import Checkpoint
from .cosignature import WitnessVerifier
from .elsewhere import OwnLog, newer
from .encoding import decimal
from .http import HttpAnswer, HttpClient
from .note import Signature, parse_signatures
from .settings import WitnessAddress
from .tree import HashReader, consistency_proof
from .witness import SIZE_TYPE, AddCheckpoint

LARGEST_ANSWER = 65_536  # bytes
TRIES = 3  # of which each but the first follows on a size that the witness told


class WitnessClient:
    """One witness."""

    def __init__(self, address: WitnessAddress, http: HttpClient | None = None) -> None:
        """Raises EvidenceFormatError for what is no witness's key."""
        self.key = WitnessVerifier.parse(address.key)
        self._http = http or HttpClient(address.url, self.name)

    @property
    def name(self) -> str:
        return self.key.name

    def newest(self, own: OwnLog) -> Checkpoint | None:
        """As of `Elsewhere`: a witness says what it has by signing the last checkpoint once more."""
        last = Checkpoint.unverified(own.last)
        self.cosign(own.last, own.hashes(), last.size)
        return last

    def cosign(self, note: bytes, hashes: HashReader, guess: int = 0) -> tuple[Signature, ...]:
        """Its signatures of a checkpoint, verified. `hashes` are those of the log, `guess` is the size that
        it probably signed last. Raises ElsewhereError where it does not answer so that it can be understood,
        ForkError where it signed what is not in this log, and what `hashes` raises."""
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
            told = self._told(answer)
            if told > checkpoint.size:
                raise newer(self.name, told, checkpoint.size)
            if told == old:  # and of that size another tree
                raise self._forked(old)
            old = told
        raise ElsewhereError(
            Text("{name} reports a different size each time", "it is asked again", name=self.name)
        )

    def _signatures(self, body: bytes, checkpoint: Checkpoint) -> tuple[Signature, ...]:
        """Those of its key; what others are said to have signed is left out."""
        try:
            found = tuple(
                each
                for each in parse_signatures(body.decode("utf-8", "replace"))
                if (each.name, each.key_id) == (self.key.name, self.key.key_id)
                and self.key.verify(checkpoint.text, each.data)
            )
        except EvidenceError:
            found = ()
        if not found:
            raise ElsewhereError(
                Text(
                    "{name} did not sign with the key that is configured",
                    "ask whoever runs it for its key: informativa witness key",
                    name=self.name,
                )
            )
        return found

    def _told(self, answer: HttpAnswer) -> int:
        """The size in an answer with status 409. Raises ElsewhereError for any other answer."""
        if answer.status == 409 and answer.kind.partition(";")[0].strip() == SIZE_TYPE:
            try:
                return decimal(answer.body.decode("ascii", "replace").removesuffix("\n"))
            except EvidenceError:
                pass
        known = {
            403: Text("{name} has another key for this log", "give it the one of: informativa evidence key"),
            404: Text("{name} does not know this log", "give it the key of: informativa evidence key"),
        }
        other = Text("{name} answered with status {status}", "it is asked again")
        raise ElsewhereError(known.get(answer.status, other).format(name=self.name, status=answer.status))

    def _forked(self, size: int) -> ForkError:
        return ForkError(
            Text(
                "{name} signed another log of {size} records than the one that is here",
                "keep what is here, and find out what was changed: informativa evidence audit",
                name=self.name,
                size=size,
            )
        )
