"""The SQLite ledger: one file per controller, in WAL mode with full synchronisation.

`SqliteStore` is the file with plain blocking calls, one transaction for a batch. `SqliteLedger` is the
port over it for a process with one call; `groupcommit.py` is the port for a service with many.
Several processes may have the same file open (the service and scripts); WAL takes that.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import EventRefusedError, LedgerError, LedgerOutdatedError
from ..files import create
from ..i18n import _, foreign, later
from ..model import Event, Kind, Reason, Record, Recording, Standing
from ..ports import Book, Ledger, Result
from . import backup, rows
from .book import SqliteBook

PAGE = 1000  # rows that one transaction of a purge deletes
BUSY_SECONDS = 2.0  # how long to wait for another process's transaction; bounds what a caller waits

_REMEDIES = {
    "SQLITE_BUSY": later("Another process holds it: end whatever has it open beside informativa."),
    "SQLITE_NOTADB": later("Keep the file, and put a backup of the ledger in its place."),
    "SQLITE_CORRUPT": later("Keep the file, and put a backup of the ledger in its place."),
    "SQLITE_FULL": later("The disk is full: make room."),
}


class SqliteStore:
    """One controller's file. Blocking; use it from one thread at a time. With `read_only` nothing is made,
    migrated or written; without `create` a file that is not there is an error; without `migrate` one of an
    earlier informativa that has records is a LedgerOutdatedError, because to copy it takes its time.

    Every method raises LedgerError when the file cannot be opened, read or written.
    """

    def __init__(
        self, file: str, *, read_only: bool = False, create: bool = True, migrate: bool = True
    ) -> None:
        self.file = Path(file)
        with self._translated():
            if read_only:
                # With nobody's log beside it SQLite would make one and leave it there, unless told that the
                # file does not change (and one that a service opens now changes only after a while).
                alone = "" if self._log().exists() else "&immutable=1"
                uri = f"{self.file.absolute().as_uri()}?mode=ro{alone}"
                self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
                self._book = SqliteBook(self._connection)
                return
            if create:
                self._create()
            self._opened = self._identity()
            self._connection = sqlite3.connect(
                file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._book = SqliteBook(self._connection)
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._bring_up_to_date(migrate)
            except BaseException:
                self._connection.close()
                raise

    def standing(self, pseudonym: bytes) -> Standing:
        """What a caller already got."""
        with self._translated():
            return self._book.standing(pseudonym)

    def transact(self, works: Sequence[Callable[[Book], Any]]) -> list[Any]:
        """Do several works in one transaction, all or none; their results once it is on the disk.

        Raises EventRefusedError if it is an event that is wrong and not the ledger, and what a work raises.
        """
        with self._transaction() as book:
            return [work(book) for work in works]

    def append(self, events: Sequence[Event]) -> list[int]:
        """Record events in one transaction, all or none; their numbers once they are on the disk."""
        with self._transaction() as book:
            return [book.append(event) for event in events]

    def append_new(self, events: Iterable[tuple[Event, Sequence[bytes]]]) -> int:
        """Record those that are not on record, in one transaction; how many. With each event, under which
        other pseudonyms its caller may be known."""
        with self._transaction() as book:
            return sum(book.append_new(event, earlier) for event, earlier in events)

    def recorded(self, deliveries: Collection[tuple[str, datetime]]) -> set[tuple[str, datetime]]:
        """Which of these calls has a record of that very moment. Reads the whole ledger."""
        moments = [rows.microseconds(at) for _, at in deliveries]
        with self._translated():
            sql = "SELECT call, at FROM event WHERE at BETWEEN ? AND ?"
            found = self._connection.execute(sql, (min(moments), max(moments)))
            return {(call, rows.moment(at)) for call, at in found} & set(deliveries)

    def records(self, first: int = 1) -> Iterator[Record]:
        """All records from number `first` on, in order, as of the moment of each page."""
        with self._translated():
            for row in self._connection.execute(rows.RECORDS, (first,)):
                yield rows.record(row)

    def of_caller(self, pseudonym: bytes) -> list[Record]:
        """All records of one caller, in order. Reads the whole ledger: this is rare, calls are not."""
        with self._translated():
            return [rows.record(row) for row in self._connection.execute(rows.OF_CALLER, (pseudonym,))]

    def erase(self, pseudonyms: Sequence[bytes], at: datetime) -> int:
        """Erase one caller under all his pseudonyms and leave the trace that it happened, in one
        transaction; how many records.

        The bytes are overwritten in the file and the log is emptied, so that nothing is left to find.
        """
        with self._translated():
            self._connection.execute("PRAGMA secure_delete = ON")
            with self._transaction() as book:
                erased = 0
                for pseudonym in pseudonyms:
                    erased += self._connection.execute(rows.ERASE, (pseudonym,)).rowcount
                    book.forget(pseudonym)
                book.append(rows.note(Kind.ERASURE, Reason.REQUEST, at, f"{erased} records"))
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return erased

    def older(self, cutoff: datetime) -> int:
        """How many records `purge` would delete."""
        with self._translated():
            sql = "SELECT count(*) FROM event WHERE at < ? AND kind <> 'purge'"
            number: int = self._connection.execute(sql, (rows.microseconds(cutoff),)).fetchone()[0]
            return number

    def purge(self, cutoff: datetime, at: datetime) -> int:
        """Delete what is older than `cutoff` and leave the trace that it happened; how many records.

        Only the deletions, in small pages, make calls wait; the search does not. A later record may go on
        naming a deleted one as its basis: the number still says which it was.
        """
        with self._translated():
            self._connection.execute("PRAGMA foreign_keys = OFF")
            try:
                purged = self._delete(rows.OLD, rows.PURGE, cutoff, (0,))
                self._delete(rows.BASELESS, rows.PURGE_STANDING, cutoff, (b"", "", ""))
                if purged:
                    with self._transaction() as book:
                        note = f"{purged} records before {cutoff:%Y-%m-%d %H:%M} UTC"
                        book.append(rows.note(Kind.PURGE, Reason.RETENTION, at, note))
            finally:
                self._connection.execute("PRAGMA foreign_keys = ON")
        return purged

    def _delete(self, search: str, statement: str, cutoff: datetime, last: tuple[object, ...]) -> int:
        """Delete what the search finds from the key `last` on; how many rows."""
        deleted, before = 0, rows.microseconds(cutoff)
        while page := self._connection.execute(search, (before, *last, PAGE)).fetchall():
            with self._transaction():
                deleted += self._connection.executemany(statement, page).rowcount
            last = page[-1]
        return deleted

    def changed(self, recordings: Iterable[Recording]) -> list[Recording]:
        """Those of which another sound file was served before."""
        known = self.recordings()
        return [one for one in recordings if known.get(one.place, one.sha256) != one.sha256]

    def recordings(self) -> dict[tuple[str, ...], str]:
        """The SHA-256 of each sound file that was served, by where it stands."""
        with self._translated():
            return {row[:5]: row[5] for row in self._connection.execute(rows.RECORDINGS)}

    def keep(self, recordings: Iterable[Recording]) -> None:
        """Remember each recording that was not served before."""
        with self._transaction():
            for one in recordings:
                self._connection.execute(rows.KEEP_RECORDING, (*one.place, one.sha256))

    def newest(self) -> int:
        """The number of the newest record, 0 if there is none."""
        with self._translated():
            number: int = self._connection.execute("SELECT coalesce(max(record), 0) FROM event").fetchone()[0]
            return number

    def count(self) -> int:
        """How many records there are; those that were purged left their numbers."""
        with self._translated():
            number: int = self._connection.execute("SELECT count(*) FROM event").fetchone()[0]
            return number

    def schema(self) -> tuple[int, int]:
        """Of which version the file is, and of which one it should be."""
        with self._translated():
            return self._form(), max(number for number, _sql in _migrations())

    def around(self, cutoff: datetime) -> tuple[datetime | None, datetime | None]:
        """When the last call before `cutoff` was recorded and the first one since. Reads the whole ledger."""
        with self._translated():
            before, since = self._connection.execute(rows.AROUND, (rows.microseconds(cutoff),) * 2).fetchone()
            return (
                None if before is None else rows.moment(before),
                None if since is None else rows.moment(since),
            )

    def close(self) -> None:
        with self._translated():
            self._connection.close()

    def _create(self) -> None:
        """An empty file for its user alone; made by root, it belongs to the folder's owner, who runs us."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            create(self.file, like=self.file.parent.stat())

    def _log(self) -> Path:
        return self.file.with_name(f"{self.file.name}-wal")

    def _identity(self) -> tuple[int, int]:
        found = self.file.stat()
        return found.st_dev, found.st_ino

    def _check_place(self) -> None:
        """What is written to a file that was deleted or moved away is lost, and SQLite does not notice."""
        with contextlib.suppress(OSError):
            if self._identity() == self._opened:
                return
        raise LedgerError(
            _("The ledger {file} was deleted or replaced while in use.").format(file=self.file),
            _("Put the file back, or restart the service to begin a new one."),
        )

    def _bring_up_to_date(self, migrate: bool) -> None:
        """Apply the numbered migrations that are missing, all of them or none.

        What is there is copied before, under the lock of the same transaction: so the copy is what is
        migrated, no second process does it too, and the lock ends with whoever holds it.
        """
        migrations = sorted(_migrations())
        if self._form() > migrations[-1][0]:
            raise LedgerError(
                _("The ledger {file} was written by a newer informativa.").format(file=self.file),
                _("Upgrade this one."),
            )
        if self._form() == migrations[-1][0]:
            return
        if not migrate and self._has_records():
            raise LedgerOutdatedError(
                _("The ledger {file} is of an earlier informativa and not migrated yet.").format(
                    file=self.file
                ),
                _("The service does it beside the calls; without a service type: informativa check"),
            )
        with self._transaction():
            if self._has_records() and self._form() < migrations[-1][0]:
                backup.make(self.file, self._form(), datetime.now(UTC))
            for number, sql in [each for each in migrations if each[0] > self._form()]:
                for statement in _statements(sql):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {number}")

    def _form(self) -> int:
        """The number of the last migration that was applied."""
        number: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return number

    def _has_records(self) -> bool:
        """Whether it holds what would be a loss."""
        return self._form() > 0 and self.newest() > 0

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[SqliteBook]:
        with self._translated():
            self._check_place()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._book
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
            raise EventRefusedError(
                _("The ledger {file} refused a record ({error}).").format(
                    file=self.file, error=foreign(str(error))
                )
            ) from error
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(
                _("The ledger {file} cannot be used ({why}).").format(
                    file=self.file, why=foreign(str(error))
                ),
                self._remedy(error),
            ) from error

    def _remedy(self, error: Exception) -> str:
        name = getattr(error, "sqlite_errorname", "")
        for sign, remedy in _REMEDIES.items():
            if name.startswith(sign):
                return _(remedy)
        return _("Look at the owner, mode and free space of {folder}.").format(folder=self.file.parent)


class SqliteLedger(Ledger):
    """The `Ledger` of a process that handles one call: nothing else waits, so nothing is handed over.

    The file is opened at the first use, so that a ledger that cannot be opened is met where the call
    knows what to do about it.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._opened: SqliteStore | None = None

    async def transact(self, work: Callable[[Book], Result]) -> Result:
        result: Result = self._store().transact([work])[0]
        return result

    def records(self, first: int = 1) -> Iterator[Record]:
        return self._store().records(first)

    def recordings(self) -> dict[tuple[str, ...], str]:
        """As of `SqliteStore`."""
        return self._store().recordings()

    def keep(self, recordings: Iterable[Recording]) -> None:
        """As of `SqliteStore`."""
        self._store().keep(recordings)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _store(self) -> SqliteStore:
        if self._opened is None:
            self._opened = SqliteStore(self._file, migrate=False)
        return self._opened


def try_writing(file: str) -> None:
    """Change a page of a ledger that is there, and take it back. Raises LedgerError where that cannot be."""
    store = SqliteStore.__new__(SqliteStore)
    store.file = Path(file)
    with store._translated():
        uri = f"{store.file.absolute().as_uri()}?mode=rw"
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")
            number = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("ROLLBACK")


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
