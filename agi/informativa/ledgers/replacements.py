"""Places of other boxes that this one took, each noted once in the log of the ledger."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from ..evidence.note_values import NoteSource
from ..evidence.notes import ReplacesNote
from . import leaves, note_leaves
from .sqlite import SqliteStore

_NOTED = "SELECT noted FROM retired_box WHERE name = ? AND identity = ?"
_NOTE = "UPDATE retired_box SET noted = ? WHERE name = ? AND identity = ?"
_RECORDS = "SELECT record FROM leaf WHERE leaf = ?"


def noted(store: SqliteStore, name: str, identity: bytes) -> int | None:
    """Return the number of the record which notes that this box took another's place; `None` if none does."""
    with store.connected() as connection:
        row = connection.execute(_NOTED, (name, identity)).fetchone()
        return None if row is None else row[0]


def note(
    store: SqliteStore, box: tuple[str, bytes], content: ReplacesNote, at: datetime, by: NoteSource
) -> int:
    """Note that this box took the place of another, which `store_retired` stored, by its name and identity.
    Return the number of the record. Another process may have noted it, or a backup of this ledger, which
    forgets it, may have been put back: then nothing is noted again."""
    with store.transaction() as transaction, store.connected() as connection:
        row = connection.execute(_NOTED, box).fetchone()
        if row is not None and row[0] is not None:
            return int(row[0])
        number = _existing(connection, content.box)
        if number is None:
            _note, number = note_leaves.append(transaction, connection, content, at, by)
        connection.execute(_NOTE, (number, *box))
        return number


def _existing(connection: sqlite3.Connection, box: str) -> int | None:
    """Return the number of the record that notes it already, if one does."""
    for log in leaves.logs(connection):
        for existing in note_leaves.backwards(connection, log):
            if isinstance(existing.content, ReplacesNote) and existing.content.box == box:
                (record,) = connection.execute(_RECORDS, (log.first + existing.index,)).fetchone()
                return int(record)
    return None
