"""Log lines that a peer can cause at will: the first is written at once, the others are counted, so that no
peer can fill a log."""

from __future__ import annotations

import asyncio

import structlog

log = structlog.get_logger("informativa.fastagi")

SECONDS = 10.0  # between two lines of one kind

LogLine = tuple[int, str, tuple[tuple[str, object], ...]]


class LogRateLimiter:
    """A limiter for lines of one kind (level, event and facts alike): it writes the first at once, then the
    number of further ones, every 10 seconds while they go on. Needs a running event loop; `close` leaves no
    timer behind."""

    def __init__(self) -> None:
        self._more: dict[LogLine, int] = {}
        self._timers: dict[LogLine, asyncio.TimerHandle] = {}

    def log(self, level: int, event: str, **facts: object) -> None:
        """Log a line, or count it; `level` is one of `logging`'s."""
        kind = (level, event, tuple(facts.items()))
        if kind in self._more:
            self._more[kind] += 1
        else:
            log.log(level, event, **facts)
            self._begin(kind)

    def close(self) -> None:
        """Log the numbers that were counted so far."""
        for kind in list(self._more):
            self._timers.pop(kind).cancel()
            self._sum_up(kind)

    def _begin(self, kind: LogLine) -> None:
        self._more[kind] = 0
        self._timers[kind] = asyncio.get_running_loop().call_later(SECONDS, self._again, kind)

    def _again(self, kind: LogLine) -> None:
        del self._timers[kind]
        if self._sum_up(kind):
            self._begin(kind)

    def _sum_up(self, kind: LogLine) -> int:
        level, event, facts = kind
        if more := self._more.pop(kind):
            log.log(level, event, **dict(facts), more=more)
        return more
