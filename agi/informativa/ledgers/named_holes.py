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

from ..evidence.log_folder import LogFolder
from ..evidence.notes import NewLogNote, NoteKind
from ..evidence.read_log import ReadEntry, ReadLog
from ..model import RecordKind
from . import leaves, loss_notes, note_leaves, rows
from .audit_reading import UNREADABLE, tolerantly

NamedRange = tuple[str, range]
"""Leaves of the log with an origin, by their indices."""


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


def naming_notes(
    connection: sqlite3.Connection,
    logs: Sequence[leaves.LedgerLog],
    folder: LogFolder,
    read: Mapping[str, ReadLog],
) -> tuple[NamingNote, ...]:
    """Read the notes that name leaves, in order. `read` has the notes of each log. Those that cannot be read
    name nothing; their flaws are the audit's. Raises sqlite3.Error."""
    first_rule = _first_rule(logs, read)
    notes = [*_loss_notes(connection, logs, folder, first_rule), *_ends(connection, logs, read, first_rule)]
    return tuple(note for note in notes if note.ranges)


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
    connection: sqlite3.Connection,
    logs: Sequence[leaves.LedgerLog],
    folder: LogFolder,
    first_rule: float,
) -> Iterator[NamingNote]:
    with tolerantly(connection):
        notes = connection.execute(leaves.NOTES, (0,)).fetchall()
    for *row, leaf, is_note in notes:
        log = next((log for log in reversed(logs) if log.first <= leaf), logs[0])
        with suppress(*UNREADABLE):
            event = rows.record(row).event
            if is_note:
                note = note_leaves.read_entry(log, leaf, event.reference).note
                if note is None:
                    continue
                named = loss_notes.named_by(note, logs, folder).all
                instruction, at = getattr(note.content, "instruction", ""), note.at
            else:
                named = tuple(part for parts in leaves.indices(event.reference) for part in parts)
                instruction, at = "", event.recorded or event.at
            yield NamingNote(
                log.origin,
                leaf - log.first,
                at,
                event.kind,
                tuple(_by_log(logs, named)),
                instruction,
                not is_note,
                before_rules=leaf < first_rule,
            )


def _ends(
    connection: sqlite3.Connection,
    logs: Sequence[leaves.LedgerLog],
    read: Mapping[str, ReadLog],
    first_rule: float,
) -> Iterator[NamingNote]:
    """Yield the first records of logs after which the end of another one is lost."""
    sizes = {log.origin: log.size for log in logs}
    for log in logs[1:]:
        first = next(iter(_entries(read, log)), None)
        if first and first.note and isinstance(first.note.content, NewLogNote):
            content = first.note.content
            ends = [(tree.origin, tree.size) for tree in content.after]
            at, instruction, is_text = first.note.at, content.instruction, False
        else:
            row = connection.execute(leaves.FIRST_OF_LOG, (log.first,)).fetchone()
            if row is None:
                continue
            ends, at = list(leaves.ended(str(row[0]))), rows.moment(row[1])
            instruction, is_text = "", True
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


def _by_log(logs: Sequence[leaves.LedgerLog], named: Iterable[range]) -> Iterator[NamedRange]:
    """Yield rows of `leaf` as leaves of their logs."""
    for log in logs:
        for rows_named in named:
            first, end = max(rows_named.start, log.first), min(rows_named.stop, log.next)
            if first < end:
                yield log.origin, range(first - log.first, end - log.first)
