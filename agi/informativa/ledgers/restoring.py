"""A backup in a ledger's place, without taking back what was erased, purged or published since.

What the ledger that is replaced, and the log beside it, say is gone is taken out of the backup first. Records
that were published since the backup are entered as lost, so that the log goes on; where the published entries
cannot be had, it goes on as another log.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import EvidenceError, LedgerError
from ..evidence.checkpoint import Checkpoint
from ..evidence.log_folder import LogFolder, PublishedLog
from ..model import Reason, RecordKind
from ..text import Text
from . import backup, erasure_requests, leaves, rows
from .erasure_requests import Request
from .ledger_file import translated
from .owner import LedgerOwner, require
from .sqlite import SqliteStore
from .transaction import SqliteTransaction, next_number
from .wal_files import LedgerFiles

_SIDES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Restored:
    """What is in the ledger's place now: how many records of the backup, of which so many were erased or
    purged again; how many are lost that were recorded since; in which epoch the log goes on; and where the
    ledger is that was there before, `None` if there was none."""

    records: int
    gone_again: int
    lost: int
    epoch: int
    before: Path | None


def restore(ledger: Path, copy: Path, at: datetime, owner: LedgerOwner | None = None) -> Restored:
    """Put the copy in the ledger's place. Raises LedgerError where somebody has the ledger open, or the copy
    is none of this ledger, or of this `owner`'s; then nothing was changed."""
    with translated(ledger):
        if users := LedgerFiles(ledger).users():
            raise LedgerError(
                Text("The ledger {file} is open (process {users}).", file=ledger, users=_listed(users)),
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
            restored = _brought_up_to_date(ledger, part, at)
            before = _moved_aside(ledger, at)
            part.replace(ledger)
        finally:
            for end in _SIDES:
                Path(f"{part}{end}").unlink(missing_ok=True)
        return Restored(*restored, before)


def _require_own(part: Path, copy: Path, owner: LedgerOwner) -> None:
    """That what was copied is of the same company and key. Raises LedgerError."""
    with contextlib.closing(SqliteStore(str(part), create=False)) as store, store.connected() as connection:
        require(connection, copy, owner)


def _brought_up_to_date(ledger: Path, part: Path, at: datetime) -> tuple[int, int, int, int]:
    """How many records, gone again, lost, and the epoch."""
    with contextlib.closing(SqliteStore(str(part), create=False)) as store:
        log, folder = store.log(), LogFolder(ledger)
        _require_same(store, log, folder.published(log.epoch), ledger)
        gone = list(_gone(ledger, log, folder))
        with store.connected() as connection:
            connection.execute("PRAGMA foreign_keys = OFF")  # a record may name one that is gone as its basis
            with store.transaction() as transaction:
                again = sum(_take_out(connection, transaction, *each) for each in gone)
                lost, notes, same = _continued(connection, log, folder, ledger)
                transaction.forget_log()  # leaves were entered
                gone = [(kind, leaves.before(says, same)) for kind, says in gone]
                for request in _asked(ledger):
                    erasure_requests.keep(connection, request)
                notes = [*gone, *notes]
                notes.sort(key=lambda note: note[0] is not RecordKind.NEW_LOG)  # which a log begins with
                for number, (kind, says) in enumerate(notes, _following(connection)):
                    transaction.append(rows.note(kind, Reason.RESTORED, at, says), number)
            if again:
                connection.execute("VACUUM")  # what is taken out stands in free pages of the copy, too
        records, epoch = store.count(), store.log().epoch
        store.empty_log(0)
        return records, again, lost, epoch


def _gone(ledger: Path, log: leaves.LedgerLog, folder: LogFolder) -> Iterator[tuple[RecordKind, str]]:
    """What was erased or purged since the copy, by what was noted beside the ledger, in its log and in those
    that followed, and in it, as far as it can be read: the notes, in order."""
    said: dict[int, str] = {}
    for epoch in folder.epochs():
        said |= folder.published(epoch).gone()
    with (
        contextlib.suppress(LedgerError, OSError),
        contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store,
    ):
        said |= {leaf: f"{event.kind} {event.reference}" for leaf, event in store.notes()}
    for leaf, says in sorted(said.items()):
        kind, _, reference = says.partition(" ")
        if leaf >= log.next and kind in _TAKE_OUT:
            yield RecordKind(kind), reference


def _asked(ledger: Path) -> list[Request]:
    """What other boxes have still to erase, as far as it can be read. What the copy has of them stays as
    well, for to ask once more is harmless."""
    with (
        contextlib.suppress(LedgerError, OSError),
        contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store,
    ):
        return erasure_requests.kept(store)
    return []


def _take_out(
    connection: sqlite3.Connection, transaction: SqliteTransaction, kind: RecordKind, says: str
) -> int:
    """Erase or purge again what a note names; how many records were still there."""
    own, resting = leaves.indices(says)
    again = sum(_TAKE_OUT[kind](connection, transaction, each) for each in own)
    for each in resting:
        connection.execute(leaves.LEAVE_AGAIN, (each.start, each.stop))
        connection.execute(leaves.CLOSE_AGAIN, (each.start, each.stop))
    return again


def _erase(connection: sqlite3.Connection, _transaction: SqliteTransaction, which: range) -> int:
    for statement in leaves.ERASE_AGAIN:
        erased = connection.execute(statement, (which.start, which.stop)).rowcount
    connection.execute(leaves.CLOSE_AGAIN, (which.start, which.stop))
    return erased


def _purge(connection: sqlite3.Connection, transaction: SqliteTransaction, which: range) -> int:
    found = connection.execute(leaves.RECORDS, (which.start, which.stop)).fetchall()
    numbers = [number for (number,) in found if transaction.purge(number)]
    transaction.close_leaves(numbers)
    connection.execute(rows.DROP_BASELESS)
    return len(numbers)


_TAKE_OUT = {RecordKind.ERASURE.value: _erase, RecordKind.PURGE.value: _purge}


def _continued(
    connection: sqlite3.Connection, log: leaves.LedgerLog, folder: LogFolder, ledger: Path
) -> tuple[int, list[tuple[RecordKind, str]], int]:
    """Go on after all that was published of the copy's log and of those that followed it: how many records
    are lost, what is to be noted, which they are or that another log begins because not all of their entries
    can be had, and before which row of `leaf` all are as they were: others get those of what was recorded
    since and never published."""
    lost, notes, ended, same = 0, [], [], None
    while True:
        published = folder.published(log.epoch)
        size = _published_size(published, log, ledger)
        if size > log.size:
            lost += size - log.size
            try:
                entries = [published.entry(index, size) for index in range(log.size, size)]
            except EvidenceError:
                same = log.next if same is None else same
                ended.append(leaves.follows(Checkpoint.unverified(published.checkpoint() or b"")))
            else:
                notes.append((RecordKind.LOST, _enter_lost(connection, log, entries)))
        if log.epoch + 1 not in folder.epochs():
            break
        log = leaves.begin_another(connection, leaves.log(connection))
    if ended:
        leaves.begin_another(connection, leaves.log(connection))
        notes.append((RecordKind.NEW_LOG, leaves.AND.join(ended)))
    return lost, notes, leaves.log(connection).next if same is None else same


def _enter_lost(connection: sqlite3.Connection, log: leaves.LedgerLog, entries: list[bytes]) -> str:
    """Leaves without records, so that those that follow get the numbers after them; what a note says."""
    number = _following(connection)
    for index, entry in enumerate(entries, log.size):
        what, who = entry[-64:-32], entry[-32:]
        row = (log.first + index, number, what, who, None, None, None, False)
        connection.execute(leaves.APPEND, row)
        number += 1
    return rows.counted(len(entries)) + leaves.named(range(log.next, log.next + len(entries)))


def _following(connection: sqlite3.Connection) -> int:
    """The number after all that a record ever had, also of those that are gone."""
    (last,) = connection.execute("SELECT coalesce(max(record), 0) FROM leaf").fetchone()
    return max(next_number(connection), int(last) + 1)


def _published_size(published: PublishedLog, log: leaves.LedgerLog, ledger: Path) -> int:
    """How many records were published; those of the copy where none were."""
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
    """That the last leaf of the copy that was published is the published one."""
    size = _published_size(published, log, ledger)
    last = min(log.size, size)
    if not last or published.checkpoint() is None:
        return
    try:
        entry = published.entry(last - 1, size)
    except EvidenceError:
        return  # it cannot be compared; the log will not go on in this epoch
    if store.entries(log.first + last - 1, 1) != [entry]:
        raise LedgerError(
            Text("The backup is not of the ledger {file}: what was published is other records.", file=ledger),
            Text("Look for one of this ledger. Nothing was changed."),
        )


def _listed(processes: list[int]) -> str:
    return ", ".join(map(str, processes))


def _moved_aside(ledger: Path, at: datetime) -> Path | None:
    """Keep what was in the ledger's place, under a name that an erasure finds."""
    if not ledger.exists():
        return None
    aside = ledger.with_name(f"{ledger.name}.rescued-{at:%Y-%m-%dT%H-%M-%S}")
    for end in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{ledger}{end}").rename(f"{aside}{end}")
    return aside
