"""The write lock and the log of a SQLite file that several processes write, and the waiting for both."""

from __future__ import annotations

import sqlite3
import time

BUSY_SECONDS = 2.0  # to wait for another process's transaction; bounds the wait of a caller
# The interval at which a waiting process tries again. SQLite's own intervals grow to 0.1 s, and would hardly
# meet the moment between two of many transactions. A process with many transactions leaves the file free for
# so long.
LOOK_SECONDS = 0.003


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


def take(connection: sqlite3.Connection) -> None:
    """Begin a transaction with the write lock. Waits for it up to BUSY_SECONDS, whatever the timeout of
    statements. Raises sqlite3.OperationalError."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
