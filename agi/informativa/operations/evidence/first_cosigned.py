"""The times at which witnesses first signed checkpoints of followed logs, for the notes of purges."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...evidence.checkpoint import Checkpoint
from ...evidence.cosignature import WitnessVerifier, cosignatures
from ...evidence.log_folder import SignedLeaves
from ...evidence.log_source import LARGEST_CHECKPOINT, LogSource
from ...model.errors import ElsewhereError, EvidenceError
from ...model.text import Text
from .monitor_reading import FollowedLog

READING_SECONDS = 60.0  # of a look, for older checkpoints

_Times = dict[tuple[str, int, tuple[WitnessVerifier, ...]], int]


@dataclass
class KnownTimes:
    """The times that need not be asked for again, by origin, size or leaf, and witnesses."""

    checkpoints: _Times = field(default_factory=dict)
    leaves: _Times = field(default_factory=dict)


class FirstCosignatures:
    """The times of first cosignatures in one look: a `note_flaws.FirstCosigned`. They are those of the
    copy, or of what is published, which is put into the copy. Where that cannot be read now it is in
    `problems`, and no flaw of the note. Raises EvidenceError if the copy cannot be used."""

    def __init__(self, logs: Mapping[str, FollowedLog], known: KnownTimes) -> None:
        self._logs, self._known = logs, known
        self._signed = {origin: SignedLeaves(log.copy.published, log.key) for origin, log in logs.items()}
        self._deadline = time.monotonic() + READING_SECONDS
        self.problems: dict[Text, None] = {}

    def __call__(
        self, origin: str, size: int, witnesses: Sequence[WitnessVerifier], latest: int
    ) -> int | None:
        question = (origin, size, tuple(witnesses))
        at = self._known.checkpoints.get(question)
        if at is None or at > latest:
            log = self._logs[origin]
            try:
                at = self._time(log, size, witnesses, latest)
            except ElsewhereError as error:
                self.problems[Text("{log}: {why}", log=log.key.name, why=error.text)] = None
                return latest  # which is not remembered
            if at is not None and at <= latest:
                self._known.checkpoints[question] = at
        return at

    def signed_at(self, origin: str, index: int, witnesses: Sequence[WitnessVerifier]) -> int | None:
        """Return when one of these witnesses first signed a checkpoint of the copy with a leaf: a
        `note_flaws.SignedAt`."""
        question = (origin, index, tuple(witnesses))
        if (at := self._known.leaves.get(question)) is None:
            at = self._signed[origin].signed_at(index, witnesses)
            if at is not None:
                self._known.leaves[question] = at
        return at

    def _time(
        self, log: FollowedLog, size: int, witnesses: Sequence[WitnessVerifier], latest: int
    ) -> int | None:
        """Raises ElsewhereError if it cannot be read now."""
        copied = min(cosignatures(log.copy.first_checkpoint(size), log.key, witnesses), default=None)
        if (copied is not None and copied <= latest) or log.source is None:
            return copied
        note = self._published(log.source, size)
        published = min(cosignatures(note, log.key, witnesses), default=None)
        if note is None or published is None or published > (copied or latest):
            return copied or published
        tree = Checkpoint.unverified(note)
        if tree.size != size or log.copy.root(size) != tree.root:
            return copied
        log.copy.put_first(size, note)
        return published

    def _published(self, source: LogSource, size: int) -> bytes | None:
        if time.monotonic() > self._deadline:
            raise ElsewhereError(Text("{place} is slow: older checkpoints are read later", place=source.name))
        try:
            return source.read(f"checkpoints/{size}", LARGEST_CHECKPOINT)
        except EvidenceError as error:
            raise ElsewhereError(error.text) from error
