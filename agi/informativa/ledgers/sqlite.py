"""The SQLite ledger: one file per controller, in WAL mode with full synchronisation.

`SqliteStore` is the file with plain blocking calls, one transaction for a batch. `SqliteLedger` is the
port over it for a process with one call; `groupcommit.py` is the port for a service with many.
Several processes may have the same file open (the service and scripts); WAL takes that.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import EventRefusedError, LedgerError
from ..model import Ending, Event, Heard, Known, Reason, Record, Standing, Status

BUSY_SECONDS = 2.0  # how long to wait for another process's transaction; bounds what a caller waits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Joined with `event`: a standing whose proof is gone proves nothing.
_STANDING = """
SELECT standing.notice, standing.versions, standing.purposes, standing.record, standing.at
FROM standing JOIN event ON event.record = standing.record WHERE standing.pseudonym = ?
"""
_RECORDS = """
SELECT record, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt,
       ending, heard, length, key, basis, linked, wanted
FROM event WHERE record >= ? ORDER BY record
"""
_APPEND = """
INSERT INTO event (at, call, line, pseudonym, notice, version, language, purposes, status, reason,
                   prompt, ending, heard, length, key, basis, linked, wanted)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INFORM = """
INSERT INTO standing (pseudonym, notice, versions, purposes, record, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (pseudonym, notice) DO UPDATE
SET versions = excluded.versions, purposes = excluded.purposes, record = excluded.record, at = excluded.at
"""


_REMEDIES = {
    "SQLITE_BUSY": "Another process holds it: end whatever has it open beside informativa.",
    "SQLITE_NOTADB": "Keep the file, and put a backup of the ledger in its place.",
    "SQLITE_CORRUPT": "Keep the file, and put a backup of the ledger in its place.",
    "SQLITE_FULL": "The disk is full: make room.",
}


class SqliteStore:
    """One controller's file. Blocking; use it from one thread at a time. With `read_only` nothing is made,
    migrated or written.

    Every method raises LedgerError when the file cannot be opened, read or written.
    """

    def __init__(self, file: str, *, read_only: bool = False) -> None:
        self.file = Path(file)
        with self._translated():
            if read_only:
                uri = f"{self.file.absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
                return
            self._create()
            self._opened = self._identity()
            self._connection = sqlite3.connect(
                file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._migrate()
            except BaseException:
                self._connection.close()
                raise

    def standing(self, pseudonym: bytes) -> Standing:
        with self._translated():
            return self._standing(pseudonym)

    def append(self, events: Sequence[Event]) -> list[int]:
        """Record events in one transaction, all or none; their numbers once they are on the disk.

        Raises EventRefusedError if it is an event that is wrong and not the ledger.
        """
        self._check_place()
        with self._transaction():
            return [self._append(event) for event in events]

    def records(self, first: int = 1) -> Iterator[Record]:
        """All records from number `first` on, in order, as of the moment of each page."""
        with self._translated():
            for row in self._connection.execute(_RECORDS, (first,)):
                yield _record(row)

    def record(self, number: int) -> Record | None:
        """The record of that number, if there is one."""
        return next((record for record in self.records(number) if record.number == number), None)

    def newest(self) -> int:
        """The number of the newest record, 0 if there is none."""
        with self._translated():
            number: int = self._connection.execute("SELECT coalesce(max(record), 0) FROM event").fetchone()[0]
            return number

    def close(self) -> None:
        with self._translated():
            self._connection.close()

    def _create(self) -> None:
        """An empty file for its user alone; made by root, it belongs to the folder's owner, who runs us."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            owner = self.file.parent.stat()
            if os.geteuid() == 0:
                os.chown(self.file, owner.st_uid, owner.st_gid)

    def _identity(self) -> tuple[int, int]:
        found = self.file.stat()
        return found.st_dev, found.st_ino

    def _check_place(self) -> None:
        """What is written to a file that was deleted or moved away is lost, and SQLite does not notice."""
        with contextlib.suppress(OSError):
            if self._identity() == self._opened:
                return
        raise LedgerError(
            f"The ledger {self.file} was deleted or replaced while in use.",
            "Put the file back, or restart the service to begin a new one.",
        )

    def _standing(self, pseudonym: bytes) -> dict[str, Known]:
        return {
            notice: Known(_set(versions), _set(purposes), record, _time(at))
            for notice, versions, purposes, record, at in self._connection.execute(_STANDING, (pseudonym,))
        }

    def _append(self, event: Event) -> int:
        record = self._connection.execute(_APPEND, _row(event)).lastrowid
        assert record is not None  # an INSERT that did not raise has a row
        if event.pseudonym is not None and event.informs:
            known = Known(frozenset({event.version}), event.purposes, record, event.at)
            known = known.merged(self._standing(event.pseudonym).get(event.notice, known))
            self._connection.execute(
                _INFORM,
                (
                    event.pseudonym,
                    event.notice,
                    _words(known.versions),
                    _words(known.purposes),
                    known.record,
                    _microseconds(known.at),
                ),
            )
        return record

    def _migrate(self) -> None:
        """Apply each numbered migration once, together with the note that it was applied."""
        newest = self._connection.execute("PRAGMA user_version").fetchone()[0]
        migrations = sorted(_migrations(), key=lambda migration: migration[0])
        if newest > migrations[-1][0]:
            raise LedgerError(
                f"The ledger {self.file} was written by a newer informativa.", "Upgrade this one."
            )
        for number, sql in migrations:
            if number <= newest:
                continue
            with self._transaction():
                if self._connection.execute("PRAGMA user_version").fetchone()[0] < number:
                    for statement in _statements(sql):
                        self._connection.execute(statement)
                    self._connection.execute(f"PRAGMA user_version = {number}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """No `sqlite3.Error` or `OSError` leaves the ledger."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.InterfaceError, ValueError, OverflowError) as error:
            raise EventRefusedError(f"The ledger {self.file} refused a record ({error}).") from error
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(
                f"The ledger {self.file} cannot be used ({error}).", self._remedy(error)
            ) from error

    def _remedy(self, error: Exception) -> str:
        name = getattr(error, "sqlite_errorname", "")
        for sign, remedy in _REMEDIES.items():
            if name.startswith(sign):
                return remedy
        return f"Look at the owner, mode and free space of {self.file.parent}."


class SqliteLedger:
    """The `Ledger` of a process that handles one call: nothing else waits, so nothing is handed over.

    The file is opened at the first use, so that a ledger that cannot be opened is met where the call
    knows what to do about it.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._opened: SqliteStore | None = None

    async def standing(self, pseudonym: bytes) -> Standing:
        return self._store().standing(pseudonym)

    async def record(self, number: int) -> Record | None:
        return self._store().record(number)

    async def append(self, event: Event) -> int:
        return self._store().append([event])[0]

    def records(self, first: int = 1) -> Iterator[Record]:
        return self._store().records(first)

    def newest(self) -> int:
        """The number of the newest record, 0 if there is none."""
        return self._store().newest()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _store(self) -> SqliteStore:
        if self._opened is None:
            self._opened = SqliteStore(self._file)
        return self._opened


def _migrations() -> list[tuple[int, str]]:
    folder = resources.files(__package__) / "migrations"
    return [
        (int(file.name[:4]), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]


def _statements(sql: str) -> Iterator[str]:
    """One by one, because `executescript` would end the transaction that they belong to."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _row(event: Event) -> tuple[object, ...]:
    heard = event.heard
    return (
        _microseconds(event.at),
        event.call,
        event.line,
        event.pseudonym,
        event.notice,
        event.version,
        event.language,
        _words(event.purposes),
        event.status,
        event.reason,
        event.prompt,
        heard and heard.ending,
        heard and heard.seconds,
        heard and heard.length,
        heard and heard.key,
        event.basis,
        event.linked,
        event.wanted,
    )


def _record(row: Sequence[Any]) -> Record:
    (number, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt) = row[
        :12
    ]
    ending, seconds, length, key, basis, linked, wanted = row[12:]
    return Record(
        number,
        Event(
            at=_time(at),
            call=call,
            line=line,
            pseudonym=pseudonym,
            notice=notice,
            version=version,
            language=language,
            purposes=_set(purposes),
            status=Status(status),
            reason=Reason(reason),
            prompt=prompt,
            heard=None if ending is None else Heard(Ending(ending), seconds, length, key),
            basis=basis,
            linked=linked,
            wanted=wanted,
        ),
    )


def _words(names: frozenset[str]) -> str:
    return " ".join(sorted(names))


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _time(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)
