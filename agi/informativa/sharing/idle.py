"""Connections that nobody uses now, for the next call that asks.

To connect takes ten round trips with TLS, and so longer than a call waits, where the database is not near. So
a connection belongs to nobody: one that was opened too late for its call is there for the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection

OLDEST_SECONDS = 600.0  # of a connection: behind a name there may be another server by then
MOST = 2  # idle connections: with that of the exchange a box has three


class IdleConnections:
    """The idle connections to one database, for any thread and company. A connection is used for
    `seconds`."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._monotonic = seconds, monotonic
        self._lock, self._closed = threading.Lock(), False
        self._connections: list[tuple[float, Connection]] = []

    def take(self, opened: Callable[[], Connection]) -> tuple[float, Connection]:
        """Return the connection used last, or a new one; with the time after which it is too old."""
        now = self._monotonic()
        with self._lock:
            if self._connections and self._connections[-1][0] > now:
                return self._connections.pop()
        self.drop()
        return now + self._seconds, opened()

    def give_back(self, expiry: float, connection: Connection) -> None:
        """Keep a connection for the next call."""
        with self._lock:
            if not self._closed and len(self._connections) < MOST:
                self._connections.append((expiry, connection))
                return
        connection.close()

    def drop(self) -> None:
        """Close all: the others are no better than one that broke."""
        with self._lock:
            connections, self._connections = self._connections, []
        for _expiry, connection in connections:
            connection.close()

    def close(self) -> None:
        """Keep no connection from now on. Closing twice is harmless."""
        self._closed = True
        self.drop()
