"""Other boxes that left for good, as the log of this ledger notes them: once, that this box took the place of
one, or that none did, where the retirement was typed on this box."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from ..evidence.note_values import NoteSource
from ..evidence.notes import ReplacesNote, RetiresNote
from . import leaves, note_leaves
from .sqlite import SqliteStore

_COLUMNS: Mapping[type[ReplacesNote] | type[RetiresNote], str] = {
    ReplacesNote: "noted",
    RetiresNote: "left_by",
}
"""The column of `retired_box` with the number of the record of a note."""
_RECORDS = "SELECT record FROM leaf WHERE leaf = ?"


def noted(
    store: SqliteStore,
    name: str,
    identity: bytes,
    kind: type[ReplacesNote] | type[RetiresNote] = ReplacesNote,
) -> int | None:
    """Return the number of the record that has the note of this kind about another box; `None` if none
    has."""
    with store.connected() as connection:
        return _noted(connection, (name, identity), kind)


def note(
    store: SqliteStore,
    box: tuple[str, bytes],
    content: ReplacesNote | RetiresNote,
    at: datetime,
    by: NoteSource,
) -> int:
    """Note it of another box, which `store_retired` stored, by its name and identity. Return the number of
    the record. Another process may have noted it, or a backup of this ledger, which forgets it, may have been
    put back: then nothing is noted again."""
    with store.transaction() as transaction, store.connected() as connection:
        number = _noted(connection, box, type(content)) or _existing(connection, content)
        if number is None:
            _note, number = note_leaves.append(transaction, connection, content, at, by)
        column = _COLUMNS[type(content)]
        connection.execute(
            f"UPDATE retired_box SET {column} = ? WHERE name = ? AND identity = ?",  # noqa: S608  # our own
            (number, *box),
        )
        return number


def _noted(
    connection: sqlite3.Connection, box: tuple[str, bytes], kind: type[ReplacesNote] | type[RetiresNote]
) -> int | None:
    query = f"SELECT {_COLUMNS[kind]} FROM retired_box WHERE name = ? AND identity = ?"  # noqa: S608  # our own
    row = connection.execute(query, box).fetchone()
    return None if row is None else row[0] or None


def _existing(connection: sqlite3.Connection, content: ReplacesNote | RetiresNote) -> int | None:
    """Return the number of the record that notes the same of this box already, if one does."""
    for log in leaves.logs(connection):
        for existing in note_leaves.backwards(connection, log):
            if isinstance(existing.content, type(content)) and existing.content.box == content.box:
                (record,) = connection.execute(_RECORDS, (log.first + existing.index,)).fetchone()
                return int(record)
    return None
