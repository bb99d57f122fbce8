"""Snapshots of ledgers and access logs for backups, made while calls go on; and what ledgers say of erasures
since."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence.log_folder import LogFolder
from ..evidence.notes import ErasureNote
from ..model import RecordKind
from ..model.errors import InformativaError
from ..model.text import Text
from ..system.files import create
from . import leaves, loss_notes, references
from .access_log import AccessLog
from .ledger_file import translated
from .sqlite import SqliteStore

NO_ROOM = "no-room"
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_RECORDS = "SELECT count(*) FROM event"
_END = "SELECT coalesce(max(leaf) + 1, 0) FROM leaf"
_ERASED_SINCE = """
SELECT DISTINCT earlier.pseudonym FROM copy.event AS earlier JOIN main.event AS event USING (record)
WHERE earlier.pseudonym IS NOT NULL AND event.erased
"""


@dataclass(frozen=True)
class Snapshot:
    """The content of a copy: the number of its records, the row of `leaf` after its last one, and the origins
    of its logs."""

    records: int
    end: int
    origins: tuple[str, ...]


@dataclass(frozen=True)
class PastErasure:
    """An erasure that a ledger noted: its time, the row of `leaf` of its note, and the first row of the
    caller's own records, 0 if their list is missing."""

    at: datetime
    leaf: int
    first: int

    def is_held_before(self, end: int) -> bool:
        """Return whether a backup with the rows of `leaf` before `end` still holds the caller."""
        return self.first < end <= self.leaf


def copy_ledger(ledger: SqliteStore, target: Path) -> Snapshot:
    """Copy a ledger to a new file of mode 0600, while others write to it. Raises LedgerError, and
    InformativaError if the copy cannot be written."""
    with ledger.connected() as connection:
        _copy(connection, target)
    return read_snapshot(target)


def copy_access_log(log: AccessLog, target: Path) -> bool:
    """Copy an access log in the same way; return false if there is none."""
    if not log.file.exists():
        return False
    uri = f"{log.file.absolute().as_uri()}?mode=ro"
    with translated(log.file), closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
        _copy(connection, target)
    return True


def read_snapshot(file: Path) -> Snapshot:
    """Return the content of a copy. Raises LedgerError."""
    with translated(file), closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        (records,), (end,) = copy.execute(_RECORDS).fetchone(), copy.execute(_END).fetchone()
        return Snapshot(records, end, tuple(log.origin for log in leaves.logs(copy)))


def past_erasures(ledger: SqliteStore) -> Iterator[PastErasure]:
    """Yield the erasures that a ledger noted, of either version of its log. Raises LedgerError."""
    logs, folder = ledger.logs(), LogFolder(ledger.file)
    for leaf, event in ledger.notes():
        if event.kind is RecordKind.ERASURE:
            named, _resting = references.indices(event.reference)
            yield PastErasure(event.recorded or event.at, leaf, _first(named))
    first_rows = {log.origin: log.first for log in logs}
    for note in ledger.log_notes():
        if isinstance(note.content, ErasureNote):
            rows = loss_notes.named_by(note, logs, folder).own
            yield PastErasure(note.at, first_rows[note.log] + note.index, _first(rows))


def erased_since(ledger: Path, earlier: Path) -> list[bytes]:
    """Return the pseudonyms in an earlier copy of a ledger of callers that are erased in it now. Raises
    LedgerError."""
    uri = f"{ledger.absolute().as_uri()}?mode=rw"
    with translated(ledger), closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.execute("ATTACH ? AS copy", (f"{earlier.absolute().as_uri()}?mode=ro",))
        return [pseudonym for (pseudonym,) in connection.execute(_ERASED_SINCE)]


def _first(rows: Sequence[range]) -> int:
    return min((part.start for part in rows), default=0)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    create(target)
    try:
        with closing(sqlite3.connect(f"{target.absolute().as_uri()}?mode=rw", uri=True)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _FULL:
            raise
        raise InformativaError(
            Text("There is no room for the backup in {folder}.", folder=target.parent),
            Text("Make room there, or name another folder; nothing was written."),
            code=NO_ROOM,
        ) from error
