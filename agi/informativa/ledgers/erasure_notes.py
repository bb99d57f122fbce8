"""The notes of erasures in a ledger's log, each with its private list, and which of them may be carried out.

A note comes first, and what it says is done afterwards: where the controller approves each erasure, as soon
as it has approved this one.
"""

from __future__ import annotations

import os
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence import note_values
from ..evidence.approval import LeafIdentity
from ..evidence.erased_leaves import ErasedLeaves, LeafPlace
from ..evidence.log_folder import LogFolder
from ..evidence.note import Verifier
from ..evidence.note_standing import NoteStanding, NoteVerdict, standings
from ..evidence.note_values import NoteSource
from ..evidence.notes import ErasureNote, LogNote, NoteKind, RuleNote
from ..evidence.read_log import ReadLog
from ..model.errors import InformativaError
from ..model.text import Text
from . import leaves, loss_notes, note_leaves
from .loss_notes import NamedLeaves
from .transaction import SqliteTransaction

UNSTATED = "unstated"
"""The instruction in a note where nobody asks for one, and none was given."""
INSTRUCTION_REFUSED = "instruction-refused"  # the code of an error
_RECORD = "SELECT record FROM leaf WHERE leaf = ?"
_OPEN = "SELECT 1 FROM leaf WHERE leaf >= ? AND leaf < ? AND salt_who IS NOT NULL LIMIT 1"
_NEWEST = "SELECT coalesce(max(leaf), -1) FROM leaf WHERE what IS NULL"


@dataclass(frozen=True)
class NotedErasure:
    """The note of an erasure, the number of its record, the file of its private list, and the rows of `leaf`
    that the list names."""

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
        named = {row for leaf_range in self.named.all for row in leaf_range}
        return named.issuperset(rows)

    def is_open(self, connection: sqlite3.Connection) -> bool:
        """Return whether any leaf that it names can still be opened."""
        return any(
            connection.execute(_OPEN, (leaf_range.start, leaf_range.stop)).fetchone()
            for leaf_range in self.named.all
        )


def instruction_for(rule: RuleNote | None, given: str) -> str:
    """Return the instruction that a note has under a rule. Raises InformativaError if one is missing, or
    cannot be noted."""
    if not given:
        if rule is None or not (rule.processor or rule.approver):
            return UNSTATED
        raise InformativaError(
            Text("The controller's instruction is missing: its log names each erasure by one."),
            Text("Give the ticket of the request: --instruction TICKET"),
            code=INSTRUCTION_REFUSED,
        )
    if not is_instruction(given):
        raise InformativaError(
            Text("An instruction has {form}.", form=note_values.INSTRUCTION.expected),
            Text("Name the ticket, such as OPS/2026-117, and nobody."),
            code=INSTRUCTION_REFUSED,
        )
    return given


def is_instruction(text: str) -> bool:
    """Return whether a note can have this as its instruction."""
    try:
        note_values.INSTRUCTION.read(text)
    except note_values.REFUSED:
        return False
    return True


def write(
    transaction: SqliteTransaction,
    connection: sqlite3.Connection,
    folder: LogFolder,
    own: Sequence[int],
    resting: Sequence[int],
    instruction: str,
    at: datetime,
    by: NoteSource,
) -> NotedErasure:
    """Note the erasure of these rows of `leaf`, of which there is at least one, within a transaction: of a
    caller's own records, and of those that rest on them. The list is on the disk before the note: if the
    transaction is undone, another note gets the index, and its list the name. Raises EvidenceError, and
    sqlite3.Error."""
    log, logs = leaves.log(connection), leaves.logs(connection)
    listed = ErasedLeaves.of(os.urandom(16), _places(logs, own), _places(logs, resting))
    folder.put_private_list(log.epoch, log.size, listed.data)
    content = ErasureNote(listed.digest, listed.most, instruction)
    note, record = note_leaves.append(transaction, connection, content, at, by)
    named = NamedLeaves(*(tuple(range(row, row + 1) for row in sorted(rows)) for rows in (own, resting)))
    return NotedErasure(note, record, folder.private_file(log.epoch, log.size), named)


def noted(connection: sqlite3.Connection, folder: LogFolder) -> Iterator[NotedErasure]:
    """Yield the erasures that were noted and have their list, the newest first. Raises sqlite3.Error."""
    logs = leaves.logs(connection)
    for log in reversed(logs):
        for note in note_leaves.backwards(connection, log):
            if note.kind is NoteKind.ERASURE and (named := loss_notes.named_by(note, logs, folder)).own:
                (record,) = connection.execute(_RECORD, (log.first + note.index,)).fetchone()
                yield NotedErasure(note, record, folder.private_file(log.epoch, note.index), named)


def of_record(connection: sqlite3.Connection, folder: LogFolder, record: int) -> NotedErasure | None:
    """Return the erasure that a record notes; `None` if it is no note, or its list is missing. Raises
    sqlite3.Error."""
    return next((erasure for erasure in noted(connection, folder) if erasure.record == record), None)


def newest_note(connection: sqlite3.Connection) -> int:
    """Return the row of `leaf` of the newest note of any kind; -1 if there is none. Raises sqlite3.Error."""
    row: int = connection.execute(_NEWEST).fetchone()[0]
    return row


def waiting(connection: sqlite3.Connection, folder: LogFolder) -> frozenset[LogNote]:
    """Return the notes of erasures that wait for the controller's approval. Where nobody is known who could
    give it, none waits: then what a caller asked for would never be done. Raises sqlite3.Error, and
    EvidenceError."""
    logs = {log.origin: _read_log(connection, log, folder) for log in leaves.logs(connection)}
    newest = note_leaves.newest_rule(connection, leaves.log(connection))
    stated = newest.content.approver if newest and isinstance(newest.content, RuleNote) else None
    as_stated = _waiting(logs, (stated,)) if stated else {}  # counts where no rule is in effect yet
    return frozenset(
        standing.entry.note
        for leaf, standing in _waiting(logs, ()).items()
        if standing.entry.note and (standing.rule.approver if standing.rule else leaf in as_stated)
    )


def _waiting(logs: Mapping[str, ReadLog], approvers: Sequence[Verifier]) -> dict[LeafIdentity, NoteStanding]:
    return {
        standing.entry.leaf: standing
        for standings_of_log in standings(logs, approvers, _never_cosigned).values()
        for standing in standings_of_log
        if standing.standing is NoteVerdict.WAITS
        and standing.entry.note
        and standing.entry.note.kind is NoteKind.ERASURE
    }


def _never_cosigned(*_checkpoint: object) -> None:
    """Know of no cosignature: those only matter to purges."""


def _read_log(connection: sqlite3.Connection, log: leaves.LedgerLog, folder: LogFolder) -> ReadLog:
    """Return a log with its notes. One that was never signed has no key yet, and none that matters here."""
    key = folder.published(log.epoch).key() or note_leaves.unsigned_key(log)
    return note_leaves.read_log(connection, log, key)


def _places(logs: Sequence[leaves.LedgerLog], rows: Iterable[int]) -> Iterator[LeafPlace]:
    """Yield the places of rows of `leaf`."""
    firsts = [log.first for log in logs]
    for row in rows:
        log = logs[bisect_right(firsts, row) - 1]
        yield LeafPlace(log.origin, row - log.first)
