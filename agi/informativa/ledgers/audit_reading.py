"""A ledger read for an audit: one state of it, and also what nobody wrote there as a record."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import leaves
from .ledger_file import translated

UNREADABLE = (ValueError, TypeError, AttributeError, OverflowError, ZeroDivisionError)
"""What comes of a row that no event was written as."""


def version(ledger: Path) -> tuple[int, ...]:
    """Another number after each time that somebody wrote to a ledger that nobody had open; always the same of
    one that somebody has. Raises LedgerError."""
    with translated(ledger):
        if _log(ledger).exists():
            return ()
        found = ledger.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns


def _log(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.name}-wal")


@contextlib.contextmanager
def reading(ledger: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own, within one transaction: one state of the ledger. Raises sqlite3.Error."""
    # With nobody's log beside it SQLite would make one, unless told that the file does not change.
    alone = "" if _log(ledger).exists() else "&immutable=1"
    uri = f"{ledger.absolute().as_uri()}?mode=ro{alone}"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        yield connection


def page(connection: sqlite3.Connection, first: int, count: int) -> list[tuple[Any, ...]]:
    """Leaves with their records. Text that is none is read all the same, to name the record."""
    try:
        return connection.execute(leaves.OPENED, (first, count)).fetchall()
    except sqlite3.OperationalError:
        with tolerantly(connection):
            return connection.execute(leaves.OPENED, (first, count)).fetchall()


@contextlib.contextmanager
def tolerantly(connection: sqlite3.Connection) -> Iterator[None]:
    """Within, what was put into a ledger as text, and is none, is read as text that no record has."""
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = str
