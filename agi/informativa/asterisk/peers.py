"""Peers at the port for Asterisk, most of which are not it (I8): the token by which it is told from all other
programs of the machine, a limit on the log lines that one can cause at will, and on connections at a time."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence

import structlog

from ..system.processes import allow_descriptors

log = structlog.get_logger("informativa.fastagi")
service_log = structlog.get_logger("informativa")

PENDING_CONNECTIONS = 1000  # peers at a time that have not named their call: in a flood each gets some time
OWN_FILES = 100  # ledgers and the like
SECONDS = 10.0  # between two lines of one kind

LogLine = tuple[int, str, tuple[tuple[str, object], ...]]


class Tokens:
    """The token in the script's name that a peer must know, and older ones until the new one is seen in use.

    Without any token every peer is let in: for configurations that name none.
    """

    def __init__(self, tokens: Sequence[str] = ()) -> None:
        self._accepted: tuple[bytes, ...] = ()
        self._in_use = b""  # the newest token of a call
        self.load(tokens)

    def load(self, tokens: Sequence[str]) -> None:
        """Replace the tokens, the current one first."""
        self._accepted = tuple(token.encode() for token in tokens)
        if self._in_use and self._accepted[:1] == (self._in_use,):
            self._accepted = self._accepted[:1]

    def admit(self, token: bytes) -> bool:
        """Return whether a peer with this token is to be let in, in a time that reveals nothing of ours."""
        matches = [hmac.compare_digest(token, accepted) for accepted in self._accepted]
        return any(matches) or not matches

    def used(self, token: bytes) -> None:
        """Note that a call came with this token. If it is the current one, the dialplan has it, and older
        ones are accepted no more."""
        if len(self._accepted) > 1 and hmac.compare_digest(token, self._accepted[0]):
            self._in_use = self._accepted[0]
            self._accepted = self._accepted[:1]


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


def needed_descriptors(sessions: int) -> int:
    """Return the number of descriptors for `sessions` calls at a time: one a call, one a pending connection,
    and some for ourselves."""
    return sessions + PENDING_CONNECTIONS + OWN_FILES


def allowed_connections(sessions: int) -> tuple[int, int]:
    """Raise the limit of descriptors to what the calls need. Return the allowed number of calls at a time,
    and of pending connections: where the system gives fewer descriptors, further calls get their fallback at
    once instead of waiting in line."""
    number = needed_descriptors(sessions)
    allowed, pending = allow_descriptors(number), PENDING_CONNECTIONS
    if allowed < number:
        sessions = min(sessions, max(allowed // 2, allowed - PENDING_CONNECTIONS - OWN_FILES))
        pending = min(pending, max(allowed // 4, allowed - sessions - OWN_FILES))
        remedy = "raise ulimit -n"
        service_log.warning("too few file descriptors", sessions=sessions, needed=number, remedy=remedy)
    return sessions, pending
