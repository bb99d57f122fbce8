"""The erasure of a caller: nothing that is left, in any file, with or without the key, leads to him (I9).

All erasures come here: a person's by `process/erasing.py`, and, when a backup is put back, those since it was
made by `restoring.py`.

His rows lose all that could lead to him. So do the rows of his conversations in which
he was not recognised, and references from other rows to his (`gathered_caller.py`). The access log forgets
that he was looked up. Copies are deleted as a whole, SQLite's log is emptied, and the ledger file is written
anew if his bytes are left in a page (`caller_traces.py`).

Where the log has a rule, the erasure is noted first, with its private list (`erasure_notes.py`), and then
done; where the controller approves each erasure, the service does it by the list (`carry_out`) as soon as
that is approved. Where it has none, it is done in one step with a record about records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from ..evidence.log_folder import LogFolder
from ..evidence.note_values import NoteSource
from ..model import Reason, RecordKind
from ..model.errors import EvidenceError, LedgerError
from ..model.hooks import ErasureUnfinishedError, HookMessage
from ..model.text import NOTHING, Foreign, Text, joined
from . import (
    caller_traces,
    erasure_notes,
    gathered_caller,
    leaves,
    note_leaves,
    outbox,
    own_logs,
    references,
    rows,
)
from .access_log import AccessLog
from .erasure_notes import NotedErasure
from .instructions import UNSTATED
from .loss_notes import NamedLeaves
from .sqlite import SqliteStore
from .transaction import SqliteTransaction

TIMES = 3  # attempts, if the caller rings while he is erased


@dataclass(frozen=True)
class ErasureResult:
    """The result of an erasure: how many records were erased, and which copies of the ledger were deleted.
    `traces` are the numbers of the records that say so. `waiting` are the private lists of what is noted and
    waits for the controller's approval: then nothing is erased yet of the records that they name, which are
    counted all the same. If `noted` is true, the traces are notes, which have no receipts. `undelivered` are
    messages to the company's hook that were deleted with the records."""

    records: int
    copies: tuple[Path, ...]
    traces: tuple[int, ...] = field(default=(), compare=False)
    waiting: tuple[Path, ...] = ()
    noted: bool = field(default=False, compare=False)
    undelivered: tuple[HookMessage, ...] = ()


@dataclass(frozen=True)
class _Step:
    """One attempt to erase a caller: the number of his records, his pseudonyms and salts, the number of the
    record that says so, `None` if nothing was noted, and the private list if the controller has to approve it
    first."""

    records: int
    caller_bytes: Sequence[bytes]
    trace: int | None
    waiting: Path | None = None
    noted: bool = True
    undelivered: tuple[HookMessage, ...] = ()


def erase(
    ledger: Path,
    pseudonyms: Sequence[bytes],
    at: datetime,
    *,
    instruction: str = "",
    by: NoteSource = NoteSource.SERVICE,
) -> ErasureResult:
    """Erase one caller under all his pseudonyms, and record that it happened: by the controller's
    `instruction`, if the log has a rule.

    Raises LedgerError if anything of him is left; it says what it is and what to do. Calling it again is
    harmless then, and finishes the work. Raises ErasureUnfinishedError if his records are erased.
    """
    if not ledger.exists():
        AccessLog(ledger).erase(pseudonyms)
        return ErasureResult(0, caller_traces.delete_copies(ledger))
    store = SqliteStore(str(ledger), create=False)
    try:
        records, traces, copies, undelivered = 0, list[int](), tuple[Path, ...](), tuple[HookMessage, ...]()
        for attempt in range(TIMES):
            with _finishing(ledger, undelivered) if attempt else nullcontext():
                step = _erase(store, pseudonyms, at, instruction or UNSTATED, by)
            records += step.records
            undelivered += step.undelivered
            traces += [] if step.trace is None else [step.trace]
            result = ErasureResult(records, copies, tuple(traces), undelivered=undelivered)
            if step.waiting is not None:
                return replace(result, waiting=(step.waiting,), noted=True)
            with _finishing(ledger, undelivered):
                AccessLog(ledger).erase(step.caller_bytes)
                copies += caller_traces.delete_copies(ledger)
                if caller_traces.clean(store, step.caller_bytes):
                    return replace(result, copies=copies, noted=step.noted)
        raise _rings_again(ledger, undelivered)
    finally:
        store.close()


def pending(store: SqliteStore) -> list[NotedErasure]:
    """Return the erasures that are noted and not done, and for which no approval is missing, the oldest
    first. Raises LedgerError, and EvidenceError."""
    folder = LogFolder(store.file)
    with store.connected() as connection:
        not_done = [
            erasure for erasure in erasure_notes.noted(connection, folder) if erasure.is_open(connection)
        ]
        waiting = own_logs.waiting_erasures(connection) if not_done else ()
    waiting_notes = {standing.entry.note for standing in waiting}
    return [erasure for erasure in reversed(not_done) if erasure.note not in waiting_notes]


def carry_out(store: SqliteStore, erasure: NotedErasure) -> tuple[int, tuple[HookMessage, ...]]:
    """Erase what the list of a noted erasure names, and return how many records, and the messages to the
    company's hook that were deleted with them. What the caller left since the list was written is not in it,
    and stays. Raises LedgerError, and EvidenceError; `pending` has it again then, or, with
    ErasureUnfinishedError, `finish` finishes the work."""
    folder, newest = LogFolder(store.file), store.newest()
    with store.connected() as connection:
        gathered_caller.gather_named(connection, erasure.named)
        folder.put_unfinished()
        with store.transaction() as transaction:
            erased, undelivered = gathered_caller.count_own(connection), outbox.of_gathered(connection)
            salts = gathered_caller.erase_gathered(connection, transaction, newest + 1)
        for _attempt in range(TIMES):
            with _finishing(store.file, undelivered):
                with store.connected():
                    gathered_caller.leave_out_those_on_record(connection)
                    caller_bytes = gathered_caller.pseudonyms(connection) + salts
                AccessLog(store.file).erase(caller_bytes)
                caller_traces.delete_copies(store.file)
                if caller_traces.clean(store, caller_bytes):
                    folder.unfinished.unlink(missing_ok=True)
                    return erased, undelivered
    raise _rings_again(store.file, undelivered)


def finish(store: SqliteStore) -> bool:
    """Remove all traces of callers from the files of the ledger, if an erasure by its list was interrupted
    before it did. Return whether one was. Raises LedgerError."""
    unfinished = LogFolder(store.file).unfinished
    with _finishing(store.file):
        if not unfinished.exists():
            return False
        caller_traces.delete_copies(store.file)
        caller_traces.write_anew(store)
        unfinished.unlink(missing_ok=True)
    return True


def would_erase(store: SqliteStore, pseudonyms: Sequence[bytes]) -> int:
    """Return how many records of his `erase` would find now. Raises LedgerError."""
    with store.connected() as connection:
        gathered_caller.gather_all(connection, pseudonyms)
        return gathered_caller.count_own(connection)


def undelivered(store: SqliteStore, pseudonyms: Sequence[bytes]) -> tuple[HookMessage, ...]:
    """Return the messages to the company's hook that `erase` would delete. Raises LedgerError."""
    with store.connected() as connection:
        gathered_caller.gather_all(connection, pseudonyms)
        return outbox.of_gathered(connection)


def _note(store: SqliteStore, record: int, reference: str) -> None:
    """Note the deletion beside the ledger too, for the restoring of a backup: now, and not only when the next
    checkpoint is signed."""
    leaf = store.leaf(record)
    assert leaf is not None  # it was written with its record
    with suppress(EvidenceError):
        LogFolder(store.file).published(store.log().epoch).note_gone(leaf.leaf, reference)


@contextmanager
def _finishing(ledger: Path, undelivered: Sequence[HookMessage] = ()) -> Iterator[None]:
    """Raise ErasureUnfinishedError for any error after the records are erased."""
    try:
        yield
    except OSError as error:
        reason_text = Text("{file} cannot be read ({why}).")
        reason = reason_text.format(file=error.filename or ledger, why=Foreign(error.strerror or ""))
        raise _unfinished(ledger, undelivered, reason) from error
    except ErasureUnfinishedError as error:  # of a later turn
        error.undelivered = (*undelivered, *error.undelivered)
        raise
    except LedgerError as error:
        raise _unfinished(ledger, undelivered, error.message, error.remedy) from error


def _rings_again(ledger: Path, undelivered: Sequence[HookMessage]) -> ErasureUnfinishedError:
    return _unfinished(ledger, undelivered, Text("He rings again and again meanwhile."))


def _unfinished(
    ledger: Path, undelivered: Sequence[HookMessage], reason: Text, advice: Text = NOTHING
) -> ErasureUnfinishedError:
    return ErasureUnfinishedError(
        Text(
            "The caller's records in {ledger} are erased, but traces of him are left. {why}",
            ledger=ledger,
            why=reason,
        ),
        joined(" ", advice, Text("Then do the same again: it goes on where it stopped.")),
        undelivered,
    )


def erase_again(connection: sqlite3.Connection, named: NamedLeaves) -> int:
    """Erase, in a ledger that is restored, the records of these leaves, within a transaction. Return how many
    were still there. Raises sqlite3.Error."""
    gathered_caller.gather_named(connection, named)
    erased = gathered_caller.count_own(connection)
    gathered_caller.erase_gathered(connection, SqliteTransaction(connection), 0)
    return erased


def _erase(
    store: SqliteStore,
    pseudonyms: Sequence[bytes],
    at: datetime,
    instruction: str,
    by: NoteSource,
) -> _Step:
    """Note that his records are erased, and erase them if nobody has to approve it. His records are searched
    for beforehand, so that calls wait only for the search of newer ones."""
    folder = LogFolder(store.file)
    with _translated_evidence(), store.connected() as connection:
        if note_leaves.newest_rule(connection, leaves.log(connection)) is None:
            newest, erasure = store.newest(), None
            gathered_caller.gather_all(connection, pseudonyms)
            with store.transaction() as transaction:
                gathered_caller.gather_since(connection, newest + 1)
                records = gathered_caller.count_own(connection)
                named = references.leaves_text(*gathered_caller.leaf_rows(connection))
                reference = references.records_in_words(records) + named
                trace = transaction.append(rows.note(RecordKind.ERASURE, Reason.REQUEST, at, reference))
                undelivered = outbox.of_gathered(connection)
                salts = gathered_caller.erase_gathered(connection, transaction, newest + 1)
                caller_bytes = gathered_caller.pseudonyms(connection) + salts
            with _finishing(store.file, undelivered):
                _note(store, trace, f"{RecordKind.ERASURE} {reference}")
            return _Step(records, caller_bytes, trace, noted=False, undelivered=undelivered)
        newest = store.newest()
        gathered_caller.gather_all(connection, pseudonyms)
        before = _noted_before(connection, folder)
        with store.transaction() as transaction:
            gathered_caller.gather_since(connection, newest + 1)
            records = gathered_caller.count_own(connection)
            own, resting = gathered_caller.leaf_rows(connection)
            if before is not None and before.covers((*own, *resting)):
                erasure = before
            elif own:
                erasure = erasure_notes.write(
                    transaction, connection, folder, own, resting, instruction, at, by
                )
            else:
                erasure = None
        noted = erasure.record if erasure else None
        if erasure is not None and erasure.waits(connection):
            return _Step(records, (), noted, erasure.file)
        with store.transaction() as transaction:
            undelivered = outbox.of_gathered(connection)
            salts = gathered_caller.erase_gathered(connection, transaction, newest + 1)
            caller_bytes = gathered_caller.pseudonyms(connection) + salts
        return _Step(records, caller_bytes, noted, undelivered=undelivered)


@contextmanager
def _translated_evidence() -> Iterator[None]:
    """Raise LedgerError if the files of the log cannot be used."""
    try:
        yield
    except EvidenceError as error:
        raise LedgerError(error.message, error.remedy) from error


def _noted_before(connection: sqlite3.Connection, folder: LogFolder) -> NotedErasure | None:
    """Return an earlier erasure whose list names all that was gathered: it waits, or was interrupted."""
    own, resting = gathered_caller.leaf_rows(connection)
    if not own:
        return None
    noted = erasure_notes.noted(connection, folder)
    return next((erasure for erasure in noted if erasure.covers((*own, *resting))), None)
