"""The notes of a ledger that name leaves which nobody can open any more, each with those leaves.

A record about records of version 1 names its rows of `leaf`; a note names leaves by the origin of their log
(`loss_notes`). A log that follows another one names the leaves of that one which were lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from ..evidence.erased_leaves import PrivateLists
from ..evidence.log_folder import LogFolder
from ..evidence.notes import NewLogNote, NoteKind
from ..evidence.read_log import ReadEntry, ReadLog
from ..model import Event, Reason, RecordKind
from . import leaves, loss_notes, note_leaves, references, rows
from .audit_flaws import ClosedLeaves
from .audit_reading import UNREADABLE, tolerantly

NamedRange = tuple[str, range]
"""Leaves of the log with an origin, by their indices."""
_TAKING = (RecordKind.PURGE, RecordKind.ERASURE, RecordKind.LOST)


@dataclass(frozen=True)
class NamingNote:
    """One note that names leaves: its own leaf, its time, its kind (`NEW_LOG` for lost leaves of a log that
    ended), and the leaves. `is_text` is true for a record about records of version 1, which came
    `before_rules` if no rule stands before it in the ledger."""

    log: str
    index: int
    at: datetime
    kind: RecordKind
    ranges: tuple[NamedRange, ...]
    instruction: str = ""
    is_text: bool = False
    before_rules: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class NoteRow:
    """A record about records: what it says, its row of `leaf`, and whether it is a note."""

    event: Event
    leaf: int
    is_note: bool


def naming_notes(
    connection: sqlite3.Connection,
    logs: Sequence[leaves.LedgerLog],
    folder: LogFolder,
    read: Mapping[str, ReadLog],
) -> tuple[NamingNote, ...]:
    """Read the notes that name leaves, in order. `read` has the notes of each log. Those that cannot be read
    name nothing; their flaws are the audit's. Raises sqlite3.Error."""
    return naming_of(_read_rows(connection, logs), logs, folder, read)


def naming_of(
    note_rows: Iterable[NoteRow],
    logs: Sequence[leaves.LedgerLog],
    lists: PrivateLists | None,
    read: Mapping[str, ReadLog],
) -> tuple[NamingNote, ...]:
    """Return those of a ledger's records about records that name leaves, in order. Without `lists` no erasure
    does."""
    note_rows, first_rule = list(note_rows), _first_rule(logs, read)
    notes = [*_loss_notes(note_rows, logs, lists, first_rule), *_ends(note_rows, logs, read, first_rule)]
    return tuple(note for note in notes if note.ranges)


def closed_leaves(
    connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog]
) -> tuple[ClosedLeaves, ...]:
    """Return the leaves of a ledger that cannot be opened any more. Raises sqlite3.Error."""
    closed = connection.execute(leaves.CLOSED_RANGES).fetchall()
    return closed_of(((range(first, end), bool(facts)) for first, end, facts in closed), logs)


def closed_of(
    closed: Iterable[tuple[range, bool]], logs: Sequence[leaves.LedgerLog]
) -> tuple[ClosedLeaves, ...]:
    """Return rows of `leaf` that cannot be opened as leaves of their logs: their facts, or only whom they are
    about."""
    return tuple(
        ClosedLeaves(origin, indices, facts)
        for leaf_range, facts in closed
        for origin, indices in by_log(logs, (leaf_range,))
    )


def _read_rows(connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog]) -> Iterator[NoteRow]:
    with tolerantly(connection):
        notes = connection.execute(leaves.NOTES, (0,)).fetchall()
    for *row, leaf, is_note in notes:
        with suppress(*UNREADABLE):
            yield NoteRow(rows.record(row).event, leaf, bool(is_note))
    for log in logs[1:]:
        for reference, at in connection.execute(leaves.FIRST_OF_LOG, (log.first,)).fetchall():
            text = references.as_text(reference)
            event = rows.note(RecordKind.NEW_LOG, Reason.NEW_KEY, rows.moment(at), text)
            yield NoteRow(event, log.first, is_note=False)


def _first_rule(logs: Sequence[leaves.LedgerLog], read: Mapping[str, ReadLog]) -> float:
    """Return the row of the ledger's first rule; infinity if it has none."""
    kinds = (
        (log.first + entry.leaf.index, entry.note.kind)
        for log in logs
        for entry in _entries(read, log)
        if entry.note
    )
    return next((row for row, kind in kinds if kind is NoteKind.RULE), float("inf"))


def _loss_notes(
    note_rows: Iterable[NoteRow],
    logs: Sequence[leaves.LedgerLog],
    lists: PrivateLists | None,
    first_rule: float,
) -> Iterator[NamingNote]:
    for row in note_rows:
        if row.event.kind not in _TAKING:
            continue
        log = next((log for log in reversed(logs) if log.first <= row.leaf), logs[0])
        with suppress(*UNREADABLE):
            event = row.event
            if row.is_note:
                note = note_leaves.read_entry(log, row.leaf, event.reference).note
                if note is None:
                    continue
                named = loss_notes.named_by(note, logs, lists).all
                instruction, at = getattr(note.content, "instruction", ""), note.at
            else:
                named = tuple(part for parts in references.indices(event.reference) for part in parts)
                instruction, at = "", event.recorded or event.at
            yield NamingNote(
                log.origin,
                row.leaf - log.first,
                at,
                event.kind,
                tuple(by_log(logs, named)),
                instruction,
                not row.is_note,
                before_rules=row.leaf < first_rule,
            )


def _ends(
    note_rows: Iterable[NoteRow],
    logs: Sequence[leaves.LedgerLog],
    read: Mapping[str, ReadLog],
    first_rule: float,
) -> Iterator[NamingNote]:
    """Yield the first records of logs after which the end of another one is lost."""
    sizes = {log.origin: log.size for log in logs}
    texts = {
        row.leaf: row.event for row in note_rows if row.event.kind is RecordKind.NEW_LOG and not row.is_note
    }
    for log in logs[1:]:
        first = next(iter(_entries(read, log)), None)
        if first and first.note and isinstance(first.note.content, NewLogNote):
            content = first.note.content
            ends = [(tree.origin, tree.size) for tree in content.after]
            at, instruction, is_text = first.note.at, content.instruction, False
        elif log.first in texts:
            event = texts[log.first]
            ends, at = list(references.ended(event.reference)), event.recorded or event.at
            instruction, is_text = "", True
        else:
            continue
        ranges = tuple(
            (origin, range(sizes[origin], size))
            for origin, size in ends
            if origin in sizes and size > sizes[origin]
        )
        yield NamingNote(
            log.origin,
            0,
            at,
            RecordKind.NEW_LOG,
            ranges,
            instruction,
            is_text,
            before_rules=log.first < first_rule,
        )


def _entries(read: Mapping[str, ReadLog], log: leaves.LedgerLog) -> Sequence[ReadEntry]:
    return read[log.origin].entries if log.origin in read else ()


def by_log(logs: Sequence[leaves.LedgerLog], named: Iterable[range]) -> Iterator[NamedRange]:
    """Yield rows of `leaf` as leaves of their logs."""
    for log in logs:
        for rows_named in named:
            first, end = max(rows_named.start, log.first), min(rows_named.stop, log.next)
            if first < end:
                yield log.origin, range(first - log.first, end - log.first)
