"""The notes of a ledger's log: leaves that are their own entry (evidence/notes.py). Each is a record about
records too, so that it has a number, and the log no gap."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..evidence.commitment import NOTE_TAG
from ..evidence.ed25519 import KEY_SIZE
from ..evidence.note import Signer, Verifier
from ..evidence.note_values import NoteSource
from ..evidence.notes import LogNote, NoteContent, NoteKind, RuleNote
from ..evidence.read_log import UNKNOWN_ROOT, ReadEntry, ReadLog
from ..model import Event, Reason, RecordKind
from . import leaves, references, rows
from .leaves import LedgerLog
from .transaction import SqliteTransaction, next_number

if TYPE_CHECKING:
    from .sqlite import SqliteStore

_TRIES = 5  # of a count of all leaves, while others delete records
_CHANGES_SINCE = f"SELECT 1 FROM event WHERE record > ? AND NOT {rows.DELETABLE} LIMIT 1"  # noqa: S608

REASONS: Mapping[NoteKind, Reason] = {
    NoteKind.RULE: Reason.CONFIGURED,
    NoteKind.PURGE: Reason.RETENTION,
    NoteKind.ERASURE: Reason.REQUEST,
    NoteKind.LOST: Reason.RESTORED,
    NoteKind.NEW_LOG: Reason.NEW_KEY,
    NoteKind.NEXT: Reason.NEW_KEY,
    NoteKind.APPROVAL: Reason.APPROVED,
}


def append(
    transaction: SqliteTransaction,
    connection: sqlite3.Connection,
    content: NoteContent,
    at: datetime,
    by: NoteSource,
) -> tuple[LogNote, int]:
    """Write a note as the next leaf of the newest log, within a transaction. Return it, and the number of its
    record. Its minute is never before that of the note before it: the clock may have been set back. Raises
    EvidenceFormatError for what no note can say, and sqlite3.Error."""
    log = leaves.log(connection)
    minute = at.replace(second=0, microsecond=0)
    for earlier in backwards(connection, log):
        minute = max(minute, earlier.at)
        break
    note = LogNote(log.origin, log.size, minute, by, content)
    number = next_number(connection)
    connection.execute(*rows.append((number, *rows.row(event(note, at)))))
    connection.execute(leaves.APPEND, (log.next, number, *[None] * 6))
    transaction.forget_log()
    return note, number


def enter(connection: sqlite3.Connection, log: LedgerLog, note: LogNote, number: int) -> None:
    """Write a note that was published as the leaf that it is, with a record of that number, within a
    transaction. Raises sqlite3.Error."""
    connection.execute(*rows.append((number, *rows.row(event(note, note.at)))))
    connection.execute(leaves.APPEND, (log.first + note.index, number, *[None] * 6))


def event(note: LogNote, at: datetime) -> Event:
    """Return the record of a note that was made at a time."""
    return rows.note(RecordKind(note.kind), REASONS[note.kind], at, note.text)


def backwards(connection: sqlite3.Connection, log: LedgerLog) -> Iterator[LogNote]:
    """Yield the notes of a log that can be read, the newest first. Raises sqlite3.Error."""
    for leaf, reference in connection.execute(leaves.NOTES_BACKWARDS, (log.first, log.next)):
        note = read_entry(log, leaf, reference).note
        if note is not None:
            yield note


def read_entry(log: LedgerLog, row: int, reference: str | bytes | None) -> ReadEntry:
    """Return the note in a row of `leaf`, by the reference of its record, or what is wrong with it."""
    data = reference.encode("utf-8", "surrogateescape") if isinstance(reference, str) else reference
    entry = b"" if data is None else NOTE_TAG + data
    return ReadEntry.read(entry, log.origin, row - log.first)


def newest_rule(connection: sqlite3.Connection, log: LedgerLog) -> LogNote | None:
    """Return the note of a log's newest rule; `None` if it has none. Raises sqlite3.Error."""
    return next((note for note in backwards(connection, log) if note.kind is NoteKind.RULE), None)


def unsigned_key(log: LedgerLog) -> Verifier:
    """Return the key of a log that has none yet, or whose key is lost: one of its name that signs nothing.
    Raises EvidenceFormatError for a name that is none."""
    return Signer(log.origin, bytes(KEY_SIZE)).verifier


def read_log(
    connection: sqlite3.Connection, log: LedgerLog, key: Verifier, root: bytes = UNKNOWN_ROOT
) -> ReadLog:
    """Return a log with all its notes, in order, by the key that signs it. Only what one log says of the end
    of another is judged by the `root`, which may be unknown. Raises sqlite3.Error."""
    notes = connection.execute(leaves.NOTES_BACKWARDS, (log.first, log.next)).fetchall()
    entries = [read_entry(log, leaf, reference) for leaf, reference in reversed(notes)]
    return ReadLog(key, log.size, root, entries)


def keep_rule(
    transaction: SqliteTransaction,
    connection: sqlite3.Connection,
    rule: RuleNote,
    at: datetime,
    by: NoteSource = NoteSource.SERVICE,
) -> None:
    """Write a rule into the newest log, unless it is the newest one there, within a transaction. The first
    one of a ledger says how many records were gone before it. Raises as `append` does."""
    content = missing_rule(connection, rule)
    if content is not None:
        append(transaction, connection, content, at, by)


def keep_rule_beside_calls(store: SqliteStore, rule: RuleNote, at: datetime, by: NoteSource) -> None:
    """Do the same in a transaction of its own. Calls do not wait while all leaves of a ledger are read for
    its first rule; where records were deleted meanwhile, they are read again. Raises LedgerError."""
    with store.connected() as connection:
        for _ in range(_TRIES):
            newest, log = store.newest(), leaves.log(connection)
            content = missing_rule(connection, rule)
            if content is None:
                return
            with store.transaction() as transaction:
                if _is_unchanged(connection, newest, log):
                    append(transaction, connection, content, at, by)
                    return
        with store.transaction() as transaction:
            keep_rule(transaction, connection, rule, at, by)


def _is_unchanged(connection: sqlite3.Connection, newest: int, log: LedgerLog) -> bool:
    """Return whether what `missing_rule` reads is as it was when this was the newest record and that the
    newest log: no record about records is newer, and no old record got its leaf."""
    is_same_log = replace(leaves.log(connection), next=log.next) == log
    return is_same_log and connection.execute(_CHANGES_SINCE, (newest,)).fetchone() is None


def missing_rule(
    connection: sqlite3.Connection, rule: RuleNote, notes: Iterable[LogNote] | None = None
) -> RuleNote | None:
    """Return what `keep_rule` would write; `None` for nothing: the newest rule is the same, and the
    instruction stands in it or in one before. `notes` are those of the newest log, the newest first, if they
    were read. Raises sqlite3.Error."""
    if notes is None:
        notes = backwards(connection, leaves.log(connection))
    stated = (note.content for note in notes if isinstance(note.content, RuleNote))
    newest = next(stated, None)
    if newest is None:
        return with_gone(connection, rule)
    if replace(newest, purged=0, erased=0, lost=0, instruction=rule.instruction) != rule:
        return rule
    # A command may have been given another instruction for the newest rule than the configuration has.
    instructions = (content.instruction for content in (newest, *stated))
    return None if not rule.instruction or rule.instruction in instructions else rule


def with_gone(connection: sqlite3.Connection, rule: RuleNote) -> RuleNote:
    """Return a rule as the first one of a ledger states it, with the numbers of records that are gone; as any
    other states it, if there was one. Raises sqlite3.Error."""
    purged, erased, lost = _counts_before(connection)
    return replace(rule, purged=purged, erased=erased, lost=lost)


def stated_rule(connection: sqlite3.Connection, logs: Sequence[LedgerLog]) -> RuleNote | None:
    """Return the newest rule of these logs, the newest of them last, without the numbers of earlier records;
    `None` if they have none. Raises sqlite3.Error."""
    for log in reversed(logs):
        note = newest_rule(connection, log)
        if note is not None and isinstance(note.content, RuleNote):
            return replace(note.content, purged=0, erased=0, lost=0)
    return None


def _counts_before(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return how many records are purged, erased and lost, if no log of the ledger has a rule yet. Reads all
    leaves."""
    if any(newest_rule(connection, log) for log in leaves.logs(connection)):
        return 0, 0, 0
    closed, erased = connection.execute(leaves.CLOSED).fetchone()
    lost = 0
    for (reference,) in connection.execute(leaves.LOST):
        with suppress(ValueError):
            lost += sum(map(len, references.indices(references.as_text(reference))[0]))
    ends = sum(_lost_ends(connection))
    return max(0, closed - lost), erased, lost + ends


def _lost_ends(connection: sqlite3.Connection) -> Iterator[int]:
    """Yield how many leaves each log of version 1 lost at its end, by the first record of the log after it:
    no row of `leaf` is left of them."""
    logs = leaves.logs(connection)
    sizes = {log.origin: log.size for log in logs}
    for log in logs[1:]:
        for reference, *_time in connection.execute(leaves.FIRST_OF_LOG, (log.first,)):
            ends = references.ended(references.as_text(reference))
            yield from (max(0, size - sizes.get(origin, size)) for origin, size in ends)
