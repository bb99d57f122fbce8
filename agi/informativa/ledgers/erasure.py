"""Erasing a caller: nothing that is left, in any file, with or without the key, leads to him.

His rows lose what could lead to him, and with them the rows of his conversations in which he was not
recognised, and what others say of his rows. The record of who looked at him forgets whom. Copies go as
wholes. Then the bytes of all files are searched for him, for SQLite leaves traces: in its log while somebody
reads it, in pages from before deletions were overwritten. Where there are any, the ledger is written anew.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ..errors import EvidenceError, LedgerError
from ..evidence.log_folder import LogFolder
from ..model import Reason, RecordKind
from ..text import NOTHING, Foreign, Text, joined
from . import backup, elsewhere, erasure_requests, leaves, rows
from .access_log import SIDES, SUFFIX, AccessLog
from .erasure_requests import Request
from .sqlite import SqliteStore

PATIENCE_SECONDS = 10.0  # for whoever reads the ledger, and so keeps its log from being emptied
TIMES = 3  # to begin anew with a caller who rings while he is erased
_ACCESS_LOGS = tuple(f"{SUFFIX}{side}" for side in SIDES)
PIECE = 8  # bytes of a pseudonym that tell him from everybody else

# The caller's pseudonyms, his records, the ids of his conversations; in memory, and of one erasure.
_GATHERED = """
CREATE TEMP TABLE his (pseudonym BLOB PRIMARY KEY);
CREATE TEMP TABLE own (record INTEGER PRIMARY KEY);
CREATE TEMP TABLE conversation (id TEXT PRIMARY KEY);
CREATE TEMP TABLE leading (record INTEGER PRIMARY KEY)
"""
# Under keys that are not kept any more: what he was known by leads there. (Within one call two callers may
# have heard it together.)
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
    "INSERT OR IGNORE INTO conversation"  # CROSS: by way of his records, and not of all that there are
    " SELECT call FROM own CROSS JOIN event USING (record) WHERE call <> ''",
    "INSERT OR IGNORE INTO conversation"
    " SELECT linked FROM own CROSS JOIN event USING (record) WHERE linked <> ''",
    "INSERT OR IGNORE INTO own SELECT record FROM event WHERE record >= :first AND pseudonym IS NULL"
    " AND (call IN conversation OR linked IN conversation)",
    "INSERT OR IGNORE INTO leading SELECT record FROM event WHERE record >= :first AND basis IN own",
)
# Of those that say something of his records too. These salts are looked for in what is left.
_THEIRS = f"""
FROM (SELECT record FROM own UNION SELECT record FROM leading) AS his
CROSS JOIN leaf ON {leaves.of("his.record")}
"""  # noqa: S608  # our own names
_SALTS = f"SELECT salt_who, binding {_THEIRS} WHERE salt_who IS NOT NULL"
_CLOSE = f"""
UPDATE leaf SET salt_who = NULL, binding = NULL WHERE leaf IN (SELECT leaf.leaf {_THEIRS})
RETURNING leaf, record IN own
"""  # noqa: S608  # our own names
_AGAIN = """
SELECT 1 FROM event WHERE pseudonym IN his UNION ALL SELECT 1 FROM standing WHERE pseudonym IN his
UNION ALL SELECT 1 FROM elsewhere WHERE pseudonym IN his
UNION ALL SELECT 1 FROM number_use WHERE pseudonym IN his
"""


@dataclass(frozen=True)
class Erased:
    """What is gone: how many records lead to nobody any more, and which copies of the ledger were deleted.
    `traces` are the records that say so, `request` is what is kept to ask other boxes by, if they are to be
    asked."""

    records: int
    copies: tuple[Path, ...]
    traces: tuple[int, ...] = field(default=(), compare=False)
    request: Request | None = None


def erase(
    ledger: Path,
    pseudonyms: Sequence[bytes],
    at: datetime,
    *,
    everywhere: bool = False,
    sealed: Sequence[bytes] = (),
) -> Erased:
    """Erase one caller under all his pseudonyms, and leave the trace that it happened. If other boxes are to
    do it too, `everywhere`, that is kept in the same transaction, with the caller `sealed` for those with
    other keys, and there must be a ledger.

    Raises LedgerError if anything of him is left, with what it is and what to do; the same again is harmless
    then, and does the rest.
    """
    if not ledger.exists() and not everywhere:
        AccessLog(ledger).erase(pseudonyms)
        return Erased(0, _without_copies(ledger))
    store = SqliteStore(str(ledger), create=False)
    try:
        records, traces = 0, list[int]()
        request = erasure_requests.new(datetime.now(UTC), sealed) if everywhere else None
        for _time in range(TIMES):
            erased, his, trace, request = _erase(store, pseudonyms, at, request)
            records += erased
            traces.append(trace)
            try:
                AccessLog(ledger).erase(his)
                copies = _without_copies(ledger)
                if _clean(store, his):
                    return Erased(records, copies, tuple(traces), request)
            except OSError as error:
                said = Text("{file} cannot be read ({why}).")
                why = said.format(file=error.filename, why=Foreign(error.strerror or ""))
                raise _unfinished(ledger, why) from error
            except LedgerError as error:
                raise _unfinished(ledger, error.message, error.remedy) from error
        raise _unfinished(ledger, Text("He rings again and again meanwhile."))
    finally:
        store.close()


def _note(store: SqliteStore, record: int, says: str) -> None:
    """What is gone is noted beside the ledger too, for who restores a backup: now, and not only when the next
    checkpoint is signed."""
    leaf = store.leaf(record)
    assert leaf is not None  # it was written with its record
    with suppress(EvidenceError):
        LogFolder(store.file).published(store.log().epoch).note_gone(leaf.leaf, says)


def _unfinished(ledger: Path, why: Text, first: Text = NOTHING) -> LedgerError:
    return LedgerError(
        Text(
            "The caller's records in {ledger} are erased, but traces of him are left. {why}",
            ledger=ledger,
            why=why,
        ),
        joined(" ", first, Text("Then do the same again: it goes on where it stopped.")),
    )


def forget(store: SqliteStore, requests: Sequence[Request]) -> None:
    """Of what was kept to ask other boxes by, and all have done, no byte is left (I9). Raises LedgerError;
    the same again is harmless then, and does the rest."""
    if not requests:
        return
    erasure_requests.through(store, requests)
    _without_copies(store.file)
    store.empty_log(PATIENCE_SECONDS)
    cut_off = any(not each.pseudonyms for each in requests)  # what to look for is not known any more
    whom = [value for request in requests for value in (*request.pseudonyms, *request.sealed)]
    pieces = [value.hex().encode() for value in whom]
    if cut_off or any(_holds(file, pieces) for file in store.contents()):
        with store.connected() as connection:
            connection.execute("VACUUM")
        store.empty_log(PATIENCE_SECONDS)
    erasure_requests.forget(store, requests)


def _erase(
    store: SqliteStore, pseudonyms: Sequence[bytes], at: datetime, request: Request | None = None
) -> tuple[int, list[bytes], int, Request | None]:
    """How many records, under which pseudonyms and salts, the record that says so, and what is kept to ask
    other boxes by. Searched for beforehand, so that calls wait only for what came since."""
    with store.connected() as connection:
        connection.execute("PRAGMA temp_store = MEMORY")
        for table in ("his", "own", "conversation", "leading"):
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        for statement in _GATHERED.split(";"):
            connection.execute(statement)
        connection.executemany("INSERT INTO his VALUES (?)", {(each,) for each in pseudonyms})
        newest = store.newest()
        while connection.execute(_EARLIER).rowcount:
            pass
        _gather(connection, 0)
        with store.transaction() as transaction:
            _gather(connection, newest + 1)
            salts = [each for row in connection.execute(_SALTS) for each in row if each]
            erased = connection.execute(f"{rows.ERASE} WHERE record IN own").rowcount
            connection.execute("UPDATE event SET basis = NULL WHERE record IN leading")
            for statement in elsewhere.FORGET_HIM:
                connection.execute(statement)
            closed = connection.execute(_CLOSE).fetchall()
            own, resting = ([leaf for leaf, his in closed if bool(his) is each] for each in (True, False))
            which = rows.counted(erased) + leaves.named(own, resting)
            number = transaction.append(rows.note(RecordKind.ERASURE, Reason.REQUEST, at, which))
            his = [each for (each,) in connection.execute("SELECT pseudonym FROM his")]
            if request is not None and not set(his) <= set(request.pseudonyms):
                request = replace(request, pseudonyms=tuple({*request.pseudonyms, *his}))
                erasure_requests.keep(connection, request)
        _note(store, number, f"{RecordKind.ERASURE} {which}")
        return erased, his + salts, number, request


def _gather(connection: sqlite3.Connection, first: int) -> None:
    """Find what is his from this record on."""
    for statement in _OWN:
        connection.execute(statement, {"first": first} if ":first" in statement else {})


def _without_copies(ledger: Path) -> tuple[Path, ...]:
    """Delete the copies, which hold him too, and in which nothing can be erased alone; which."""
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


def _clean(store: SqliteStore, his: Sequence[bytes]) -> bool:
    """Leave no trace in any file; false if he rang meanwhile, and is on record anew. Raises LedgerError."""
    pieces = [each[at : at + PIECE] for each in his for at in range(0, len(each), PIECE)]
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
    """No file that somebody else made of the ledger, and named after it, holds him."""
    own = {f"{ledger.name}{end}" for end in ("", "-wal", "-shm")}
    identity = ledger.stat()
    for file in sorted(ledger.parent.iterdir()):
        # What other threads have open is not opened: their locks on it would end. It was erased by itself.
        named = ledger.stem in file.name and file.name not in own and not file.name.endswith(_ACCESS_LOGS)
        if not named or file.is_symlink() or not file.is_file() or os.path.samestat(file.stat(), identity):
            continue
        with file.open("rb", buffering=0) as stream:
            if _holds(iter(lambda: stream.read(1 << 20), b""), pieces):
                raise LedgerError(
                    Text("{file} holds him.", file=file), Text("Delete it: rm {file}", file=file)
                )


def _holds(chunks: Iterable[bytes], pieces: Sequence[bytes]) -> bool:
    """Whether any of the pieces stands in a file, read chunk by chunk."""
    before, longest = b"", max(map(len, pieces), default=PIECE)
    for chunk in chunks:
        text = before + chunk
        if any(piece in text for piece in pieces):
            return True
        before = text[1 - longest :]
    return False
