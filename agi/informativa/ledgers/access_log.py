"""Who looked at whom: one SQLite file beside each controller's ledger, to which rows are only added.

Each row has a hash over the one before it, so that a row that was changed or taken out is found. Whom a row
is about is in it by a salted hash alone: when he is erased, pseudonym and salt go, the chain stays whole, and
nothing that is left leads to him. What the chain cannot show: that the newest rows are missing, or that
somebody who may write the file made all of it anew. Whoever has a `head` from before can show both.

A connection is open for one thing at a time: people look seldom, and any thread or process may.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from importlib import resources
from pathlib import Path

from ..errors import LedgerError
from ..evidence.commitment import canonical
from ..files import create
from ..model import Action, Period
from ..redaction import without_numbers
from ..text import Foreign, Text
from .wal_files import LedgerFiles

SUFFIX = ".access"
SIDES = ("", "-wal", "-shm")
APPLICATION, SCHEMA = 0x696E6661, 1  # PRAGMA application_id: “infa”; user_version
BUSY_SECONDS, PATIENCE_SECONDS, _TURN_SECONDS = 5.0, 10.0, 0.05
LONGEST = 200  # characters of a detail
SHORTEST = Period(months=6)  # for which an entry is kept (L24)
SALT_SIZE = 16  # bytes
_ROW_TAG, _WHO_TAG = b"informativa/access/v1\n", b"informativa/access-who/v1\n"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_COLUMNS = "number, at, account, action, pseudonym, salt, who, record, detail, hash"
_NEWEST = 1 << 62  # no row has such a number


@dataclass(frozen=True)
class AccessEntry:
    """One look or act: when, who, what; `pseudonym` (32 bytes) is whom it was about, or `None`, and `record`
    which record. `number` is its place in the log, 0 before it is in it; `erased` is whether it was about
    somebody who is not known any more, at his request."""

    at: datetime
    account: str
    action: Action
    pseudonym: bytes | None = None
    record: int | None = None
    detail: str = ""
    number: int = 0
    erased: bool = False


@dataclass(frozen=True)
class AccessFilter:
    """A choice of entries: all, or of one account, one action, about one caller or one of these `records`,
    `since` a time and `until` before another."""

    account: str | None = None
    action: Action | None = None
    pseudonyms: Sequence[bytes] = ()
    records: Sequence[int] = ()
    since: datetime | None = None
    until: datetime | None = None


ALL = AccessFilter()


def kept_since(retention: Period, now: datetime, zone: tzinfo) -> datetime:
    """Since when entries are kept: for the retention of the records, and for six months at least (L24)."""
    return min(retention.before(now, zone), SHORTEST.before(now, zone))


@dataclass(frozen=True)
class AccessChain:
    """How many rows there are; the number and the hash of the newest one (`head`); and the first number whose
    row is missing or not what it was, `None` if all are whole."""

    rows: int
    number: int
    head: bytes
    wrong: int | None


class AccessLog:
    """The log beside one ledger. Every method raises LedgerError when it cannot be read or written."""

    def __init__(self, ledger: Path) -> None:
        self.file = ledger.with_name(f"{ledger.name}{SUFFIX}")

    def add(self, entry: AccessEntry, own: str = "") -> int:
        """Put it on record, durably; its number. Of its detail no digits stay that may be a number; the
        program's `own` words of it, such as the line, stand behind it as they are."""
        behind = f" {own}" if own else ""
        safe = without_numbers(entry.detail)[: LONGEST - len(behind)]
        entry = replace(entry, detail=f"{safe}{behind}".lstrip())
        with self._opened(create=True) as connection, _writing(connection):
            number, before = _head(connection)
            salt = None if entry.pseudonym is None else os.urandom(SALT_SIZE)
            who = None if entry.pseudonym is None or salt is None else _who(salt, entry.pseudonym)
            at = (entry.at - _EPOCH) // _MICROSECOND
            facts = (number + 1, at, entry.account, str(entry.action), who, entry.record, entry.detail)
            row = (*facts[:4], entry.pseudonym, salt, *facts[4:], _hash(before, *facts))
            connection.execute(f"INSERT INTO access ({_COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  # our own names
        return number + 1

    def page(self, before: int | None, count: int, wanted: AccessFilter = ALL) -> tuple[AccessEntry, ...]:
        """The newest `count` of those from before a number, the newest first."""
        if not self.file.exists():
            return ()
        conditions, values = _conditions(wanted)
        with self._opened() as connection:
            found = connection.execute(
                f"SELECT number, at, account, action, pseudonym, who, record, detail FROM access"  # noqa: S608  # our own names
                f" WHERE number < ? {conditions} ORDER BY number DESC LIMIT ?",
                (_NEWEST if before is None else min(before, _NEWEST), *values, count),
            )
            return tuple(_entry(*row) for row in found)

    def verify(self) -> AccessChain:
        """Whether every row is what it was when it was added, and none is missing between them."""
        if not self.file.exists():
            return AccessChain(0, 0, bytes(32), None)
        wrong, rows = None, 0
        with self._opened() as connection:
            number, before = connection.execute("SELECT number, hash FROM state").fetchone()
            for row in connection.execute(f"SELECT {_COLUMNS} FROM access ORDER BY number"):  # noqa: S608  # our own names
                *facts, kept = row
                if wrong is None and not (facts[0] == number + 1 and _whole(facts, before, kept)):
                    wrong = number + 1
                number, before, rows = facts[0], kept, rows + 1
        return AccessChain(rows, number, before, wrong)

    def erase(self, pseudonyms: Sequence[bytes]) -> int:
        """Forget whom it was about where it was one of these: in no byte of the file, or of what lies beside
        it, they are left. How many rows; the same again does what is left of it."""
        if not self.file.exists():
            return 0
        with self._opened() as connection:
            connection.execute("PRAGMA temp_store = MEMORY")
            with _writing(connection):
                erased = sum(
                    connection.execute(
                        "UPDATE access SET pseudonym = NULL, salt = NULL WHERE pseudonym = ?", (each,)
                    ).rowcount
                    for each in set(pseudonyms)
                )
                if erased:
                    connection.execute("UPDATE state SET unclean = 1")
            if connection.execute("SELECT unclean FROM state").fetchone()[0]:
                self._clean(connection)
        return erased

    def purge(self, before: datetime) -> int:
        """Delete the oldest rows up to the first one that is not from before a time; how many. Nothing of
        them is left in the file's log either."""
        if not self.file.exists():
            return 0
        with self._opened() as connection:
            with _writing(connection):
                purged = _purge(connection, (before - _EPOCH) // _MICROSECOND)
            self._empty_log(connection)
            return purged

    def _clean(self, connection: sqlite3.Connection) -> None:
        """Write the file anew, for SQLite leaves bytes of what was in its pages, and empty its log."""
        connection.execute("VACUUM")
        self._empty_log(connection)
        connection.execute("UPDATE state SET unclean = 0")

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > until:
                raise LedgerError(
                    Text(
                        "{file} still holds what was deleted while another program reads it.",
                        file=f"{self.file}-wal",
                    ),
                    Text("End what reads it, or wait until it ends."),
                )
            time.sleep(_TURN_SECONDS)

    @contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if create:
                self._create()
            uri = f"{self.file.absolute().as_uri()}?mode=rw"
            connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
            with closing(connection):
                self._prepare(connection)
                yield connection
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            raise LedgerError(
                Text(
                    "The record of who looked at whom, {file}, cannot be used ({why}).",
                    file=self.file,
                    why=Foreign(str(error)),
                ),
                Text("Look at the owner, mode and free space of {folder}.", folder=self.file.parent),
            ) from error

    def _create(self) -> None:
        """An empty file for its user alone, as the ledger's; made by root, for the folder's owner."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            create(self.file, like=self.file.parent.stat())

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Its tables, where it is new. Raises LedgerError for what is another program's or a newer one's."""
        for pragma in ("synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        if _form(connection) == (APPLICATION, SCHEMA):
            return
        if _form(connection) == (0, 0):
            # Of two that go over to a log at once SQLite lets none wait: one is told that it is locked.
            with LedgerFiles(self.file).alone(BUSY_SECONDS):
                if _form(connection) == (0, 0):
                    connection.execute("PRAGMA journal_mode = WAL")
                    with _writing(connection):
                        _make_tables(connection)
        if _form(connection) != (APPLICATION, SCHEMA):
            raise LedgerError(
                Text("{file} is of a newer informativa, or of another program.", file=self.file),
                Text("Upgrade this one, or move the file away."),
            )


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _purge(connection: sqlite3.Connection, end: int) -> int:
    """Delete the oldest rows up to the first from `end` on (microseconds since 1970); how many."""
    last = connection.execute(
        "SELECT number, hash FROM access WHERE number <"
        " coalesce((SELECT min(number) FROM access WHERE at >= ?), ?) ORDER BY number DESC LIMIT 1",
        (end, _NEWEST),
    ).fetchone()
    if last is None:
        return 0
    connection.execute("UPDATE state SET number = ?, hash = ?", last)
    return connection.execute("DELETE FROM access WHERE number <= ?", last[:1]).rowcount


def _make_tables(connection: sqlite3.Connection) -> None:
    """Statement by statement: a whole script would end the transaction."""
    text, statement = (resources.files("informativa.ledgers") / "access_log.sql").read_text(), ""
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return  # another program's
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _form(connection: sqlite3.Connection) -> tuple[int, int]:
    names = ("application_id", "user_version")
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return application, version


def _head(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """The number and the hash of the newest row, be it purged."""
    newest = "SELECT number, hash FROM access UNION ALL SELECT number, hash FROM state ORDER BY number DESC"
    number, found = connection.execute(f"{newest} LIMIT 1").fetchone()
    return number, found


def _hash(
    before: bytes,
    number: int,
    at: int,
    account: str,
    action: str,
    who: bytes | None,
    record: int | None,
    detail: str,
) -> bytes:
    """Of the hash before and the canonical JSON (RFC 8785) of the row; what is absent is left out."""
    facts: dict[str, str | int | None] = {
        "account": account,
        "action": action,
        "at": at,
        "detail": detail or None,
        "number": number,
        "record": record,
        "who": None if who is None else who.hex(),
    }
    present = {name: value for name, value in facts.items() if value is not None}
    return sha256(_ROW_TAG + before + canonical(present)).digest()


def _who(salt: bytes, pseudonym: bytes) -> bytes:
    return sha256(_WHO_TAG + salt + pseudonym).digest()


def _whole(facts: Sequence[object], before: bytes, kept: bytes) -> bool:
    """Whether a row is what its hash says, and so is whom it is about, where he is not erased."""
    number, at, account, action, pseudonym, salt, who, record, detail = facts
    if (pseudonym is None) != (salt is None) or (pseudonym is not None and who is None):
        return False
    if isinstance(pseudonym, bytes) and isinstance(salt, bytes) and _who(salt, pseudonym) != who:
        return False
    return _hash(before, number, at, account, action, who, record, detail) == kept  # type: ignore[arg-type]


def _conditions(wanted: AccessFilter) -> tuple[str, list[object]]:
    """SQL and its values, for what is wanted."""
    since, until = (
        None if each is None else (each - _EPOCH) // _MICROSECOND for each in (wanted.since, wanted.until)
    )
    asked: list[tuple[str, object]] = [
        ("account = ?", wanted.account),
        ("action = ?", wanted.action and str(wanted.action)),
        ("at >= ?", since),
        ("at < ?", until),
    ]
    found = [(sql, value) for sql, value in asked if value is not None]
    conditions, values = [sql for sql, _value in found], [value for _sql, value in found]
    about: list[str] = []
    if wanted.pseudonyms:
        about.append(f"pseudonym IN ({', '.join('?' * len(wanted.pseudonyms))})")
        values += wanted.pseudonyms
    if wanted.records:  # one value, for SQLite limits how many there may be
        about.append("record IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(wanted.records)))
    if about:
        conditions.append(f"({' OR '.join(about)})")
    return "".join(f" AND {each}" for each in conditions), values


def _entry(
    number: int,
    at: int,
    account: str,
    action: str,
    pseudonym: bytes | None,
    who: bytes | None,
    record: int | None,
    detail: str,
) -> AccessEntry:
    """Raises ValueError for an action that there is not."""
    return AccessEntry(
        _EPOCH + at * _MICROSECOND,
        account,
        Action(action),
        pseudonym,
        record,
        detail,
        number,
        erased=who is not None and pseudonym is None,
    )
