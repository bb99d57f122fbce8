"""The check of an access log that is made again and again, as for a page."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import datetime

from ..model.errors import LedgerError
from ..model.text import Text
from .access_chain import AccessChain
from .access_heads import StatedHead, contradictions, stated_heads
from .open_access_log import FileState, OpenAccessLog

AGAIN_SECONDS = 600.0  # after which all entries are checked again
_NEWEST = "SELECT record, at FROM event ORDER BY record DESC LIMIT 1"
_AT = "SELECT at FROM event WHERE record = ?"


class RememberedCheck:
    """The check of one access log. What was right stays so while nobody else writes to the log: then only new
    entries are checked, and against records that came since. All is checked again when anybody else has
    written to it, when something was wrong, and after ten minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._newest: tuple[int, int] | None = None  # record, and its time, up to which the ledger was read
        self._heads = list[StatedHead]()  # of the records up to it, the newest first
        self._state: FileState | None = None
        self._chain: AccessChain | None = None
        self._checked_at = 0.0  # when all was checked last

    def problems(
        self, connection: sqlite3.Connection, access_log: OpenAccessLog, now: datetime
    ) -> tuple[Text, ...]:
        """Return what is wrong, as `access_heads.problems` finds it. Raises sqlite3.Error."""
        with self._lock:
            try:
                return self._problems(connection, access_log, now)
            except LedgerError as error:
                self._chain = None
                return (error.text,)

    def _problems(
        self, connection: sqlite3.Connection, access_log: OpenAccessLog, now: datetime
    ) -> tuple[Text, ...]:
        state, at = access_log.state(), self._clock()
        if state is None or state != self._state or at - self._checked_at >= AGAIN_SECONDS:
            self._chain = None
        new = self._read_heads(connection)
        if self._chain is None:
            self._checked_at, new = at, self._heads
        chain = access_log.verify({head.number for head in new}, self._chain)
        texts = tuple(contradictions(access_log, chain, self._heads, new, now))
        self._state, self._chain = state, None if texts else chain
        return texts

    def _read_heads(self, connection: sqlite3.Connection) -> list[StatedHead]:
        """Read what records state that came since the last time; all, if the ledger is another one now."""
        newest = connection.execute(_NEWEST).fetchone() or (0, 0)
        if self._newest is not None:
            last, at = self._newest
            if connection.execute(_AT, (last,)).fetchone() != (at,):  # or it was purged, or erased
                self._newest, self._heads, self._chain = None, [], None
        first = self._newest[0] + 1 if self._newest else 0
        new = stated_heads(connection, first, newest[0])
        self._newest, self._heads = newest, [*new, *self._heads]
        return new
