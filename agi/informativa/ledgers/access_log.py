"""Record of who looked at whom: one SQLite file beside each controller's ledger, to which rows are only
added.

Each row has a hash over the row before it, so a row that was changed or taken out is noticed. A row names the
caller by a salted hash alone. When he is erased, pseudonym and salt are deleted; the chain stays intact, and
nothing that is left leads to him. The chain cannot show that the newest rows are missing, or that somebody
who may write the file made all of it anew. An earlier `head` shows both: the ledger has them as records of
its signed log (access_heads.py).

A connection is open for one operation at a time: people look seldom, and any thread or process may. A
console, in which they look often, holds one open (open_access_log.py).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import resources
from itertools import starmap
from pathlib import Path
from typing import Any

from ..model import Action, Period
from ..model.errors import LedgerError
from ..model.looks import AT_PERSONS, PersonLook
from ..model.redaction import without_numbers
from ..model.text import Foreign, Text
from ..system.files import create
from . import audit_reading, write_lock
from .access_chain import COLUMNS, AccessChain, caller_hash, hash_of_row, verify
from .access_entries import (
    ALL,
    PAGE,
    AccessFilter,
    LoggedAccess,
    conditions_of,
    entry,
    known_action,
    numbers_of,
    person_look,
)

SUFFIX = ".access"
SIDES = ("", "-wal", "-shm")
APPLICATION, SCHEMA = 0x696E6661, 1  # PRAGMA application_id: “infa”; user_version
BUSY_SECONDS, PATIENCE_SECONDS, _TURN_SECONDS = 5.0, 10.0, 0.05
MOST_LOOKS = 20_000  # that are examined at a time
LONGEST = 200  # characters of a detail
SHORTEST = Period(months=6)  # for which an entry is kept, by the Garante's measure of 27 November 2008
SALT_SIZE = 16  # bytes
_CLOCK_STEP = 2.0  # seconds, by which the time of a file may be coarser
TIMES = 3  # attempts to check it, if rows are added meanwhile
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_NEWEST = 1 << 62  # no row has such a number


def kept_since(retention: Period, now: datetime, zone: tzinfo) -> datetime:
    """Return the time since which entries are kept: the retention of the records, and six months at least,
    by the Garante's measure of 27 November 2008 on system administrators."""
    return min(retention.before(now, zone), SHORTEST.before(now, zone))


class AccessLog:
    """The log beside one ledger. Every method raises LedgerError if it cannot be read or written."""

    def __init__(self, ledger: Path) -> None:
        self.file = ledger.with_name(f"{ledger.name}{SUFFIX}")

    def add(self, entry: LoggedAccess, own: str = "") -> int:
        """Add an entry durably, and return its number. Digits of its detail that may be a phone number are
        removed; `own`, words of the program such as the line, is appended unchanged."""
        entry = stored(entry, own)
        with self._open(create=True) as connection, writing(connection):
            return append(connection, entry)

    def page(self, before: int | None, count: int, wanted: AccessFilter = ALL) -> tuple[LoggedAccess, ...]:
        """Return the newest `count` entries before the number `before`, the newest first. Of a time only the
        entries about it are read."""
        return tuple(starmap(entry, self._rows(before, count, wanted)))

    def looks(self, since: datetime) -> list[PersonLook]:
        """Return the looks at persons since a time, at most the newest MOST_LOOKS."""
        selection = AccessFilter(since=since, actions=AT_PERSONS)
        return list(starmap(person_look, self._rows(None, MOST_LOOKS, selection)))

    def _rows(self, before: int | None, count: int, selection: AccessFilter) -> list[tuple[Any, ...]]:
        if not self.file.exists():
            return []
        conditions, values = conditions_of(selection)
        with self._open() as connection:
            first, end = numbers_of(connection, selection)
            end = end if before is None else min(before, end)
            query = PAGE.format(conditions=conditions)
            return connection.execute(query, (first, end, *values, count)).fetchall()

    def count(self, selection: AccessFilter = ALL) -> Mapping[Action | str, int]:
        """Return the number of entries by action."""
        if not self.file.exists():
            return {}
        conditions, values = conditions_of(selection)
        with self._open() as connection:
            rows = connection.execute(
                f"SELECT action, count(*) FROM access WHERE 1 {conditions} GROUP BY action",  # noqa: S608  # our own names
                values,
            )
            return {known_action(action): count for action, count in rows}

    def newest(self) -> tuple[int, bytes] | None:
        """Return the number and the hash of the newest row, even if it was purged; `None` before the
        first."""
        if not self.file.exists():
            return None
        with self._open() as connection:
            number, row_hash = _head(connection)
        return (number, row_hash) if number else None

    def may_have_grown(self, since: datetime) -> bool:
        """Return whether an entry may have been added since a time, by the times of the files, so that a log
        that nobody adds to is not opened every minute."""
        with self._translated():
            try:
                changed = self.file.stat().st_mtime
            except FileNotFoundError:
                return False
            with suppress(FileNotFoundError):  # it is there while somebody has the file open
                changed = max(changed, self.file.with_name(f"{self.file.name}-wal").stat().st_mtime)
            return changed >= since.timestamp() - _CLOCK_STEP

    def verify(self, numbers: Collection[int] = (), after: AccessChain | None = None) -> AccessChain:
        """Check that every row is as it was when it was added, and that none is missing between them. The
        hashes of the rows with these `numbers` are returned. Writes nothing beside the file. If rows are
        added meanwhile, all are checked once more. With an intact state that nobody has changed since, only
        the rows `after` it are."""
        if not self.file.exists():
            return AccessChain(0, 0, bytes(32), None)
        with self._translated():
            for _ in range(TIMES):
                version = audit_reading.version(self.file)
                with audit_reading.reading(self.file) as connection:
                    chain = verify(connection, numbers, after)
                if chain.first_wrong is None or audit_reading.version(self.file) == version:
                    break
        return chain

    def erase(self, pseudonyms: Sequence[bytes]) -> int:
        """Delete the pseudonyms and their salts from all rows, and return how many rows had one of them. No
        byte of them is left in the file or beside it. Calling it again after an error finishes the work."""
        if not self.file.exists():
            return 0
        with self._open() as connection:
            connection.execute("PRAGMA temp_store = MEMORY")
            with writing(connection):
                erased = sum(
                    connection.execute(
                        "UPDATE access SET pseudonym = NULL, salt = NULL WHERE pseudonym = ?", (pseudonym,)
                    ).rowcount
                    for pseudonym in set(pseudonyms)
                )
                if erased:
                    connection.execute("UPDATE state SET unclean = 1")
            if connection.execute("SELECT unclean FROM state").fetchone()[0]:
                self._clean(connection)
        return erased

    def purge(self, before: datetime) -> int:
        """Delete the oldest rows, up to the first that is not older than `before`, and return how many.
        Nothing of them is left in the file's log either."""
        if not self.file.exists():
            return 0
        with self._open() as connection:
            with writing(connection):
                purged = _purge(connection, (before - _EPOCH) // _MICROSECOND)
            self._empty_log(connection)
            return purged

    def _clean(self, connection: sqlite3.Connection) -> None:
        """Rewrite the file, because SQLite leaves old bytes in its pages, and empty its log."""
        connection.execute("VACUUM")
        self._empty_log(connection)
        connection.execute("UPDATE state SET unclean = 0")

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        if not write_lock.empty_log(connection, PATIENCE_SECONDS, _TURN_SECONDS):
            raise LedgerError(
                Text(
                    "{file} still holds what was deleted while another program reads it.",
                    file=f"{self.file}-wal",
                ),
                Text("End what reads it, or wait until it ends."),
            )

    @contextmanager
    def _open(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        with self._translated():
            if create:
                self._create()
            with closing(self._connect()) as connection:
                yield connection

    def _connect(self) -> sqlite3.Connection:
        """Open the file, which exists. Raises LedgerError if it is of another program."""
        uri = f"{self.file.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
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
        """Create an empty file that only its user can read, as the ledger's. If root creates it, it belongs
        to the owner of the folder."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            create(self.file, like=self.file.parent.stat())

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Create the tables in a new file. Raises LedgerError if the file is of another program or of a newer
        version."""
        for pragma in ("synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        if _form(connection) == (APPLICATION, SCHEMA):
            return
        if _form(connection) == (0, 0):
            write_lock.use_log(connection)
            with writing(connection):
                if _form(connection) == (0, 0):  # another process may have made them meanwhile
                    _make_tables(connection)
        if _form(connection) != (APPLICATION, SCHEMA):
            raise LedgerError(
                Text("{file} is of a newer informativa, or of another program.", file=self.file),
                Text("Upgrade this one, or move the file away."),
            )


def stored(entry: LoggedAccess, own: str) -> LoggedAccess:
    """Return an entry as the file holds it: without numbers that were typed, and with the program's `own`
    words."""
    suffix = f" {own}" if own else ""
    safe = without_numbers(entry.detail)[: LONGEST - len(suffix)]
    return replace(entry, detail=f"{safe}{suffix}".lstrip())


def append(connection: sqlite3.Connection, entry: LoggedAccess) -> int:
    """Add an entry within a transaction, and return its number. Raises sqlite3.Error."""
    number, previous_hash = _head(connection)
    salt = None if entry.pseudonym is None else os.urandom(SALT_SIZE)
    who_hash = None if entry.pseudonym is None or salt is None else caller_hash(salt, entry.pseudonym)
    at = (entry.at - _EPOCH) // _MICROSECOND
    facts = (number + 1, at, entry.account, str(entry.action), who_hash, entry.record, entry.detail)
    row = (*facts[:4], entry.pseudonym, salt, *facts[4:], hash_of_row(previous_hash, *facts))
    connection.execute(f"INSERT INTO access ({COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  # our own names
    return number + 1


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Write within one transaction, for the time of a `with` block: all of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _purge(connection: sqlite3.Connection, end: int) -> int:
    """Delete the oldest rows up to the first from `end` on (microseconds since 1970), and return how many."""
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
    """Create the tables statement by statement: a whole script would end the transaction."""
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
    """Return the number and the hash of the newest row, even if that row was purged."""
    query = "SELECT number, hash FROM access UNION ALL SELECT number, hash FROM state ORDER BY number DESC"
    number, row_hash = connection.execute(f"{query} LIMIT 1").fetchone()
    return number, row_hash
