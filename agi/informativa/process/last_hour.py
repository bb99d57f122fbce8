"""The calls of the last hour that the service could not decide or record, counted by company.

Those calls are in no ledger that would say so: they got the fallback, and the spool brings them home only
when the ledger can be used again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from ..model.frozen import dataclass

MINUTES = 60


@dataclass(frozen=True)
class HourOfCalls:
    """The number of calls, and the number of those that fell back."""

    calls: int
    fell_back: int


class LastHour:
    """A counter by the minute that forgets minutes older than an hour."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._minutes: dict[int, Counter[tuple[str, bool]]] = {}  # in order

    def count(self, controller: str, *, fell_back: bool) -> None:
        """Count one call of a company."""
        now = self._now()
        if now not in self._minutes:
            self._forget(now)
            self._minutes[now] = Counter()
        self._minutes[now][controller, fell_back] += 1

    def totals(self) -> dict[str, HourOfCalls]:
        """Return the totals by company, for those that had calls."""
        self._forget(self._now())
        calls, fell_back = Counter[str](), Counter[str]()
        for minute in self._minutes.values():
            for (controller, fell), count in minute.items():
                calls[controller] += count
                fell_back[controller] += count * fell
        return {name: HourOfCalls(calls[name], fell_back[name]) for name in sorted(calls)}

    def _now(self) -> int:
        return int(self._monotonic() // 60)

    def _forget(self, now: int) -> None:
        for minute in [begun for begun in self._minutes if begun <= now - MINUTES]:
            del self._minutes[minute]
