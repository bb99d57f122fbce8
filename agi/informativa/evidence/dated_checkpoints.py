"""Checkpoints of a log with a date that is not the log's word: witnesses signed it then, or an authority
stamped it (RFC 3161).

A stamp counts if it verifies against the authority's roots, and is of just that checkpoint as the log signed
it. Then all leaves of that size are at least as old as it says.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING

from ..model.errors import EvidenceFormatError, SignatureError
from . import timestamp
from .checkpoint import open_checkpoint
from .cosignature import WitnessVerifier, cosignatures
from .log_folder import PublishedLog
from .note import Verifier

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


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


@dataclass(frozen=True)
class StampedCheckpoints:
    """The stamped checkpoints of the log with this key, by an authority below these roots. The stamps are
    read once. Raises EvidenceError if files cannot be read."""

    published: PublishedLog
    key: Verifier
    roots: list[Certificate]

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes that have a stamp, in order, whether it holds or not."""
        return list(self._stamps)

    def require(self, size: int) -> datetime:
        """Return the time of the stamp of that size. Raises SignatureError and EvidenceFormatError if it does
        not hold, or there is no such checkpoint."""
        data = timestamp.stamped_bytes(self.published.checkpoint_of(size) or b"", self.key)
        return timestamp.verify(self._stamps[size], data, self.roots).at

    def time(self, size: int) -> int | None:
        """Return the time of the stamp of that size, in POSIX seconds; `None` if it does not hold, or its
        checkpoint is not the log's of that size."""
        with suppress(SignatureError, EvidenceFormatError):
            at = self.require(size)
            opened = open_checkpoint(self.published.checkpoint_of(size) or b"", [self.key])
            if opened.checkpoint.size == size:
                return ceil(at.timestamp())
        return None

    @cached_property
    def _stamps(self) -> dict[int, bytes]:
        return dict(self.published.timestamps())
