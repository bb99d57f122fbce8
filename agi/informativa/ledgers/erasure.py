"""The erasure of a caller: nothing that is left, in any file, with or without the key, leads to him (I9).

All erasures come here: a person's by `process/storage.py`, those that other boxes order by
`sharing/erasure_orders.py`, and, when a backup is put back, those since it was made by `restoring.py`.

On this box (`erase`) his rows lose all that could lead to him. So do the rows of his conversations in which
he was not recognised, and references from other rows to his. The access log forgets that he was looked up.
Copies are deleted as a whole. Then the bytes of all files are searched for his pseudonyms, because SQLite
leaves traces: in its log while somebody reads it, and in pages from the time before deletions were
overwritten. If there are any, the ledger file is rewritten.

Other boxes erase him by order. The request is kept with the erasure (`erasure_requests.py`), travels by the
database where they meet (`sharing/erasure_orders.py`), and names him by his pseudonyms and, for boxes with
other keys, by his number, encrypted (`sharing/sealed_caller.py`). Once all have done it, it is forgotten
(`forget`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ..evidence.log_folder import LogFolder
from ..model import Reason, RecordKind
from ..model.errors import EvidenceError, LedgerError
from ..model.text import NOTHING, Foreign, Text, joined
from . import backup, elsewhere, erasure_requests, leaves, rows
from .access_log import SIDES, SUFFIX, AccessLog
from .erasure_requests import ErasureRequest
from .sqlite import SqliteStore

PATIENCE_SECONDS = 10.0  # to wait for readers of the ledger, who keep its log from being emptied
TIMES = 3  # attempts, if the caller rings while he is erased
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

# In memory, for one erasure: the caller's pseudonyms, his records, the ids of his conversations, and the
# records that rest on his.
_GATHERED = """
CREATE TEMP TABLE his (pseudonym BLOB PRIMARY KEY);
CREATE TEMP TABLE own (record INTEGER PRIMARY KEY);
CREATE TEMP TABLE conversation (id TEXT PRIMARY KEY);
CREATE TEMP TABLE leading (record INTEGER PRIMARY KEY)
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
_CLOSE_THEIRS = f"""
{_CLOSE} WHERE leaf IN (SELECT leaf.leaf {_THEIRS})
RETURNING leaf, record IN own
"""
_FORGET_HIM = tuple(
    f"DELETE FROM {table} WHERE pseudonym IN his"  # noqa: S608  # our own names
    for table in ("standing", *elsewhere.TABLES)
)
_AGAIN = """
SELECT 1 FROM event WHERE pseudonym IN his UNION ALL SELECT 1 FROM standing WHERE pseudonym IN his
UNION ALL SELECT 1 FROM elsewhere WHERE pseudonym IN his
UNION ALL SELECT 1 FROM number_use WHERE pseudonym IN his
"""
# In a backup: records that have leaves in a range.
_THEIR_HISTORIES = f"""
DELETE FROM standing WHERE pseudonym IN (SELECT pseudonym FROM event WHERE record IN ({leaves.RECORDS}))
"""  # noqa: S608  # our own names
_ERASE_AGAIN = f"{ERASE} WHERE record IN ({leaves.RECORDS}) AND NOT erased"
_REST_NO_MORE = f"UPDATE event SET basis = NULL WHERE record IN ({leaves.RECORDS})"  # noqa: S608  # our own names
_CLOSE_AGAIN = f"{_CLOSE} WHERE leaf >= ? AND leaf < ?"


@dataclass(frozen=True)
class ErasureResult:
    """The result of an erasure: how many records were erased, and which copies of the ledger were deleted.
    `traces` are the numbers of the records that say so. `request` is kept to ask other boxes, `None` if they
    need not be asked."""

    records: int
    copies: tuple[Path, ...]
    traces: tuple[int, ...] = field(default=(), compare=False)
    request: ErasureRequest | None = None


def erase(
    ledger: Path,
    pseudonyms: Sequence[bytes],
    at: datetime,
    *,
    everywhere: bool = False,
    sealed: Sequence[bytes] = (),
) -> ErasureResult:
    """Erase one caller under all his pseudonyms, and record that it happened. With `everywhere` a request to
    the other boxes is kept in the same transaction, with the caller `sealed` for those with other keys; then
    there must be a ledger.

    Raises LedgerError if anything of him is left; it says what it is and what to do. Calling it again is
    harmless then, and finishes the work.
    """
    if not ledger.exists() and not everywhere:
        AccessLog(ledger).erase(pseudonyms)
        return ErasureResult(0, _delete_copies(ledger))
    store = SqliteStore(str(ledger), create=False)
    try:
        records, records_of_erasure = 0, list[int]()
        request = erasure_requests.new(datetime.now(UTC), sealed) if everywhere else None
        for _attempt in range(TIMES):
            erased, caller_bytes, record, request = _erase(store, pseudonyms, at, request)
            records += erased
            records_of_erasure.append(record)
            try:
                AccessLog(ledger).erase(caller_bytes)
                copies = _delete_copies(ledger)
                if _clean(store, caller_bytes):
                    return ErasureResult(records, copies, tuple(records_of_erasure), request)
            except OSError as error:
                reason_text = Text("{file} cannot be read ({why}).")
                reason = reason_text.format(file=error.filename, why=Foreign(error.strerror or ""))
                raise _unfinished(ledger, reason) from error
            except LedgerError as error:
                raise _unfinished(ledger, error.message, error.remedy) from error
        raise _unfinished(ledger, Text("He rings again and again meanwhile."))
    finally:
        store.close()


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


def erase_again(connection: sqlite3.Connection, reference: str) -> int:
    """Erase, in a ledger that is restored, the records that the note of an erasure names. Return how many
    were still there."""
    erased = 0
    own_ranges, resting_ranges = leaves.indices(reference)
    for bounds in ((leaf_range.start, leaf_range.stop) for leaf_range in own_ranges):
        connection.execute(_THEIR_HISTORIES, bounds)
        erased += connection.execute(_ERASE_AGAIN, bounds).rowcount
        connection.execute(_CLOSE_AGAIN, bounds)
    for bounds in ((leaf_range.start, leaf_range.stop) for leaf_range in resting_ranges):
        connection.execute(_REST_NO_MORE, bounds)
        connection.execute(_CLOSE_AGAIN, bounds)
    return erased


def _erase(
    store: SqliteStore, pseudonyms: Sequence[bytes], at: datetime, request: ErasureRequest | None = None
) -> tuple[int, list[bytes], int, ErasureRequest | None]:
    """Erase his records, and return how many; his pseudonyms and salts; the number of the record that says
    so; and the request that is kept for other boxes. His records are searched for beforehand, so that calls
    wait only for the search of newer ones."""
    with store.connected() as connection:
        newest = store.newest()
        _gather_all(connection, pseudonyms)
        with store.transaction() as transaction:
            _gather(connection, newest + 1)
            salts = [value for row in connection.execute(_SALTS) for value in row if value]
            erased = connection.execute(f"{ERASE} WHERE record IN own").rowcount
            connection.execute("UPDATE event SET basis = NULL WHERE record IN leading")
            for statement in _FORGET_HIM:
                connection.execute(statement)
            closed = connection.execute(_CLOSE_THEIRS).fetchall()
            own_leaves, resting_leaves = (
                [leaf for leaf, is_own in closed if bool(is_own) is own] for own in (True, False)
            )
            reference = rows.records_in_words(erased) + leaves.leaves_text(own_leaves, resting_leaves)
            number = transaction.append(rows.note(RecordKind.ERASURE, Reason.REQUEST, at, reference))
            his_pseudonyms = [pseudonym for (pseudonym,) in connection.execute("SELECT pseudonym FROM his")]
            if request is not None and not set(his_pseudonyms) <= set(request.pseudonyms):
                request = replace(request, pseudonyms=tuple({*request.pseudonyms, *his_pseudonyms}))
                erasure_requests.store_request(connection, request)
        _note(store, number, f"{RecordKind.ERASURE} {reference}")
        return erased, his_pseudonyms + salts, number, request


def _gather_all(connection: sqlite3.Connection, pseudonyms: Sequence[bytes]) -> None:
    """Find his pseudonyms and his records that there are now, into tables in memory."""
    connection.execute("PRAGMA temp_store = MEMORY")
    for table in ("his", "own", "conversation", "leading"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
    for statement in _GATHERED.split(";"):
        connection.execute(statement)
    connection.executemany("INSERT INTO his VALUES (?)", {(pseudonym,) for pseudonym in pseudonyms})
    while connection.execute(_EARLIER).rowcount:
        pass
    _gather(connection, 0)


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
