"""The locks and the log of a SQLite file that several processes write, the waiting for them, and who has
them."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

BUSY_SECONDS = 2.0  # to wait for another process's transaction; bounds the wait of a caller
# The interval at which a waiting process tries again. SQLite's own intervals grow to 0.1 s, and would hardly
# meet the moment between two of many transactions. A process with many transactions leaves the file free for
# so long.
LOOK_SECONDS = 0.003
# The bytes that SQLite locks in an open database, and for readers in the index of its log:
# https://www.sqlite.org/src/file/src/os_unix.c
_DATABASE_LOCK, _READER_LOCKS = 0x40000002, range(123, 128)


def wait_for_others(connection: sqlite3.Connection, seconds: float) -> None:
    """Set how many seconds a statement waits for a lock from now on, before it fails."""
    connection.execute(f"PRAGMA busy_timeout = {1000 * seconds:.0f}")


def empty_log(connection: sqlite3.Connection, seconds: float, turn: float) -> bool:
    """Empty the file's log, which still holds what was overwritten in the file. Return whether nobody went on
    reading it for so many seconds; `turn` is the pause between two tries. Raises sqlite3.Error."""
    deadline = time.monotonic() + seconds
    while True:
        # What is copied into the file by the first is copied without the lock, which the second holds to its
        # end: a log may be long, if somebody has read it for long.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(turn)


def use_log(connection: sqlite3.Connection) -> None:
    """Switch the file to a log (WAL mode), if it has none yet. Raises sqlite3.OperationalError."""
    _patiently(connection, "PRAGMA journal_mode = WAL")


def take(connection: sqlite3.Connection) -> None:
    """Begin a transaction with the write lock. Raises sqlite3.OperationalError."""
    _patiently(connection, "BEGIN IMMEDIATE")


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Execute a statement that needs a lock, and wait for the lock up to BUSY_SECONDS, whatever the timeout
    of statements: also where two would wait for each other, so that SQLite lets one fail at once."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.0005)


def users(file: Path) -> list[int]:
    """Return the ids of the other processes that have a file in WAL mode open now."""
    return _holders(file, range(_DATABASE_LOCK, _DATABASE_LOCK + 1))


def readers(file: Path) -> list[int]:
    """Return the ids of the other processes that read the log of a file now."""
    return _holders(file.with_name(f"{file.name}-shm"), _READER_LOCKS)


def _holders(file: Path, offsets: range) -> list[int]:
    """Return the ids of the other processes with a lock on one of these bytes of a file (proc_locks(5)); none
    if the kernel does not say. Compared by the inode alone: some file systems report other device numbers."""
    processes = set[int]()
    with suppress(OSError):
        inode = file.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] == "POSIX" and int(words[5].rpartition(":")[2]) == inode:  # or an arrow: one waits
                last = offsets.stop if words[7] == "EOF" else int(words[7])
                if int(words[6]) < offsets.stop and offsets.start <= last:
                    processes.add(int(words[4]))
    return sorted(processes - {os.getpid()})
