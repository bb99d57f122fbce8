"""Restoring of a ledger from a backup, without taking back what was erased, purged or published since.

Records that were deleted since, according to the ledger that is replaced and to the log beside it, are
deleted from the backup first. Records that were published since the backup are entered as lost, and notes as
they were published, so that the log goes on; if the published entries cannot be read, another log begins. A
log with a rule gets notes about all that (`restored_notes`), any other one records about records.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from ..evidence.checkpoint import Checkpoint
from ..evidence.commitment import Commitments
from ..evidence.entries import EntryKind, commitments, recognised
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import Verifier
from ..evidence.notes import LogNote
from ..model import Reason, RecordKind
from ..model.errors import EvidenceError, LedgerError
from ..model.text import Text
from . import (
    answers,
    erasure,
    leaves,
    ledger_copies,
    note_leaves,
    references,
    requests,
    rows,
    write_lock,
)
from .extension import successor, unsigned_end
from .instructions import instruction_for
from .ledger_file import translated
from .loss_notes import NamedLeaves
from .owner import LedgerOwner, require
from .replaced import ReplacedLedger
from .restored_notes import LogEnding, RestoredNotes
from .sqlite import SqliteStore
from .transaction import SqliteTransaction, next_number

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


@dataclass(frozen=True)
class _LostRun:
    """Leaves of a log that were published and have no record, by index."""

    log: leaves.LedgerLog
    indices: range

    @property
    def rows(self) -> range:
        """Their rows of `leaf`."""
        return range(self.log.first + self.indices.start, self.log.first + self.indices.stop)


@dataclass(frozen=True)
class _Continuation:
    """The continuation of the logs after all that was published: the `lost` leaves that were entered; the
    number of `unreadable` ones, and the trees with which their logs `ended`; and the first row of `leaf` that
    is different from before, because rows that were never published are used again."""

    lost: tuple[_LostRun, ...]
    unreadable: int
    ended: tuple[Checkpoint, ...]
    changed_from: int

    @property
    def lost_records(self) -> int:
        """The number of records that are lost."""
        return sum(len(run.indices) for run in self.lost) + self.unreadable


def restore(
    ledger: Path, copy: Path, at: datetime, owner: LedgerOwner | None = None, instruction: str = ""
) -> RestoreResult:
    """Put a backup in the ledger's place. Notes about what is lost have the controller's `instruction`.
    Raises LedgerError if somebody has the ledger open, if the backup is not of this ledger or not of this
    `owner`'s, or if the list of an erasure is missing; EvidenceError if the files of the log cannot be used;
    and InformativaError if the instruction is missing. Then nothing was changed."""
    with translated(ledger):
        if users := write_lock.users(ledger):
            raise LedgerError(
                Text("The ledger {file} is open (process {users}).", file=ledger, users=_list(users)),
                Text("Stop the service: systemctl stop informativa, and try again."),
            )
        no_backup = LedgerError(Text("{file} is no backup of the ledger {ledger}.", file=copy, ledger=ledger))
        if not copy.is_file() or (ledger.exists() and copy.samefile(ledger)):
            raise no_backup
        part = ledger.with_name(f".{ledger.name}.restored")
        uri = f"{copy.absolute().as_uri()}?mode=ro"
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as source:
                try:
                    ledger_copies.copy_to(source, ledger, part)
                except sqlite3.DatabaseError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                        raise
                    raise no_backup from error
            if owner is not None:
                _require_own(part, copy, owner)
            restored, useless_lists = _bring_up_to_date(ledger, part, at, owner, instruction)
            before = _move_aside(ledger, at)
            part.replace(ledger)
            for epoch, index in useless_lists:
                LogFolder(ledger).drop_private_list(epoch, index)
        finally:
            for end in _SIDES:
                Path(f"{part}{end}").unlink(missing_ok=True)
        return RestoreResult(*restored, before)


def _require_own(part: Path, copy: Path, owner: LedgerOwner) -> None:
    """Check that the copy is of the same company and key. Raises LedgerError."""
    with contextlib.closing(SqliteStore(str(part), create=False)) as store, store.connected() as connection:
        require(connection, copy, owner)


def _bring_up_to_date(
    ledger: Path, part: Path, at: datetime, owner: LedgerOwner | None, instruction: str
) -> tuple[tuple[int, int, int, int], list[tuple[int, int]]]:
    """Bring the copy up to date. Return the number of records, of those deleted again, of those lost, and the
    epoch; and the epochs and indices of private lists that are of no use any more."""
    replaced, useless_lists = ReplacedLedger.read(ledger), list[tuple[int, int]]()
    with contextlib.closing(SqliteStore(str(part), create=False)) as store:
        log, folder = store.log(), LogFolder(ledger)
        _require_same(store, log, folder.published(log.epoch), ledger)
        removals = list(_removals(replaced, log, folder))
        with store.connected() as connection:
            connection.execute("PRAGMA foreign_keys = OFF")  # a record may name one that is gone as its basis
            with store.transaction() as transaction:
                deleted_again = sum(
                    erasure.erase_again(connection, _leaves_in(reference))
                    if kind is RecordKind.ERASURE
                    else _purge_again(connection, transaction, reference)
                    for kind, reference in removals
                )
                connection.execute(requests.FORGET_UNKNOWN)
                configured = owner.rule() if owner else None
                first_rule = configured and note_leaves.with_gone(connection, configured)
                continuation = _continue_log(store, connection, log, folder, ledger)
                transaction.forget_log()  # its leaves were entered directly
                removals = [
                    (kind, references.reference_before(reference, continuation.changed_from))
                    for kind, reference in removals
                ]
                stated = note_leaves.stated_rule(connection, store.logs())
                ending = _ending(store, folder, continuation)
                if rule := configured or stated:
                    instruct = partial(instruction_for, (rule, stated), instruction)
                    notes = RestoredNotes(transaction, connection, folder, replaced, at, instruct)
                    notes.require_lists()
                    sizes = {continued.origin: continued.size for continued in store.logs()}
                    if ending:
                        notes.begin(ending)
                    notes.keep_rule(rule, first_rule or rule)
                    _note_by_records(transaction, removals, at)
                    notes.note_again()
                    for run in continuation.lost:
                        notes.note_lost(run.log.origin, run.indices)
                    useless_lists = notes.note_erased(sizes)
                    deleted_again += notes.carry_out()
                else:
                    about = _records_about(removals, continuation, ending)
                    _note_by_records(transaction, about, at)
            if deleted_again:
                connection.execute("VACUUM")  # free pages of the copy still hold what was deleted
        records, epoch = store.count(), store.log().epoch
        store.empty_log(0)
        return (records, deleted_again, continuation.lost_records, epoch), useless_lists


def _note_by_records(
    transaction: SqliteTransaction, notes: Iterable[tuple[RecordKind, str]], at: datetime
) -> None:
    """Write records about records of version 1."""
    for kind, reference in notes:
        transaction.append(rows.note(kind, Reason.RESTORED, at, reference))


def _records_about(
    removals: Iterable[tuple[RecordKind, str]], continuation: _Continuation, ending: LogEnding | None
) -> Iterator[tuple[RecordKind, str]]:
    """Yield the records about records in a log without a rule; one that follows others begins with that."""
    if trees := continuation.ended or (ending.trees if ending else ()):
        yield RecordKind.NEW_LOG, references.AND.join(map(references.follows, trees))
    yield from removals
    for run in continuation.lost:
        text = references.records_in_words(len(run.rows)) + references.leaves_text(run.rows)
        yield RecordKind.LOST, text


def _removals(
    replaced: ReplacedLedger, log: leaves.LedgerLog, folder: LogFolder
) -> Iterator[tuple[RecordKind, str]]:
    """Return the records about erasures and purges since the copy, of version 1, in order. They come from the
    folders of its log and of those that followed, and from the ledger itself, as far as these can be read."""
    notes: dict[int, str] = {}
    for epoch in folder.epochs():
        notes |= folder.published(epoch).removals()
    notes |= replaced.removals
    for leaf, note in sorted(notes.items()):
        kind, _, reference = note.partition(" ")
        if leaf >= log.next and kind in (RecordKind.ERASURE, RecordKind.PURGE):
            yield RecordKind(kind), reference


def _leaves_in(reference: str) -> NamedLeaves:
    """Return the leaves that a record about an erasure names, as an earlier informativa wrote it."""
    own, resting = references.indices(reference)
    return NamedLeaves(tuple(own), tuple(resting))


def _purge_again(connection: sqlite3.Connection, transaction: SqliteTransaction, reference: str) -> int:
    """Purge the records that the note of a purge names. Return how many were still there."""
    purged, (own_ranges, _resting_ranges) = 0, references.indices(reference)
    for leaf_range in own_ranges:
        record_rows = connection.execute(leaves.RECORDS, (leaf_range.start, leaf_range.stop)).fetchall()
        numbers = [number for (number,) in record_rows if transaction.purge(number)]
        transaction.close_leaves(numbers)
        connection.execute(rows.DROP_BASELESS)
        connection.execute(answers.DROP_BASELESS)
        purged += len(numbers)
    return purged


def _continue_log(
    store: SqliteStore,
    connection: sqlite3.Connection,
    log: leaves.LedgerLog,
    folder: LogFolder,
    ledger: Path,
) -> _Continuation:
    """Go on after all that was published of the copy's log and of those that followed it: in the newest of
    them or, if not all published entries can be read, in another one."""
    lost, unreadable, ended, changed_from = list[_LostRun](), 0, list[Checkpoint](), None
    while True:
        published = folder.published(log.epoch)
        size = _published_size(published, log, ledger)
        if size > log.size:
            try:
                entries = [published.entry(index, size) for index in range(log.size, size)]
                contents = [_content(entry, log, index) for index, entry in enumerate(entries, log.size)]
            except EvidenceError:
                changed_from = log.next if changed_from is None else changed_from
                unreadable += size - log.size
                ended.append(Checkpoint.unverified(published.checkpoint() or b""))
            else:
                lost += _enter(connection, log, contents)
        log = leaves.log(connection)
        if log.epoch + 1 not in folder.epochs() and successor(store, log) is None:
            break
        log = leaves.begin_another(connection, log)
    if ended and (log.size or folder.published(log.epoch).checkpoint()):
        log = leaves.begin_another(connection, log)
    changed_from = log.next if changed_from is None else changed_from
    return _Continuation(tuple(lost), unreadable, tuple(ended), changed_from)


def _content(entry: bytes, log: leaves.LedgerLog, index: int) -> Commitments | LogNote:
    """Return the commitments of a published record, or a published note. Raises EvidenceError."""
    if recognised(entry) is EntryKind.NOTE:
        return LogNote.parse(entry, log.origin, index)
    return commitments(entry)


def _enter(
    connection: sqlite3.Connection, log: leaves.LedgerLog, contents: Iterable[Commitments | LogNote]
) -> Iterator[_LostRun]:
    """Enter published leaves: the notes as they are, the records without what opens them. The next records
    get numbers after them. Yield the runs of records between notes."""
    number, first, index = next_number(connection), log.size, log.size
    for content in contents:
        if isinstance(content, LogNote):
            note_leaves.enter(connection, log, content, number)
            if first < index:
                yield _LostRun(log, range(first, index))
            first = index + 1
        else:
            leaf = log.first + index
            row = (leaf, number, content.what, content.who, None, None, None, None)
            connection.execute(leaves.APPEND, row)
        index, number = index + 1, number + 1
    if first < index:
        yield _LostRun(log, range(first, index))


def _ending(store: SqliteStore, folder: LogFolder, continuation: _Continuation) -> LogEnding | None:
    """Return what the first leaf of the newest log is to say, if that follows another log and is empty."""
    *earlier_logs, log = store.logs()
    if not earlier_logs or log.size:
        return None
    before = earlier_logs[-1]
    trees = {tree.origin: tree for tree in continuation.ended}
    if before.origin not in trees and before.size:
        trees[before.origin] = _end(store, before, folder.published(before.epoch))
    try:
        key: Verifier | None = folder.signer(log.origin, log.epoch).verifier
    except EvidenceError:
        key = folder.published(log.epoch).key()
    is_chained = not continuation.ended and key is not None and successor(store, before) == key
    return LogEnding(tuple(trees[origin] for origin in sorted(trees)), is_chained)


def _end(store: SqliteStore, log: leaves.LedgerLog, published: PublishedLog) -> Checkpoint:
    """Return the tree with which a log ended: the published one, unless the ledger has more of it."""
    data = published.checkpoint()
    if data is not None and (tree := Checkpoint.unverified(data)).size >= log.size:
        return tree
    return unsigned_end(store, log, published)


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
