"""Access logs that a console holds open: an entry costs one synchronisation of the disk, where opening and
closing the file cost four more.

A log that nobody has used for a minute is closed, so that all of it is in one file again. If somebody deletes
or replaces the file by hand, the next entry goes where others see it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..system.patience import start_apart
from .access_entries import LoggedAccess
from .access_log import AccessLog, append, stored, writing

SPARE_SECONDS = 60.0  # for which a log stays open that nobody uses


@dataclass
class _Addition:
    """An entry that waits to be added; then it has a `number`, or the `error` by which it was not."""

    entry: LoggedAccess
    number: int = 0
    error: BaseException | None = None

    def result(self) -> int:
        """Return the number. Raises the error."""
        if self.error is not None:
            raise self.error
        return self.number


@dataclass(frozen=True)
class _OpenFile:
    """A connection, the file that it has open, and an event that is set when it is closed."""

    connection: sqlite3.Connection
    file: os.stat_result
    closed: threading.Event


@dataclass(frozen=True)
class FileState:
    """A state of an access log that stays the same while nothing but one object adds to it: how often that
    has opened the file, SQLite's count of others' changes, and what the file system says of it."""

    opened: int
    version: int
    file: tuple[int, ...]


class OpenAccessLog(AccessLog):
    """The log beside one ledger, for all threads of a process. Entries that wait are added together."""

    def __init__(self, ledger: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(ledger)
        self._clock = clock
        self._lock = threading.Lock()
        self._open_file: _OpenFile | None = None
        self._opened, self._last_used = 0, 0.0
        self._waiting: list[_Addition] = []

    def add(self, entry: LoggedAccess, own: str = "") -> int:
        addition = _Addition(stored(entry, own))
        self._waiting.append(addition)
        with self._lock:
            if not addition.number and addition.error is None:
                additions = list(self._waiting)
                del self._waiting[: len(additions)]  # others may have been appended
                self._add_together(additions)
        return addition.result()

    def state(self) -> FileState | None:
        """Return the state of the file; `None` where there is none. Raises LedgerError."""
        with self._lock, self._translated():
            if not self.file.exists():
                return None
            with self._connection() as connection:
                (version,) = connection.execute("PRAGMA data_version").fetchone()
            status = self.file.stat()
            file = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
            return FileState(self._opened, version, file)

    def close(self) -> None:
        """Close the file. A later entry opens it again."""
        with self._lock:
            self._close()

    def _add_together(self, additions: Sequence[_Addition]) -> None:
        """Add entries in one transaction; where that fails, each in its own, so that one which cannot be
        added keeps out no other."""
        try:
            numbers = self._added([addition.entry for addition in additions])
        except BaseException as error:  # for the threads that wait
            if len(additions) == 1:
                additions[0].error = error
                return
            for addition in additions:
                self._add_together([addition])
            return
        for addition, number in zip(additions, numbers, strict=True):
            addition.number = number

    def _added(self, entries: Sequence[LoggedAccess]) -> list[int]:
        """Add entries durably, and return their numbers. Raises LedgerError."""
        with self._translated():
            self._create()
            with self._connection() as connection, writing(connection):
                return [append(connection, entry) for entry in entries]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection to the present file, which exists, under the lock. After an error the next one
        opens it anew."""
        present = self.file.stat()
        if self._open_file is not None and not os.path.samestat(present, self._open_file.file):
            self._close()
        if self._open_file is None:
            connection = self._connect()
            self._open_file = _OpenFile(connection, present, threading.Event())
            self._opened += 1
            start_apart(partial(self._close_unused, self._open_file.closed))
        self._last_used = self._clock()
        try:
            yield self._open_file.connection
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        if self._open_file is not None:
            open_file, self._open_file = self._open_file, None
            open_file.closed.set()
            with suppress(sqlite3.Error):  # as where SQLite does it, an error is no harm: the log stays
                open_file.connection.close()

    def _close_unused(self, closed: threading.Event) -> None:
        """Close the file when nobody has used it for so long."""
        while not closed.wait(SPARE_SECONDS):
            with self._lock:
                if not closed.is_set() and self._clock() - self._last_used >= SPARE_SECONDS:
                    self._close()
