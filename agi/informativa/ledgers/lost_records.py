"""Records of other boxes that the shared database lost, or may have once more after they were erased.

A standby takes over without the last transactions, or a database is put back from an old copy. What a ledger
then cannot ask the database any more, it has here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping

from .sqlite import SqliteStore

_NOTE_TAILS = """
INSERT INTO lost_tail (name, record)
SELECT box, max(learnt.record)
FROM (SELECT box, record FROM elsewhere UNION ALL SELECT box, record FROM answer WHERE box <> '') AS learnt
LEFT JOIN (SELECT key AS name, value AS record FROM json_each(?)) AS existing ON name = box
WHERE learnt.record > coalesce(existing.record, 0) GROUP BY box
ON CONFLICT DO UPDATE SET record = max(record, excluded.record)
"""
ErasedRecord = tuple[str, int, bytes]
"""A record of another box: its name, the number, and the commitment `who` of its leaf."""


def note_tails(store: SqliteStore, existing: Mapping[str, int]) -> None:
    """Remember up to which record callers are known here from each box, where the database has fewer records
    of it, by the names of boxes. Reads the whole ledger."""
    with store.transaction(), store.connected() as connection:
        connection.execute(_NOTE_TAILS, (json.dumps(dict(existing)),))


def tails(store: SqliteStore) -> dict[str, int]:
    """Return the numbers that `note_tails` remembered, by the names of boxes."""
    with store.connected() as connection:
        return dict(connection.execute("SELECT name, record FROM lost_tail"))


def forget_tails(store: SqliteStore, names: Iterable[str]) -> None:
    """Forget what `note_tails` remembered of these boxes."""
    with store.transaction(), store.connected() as connection:
        connection.executemany("DELETE FROM lost_tail WHERE name = ?", [(name,) for name in names])


def store_erased(connection: sqlite3.Connection, records: Iterable[ErasedRecord]) -> None:
    """Store records of other boxes that are erased in the database at the request of this one, within the
    caller's transaction."""
    connection.executemany("INSERT OR IGNORE INTO erased_record VALUES (?, ?, ?)", records)


def erased(store: SqliteStore) -> list[ErasedRecord]:
    """Return all records that `store_erased` stored."""
    with store.connected() as connection:
        return connection.execute("SELECT name, record, who FROM erased_record").fetchall()
