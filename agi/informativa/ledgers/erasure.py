"""The erasure of a caller: nothing that is left, in any file, with or without the key, leads to him (I9).

All erasures come here: a person's by `process/erasing.py`, those that other boxes order by
`sharing/erasure_orders.py`, and, when a backup is put back, those since it was made by `restoring.py`.

On this box (`erase`) his rows lose all that could lead to him. So do the rows of his conversations in which
he was not recognised, and references from other rows to his (`gathered_caller.py`). The access log forgets
that he was looked up. Copies are deleted as a whole, SQLite's log is emptied, and the ledger file is written
anew if his bytes are left in a page (`caller_traces.py`).

Where the log has a rule, the erasure is noted first, with its private list (`erasure_notes.py`), and then
done; where the controller approves each erasure, the service does it by the list (`carry_out`) as soon as
that is approved. Where it has none, it is done in one step with a record about records.

Other boxes erase him by order. The request is kept with the erasure (`erasure_requests.py`), travels by the
database where they meet (`sharing/erasure_orders.py`), and names him by his pseudonyms and, for boxes with
other keys, by his number, encrypted (`sharing/sealed_caller.py`). Once all have done it, it is forgotten
(`forget`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ..evidence.erased_leaves import LeafPlace
from ..evidence.log_folder import LogFolder
from ..evidence.note_values import NoteSource
from ..model import Reason, RecordKind
from ..model.errors import EvidenceError, LedgerError
from ..model.hooks import ErasureUnfinishedError, HookMessage
from ..model.text import NOTHING, Foreign, Text, joined
from . import (
    caller_traces,
    erasure_notes,
    erasure_requests,
    gathered_caller,
    leaves,
    loss_notes,
    note_leaves,
    outbox,
    own_logs,
    references,
    rows,
)
from .access_log import AccessLog
from .erasure_notes import NotedErasure
from .erasure_requests import ErasureRequest
from .instructions import UNSTATED
from .loss_notes import NamedLeaves
from .sqlite import SqliteStore
from .transaction import SqliteTransaction

TIMES = 3  # attempts, if the caller rings while he is erased


@dataclass(frozen=True)
class ErasureResult:
    """The result of an erasure: how many records were erased, and which copies of the ledger were deleted.
    `traces` are the numbers of the records that say so. `request` is kept to ask other boxes, `None` if they
    need not be asked. `waiting` are the private lists of what is noted and waits for the controller's
    approval: then nothing is erased yet of the records that they name, which are counted all the same. If
    `noted` is true, the traces are notes, which have no receipts. `undelivered` are messages to the company's
    hook that were deleted with the records."""

    records: int
    copies: tuple[Path, ...]
    traces: tuple[int, ...] = field(default=(), compare=False)
    request: ErasureRequest | None = None
    waiting: tuple[Path, ...] = ()
    noted: bool = field(default=False, compare=False)
    undelivered: tuple[HookMessage, ...] = ()


@dataclass(frozen=True)
class _Step:
    """One attempt to erase a caller: the number of his records, his pseudonyms and salts, the number of the
    record that says so, `None` if nothing was noted, the request to other boxes, and the private list if the
    controller has to approve it first."""

    records: int
    caller_bytes: Sequence[bytes]
    trace: int | None
    request: ErasureRequest | None
    waiting: Path | None = None
    noted: bool = True
    undelivered: tuple[HookMessage, ...] = ()


def erase(
    ledger: Path,
    pseudonyms: Sequence[bytes],
    at: datetime,
    *,
    everywhere: bool = False,
    sealed: Sequence[bytes] = (),
    instruction: str = "",
    by: NoteSource = NoteSource.SERVICE,
    elsewhere: Sequence[LeafPlace] = (),
) -> ErasureResult:
    """Erase one caller under all his pseudonyms, and record that it happened: by the controller's
    `instruction`, if the log has a rule. Then it names the leaves `elsewhere` too, which will be erased in
    the shared database because their boxes left for good. With `everywhere` a request to the other boxes is
    kept in the same transaction, with the caller `sealed` for those with other keys; then there must be a
    ledger.

    Raises LedgerError if anything of him is left; it says what it is and what to do. Calling it again is
    harmless then, and finishes the work. Raises ErasureUnfinishedError if his records are erased.
    """
    if not ledger.exists() and not everywhere:
        AccessLog(ledger).erase(pseudonyms)
        return ErasureResult(0, caller_traces.delete_copies(ledger))
    store = SqliteStore(str(ledger), create=False)
    try:
        records, traces, copies, undelivered = 0, list[int](), tuple[Path, ...](), tuple[HookMessage, ...]()
        request = erasure_requests.new(datetime.now(UTC), sealed) if everywhere else None
        for attempt in range(TIMES):
            with _finishing(ledger, undelivered) if attempt else nullcontext():
                step = _erase(store, pseudonyms, at, request, instruction or UNSTATED, by, elsewhere)
            elsewhere = ()  # is named by now
            records, request = records + step.records, step.request
            undelivered += step.undelivered
            traces += [] if step.trace is None else [step.trace]
            result = ErasureResult(records, copies, tuple(traces), request, undelivered=undelivered)
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


def note_elsewhere(
    store: SqliteStore, places: Sequence[LeafPlace], instruction: str, at: datetime
) -> NotedErasure | None:
    """Note the erasure of those of these leaves, of boxes that left for good, which no earlier note names.
    Return the note; `None` if there was nothing to be noted, or the log has no rule, by which there are no
    notes yet. Raises LedgerError."""
    folder = LogFolder(store.file)
    with _translated_evidence(), store.connected() as connection:
        if not places or note_leaves.newest_rule(connection, leaves.log(connection)) is None:
            return None
        noted = erasure_notes.noted(connection, folder)
        named = {place for erasure in noted for place in erasure.named.elsewhere}
        elsewhere = loss_notes.places_elsewhere(leaves.logs(connection), places)
        missing = [place for place in elsewhere if place not in named]
        if not missing:
            return None
        with store.transaction() as transaction:
            return erasure_notes.write(
                transaction,
                connection,
                folder,
                (),
                (),
                instruction or UNSTATED,
                at,
                NoteSource.SERVICE,
                missing,
            )


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
    store.log()  # refuses a ledger of an earlier informativa
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


def forget(store: SqliteStore, requests: Sequence[ErasureRequest]) -> None:
    """Remove all bytes of requests that all other boxes have fulfilled (I9). Raises LedgerError; calling it
    again is harmless then, and finishes the work."""
    if not requests:
        return
    erasure_requests.mark_done(store, requests)
    caller_traces.delete_copies(store.file)
    caller_traces.write_anew(store)
    erasure_requests.forget(store, requests)


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
    request: ErasureRequest | None = None,
    instruction: str = UNSTATED,
    by: NoteSource = NoteSource.SERVICE,
    elsewhere: Sequence[LeafPlace] = (),
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
                request = _store_request(connection, request)
                caller_bytes = gathered_caller.pseudonyms(connection) + salts
            with _finishing(store.file, undelivered):
                _note(store, trace, f"{RecordKind.ERASURE} {reference}")
            return _Step(records, caller_bytes, trace, request, noted=False, undelivered=undelivered)
        newest = store.newest()
        gathered_caller.gather_all(connection, pseudonyms)
        elsewhere = tuple(loss_notes.places_elsewhere(leaves.logs(connection), elsewhere))
        before = _noted_before(connection, folder, elsewhere)
        with store.transaction() as transaction:
            gathered_caller.gather_since(connection, newest + 1)
            records = gathered_caller.count_own(connection)
            own, resting = gathered_caller.leaf_rows(connection)
            if before is not None and before.covers((*own, *resting)):
                erasure = before
            elif own or elsewhere:
                erasure = erasure_notes.write(
                    transaction, connection, folder, own, resting, instruction, at, by, elsewhere
                )
            else:
                erasure = None
            request = _store_request(connection, request)
        noted = erasure.record if erasure else None
        if erasure is not None and erasure.waits(connection):
            return _Step(records, (), noted, request, erasure.file)
        with store.transaction() as transaction:
            undelivered = outbox.of_gathered(connection)
            salts = gathered_caller.erase_gathered(connection, transaction, newest + 1)
            caller_bytes = gathered_caller.pseudonyms(connection) + salts
        return _Step(records, caller_bytes, noted, request, undelivered=undelivered)


@contextmanager
def _translated_evidence() -> Iterator[None]:
    """Raise LedgerError if the files of the log cannot be used."""
    try:
        yield
    except EvidenceError as error:
        raise LedgerError(error.message, error.remedy) from error


def _noted_before(
    connection: sqlite3.Connection, folder: LogFolder, elsewhere: Sequence[LeafPlace]
) -> NotedErasure | None:
    """Return an earlier erasure whose list names all that was gathered, and the leaves `elsewhere`: it waits,
    or was interrupted."""
    own, resting = gathered_caller.leaf_rows(connection)
    if not own and not elsewhere:
        return None
    noted = erasure_notes.noted(connection, folder)
    return next((erasure for erasure in noted if erasure.covers((*own, *resting), elsewhere)), None)


def _store_request(connection: sqlite3.Connection, request: ErasureRequest | None) -> ErasureRequest | None:
    """Store a request to other boxes if it lacks a pseudonym of his, and return it."""
    if request is None or set(his := gathered_caller.pseudonyms(connection)) <= set(request.pseudonyms):
        return request
    request = replace(request, pseudonyms=tuple({*request.pseudonyms, *his}))
    erasure_requests.store_request(connection, request)
    return request
