"""The erasure of a caller: nothing that is left, in any file, with or without the key, leads to him (I9).

All erasures come here: a person's by `process/storage.py`, those that other boxes order by
`sharing/erasure_orders.py`, and, when a backup is put back, those since it was made by `restoring.py`.

On this box (`erase`) his rows lose all that could lead to him. So do the rows of his conversations in which
he was not recognised, and references from other rows to his. The access log forgets that he was looked up.
Copies are deleted as a whole. Then the bytes of all files are searched for his pseudonyms, because SQLite
leaves traces: in its log while somebody reads it, and in pages from the time before deletions were
overwritten. If there are any, the ledger file is rewritten.

Where the log has a rule, the erasure is noted first, with its private list (`erasure_notes.py`), and then
done; where the controller approves each erasure, the service does it by the list (`carry_out`) as soon as
that is approved. Where it has none, it is done in one step with a record about records.

Other boxes erase him by order. The request is kept with the erasure (`erasure_requests.py`), travels by the
database where they meet (`sharing/erasure_orders.py`), and names him by his pseudonyms and, for boxes with
other keys, by his number, encrypted (`sharing/sealed_caller.py`). Once all have done it, it is forgotten
(`forget`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ..evidence.log_folder import LogFolder
from ..evidence.note_values import NoteSource
from ..model import Reason, RecordKind
from ..model.errors import EvidenceError, LedgerError
from ..model.text import NOTHING, Foreign, Text, joined
from . import backup, elsewhere, erasure_notes, erasure_requests, leaves, note_leaves, own_logs, rows
from .access_log import SIDES, SUFFIX, AccessLog
from .erasure_notes import NotedErasure
from .erasure_requests import ErasureRequest
from .instructions import UNSTATED
from .loss_notes import NamedLeaves
from .sqlite import SqliteStore
from .transaction import SqliteTransaction

PATIENCE_SECONDS = 10.0  # to wait for readers of the ledger, who keep its log from being emptied
TIMES = 3  # attempts, if the caller rings while he is erased
OLD_AT_ONCE = 1000  # records from before there was a log that get their leaves in one turn
_ACCESS_LOGS = tuple(f"{SUFFIX}{side}" for side in SIDES)
PIECE = 8  # bytes of a pseudonym; enough to be found by no chance

ERASED_ROW = """
pseudonym = NULL, call = '', linked = '', reference = '', key = NULL, basis = NULL, elsewhere = NULL,
earlier = NULL,
erased = 1, at = at - at % 60000000, recorded = recorded - recorded % 60000000
"""
"""The changes to a row, here and in the shared database. The rest of it says that something was played in
that minute on that line, but not to whom."""
ERASE = f"UPDATE event SET {ERASED_ROW}"  # noqa: S608  # our own names
_CLOSE = "UPDATE leaf SET salt_who = NULL, binding = NULL, opening = NULL"

# In memory, for one erasure: the caller's pseudonyms, his records, the ids of his conversations, the records
# that rest on his, and records of his that stay, because they came after the list.
_GATHERED = """
CREATE TEMP TABLE his (pseudonym BLOB PRIMARY KEY);
CREATE TEMP TABLE own (record INTEGER PRIMARY KEY);
CREATE TEMP TABLE conversation (id TEXT PRIMARY KEY);
CREATE TEMP TABLE leading (record INTEGER PRIMARY KEY);
CREATE TEMP TABLE staying (record INTEGER PRIMARY KEY)
"""
# His pseudonyms under keys that are not kept any more, found by records that name both. (Not by a record of
# the same call: two callers may have heard it together.)
_EARLIER = """
INSERT OR IGNORE INTO his
SELECT event.earlier FROM his JOIN event USING (pseudonym) WHERE event.earlier IS NOT NULL
UNION
SELECT pseudonym FROM event WHERE earlier IS NOT NULL AND earlier IN his AND pseudonym IS NOT NULL
UNION
SELECT earlier.pseudonym FROM his JOIN event AS later USING (pseudonym)
JOIN event AS earlier ON earlier.record = later.basis
WHERE later.reason <> 'same-call' AND earlier.pseudonym IS NOT NULL
UNION
SELECT later.pseudonym FROM event AS later JOIN event AS earlier ON earlier.record = later.basis
WHERE later.reason <> 'same-call' AND later.pseudonym IS NOT NULL AND earlier.pseudonym IN his
UNION
SELECT event.pseudonym FROM his JOIN standing USING (pseudonym) JOIN event ON event.record = standing.record
WHERE event.pseudonym IS NOT NULL
"""
_OWN = (
    "INSERT OR IGNORE INTO own SELECT record FROM event WHERE record >= :first AND pseudonym IN his",
    "INSERT OR IGNORE INTO conversation"  # CROSS: start from his records, not from all records
    " SELECT call FROM own CROSS JOIN event USING (record) WHERE call <> ''",
    "INSERT OR IGNORE INTO conversation"
    " SELECT linked FROM own CROSS JOIN event USING (record) WHERE linked <> ''",
    "INSERT OR IGNORE INTO own SELECT record FROM event WHERE record >= :first AND pseudonym IS NULL"
    " AND (call IN conversation OR linked IN conversation)",
    "INSERT OR IGNORE INTO leading SELECT record FROM event WHERE record >= :first AND basis IN own",
)
# Leaves of his records and of those that rest on them. Their salts are searched for in all files afterwards.
_THEIRS = f"""
FROM (SELECT record FROM own UNION SELECT record FROM leading) AS his
CROSS JOIN leaf ON {leaves.of("his.record")}
"""  # noqa: S608  # our own names
_SALTS = f"SELECT salt_who, binding, opening {_THEIRS} WHERE salt_who IS NOT NULL"
_LEAVES = f"SELECT leaf.leaf, his.record IN own {_THEIRS} ORDER BY leaf.leaf"
_CLOSE_THEIRS = f"{_CLOSE} WHERE leaf IN (SELECT leaf.leaf {_THEIRS})"
_FORGET_HIM = tuple(
    f"DELETE FROM {table} WHERE pseudonym IN his"  # noqa: S608  # our own names
    for table in ("standing", *elsewhere.TABLES)
)
_AGAIN = """
SELECT 1 FROM event WHERE pseudonym IN his UNION ALL SELECT 1 FROM standing WHERE pseudonym IN his
UNION ALL SELECT 1 FROM elsewhere WHERE pseudonym IN his
UNION ALL SELECT 1 FROM number_use WHERE pseudonym IN his
"""
# By a list: the records of its leaves, and all pseudonyms that lead to them.
_NAMED = """
INSERT OR IGNORE INTO {table} SELECT record FROM leaf WHERE leaf >= ? AND leaf < ? AND what IS NOT NULL
"""
_HIS = """
INSERT OR IGNORE INTO his
SELECT pseudonym FROM own CROSS JOIN event USING (record) WHERE pseudonym IS NOT NULL
UNION SELECT earlier FROM own CROSS JOIN event USING (record) WHERE earlier IS NOT NULL
UNION SELECT pseudonym FROM standing WHERE record IN own
"""
_STAYING = """
INSERT OR IGNORE INTO staying
SELECT record FROM event WHERE record >= ? AND pseudonym IN his AND record NOT IN own
"""
# Pseudonyms that are on record all the same.
_SPARE = """
DELETE FROM his WHERE pseudonym IN (
    SELECT pseudonym FROM event UNION SELECT pseudonym FROM standing
    UNION SELECT pseudonym FROM elsewhere UNION SELECT pseudonym FROM number_use
)
"""


@dataclass(frozen=True)
class ErasureResult:
    """The result of an erasure: how many records were erased, and which copies of the ledger were deleted.
    `traces` are the numbers of the records that say so. `request` is kept to ask other boxes, `None` if they
    need not be asked. `waiting` are the private lists of what is noted and waits for the controller's
    approval: then nothing is erased yet of the records that they name, which are counted all the same. If
    `noted` is true, the traces are notes, which have no receipts."""

    records: int
    copies: tuple[Path, ...]
    traces: tuple[int, ...] = field(default=(), compare=False)
    request: ErasureRequest | None = None
    waiting: tuple[Path, ...] = ()
    noted: bool = field(default=False, compare=False)


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


def erase(
    ledger: Path,
    pseudonyms: Sequence[bytes],
    at: datetime,
    *,
    everywhere: bool = False,
    sealed: Sequence[bytes] = (),
    instruction: str = "",
    by: NoteSource = NoteSource.SERVICE,
) -> ErasureResult:
    """Erase one caller under all his pseudonyms, and record that it happened: by the controller's
    `instruction`, if the log has a rule. With `everywhere` a request to the other boxes is kept in the same
    transaction, with the caller `sealed` for those with other keys; then there must be a ledger.

    Raises LedgerError if anything of him is left; it says what it is and what to do. Calling it again is
    harmless then, and finishes the work.
    """
    if not ledger.exists() and not everywhere:
        AccessLog(ledger).erase(pseudonyms)
        return ErasureResult(0, _delete_copies(ledger))
    store = SqliteStore(str(ledger), create=False)
    try:
        records, traces, copies = 0, list[int](), tuple[Path, ...]()
        request = erasure_requests.new(datetime.now(UTC), sealed) if everywhere else None
        for _attempt in range(TIMES):
            step = _erase(store, pseudonyms, at, request, instruction or UNSTATED, by)
            records, request = records + step.records, step.request
            traces += [] if step.trace is None else [step.trace]
            if step.waiting is not None:
                return ErasureResult(records, copies, tuple(traces), request, (step.waiting,), noted=True)
            with _finishing(ledger):
                AccessLog(ledger).erase(step.caller_bytes)
                copies += _delete_copies(ledger)
                if _clean(store, step.caller_bytes):
                    return ErasureResult(records, copies, tuple(traces), request, noted=step.noted)
        raise _rings_again(ledger)
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


def carry_out(store: SqliteStore, erasure: NotedErasure) -> int:
    """Erase what the list of a noted erasure names, and return how many records. What the caller left since
    the list was written is not in it, and stays. Raises LedgerError, and EvidenceError; `pending` has it
    again then, or `finish` finishes the work."""
    folder, newest = LogFolder(store.file), store.newest()
    with store.connected() as connection:
        _gather_named(connection, erasure.named)
        folder.put_unfinished()
        with store.transaction() as transaction:
            erased = _count(connection)
            salts = _act(connection, transaction, newest + 1)
        for _attempt in range(TIMES):
            connection.execute(_SPARE)
            caller_bytes = _pseudonyms(connection) + salts
            with _finishing(store.file):
                AccessLog(store.file).erase(caller_bytes)
                _delete_copies(store.file)
                if _clean(store, caller_bytes):
                    folder.unfinished.unlink(missing_ok=True)
                    return erased
    raise _rings_again(store.file)


def finish(store: SqliteStore) -> bool:
    """Remove all traces of callers from the files of the ledger, if an erasure by its list was interrupted
    before it did. Return whether one was. Raises LedgerError."""
    unfinished = LogFolder(store.file).unfinished
    with _finishing(store.file):
        if not unfinished.exists():
            return False
        _delete_copies(store.file)
        store.empty_log(PATIENCE_SECONDS)
        with store.connected() as connection:
            connection.execute("VACUUM")
        store.empty_log(PATIENCE_SECONDS)
        unfinished.unlink(missing_ok=True)
    return True


def would_erase(store: SqliteStore, pseudonyms: Sequence[bytes]) -> int:
    """Return how many records of his `erase` would find now. Raises LedgerError."""
    store.log()  # refuses a ledger of an earlier informativa
    with store.connected() as connection:
        _gather_all(connection, pseudonyms)
        number: int = connection.execute("SELECT count(*) FROM own").fetchone()[0]
        return number


def _note(store: SqliteStore, record: int, reference: str) -> None:
    """Note the deletion beside the ledger too, for the restoring of a backup: now, and not only when the next
    checkpoint is signed."""
    leaf = store.leaf(record)
    assert leaf is not None  # it was written with its record
    with suppress(EvidenceError):
        LogFolder(store.file).published(store.log().epoch).note_gone(leaf.leaf, reference)


@contextmanager
def _finishing(ledger: Path) -> Iterator[None]:
    """Raise LedgerError for any error after the records are erased."""
    try:
        yield
    except OSError as error:
        reason_text = Text("{file} cannot be read ({why}).")
        reason = reason_text.format(file=error.filename, why=Foreign(error.strerror or ""))
        raise _unfinished(ledger, reason) from error
    except LedgerError as error:
        raise _unfinished(ledger, error.message, error.remedy) from error


def _rings_again(ledger: Path) -> LedgerError:
    return _unfinished(ledger, Text("He rings again and again meanwhile."))


def _unfinished(ledger: Path, reason: Text, advice: Text = NOTHING) -> LedgerError:
    return LedgerError(
        Text(
            "The caller's records in {ledger} are erased, but traces of him are left. {why}",
            ledger=ledger,
            why=reason,
        ),
        joined(" ", advice, Text("Then do the same again: it goes on where it stopped.")),
    )


def forget(store: SqliteStore, requests: Sequence[ErasureRequest]) -> None:
    """Remove all bytes of requests that all other boxes have fulfilled (I9). Raises LedgerError; calling it
    again is harmless then, and finishes the work."""
    if not requests:
        return
    erasure_requests.mark_done(store, requests)
    _delete_copies(store.file)
    store.empty_log(PATIENCE_SECONDS)
    interrupted = any(not request.pseudonyms for request in requests)  # the bytes to search for are gone
    values = [value for request in requests for value in (*request.pseudonyms, *request.sealed)]
    pieces = [value.hex().encode() for value in values]
    if interrupted or any(_holds(file, pieces) for file in store.contents()):
        with store.connected() as connection:
            connection.execute("VACUUM")
        store.empty_log(PATIENCE_SECONDS)
    erasure_requests.forget(store, requests)


def erase_again(connection: sqlite3.Connection, named: NamedLeaves) -> int:
    """Erase, in a ledger that is restored, the records of these leaves, within a transaction. Return how many
    were still there. Raises sqlite3.Error."""
    _gather_named(connection, named)
    erased = _count(connection)
    _act(connection, SqliteTransaction(connection), 0)
    return erased


def _erase(
    store: SqliteStore,
    pseudonyms: Sequence[bytes],
    at: datetime,
    request: ErasureRequest | None = None,
    instruction: str = UNSTATED,
    by: NoteSource = NoteSource.SERVICE,
) -> _Step:
    """Note that his records are erased, and erase them if nobody has to approve it. His records are searched
    for beforehand, so that calls wait only for the search of newer ones."""
    folder = LogFolder(store.file)
    with _translated_evidence(), store.connected() as connection:
        if note_leaves.newest_rule(connection, leaves.log(connection)) is None:
            newest, erasure = store.newest(), None
            _gather_all(connection, pseudonyms)
            with store.transaction() as transaction:
                _gather(connection, newest + 1)
                records = _count(connection)
                reference = rows.records_in_words(records) + leaves.leaves_text(*_leaves(connection))
                trace = transaction.append(rows.note(RecordKind.ERASURE, Reason.REQUEST, at, reference))
                salts = _act(connection, transaction, newest + 1)
                request = _store_request(connection, request)
            _note(store, trace, f"{RecordKind.ERASURE} {reference}")
            return _Step(records, _pseudonyms(connection) + salts, trace, request, noted=False)
        log = store.log()
        left = log.old - log.entered
        while left:  # a note names leaves
            left = store.enter_old(OLD_AT_ONCE)
        newest = store.newest()
        _gather_all(connection, pseudonyms)
        before = _noted_before(connection, folder)
        with store.transaction() as transaction:
            _gather(connection, newest + 1)
            records, (own, resting) = _count(connection), _leaves(connection)
            if before is not None and before.covers((*own, *resting)):
                erasure = before
            elif own:
                erasure = erasure_notes.write(
                    transaction, connection, folder, own, resting, instruction, at, by
                )
            else:
                erasure = None
            request = _store_request(connection, request)
        noted = erasure.record if erasure else None
        if erasure is not None and erasure.waits(connection):
            return _Step(records, (), noted, request, erasure.file)
        with store.transaction() as transaction:
            salts = _act(connection, transaction, newest + 1)
        return _Step(records, _pseudonyms(connection) + salts, noted, request)


@contextmanager
def _translated_evidence() -> Iterator[None]:
    """Raise LedgerError if the files of the log cannot be used."""
    try:
        yield
    except EvidenceError as error:
        raise LedgerError(error.message, error.remedy) from error


def _noted_before(connection: sqlite3.Connection, folder: LogFolder) -> NotedErasure | None:
    """Return an earlier erasure whose list names all that was gathered: it waits, or was interrupted."""
    own, resting = _leaves(connection)
    if not own:
        return None
    noted = erasure_notes.noted(connection, folder)
    return next((erasure for erasure in noted if erasure.covers((*own, *resting))), None)


def _act(connection: sqlite3.Connection, transaction: SqliteTransaction, first: int) -> list[bytes]:
    """Take from the gathered records all that leads to him, within a transaction, and return their salts. The
    history of what stays is derived anew: records of his from number `first` on that were not gathered."""
    connection.execute(_STAYING, (first,))
    salts = [value for row in connection.execute(_SALTS) for value in row if value]
    connection.execute(f"{ERASE} WHERE record IN own AND NOT erased")
    connection.execute("UPDATE event SET basis = NULL WHERE record IN leading")
    for statement in _FORGET_HIM:
        connection.execute(statement)
    connection.execute(_CLOSE_THEIRS)
    for (number,) in connection.execute("SELECT record FROM staying ORDER BY record").fetchall():
        if record := transaction.record(number):
            transaction.remember(record.event, number)
    return salts


def _count(connection: sqlite3.Connection) -> int:
    """Return how many of the gathered records are his own, and not erased."""
    sql = "SELECT count(*) FROM own CROSS JOIN event USING (record) WHERE NOT erased"
    number: int = connection.execute(sql).fetchone()[0]
    return number


def _leaves(connection: sqlite3.Connection) -> tuple[list[int], list[int]]:
    """Return the rows of `leaf` of the gathered records: of his own, and of those that rest on them."""
    leaf_rows = connection.execute(_LEAVES).fetchall()
    return [leaf for leaf, is_own in leaf_rows if is_own], [leaf for leaf, is_own in leaf_rows if not is_own]


def _pseudonyms(connection: sqlite3.Connection) -> list[bytes]:
    return [pseudonym for (pseudonym,) in connection.execute("SELECT pseudonym FROM his")]


def _store_request(connection: sqlite3.Connection, request: ErasureRequest | None) -> ErasureRequest | None:
    """Store a request to other boxes if it lacks a pseudonym of his, and return it."""
    if request is None or set(his := _pseudonyms(connection)) <= set(request.pseudonyms):
        return request
    request = replace(request, pseudonyms=tuple({*request.pseudonyms, *his}))
    erasure_requests.store_request(connection, request)
    return request


def _gather_all(connection: sqlite3.Connection, pseudonyms: Sequence[bytes]) -> None:
    """Find his pseudonyms and his records that there are now, into tables in memory."""
    _begin_gathering(connection)
    connection.executemany("INSERT INTO his VALUES (?)", {(pseudonym,) for pseudonym in pseudonyms})
    while connection.execute(_EARLIER).rowcount:
        pass
    _gather(connection, 0)


def _gather_named(connection: sqlite3.Connection, named: NamedLeaves) -> None:
    """Find the records of these leaves and their pseudonyms, and the records of his that are not among them,
    into the same tables."""
    _begin_gathering(connection)
    for table, ranges in (("own", named.own), ("leading", named.resting)):
        bounds = [(leaf_range.start, leaf_range.stop) for leaf_range in ranges]
        connection.executemany(_NAMED.format(table=table), bounds)
    connection.execute(_HIS)
    connection.execute(_STAYING, (0,))


def _begin_gathering(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA temp_store = MEMORY")
    for statement in _GATHERED.split(";"):
        table = statement.split()[3]
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        connection.execute(statement)


def _gather(connection: sqlite3.Connection, first: int) -> None:
    """Find his records from the number `first` on."""
    for statement in _OWN:
        connection.execute(statement, {"first": first} if ":first" in statement else {})


def _delete_copies(ledger: Path) -> tuple[Path, ...]:
    """Delete the copies, which hold him too and in which he cannot be erased alone, and return them."""
    if not ledger.parent.exists():
        return ()
    file = ledger.parent
    try:
        copies = tuple(backup.copies(ledger))
        for file in copies:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise LedgerError(
            Text(
                "{file} may hold this caller and cannot be deleted ({why}).",
                file=file,
                why=Foreign(error.strerror or ""),
            ),
            Text("Delete it: rm {file}", file=file),
        ) from error
    return copies


def _clean(store: SqliteStore, caller_bytes: Sequence[bytes]) -> bool:
    """Remove all traces from the files. Return `False` if he rang meanwhile, and is on record again. Raises
    LedgerError."""
    pieces = [value[start : start + PIECE] for value in caller_bytes for start in range(0, len(value), PIECE)]
    store.empty_log(PATIENCE_SECONDS)
    if any(_holds(file, pieces) for file in store.contents()):
        with store.connected() as connection:
            if connection.execute(_AGAIN).fetchone():
                return False
            connection.execute("VACUUM")
        store.empty_log(PATIENCE_SECONDS)
        if any(_holds(file, pieces) for file in store.contents()):
            return False
    _require_no_other(store.file, pieces)
    return True


def _require_no_other(ledger: Path, pieces: Sequence[bytes]) -> None:
    """Check that no file named after the ledger, which somebody else made of it, holds him. Raises
    LedgerError."""
    own_names = {f"{ledger.name}{end}" for end in ("", "-wal", "-shm")}
    identity = ledger.stat()
    for file in sorted(ledger.parent.iterdir()):
        # Not the access logs: closing one would end the locks of other threads. They were erased already.
        is_candidate = (
            ledger.stem in file.name and file.name not in own_names and not file.name.endswith(_ACCESS_LOGS)
        )
        if (
            not is_candidate
            or file.is_symlink()
            or not file.is_file()
            or os.path.samestat(file.stat(), identity)
        ):
            continue
        with file.open("rb", buffering=0) as stream:
            if _holds(iter(lambda: stream.read(1 << 20), b""), pieces):
                raise LedgerError(
                    Text("{file} holds him.", file=file), Text("Delete it: rm {file}", file=file)
                )


def _holds(chunks: Iterable[bytes], pieces: Sequence[bytes]) -> bool:
    """Return whether any of the pieces occurs in a file, which is read chunk by chunk."""
    tail, longest = b"", max(map(len, pieces), default=PIECE)
    for chunk in chunks:
        text = tail + chunk
        if any(piece in text for piece in pieces):
            return True
        tail = text[1 - longest :]
    return False
