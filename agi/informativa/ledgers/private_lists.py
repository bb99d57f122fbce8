"""The private lists of erasures: which are missing, and which nobody needs any more.

Which records a list names, only the list says. So a restore, and an audit, do without one only where a purge
takes all records from before its note: then nobody comes back, whoever the list named.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from ..evidence.log_folder import LogFolder, SignedLeaves
from ..evidence.note_standing import NoteStanding, NoteVerdict, standings
from ..evidence.notes import ErasureNote, LogNote, NoteKind, PurgeNote
from ..evidence.read_log import ReadLog
from . import leaves, loss_notes, note_leaves, own_logs
from .sqlite import SqliteStore

_RECORD = "SELECT 1 FROM leaf WHERE leaf >= ? AND leaf < ? AND what IS NOT NULL LIMIT 1"
_RECORD_OF = "SELECT record FROM leaf WHERE leaf = ?"
_OPEN = "SELECT 1 FROM leaf WHERE leaf >= ? AND leaf < ? AND salt_what IS NOT NULL LIMIT 1"


def missing(
    connection: sqlite3.Connection,
    logs: Sequence[leaves.LedgerLog],
    folder: LogFolder,
    purged: Sequence[range],
) -> Iterator[tuple[leaves.LedgerLog, LogNote]]:
    """Yield the notes of erasures that need their private list and do not have it, each with its log.
    `purged` are the rows of `leaf` that notes of purges name. Raises sqlite3.Error."""
    for log in logs:
        for note in note_leaves.backwards(connection, log):
            is_without = note.kind is NoteKind.ERASURE and loss_notes.read_list(note, logs, folder) is None
            if is_without and not _is_useless(connection, log, note, purged):
                yield log, note


def delete_useless(store: SqliteStore) -> None:
    """Delete the private lists that nobody needs any more: all that they name is purged, by notes that hold
    and were published, so that a restore finds them. The list of an erasure that waits for its approval
    stays. Raises LedgerError, and EvidenceError if the log's files cannot be read."""
    folder = LogFolder(store.file)
    lists = set(folder.private_lists())
    if not lists:
        return
    with store.connected() as connection:
        logs = leaves.logs(connection)
        holding = list(_holding(own_logs.read(connection), logs, folder))
        purged = tuple(_purged(holding, logs, folder))
        for log, standing in holding:
            note = standing.entry.note
            if note is None or not isinstance(note.content, ErasureNote):
                continue
            is_there = (log.epoch, note.index) in lists
            if not is_there or not _is_useless(connection, log, note, purged):
                continue
            named = loss_notes.named_by(note, logs, folder).all
            if not any(connection.execute(_OPEN, (part.start, part.stop)).fetchone() for part in named):
                folder.drop_private_list(log.epoch, note.index)


def _is_useless(
    connection: sqlite3.Connection, log: leaves.LedgerLog, note: LogNote, purged: Sequence[range]
) -> bool:
    """Return whether these purged rows have all records from before a note."""
    gaps = _gaps(purged, log.first + note.index)
    return not any(connection.execute(_RECORD, gap).fetchone() for gap in gaps)


def _holding(
    read: dict[str, ReadLog], logs: Sequence[leaves.LedgerLog], folder: LogFolder
) -> Iterator[tuple[leaves.LedgerLog, NoteStanding]]:
    """Yield the notes that hold and wait for nobody, each with its log."""
    published = {log.origin: folder.published(log.epoch) for log in logs}
    signed = {origin: SignedLeaves(published[origin], log.key) for origin, log in read.items()}
    judged = standings(
        read,
        (),
        lambda origin, size, witnesses, _latest: published[origin].first_cosigned(
            size, read[origin].key, witnesses
        ),
        lambda origin, index, witnesses: signed[origin].signed_at(index, witnesses),
    )
    good = (NoteVerdict.HOLDS, NoteVerdict.APPROVED, NoteVerdict.OWN_WORD)
    for log in logs:
        yield from ((log, standing) for standing in judged[log.origin] if standing.standing in good)


def _purged(
    holding: Sequence[tuple[leaves.LedgerLog, NoteStanding]],
    logs: Sequence[leaves.LedgerLog],
    folder: LogFolder,
) -> Iterator[range]:
    """Yield the rows of `leaf` that published notes of purges name."""
    sizes = {log.epoch: folder.published(log.epoch).newest()[0] for log in logs}
    for log, standing in holding:
        note = standing.entry.note
        if note and isinstance(note.content, PurgeNote) and note.index < sizes[log.epoch]:
            yield from loss_notes.named_by(note, logs, folder).own


def _gaps(ranges: Sequence[range], end: int) -> Iterator[tuple[int, int]]:
    """Yield what these ranges leave out before a row, each as its first row and the one after it."""
    first = 0
    for part in sorted(ranges, key=lambda part: part.start):
        if first < min(part.start, end):
            yield first, min(part.start, end)
        first = max(first, part.stop)
    if first < end:
        yield first, end
