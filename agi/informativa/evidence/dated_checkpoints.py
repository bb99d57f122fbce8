"""Checkpoints of a log with a date that is not the log's word: witnesses signed them then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .cosignature import WitnessVerifier, cosignatures
from .log_folder import PublishedLog
from .note import Verifier


@dataclass(frozen=True)
class SignedLeaves:
    """The leaves of the log with this key, of which `published` has checkpoints. These are listed once."""

    published: PublishedLog
    key: Verifier

    def signed_at(self, index: int, witnesses: Sequence[WitnessVerifier]) -> int | None:
        """Return when one of these witnesses first signed a checkpoint with a leaf, in POSIX seconds; `None`
        if none did. Raises EvidenceError if the files cannot be used."""
        for size in self._sizes[bisect_right(self._sizes, index) :]:
            if times := cosignatures(self.published.checkpoint_of(size), self.key, witnesses):
                return min(times)
        return None

    @cached_property
    def _sizes(self) -> list[int]:
        return self.published.sizes()
