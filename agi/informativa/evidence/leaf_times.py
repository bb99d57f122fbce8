"""The times at which leaves say that they were put on record, held against those at which witnesses signed.
Pure.

A leaf that is in a checkpoint was there when that was first signed; one that came after it was not. Witnesses
and ledger have clocks of their own, so ten minutes count for nothing. A leaf from before there was a log, and
one whose time is not known, is not judged.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import inf
from typing import NamedTuple

from .cosignature import WitnessVerifier
from .purging import LARGEST_STEP

TOLERANCE = LARGEST_STEP // timedelta(minutes=1)
"""The minutes that two clocks may differ, or one may be put back, unremarked."""
UNKNOWN = -(1 << 62)
"""The time of a leaf that is not judged."""
_MINUTE = 60  # seconds
_LAST = 253_402_300_799  # the last second of the year 9999


class WrongTime(StrEnum):
    """The ways in which the time of a leaf contradicts the witnesses."""

    EARLY = "early"
    """It was not there when a witness signed, more than ten minutes later."""
    LATE = "late"
    """It was there when a witness signed, more than ten minutes before."""


class Cosigned(NamedTuple):
    """One verified signature of a witness under the checkpoint of that size, in POSIX seconds."""

    size: int
    witness: WitnessVerifier
    at: int


@dataclass(frozen=True)
class MisdatedLeaves:
    """The number of leaves of a log whose time is wrong in one way, and the first and the last of them."""

    wrong: WrongTime
    count: int
    first: int
    last: int


@dataclass(frozen=True)
class SignedTimes:
    """The times at which checkpoints of one log were first signed by a witness, in POSIX seconds, and the
    sizes of these checkpoints, in order."""

    sizes: Sequence[int]
    times: Sequence[int]

    @classmethod
    def of(cls, first_signed: Mapping[int, int]) -> SignedTimes:
        """Return them for the times by size."""
        sizes = sorted(first_signed)
        return cls(sizes, [first_signed[size] for size in sizes])

    def wrong(self, index: int, time: int) -> WrongTime | None:
        """Return the way in which the time of a leaf, in POSIX seconds, is wrong."""
        earliest, latest = self._bounds(bisect_right(self.sizes, index))
        if time == UNKNOWN or earliest <= time <= latest:
            return None
        return WrongTime.EARLY if time < earliest else WrongTime.LATE

    def misdated(self, times: Sequence[int]) -> tuple[MisdatedLeaves, ...]:
        """Return the leaves with a wrong time of a log whose leaves have these times. All leaves between two
        checkpoints have the same bounds, so most need no look of their own."""
        wrong: dict[WrongTime, list[int]] = {way: [] for way in WrongTime}
        start = 0
        for number, size in enumerate((*self.sizes, len(times))):
            part = times[start:size]
            earliest, latest = self._bounds(number)
            if part and not (earliest <= min(part) and max(part) <= latest):
                for index, time in enumerate(part, start):
                    if way := self.wrong(index, time):
                        wrong[way].append(index)
            start = size
        return tuple(
            MisdatedLeaves(way, len(indices), indices[0], indices[-1])
            for way, indices in wrong.items()
            if indices
        )

    def _bounds(self, number: int) -> tuple[float, float]:
        """Return the first and the last time that leaves between checkpoint `number` - 1 and checkpoint
        `number` may have."""
        earliest = self.times[number - 1] - TOLERANCE * _MINUTE if number else -inf
        latest = self.times[number] + TOLERANCE * _MINUTE if number < len(self.times) else inf
        return earliest, latest


def first_signed(
    cosigned: Iterable[Cosigned], counting: Callable[[datetime], Collection[WitnessVerifier]]
) -> dict[int, int]:
    """Return the times at which checkpoints were first signed, by size. Of all signatures those count whose
    witness is one of those that are `counting` at the time that it states."""
    times: dict[int, int] = {}
    for size, witness, at in cosigned:
        if witness in counting(datetime.fromtimestamp(min(at, _LAST), UTC)):
            times[size] = min(at, times.get(size, at))
    return times
