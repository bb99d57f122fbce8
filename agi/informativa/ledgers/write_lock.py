"""Who writes a SQLite file that several processes write: the lock, and how it is waited for."""

from __future__ import annotations

import sqlite3
import time

BUSY_SECONDS = 2.0  # how long to wait for another process's transaction; bounds what a caller waits
# How often whoever waits looks. SQLite by itself does it ever more seldom, until every 0.1 s, and would
# hardly meet the moment between two of many transactions. Whoever makes many leaves the file free so long.
LOOK_SECONDS = 0.003


def wait_for_others(connection: sqlite3.Connection, seconds: float) -> None:
    """How long a statement does from now on, before it fails."""
    connection.execute(f"PRAGMA busy_timeout = {1000 * seconds:.0f}")


def take(connection: sqlite3.Connection) -> None:
    """Begin a transaction with the lock, for which it waits BUSY_SECONDS, however long a statement does.
    Raises sqlite3.OperationalError."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
