"""Deletion of records by their age, each page of them in one transaction with the record that says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from . import elsewhere, leaves, rows
from .sqlite import SqliteStore

PAGE = 1000  # rows that one transaction deletes
_OTHERS = (
    (elsewhere.OLD_OTHERS, elsewhere.PURGE_OTHERS, (b"", "", "", -1, "")),
    (elsewhere.OLD_USE, elsewhere.PURGE_USE, (b"", "")),
)


def count_older(store: SqliteStore, cutoff: datetime) -> int:
    """Return how many records `purge` would delete. Raises LedgerError."""
    with store.connected() as connection:
        number: int = connection.execute(rows.OLDER, (rows.microseconds(cutoff),)).fetchone()[0]
        return number


def purge(store: SqliteStore, cutoff: datetime, at: datetime) -> int:
    """Delete the records older than `cutoff`, and return how many. Each page is deleted in one transaction
    with the record that says so, so that no record is missing without one, whatever happens.

    Calls wait only for the deletions, in small pages, not for the search. A later record may go on naming a
    deleted one as its basis: the number still says which it was. Raises LedgerError.
    """
    purged = 0
    with store.connected() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        try:
            for page in _pages(connection, rows.OLD, cutoff, (0,)):
                with store.turn() as transaction:
                    following = transaction.next_number()
                    numbers = [number for (number,) in page if transaction.purge(number)]
                    if numbers:
                        closed = leaves.leaves_text(transaction.close_leaves(numbers))
                        transaction.append(rows.purge_note(numbers, closed, cutoff, at), following)
                purged += len(numbers)
            for page in _pages(connection, rows.BASELESS, cutoff, (b"", "", "")):
                with store.turn():
                    connection.executemany(rows.PURGE_STANDING, page)
            for search, delete, first in _OTHERS:
                for page in _pages(connection, search, cutoff, first):
                    with store.turn():
                        connection.executemany(delete, page)
        finally:
            connection.execute("PRAGMA foreign_keys = ON")
    return purged


def _pages(
    connection: sqlite3.Connection, search: str, cutoff: datetime, last: tuple[object, ...]
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the results of a search page by page, after the key `last`."""
    cutoff_microseconds = rows.microseconds(cutoff)
    while page := connection.execute(search, (cutoff_microseconds, *last, PAGE)).fetchall():
        yield page
        last = page[-1]
