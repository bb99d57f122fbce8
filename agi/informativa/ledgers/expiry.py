"""Deletion of records by their age, in small pages.

Where the log has a rule, the first leaves of each log go (purge_plan.py): first a note says so, then their
records are deleted, and after a crash the next purge goes on. Private lists of erasures that are of no use
any more go too (private_lists.py). Without a rule, each page of records that
happened before a time is deleted in one transaction with the record that says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import answers, leaves, number_use, own_logs, private_lists, purge_plan, references, rows
from .sqlite import SqliteStore
from .transaction import SqliteTransaction

if TYPE_CHECKING:
    from ..evidence.note_values import NoteSource

PAGE = 1000  # rows that one transaction deletes
_TRIES = 5  # of a note, while others write notes


def count_older(store: SqliteStore, cutoff: datetime) -> int:
    """Return how many records `purge` would delete. Raises LedgerError."""
    with store.connected() as connection:
        number: int = connection.execute(rows.OLDER, (rows.microseconds(cutoff),)).fetchone()[0]
        return number


def count_recorded_before(store: SqliteStore, cutoff: datetime) -> int:
    """Return how many of the records that a purge may delete were recorded before a time. Raises
    LedgerError."""
    with store.connected() as connection:
        number: int = connection.execute(rows.RECORDED_BEFORE, (rows.microseconds(cutoff),)).fetchone()[0]
        return number


def purge(store: SqliteStore, cutoff: datetime, at: datetime) -> int:
    """Delete the records older than `cutoff`, and return how many. Each page is deleted in one transaction
    with the record that says so, so that no record is missing without one, whatever happens.

    Calls wait only for the deletions, in small pages, not for the search. A later record may go on naming a
    deleted one as its basis: the number still says which it was. Raises LedgerError.
    """
    purged, older = 0, rows.microseconds(cutoff)
    with _deleting(store) as connection:
        for page in _pages(connection, rows.OLD, (older,), (0,)):
            with store.turn() as transaction:
                following = transaction.next_number()
                numbers, closed = _delete(transaction, [number for (number,) in page])
                if numbers:
                    note = references.purge_note(numbers, references.leaves_text(closed), cutoff, at)
                    transaction.append(note, following)
            purged += len(numbers)
        _forget(store, connection, older)
    return purged


def purge_by_rules(store: SqliteStore, plan: purge_plan.PurgePlan, at: datetime, by: NoteSource) -> int:
    """Delete what a plan of this time says, and return how many records. First, in a transaction of its own,
    the logs get the notes that they lack; the plan is made anew where another note came meanwhile. Calls wait
    as for `purge`. Raises LedgerError, and EvidenceError if the log's files cannot be read."""
    for _ in range(_TRIES):
        if _note(store, plan, at, by):
            break
        plan = purge_plan.read(store, at) or plan
    else:
        return 0  # the next purge does it
    purged = 0
    with _deleting(store) as connection:
        for prefix in plan.prefixes:
            for page in _pages(connection, leaves.DELETABLE, (prefix.end,), (prefix.log.first, 0)):
                with store.turn() as transaction:
                    numbers, _closed = _delete(transaction, [number for (_leaf, number) in page])
                purged += len(numbers)
        if plan.cutoff is not None:
            older = rows.microseconds(plan.cutoff)
            for page in _pages(connection, rows.AGED, (older,), (b"", "", "")):
                with store.turn():
                    connection.executemany(rows.FORGET_AGED, [(older, *row) for row in page])
                    connection.executemany(rows.FORGET_WHOLE, [(older, *row) for row in page])
            _forget(store, connection, older)
    private_lists.delete_useless(store)
    return purged


def _note(store: SqliteStore, plan: purge_plan.PurgePlan, at: datetime, by: NoteSource) -> bool:
    """Write the notes of a plan. Return whether it still holds: nobody wrote a note since it was made."""
    further = [prefix for prefix in plan.prefixes if prefix.below > prefix.noted]
    if not further or plan.cutoff is None:
        return True
    from ..evidence.notes import PurgeNote
    from .note_leaves import append

    with store.transaction() as transaction, store.connected() as connection:
        if own_logs.newest_note(connection) != plan.newest_note:
            return False
        for prefix in further:
            content = PurgeNote(prefix.log.origin, prefix.below, plan.cutoff, plan.rule)
            append(transaction, connection, content, at, by)
    return True


def _delete(transaction: SqliteTransaction, numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """Delete those of these records that are there. Return their numbers and their leaves, now closed."""
    deleted = [number for number in numbers if transaction.purge(number)]
    return deleted, transaction.close_leaves(deleted)


def _forget(store: SqliteStore, connection: sqlite3.Connection, older: int) -> None:
    """Delete what callers knew before a time, in microseconds, by no record of this ledger, and what they
    answered."""
    searches: tuple[tuple[str, str, tuple[object, ...]], ...] = (
        (rows.BASELESS, rows.PURGE_STANDING, (b"", "", "")),
        (number_use.OLD, number_use.PURGE, (b"", "")),
    )
    for search, delete, first in searches:
        for page in _pages(connection, search, (older,), first):
            with store.turn():
                connection.executemany(delete, page)
    for page in _pages(connection, answers.OLD, (older,), (b"", "", -1)):
        with store.turn():
            connection.executemany(answers.FORGET_OLD, [(older, *row) for row in page])


@contextmanager
def _deleting(store: SqliteStore) -> Iterator[sqlite3.Connection]:
    """Yield the connection, by which records may be deleted that others name."""
    with store.connected() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        try:
            yield connection
        finally:
            connection.execute("PRAGMA foreign_keys = ON")


def _pages(
    connection: sqlite3.Connection, search: str, parameters: tuple[int, ...], last: tuple[object, ...]
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the results of a search page by page, after the key `last`."""
    while page := connection.execute(search, (*parameters, *last, PAGE)).fetchall():
        yield page
        last = page[-1]
