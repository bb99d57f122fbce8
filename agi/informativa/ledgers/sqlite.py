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
from pathlib import Path
from typing import Any

from ..errors import EventRefusedError, LedgerError
from ..files import create
from ..i18n import _, foreign, later
from ..model import Event, Kind, Reason, Record, Recording, Standing
from ..ports import Book, Ledger, Result
from . import backup, beside, forms, rows
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
        self.saved = 0
        """How often what lay beside the file was taken away, and what it held went into the file."""
        self._beside = beside.Beside(self.file)
        self._place: beside.Place | None = None  # what we have open
        self._beside = beside.Beside(self.file)
        self._forked: LedgerError | None = None
        self._closed = False
        with self._translated():
            if create and not read_only:
                self._create()
            self._beside.wait_whole(BUSY_SECONDS)
            if read_only:
                # With nobody's log beside it SQLite would make one and leave it there, unless told that the
                # file does not change (and one that a service opens now changes only after a while).
                alone = "" if self._log().exists() else "&immutable=1"
                uri = f"{self.file.absolute().as_uri()}?mode=ro{alone}"
                self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
                self._book = SqliteBook(self._connection)
            else:
                self._open(create, migrate)

    def _open(self, create: bool, migrate: bool) -> None:
        # Not to be made by SQLite, whose mode and owner it would not have.
        uri = f"{self.file.absolute().as_uri()}?mode=rw"
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._book = SqliteBook(self._connection)
        try:
            forms.require_ours(self._connection, self.file, create=create)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")  # what goes is overwritten
            forms.bring_up_to_date(self._connection, self.file, migrate=migrate)
            self._place = self._beside.place()
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
        with self._translated():
            known = {row[:5]: row[5] for row in self._connection.execute(rows.RECORDINGS)}
        return [one for one in recordings if known.get(one.place, one.sha256) != one.sha256]

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
            return forms.of(self._connection), forms.migrations()[-1][0]

    def around(self, cutoff: datetime) -> tuple[datetime | None, datetime | None]:
        """When the last call before `cutoff` was recorded and the first one since. Reads the whole ledger."""
        with self._translated():
            before, since = self._connection.execute(rows.AROUND, (rows.microseconds(cutoff),) * 2).fetchone()
            return (
                None if before is None else rows.moment(before),
                None if since is None else rows.moment(since),
            )

    def close(self) -> None:
        """Closing twice is harmless."""
        with self._translated():
            if self._closed or self._forked is not None:
                return
            now = self._beside.place()
            if self._place is not None and now.ledger == self._place.ledger:
                try:
                    self._require_place()  # closing saves nothing where others have it open
                except LedgerError:
                    self._forked = self._forked or self._fork()
                    raise
            self._closed = True
            self._connection.close()

    def _create(self) -> None:
        """An empty file for its user alone; made by root, it belongs to the folder's owner, who runs us."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            create(self.file, like=self.file.parent.stat())

    def _log(self) -> Path:
        return self.file.with_name(f"{self.file.name}-wal")

    def tend(self) -> None:
        """For when there is nothing else to do: what is in the log goes into the file, so that the log can be
        lost, and a log that was lost is noticed."""
        with self._translated():
            self._require_place()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _require_place(self) -> None:
        """That what is written goes where others read it. Where the log was taken away, what it holds is
        saved first; what is written to a ledger that was taken away itself would be lost."""
        now = self._beside.place()
        if now == self._place:
            return
        if self._place is None:  # it could not be opened again before
            self._open(create=False, migrate=False)
            return
        if now.ledger != self._place.ledger:
            raise LedgerError(
                _("The ledger {file} was deleted or replaced while in use.").format(file=self.file),
                _("Put the file back, or restart the service to begin a new one."),
            )
        if self._forked is None and not self._beside.can_be_saved(self._place):
            self._forked = self._fork()
        if self._forked is not None:
            raise self._forked
        self._save(self._place)
        self._place = None
        self._open(create=False, migrate=False)
        self.saved += 1

    def _save(self, ours: beside.Place) -> None:
        """What the log that we have open holds goes into the file, and the connection ends."""
        if self._beside.place().log == ours.log:  # only its index is another: it is one history still
            self._connection.execute("BEGIN IMMEDIATE")  # whoever has our index writes no more after this
            self._connection.execute("ROLLBACK")
            self._beside.distrust_index(ours)
        elif not self._beside.is_empty(ours):
            busy, *_sizes = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise LedgerError(
                    _(
                        "What lies beside the ledger {file} (-wal, -shm) was deleted while in use; what was"
                        " recorded before cannot be saved while another program reads it."
                    ).format(file=self.file),
                    _("It is tried again."),
                )
        self._connection.close()

    def _fork(self) -> LedgerError:
        """Another program has begun another log: what we have is copied, and nothing is written over."""
        beside.keep_open(self._connection)
        copy = backup.rescue(self._connection, self.file, datetime.now(UTC))
        return LedgerError(
            _(
                "The log of the ledger {file} was deleted while in use, and another program has written to the"
                " ledger since: it has two histories. What this process recorded before is in {copy}."
            ).format(file=self.file, copy=copy),
            _("Stop the service, keep both files, put the right one in place, and start the service."),
        )

    def _begin(self) -> None:
        """Take the write lock, and then look: whoever saves a log that was taken away takes it too."""
        for _attempt in range(2):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                if self._beside.place() == self._place:
                    return
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                if self._closed or self._beside.place() == self._place:
                    raise
            self._require_place()
        raise self._unsettled()

    def _confirm(self) -> None:
        """Nothing is acknowledged into a log that is gone, or where others have written meanwhile."""
        now = self._beside.place()
        if now != self._place:
            replaced = self._place is not None and now.index not in (None, self._place.index)
            self._require_place()
            if replaced:
                raise self._unsettled()

    def _unsettled(self) -> LedgerError:
        return LedgerError(
            _("What lies beside the ledger {file} (-wal, -shm) was replaced while in use.").format(
                file=self.file
            ),
            _("It is tried again."),
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[SqliteBook]:
        with self._translated():
            self._begin()
            try:
                yield self._book
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._confirm()

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

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _store(self) -> SqliteStore:
        if self._opened is None:
            self._opened = SqliteStore(self._file, migrate=False)
        return self._opened
