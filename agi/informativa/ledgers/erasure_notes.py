"""The notes of erasures in a ledger's log, each with its private list, and which of them may be carried out.

A note comes first, and what it says is done afterwards: where the controller approves each erasure, as soon
as it has approved this one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence.erased_leaves import ErasedLeaves
from ..evidence.log_folder import LogFolder
from ..evidence.note_values import NoteSource
from ..evidence.notes import ErasureNote, LogNote, NoteKind
from . import leaves, loss_notes, note_leaves, own_logs
from .loss_notes import NamedLeaves
from .transaction import SqliteTransaction

_RECORD = "SELECT record FROM leaf WHERE leaf = ?"


@dataclass(frozen=True)
class NotedErasure:
    """The note of an erasure, the number of its record, the file of its private list, and the leaves that the
    list names."""

    note: LogNote
    record: int
    file: Path
    named: NamedLeaves

    @property
    def instruction(self) -> str:
        """The controller's instruction."""
        assert isinstance(self.note.content, ErasureNote)
        return self.note.content.instruction

    def covers(self, rows: Iterable[int]) -> bool:
        """Return whether the list names all these rows of `leaf`."""
        return {row for leaf_range in self.named.all for row in leaf_range}.issuperset(rows)

    def waits(self, connection: sqlite3.Connection) -> bool:
        """Return whether it waits for the controller's approval. Raises sqlite3.Error."""
        return any(self.note == standing.entry.note for standing in own_logs.waiting_erasures(connection))

    def is_open(self, connection: sqlite3.Connection) -> bool:
        """Return whether any row of `leaf` that it names can still be opened."""
        return any(leaves.names_anybody(connection, leaf_range) for leaf_range in self.named.all)


def write(
    transaction: SqliteTransaction,
    connection: sqlite3.Connection,
    folder: LogFolder,
    own: Collection[int],
    resting: Collection[int],
    instruction: str,
    at: datetime,
    by: NoteSource,
) -> NotedErasure:
    """Note an erasure, within a transaction: of these rows of `leaf`, a caller's own records and those that
    rest on them; of one at least that is his own. The list is on the disk before the note: if the transaction
    is undone, another note gets the index, and its list the name. Raises EvidenceError, and sqlite3.Error."""
    log, logs = leaves.log(connection), leaves.logs(connection)
    own_places, resting_places = (loss_notes.places_of_rows(logs, leaf_rows) for leaf_rows in (own, resting))
    listed = ErasedLeaves.of(os.urandom(16), tuple(own_places), resting_places)
    folder.put_private_list(log.epoch, log.size, listed.data)
    content = ErasureNote(listed.digest, listed.most, instruction)
    note, record = note_leaves.append(transaction, connection, content, at, by)
    own_rows, resting_rows = (
        tuple(range(row, row + 1) for row in sorted(leaf_rows)) for leaf_rows in (own, resting)
    )
    named = NamedLeaves(own_rows, resting_rows)
    return NotedErasure(note, record, folder.private_file(log.epoch, log.size), named)


def noted(connection: sqlite3.Connection, folder: LogFolder) -> Iterator[NotedErasure]:
    """Yield the erasures that were noted and have their list, the newest first. Raises sqlite3.Error."""
    logs = leaves.logs(connection)
    for log in reversed(logs):
        for note in note_leaves.backwards(connection, log):
            if note.kind is not NoteKind.ERASURE:
                continue
            named = loss_notes.named_by(note, logs, folder)
            if named.own:
                (record,) = connection.execute(_RECORD, (log.first + note.index,)).fetchone()
                yield NotedErasure(note, record, folder.private_file(log.epoch, note.index), named)


def of_record(connection: sqlite3.Connection, folder: LogFolder, record: int) -> NotedErasure | None:
    """Return the erasure that a record notes; `None` if it is no note, or its list is missing. Raises
    sqlite3.Error."""
    return next((erasure for erasure in noted(connection, folder) if erasure.record == record), None)
