"""Restoring of a ledger from a backup, without taking back what was erased, purged or published since.

Records that were deleted since, according to the ledger that is replaced and to the log beside it, are
deleted from the backup first. Records that were published since the backup are entered as lost, so that the
log goes on; if the published entries cannot be read, another log begins.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence.checkpoint import Checkpoint
from ..evidence.entries import commitments
from ..evidence.log_folder import LogFolder, PublishedLog
from ..model import Reason, RecordKind
from ..model.errors import EvidenceError, LedgerError
from ..model.text import Text
from . import backup, erasure, erasure_requests, leaves, rows
from .erasure_requests import ErasureRequest
from .ledger_file import translated
from .loss_notes import NamedLeaves
from .owner import LedgerOwner, require
from .sqlite import SqliteStore
from .transaction import SqliteTransaction, next_number
from .wal_files import LedgerFiles

_SIDES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class RestoreResult:
    """The result of a restore: the number of records of the backup; how many of them were erased or purged
    again; how many that were recorded since are lost; the epoch in which the log goes on; and the file of the
    ledger that was replaced, `None` if there was none."""

    records: int
    gone_again: int
    lost: int
    epoch: int
    before: Path | None


def restore(ledger: Path, copy: Path, at: datetime, owner: LedgerOwner | None = None) -> RestoreResult:
    """Put a backup in the ledger's place. Raises LedgerError if somebody has the ledger open, or if the
    backup is not of this ledger or not of this `owner`'s; then nothing was changed."""
    with translated(ledger):
        if users := LedgerFiles(ledger).users():
            raise LedgerError(
                Text("The ledger {file} is open (process {users}).", file=ledger, users=_list(users)),
                Text("Stop the service: systemctl stop informativa, and try again."),
            )
        if not copy.is_file() or (ledger.exists() and copy.samefile(ledger)):
            raise LedgerError(Text("{file} is no backup of the ledger {ledger}.", file=copy, ledger=ledger))
        part = ledger.with_name(f".{ledger.name}.restored")
        uri = f"{copy.absolute().as_uri()}?mode=ro"
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as source:
                backup.copy_to(source, ledger, part)
            if owner is not None:
                _require_own(part, copy, owner)
            restored = _bring_up_to_date(ledger, part, at)
            replaced = _move_aside(ledger, at)
            part.replace(ledger)
        finally:
            for end in _SIDES:
                Path(f"{part}{end}").unlink(missing_ok=True)
        return RestoreResult(*restored, replaced)


def _require_own(part: Path, copy: Path, owner: LedgerOwner) -> None:
    """Check that the copy is of the same company and key. Raises LedgerError."""
    with contextlib.closing(SqliteStore(str(part), create=False)) as store, store.connected() as connection:
        require(connection, copy, owner)


def _bring_up_to_date(ledger: Path, part: Path, at: datetime) -> tuple[int, int, int, int]:
    """Bring the copy up to date, and return the number of records, of those deleted again, of those lost, and
    the epoch."""
    with contextlib.closing(SqliteStore(str(part), create=False)) as store:
        log, folder = store.log(), LogFolder(ledger)
        _require_same(store, log, folder.published(log.epoch), ledger)
        deletions = list(_deletions(ledger, log, folder))
        with store.connected() as connection:
            connection.execute("PRAGMA foreign_keys = OFF")  # a record may name one that is gone as its basis
            with store.transaction() as transaction:
                deleted_again = sum(
                    erasure.erase_again(connection, NamedLeaves(*map(tuple, leaves.indices(reference))))
                    if kind is RecordKind.ERASURE
                    else _purge_again(connection, transaction, reference)
                    for kind, reference in deletions
                )
                lost, notes, changed_from = _continue_log(connection, log, folder, ledger)
                transaction.forget_log()  # its leaves were entered directly
                deletions = [
                    (kind, leaves.reference_before(reference, changed_from)) for kind, reference in deletions
                ]
                for request in _requests(ledger):
                    erasure_requests.store_request(connection, request)
                notes = [*deletions, *notes]
                notes.sort(key=lambda note: note[0] is not RecordKind.NEW_LOG)  # a log begins with it
                for number, (kind, reference) in enumerate(notes, _next_free_number(connection)):
                    transaction.append(rows.note(kind, Reason.RESTORED, at, reference), number)
            if deleted_again:
                connection.execute("VACUUM")  # free pages of the copy still hold what was deleted
        records, epoch = store.count(), store.log().epoch
        store.empty_log(0)
        return records, deleted_again, lost, epoch


def _deletions(ledger: Path, log: leaves.LedgerLog, folder: LogFolder) -> Iterator[tuple[RecordKind, str]]:
    """Return the notes of erasures and purges since the copy, in order. They come from the folders of its log
    and of those that followed, and from the ledger itself, as far as these can be read."""
    notes: dict[int, str] = {}
    for epoch in folder.epochs():
        notes |= folder.published(epoch).removals()
    with (
        contextlib.suppress(LedgerError, OSError),
        contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store,
    ):
        notes |= {leaf: f"{event.kind} {event.reference}" for leaf, event in store.notes()}
    for leaf, note in sorted(notes.items()):
        kind, _, reference = note.partition(" ")
        if leaf >= log.next and kind in (RecordKind.ERASURE, RecordKind.PURGE):
            yield RecordKind(kind), reference


def _requests(ledger: Path) -> list[ErasureRequest]:
    """Return the requests that other boxes have not fulfilled, as far as they can be read. Those in the copy
    stay as well, because asking once more is harmless."""
    with (
        contextlib.suppress(LedgerError, OSError),
        contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store,
    ):
        return erasure_requests.stored_requests(store)
    return []


def _purge_again(connection: sqlite3.Connection, transaction: SqliteTransaction, reference: str) -> int:
    """Purge the records that the note of a purge names. Return how many were still there."""
    purged, (own_ranges, _resting_ranges) = 0, leaves.indices(reference)
    for leaf_range in own_ranges:
        record_rows = connection.execute(leaves.RECORDS, (leaf_range.start, leaf_range.stop)).fetchall()
        numbers = [number for (number,) in record_rows if transaction.purge(number)]
        transaction.close_leaves(numbers)
        connection.execute(rows.DROP_BASELESS)
        purged += len(numbers)
    return purged


def _continue_log(
    connection: sqlite3.Connection, log: leaves.LedgerLog, folder: LogFolder, ledger: Path
) -> tuple[int, list[tuple[RecordKind, str]], int]:
    """Go on after all that was published of the copy's log and of those that followed it. Return the number
    of lost records; the notes to record: of lost records, or of a new log if not all published entries can be
    read; and the first row of `leaf` that is different from before, because rows that were never published
    are used again."""
    lost, notes, ended, changed_from = 0, [], [], None
    while True:
        published = folder.published(log.epoch)
        size = _published_size(published, log, ledger)
        if size > log.size:
            lost += size - log.size
            try:
                entries = [published.entry(index, size) for index in range(log.size, size)]
            except EvidenceError:
                changed_from = log.next if changed_from is None else changed_from
                ended.append(leaves.follows(Checkpoint.unverified(published.checkpoint() or b"")))
            else:
                notes.append((RecordKind.LOST, _enter_lost(connection, log, entries)))
        if log.epoch + 1 not in folder.epochs():
            break
        log = leaves.begin_another(connection, leaves.log(connection))
    if ended:
        leaves.begin_another(connection, leaves.log(connection))
        notes.append((RecordKind.NEW_LOG, leaves.AND.join(ended)))
    return lost, notes, leaves.log(connection).next if changed_from is None else changed_from


def _enter_lost(connection: sqlite3.Connection, log: leaves.LedgerLog, entries: list[bytes]) -> str:
    """Enter leaves without records, so that the next records get numbers after them. Return the text of the
    note."""
    number = _next_free_number(connection)
    for leaf, entry in enumerate(entries, log.next):
        hashes = commitments(entry)
        row = (leaf, number, hashes.what, hashes.who, None, None, None, None, False)
        connection.execute(leaves.APPEND, row)
        if hashes.version == 1:
            connection.execute(leaves.VERSION_2_FROM, (leaf + 1,))
        number += 1
    return rows.records_in_words(len(entries)) + leaves.leaves_text(range(log.next, log.next + len(entries)))


def _next_free_number(connection: sqlite3.Connection) -> int:
    """Return the number after all that records ever had, deleted ones included."""
    (last,) = connection.execute("SELECT coalesce(max(record), 0) FROM leaf").fetchone()
    return max(next_number(connection), int(last) + 1)


def _published_size(published: PublishedLog, log: leaves.LedgerLog, ledger: Path) -> int:
    """Return how many records were published; if none, the number of those in the copy."""
    data = published.checkpoint()
    if data is None:
        return log.size
    checkpoint = Checkpoint.unverified(data)
    if checkpoint.origin != log.origin:
        raise LedgerError(
            Text(
                "The backup is of the log {log}, and beside {file} lies another's.",
                log=log.origin,
                file=ledger,
            )
        )
    return checkpoint.size


def _require_same(store: SqliteStore, log: leaves.LedgerLog, published: PublishedLog, ledger: Path) -> None:
    """Check that the last published leaf in the copy is equal to the published one."""
    size = _published_size(published, log, ledger)
    last = min(log.size, size)
    if not last or published.checkpoint() is None:
        return
    try:
        entry = published.entry(last - 1, size)
    except EvidenceError:
        return  # nothing to compare with; another log begins then
    if store.entries(log.first + last - 1, 1) != [entry]:
        raise LedgerError(
            Text("The backup is not of the ledger {file}: what was published is other records.", file=ledger),
            Text("Look for one of this ledger. Nothing was changed."),
        )


def _list(processes: list[int]) -> str:
    return ", ".join(map(str, processes))


def _move_aside(ledger: Path, at: datetime) -> Path | None:
    """Rename the file in the ledger's place to a name that an erasure finds, and return it."""
    if not ledger.exists():
        return None
    aside = ledger.with_name(f"{ledger.name}.rescued-{at:%Y-%m-%dT%H-%M-%S}")
    for end in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{ledger}{end}").rename(f"{aside}{end}")
    return aside
