"""Connections that nobody uses now, for the next call that asks.

To connect takes ten round trips with TLS, and so longer than a call waits, where the database is not near.
So a connection belongs to nobody: one that was made too late for its call is there for the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection

OLDEST_SECONDS = 600.0  # of a connection: behind a name there may be another server by then
MOST = 4  # that are kept


class IdleConnections:
    """Of one company. For any thread. They are kept for `seconds`."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._monotonic = seconds, monotonic
        self._lock, self._closed = threading.Lock(), False
        self._kept: list[tuple[float, Connection]] = []

    def take(self, opened: Callable[[], Connection]) -> tuple[float, Connection]:
        """The one used last, or a new one; with when it is too old."""
        now = self._monotonic()
        with self._lock:
            if self._kept and self._kept[-1][0] > now:
                return self._kept.pop()
        self.drop()
        return now + self._seconds, opened()

    def give_back(self, until: float, connection: Connection) -> None:
        """For the next one who asks."""
        with self._lock:
            if not self._closed and len(self._kept) < MOST:
                self._kept.append((until, connection))
                return
        connection.close()

    def drop(self) -> None:
        """Close all: the others are no better than one that broke."""
        with self._lock:
            kept, self._kept = self._kept, []
        for _until, connection in kept:
            connection.close()

    def close(self) -> None:
        """Keep none from now on. Closing twice is harmless."""
        self._closed = True
        self.drop()
