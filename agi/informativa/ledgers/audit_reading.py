"""Reading of a ledger for an audit: one state of it, also where it has values that no record is written
with."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import leaves
from .ledger_file import translated

UNREADABLE = (ValueError, TypeError, AttributeError, OverflowError, ZeroDivisionError)
"""Errors that reading a row raises if no event was written as this row."""


def version(ledger: Path) -> tuple[int, ...]:
    """Return a tuple that differs after each time that somebody wrote to a ledger that nobody had open. It
    stays empty while somebody has the ledger open. Raises LedgerError."""
    with translated(ledger):
        if _log(ledger).exists():
            return ()
        status = ledger.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns


def _log(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.name}-wal")


@contextlib.contextmanager
def reading(ledger: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection within one transaction, so that it sees one state of the ledger. Raises
    sqlite3.Error."""
    # If no log lies beside it, SQLite would create one, unless it is told that the file does not change.
    option = "" if _log(ledger).exists() else "&immutable=1"
    uri = f"{ledger.absolute().as_uri()}?mode=ro{option}"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        yield connection


def page(connection: sqlite3.Connection, first: int, count: int) -> list[tuple[Any, ...]]:
    """Return leaves with their records. Invalid text is read too, so that its record can be named."""
    try:
        return connection.execute(leaves.OPENED, (first, count)).fetchall()
    except sqlite3.OperationalError:
        with tolerantly(connection):
            return connection.execute(leaves.OPENED, (first, count)).fetchall()


@contextlib.contextmanager
def tolerantly(connection: sqlite3.Connection) -> Iterator[None]:
    """Within the context, read invalid text as text that no record has."""
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = str
