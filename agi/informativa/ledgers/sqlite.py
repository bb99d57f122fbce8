"""The SQLite ledger: one file per controller, in WAL mode with full synchronisation.

`SqliteStore` is the file (`opened.py`) with plain blocking calls, one transaction for a batch. `SqliteLedger`
is the port over it for a process with one call; `groupcommit.py` is the port for a service with many.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ..evidence.commitment import Commitments
from ..evidence.origin import log_name
from ..model import CallerHistory, Event, Record, RecordFilter, Recording
from ..ports import Ledger, LedgerTransaction, Result
from . import elsewhere, leaves, migrating, rows
from . import owner as owners
from .ledger_file import LedgerFile
from .owner import LedgerOwner
from .transaction import SqliteTransaction
from .write_lock import LOOK_SECONDS

PAGE = 1000  # rows that one transaction of a purge deletes
_OTHERS = (
    (elsewhere.OLD_OTHERS, elsewhere.PURGE_OTHERS, (b"", "", "", -1, "")),
    (elsewhere.OLD_USE, elsewhere.PURGE_USE, (b"", "")),
)
EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class SqliteStore(LedgerFile):
    """What calls and commands ask of one controller's file. Without `migrate` one of an earlier informativa
    that has records is a LedgerOutdatedError, because to copy it takes its time. `log` is the name of the log
    that a new file begins (evidence/origin.py); by default it is that of the file. With an `owner` one that
    is another's, or of another key, is refused, and one that is nobody's yet becomes his."""

    def __init__(
        self,
        file: str,
        *,
        read_only: bool = False,
        create: bool = True,
        migrate: bool = True,
        log: str = "",
        owner: LedgerOwner | None = None,
    ) -> None:
        super().__init__(file, read_only=read_only, create=create)
        with self._translated(), self._closed_if_it_fails():
            if not read_only:
                log = log or log_name(self.file.stem)
                migrating.bring_up_to_date(self._connection, self.file, log, migrate=migrate)
            if owner is not None and not owners.require(self._connection, self.file, owner) and not read_only:
                self.adopt(owner)

    def adopt(self, owner: LedgerOwner) -> None:
        """Have it say whose it is, whatever it said before."""
        with self.transaction(), self.connected() as connection:
            owners.write(connection, owner)

    def history(self, pseudonym: bytes) -> CallerHistory:
        """What a caller already got."""
        with self._translated():
            return self._transaction.history(pseudonym)

    def transact(self, works: Sequence[Callable[[LedgerTransaction], Any]]) -> list[Any]:
        """Do several works in one transaction, all or none; their results once it is on the disk.

        Raises EventRefusedError if it is an event that is wrong and not the ledger, and what a work raises.
        """
        with self.transaction() as transaction:
            return [work(transaction) for work in works]

    def append(self, events: Sequence[Event]) -> list[int]:
        """Record events in one transaction, all or none; their numbers once they are on the disk."""
        with self.transaction() as transaction:
            return [transaction.append(event) for event in events]

    def append_new(self, events: Iterable[tuple[Event, Sequence[bytes]]]) -> int:
        """Record those that are not on record, in one transaction; how many. With each event, under which
        other pseudonyms its caller may be known."""
        with self.transaction() as transaction:
            return sum(transaction.append_new(event, earlier) for event, earlier in events)

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

    def search(self, wanted: RecordFilter, first: int, before: int) -> Iterator[Record]:
        """Of these the ones that are wanted, from one number on and before another. Reads all in between."""
        with self._translated():
            given = rows.wanted(wanted, first=first, before=before)
            for row in self._connection.execute(rows.SEARCH, given):
                yield rows.record(row)

    def first_of_last(self, wanted: RecordFilter, count: int, before: int) -> int:
        """The number of the first of the last `count` records from before a number that are wanted; that
        number if none is."""
        with self._translated():
            given = rows.wanted(wanted, count=count, before=before)
            number: int = self._connection.execute(rows.FIRST_OF_LAST, given).fetchone()[0]
            return number

    def backwards(self, wanted: RecordFilter, first: int, before: int, count: int) -> list[Record]:
        """Up to `count` of those that are wanted, from before a number, the newest first; none that is before
        `first`, so that no more is read."""
        with self._translated():
            given = rows.wanted(wanted, first=first, before=before, count=count)
            return [rows.record(row) for row in self._connection.execute(rows.BACKWARDS, given)]

    def of_call(self, event: Event, first: int, before: int) -> list[Record]:
        """Those of the same call or conversation as an event, from one number on and before another."""
        with self._translated():
            given = {"first": first, "before": before, "call": event.call, "linked": event.linked}
            return [rows.record(row) for row in self._connection.execute(rows.OF_CALL, given)]

    def of_caller(self, pseudonym: bytes) -> list[Record]:
        """All records of one caller, in order. Reads the whole ledger: this is rare, calls are not."""
        with self._translated():
            return [rows.record(row) for row in self._connection.execute(rows.OF_CALLER, (pseudonym,))]

    def older(self, cutoff: datetime) -> int:
        """How many records `purge` would delete."""
        with self._translated():
            number: int = self._connection.execute(rows.OLDER, (rows.microseconds(cutoff),)).fetchone()[0]
            return number

    def purge(self, cutoff: datetime, at: datetime) -> int:
        """Delete what is older than `cutoff`; how many records. Each page goes in one transaction with the
        trace that it went, so that no record is gone without one, whatever happens.

        Only the deletions, in small pages, make calls wait; the search does not. A later record may go on
        naming a deleted one as its basis: the number still says which it was.
        """
        purged = 0
        with self.connected() as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            try:
                for page in self._pages(rows.OLD, cutoff, (0,)):
                    with self.turn() as transaction:
                        following = transaction.next_number()
                        numbers = [number for (number,) in page if transaction.purge(number)]
                        if numbers:
                            closed = leaves.named(transaction.close_leaves(numbers))
                            transaction.append(rows.purge_note(numbers, closed, cutoff, at), following)
                    purged += len(numbers)
                for page in self._pages(rows.BASELESS, cutoff, (b"", "", "")):
                    with self.turn():
                        connection.executemany(rows.PURGE_STANDING, page)
                for search, delete, first in _OTHERS:
                    for page in self._pages(search, cutoff, first):
                        with self.turn():
                            connection.executemany(delete, page)
            finally:
                connection.execute("PRAGMA foreign_keys = ON")
        return purged

    @contextlib.contextmanager
    def turn(self, *, brief: bool = False) -> Iterator[SqliteTransaction]:
        """A transaction, one of many. The ledger is free afterwards for as long as it was locked, so that
        half of the calls do not wait at all; after a `brief` one until whoever waits for it has looked."""
        begun = time.monotonic()
        with self.transaction() as transaction:
            yield transaction
        time.sleep(LOOK_SECONDS if brief else time.monotonic() - begun)

    def _pages(
        self, search: str, cutoff: datetime, last: tuple[object, ...]
    ) -> Iterator[list[tuple[Any, ...]]]:
        """What the search finds from the key `last` on."""
        before = rows.microseconds(cutoff)
        while page := self._connection.execute(search, (before, *last, PAGE)).fetchall():
            yield page
            last = page[-1]

    def changed(self, recordings: Iterable[Recording]) -> list[Recording]:
        """Those of which another sound file was served before."""
        known = self.recordings()
        return [one for one in recordings if known.get(one.key, one.sha256) != one.sha256]

    def recordings(self) -> dict[tuple[str, ...], str]:
        """The SHA-256 of each sound file that was served, by where it stands."""
        with self._translated():
            return {row[:5]: row[5] for row in self._connection.execute(rows.RECORDINGS)}

    def keep(self, recordings: Iterable[Recording]) -> None:
        """Remember each recording that was not served before."""
        with self.transaction():
            for one in recordings:
                self._connection.execute(rows.KEEP_RECORDING, (*one.key, one.sha256))

    def newest(self) -> int:
        """The number of the newest record, 0 if there is none."""
        with self._translated():
            number: int = self._connection.execute("SELECT coalesce(max(record), 0) FROM event").fetchone()[0]
            return number

    def callers_of(self, listed: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """By notice and version, how many callers were told one that is not `listed`. Reads all callers."""
        with self._translated():
            counts = self._connection.execute(rows.CALLERS_BY_VERSION)
            return {
                (notice, version): count
                for notice, version, count in counts
                if (notice, version) not in listed
            }

    def last_reasons(self, last: int) -> dict[tuple[str, str], int]:
        """By line and reason, how many of the `last` records of calls."""
        with self._translated():
            counts = self._connection.execute(rows.LAST_REASONS, (last,))
            return {(line, reason): count for line, reason, count in counts}

    def damage(self) -> str:
        """What SQLite finds wrong with the file first (PRAGMA quick_check); '' if nothing. Reads all."""
        with self._translated():
            (said,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            return "" if said == "ok" else str(said)

    def erasure_requests(self) -> list[tuple[int, int | None, int, str, str]]:
        """Erasures that other boxes were asked for, as their rows (erasure_requests.py)."""
        sql = "SELECT request, erasure, held, pseudonyms, sealed FROM erasure_request ORDER BY request"
        with self._translated():
            return self._connection.execute(sql).fetchall()

    def count(self) -> int:
        """How many records there are; those that were purged left their numbers."""
        with self._translated():
            number: int = self._connection.execute("SELECT count(*) FROM event").fetchone()[0]
            return number

    def log(self) -> leaves.LedgerLog:
        """The newest log. Raises LedgerOutdatedError for a ledger of an earlier informativa."""
        with self._translated():
            migrating.require_newest(self._connection, self.file)
            return leaves.log(self._connection)

    def logs(self) -> list[leaves.LedgerLog]:
        """All that it ever had, the newest last. Raises as `log` does."""
        self.log()
        with self._translated():
            return leaves.logs(self._connection)

    def recorded_from(self, leaf: int) -> datetime | None:
        """When the first record was put on record that has its leaf from this row of `leaf` on; `None` if
        there is none."""
        with self._translated():
            found = self._connection.execute(leaves.RECORDED, (leaf,)).fetchone()
            return rows.moment(found[0]) if found else None

    def notes(self, first: int = 0) -> Iterator[tuple[int, Event]]:
        """The records about records, each with its row of `leaf`, from that row on."""
        with self._translated():
            for *row, leaf in self._connection.execute(leaves.NOTES, (first,)):
                yield leaf, rows.record(row).event

    def leaf(self, record: int) -> leaves.Leaf | None:
        """That of a record, if it has one."""
        with self._translated():
            return leaves.leaf(self._connection, record)

    def opened(
        self, first: int, before: int, since: datetime = EVER[0], until: datetime = EVER[1]
    ) -> list[tuple[leaves.Leaf, Record]]:
        """Of the rows of `leaf` from one on and before another those whose records happened from `since` on
        and before `until`, each with its record, in the order of the log."""
        between = (rows.microseconds(since), rows.microseconds(until))
        with self._translated():
            found = self._connection.execute(leaves.OF_PERIOD, (first, before, *between)).fetchall()
        return [
            (leaves.Leaf.of(row[: leaves.LEAF_COLUMNS]), rows.record(row[leaves.LEAF_COLUMNS :]))
            for row in found
        ]

    def gone(self, first: int, last: int) -> int:
        """How many of these rows of `leaf` nothing opens any more."""
        with self._translated():
            number: int = self._connection.execute(leaves.GONE, (first, last)).fetchone()[0]
            return number

    def record(self, number: int) -> Record | None:
        """The record of that number, if there is one."""
        with self._translated():
            return self._transaction.record(number)

    def entries(self, leaf: int, count: int) -> list[bytes]:
        """Up to so many entries of logs, from a row of `leaf` on."""
        with self._translated():
            found = self._connection.execute(leaves.ENTRIES, (leaf, count)).fetchall()
            return [Commitments(*each).entry for each in found]

    def enter_old(self, count: int) -> int:
        """Give so many records from before there was a log their leaves; how many are left at most."""
        with self.turn() as transaction:
            log = leaves.log(self._connection)
            found = self._connection.execute(leaves.MISSING, (log.entered, log.old, count)).fetchall()
            for each in map(rows.record, found):
                transaction.commit_to(each.event, each.number, rows.row(each.event), migrated=True)
            entered = rows.record(found[-1]).number if len(found) == count else log.old
            self._connection.execute(leaves.ENTERED, (entered,))
            return log.old - entered

    def schema(self) -> tuple[int, int]:
        """Of which version the file is, and of which one it should be."""
        with self._translated():
            return migrating.of(self._connection), migrating.newest()

    def outlook(self) -> migrating.Outlook:
        """What it would take to bring the file up to date."""
        with self._translated():
            return migrating.outlook(self._connection, self.file)

    def around(self, cutoff: datetime) -> tuple[datetime | None, datetime | None]:
        """When the last call before `cutoff` was recorded and the first one since. Reads the whole ledger."""
        with self._translated():
            before, since = self._connection.execute(rows.AROUND, (rows.microseconds(cutoff),) * 2).fetchone()
            return (
                None if before is None else rows.moment(before),
                None if since is None else rows.moment(since),
            )


class SqliteLedger(Ledger):
    """The `Ledger` of a process that handles one call: nothing else waits, so nothing is handed over.

    The file is opened at the first use, so that a ledger that cannot be opened is met where the call
    knows what to do about it.
    """

    def __init__(
        self, file: str, log: str = "", owner: Callable[[], LedgerOwner | None] = lambda: None
    ) -> None:
        self._file, self._log_name, self._owner = file, log, owner
        self._opened: SqliteStore | None = None

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
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
            self._opened = SqliteStore(self._file, migrate=False, log=self._log_name, owner=self._owner())
        return self._opened
