"""The SQLite ledger: one file per controller, in WAL mode with full synchronisation.

`SqliteStore` is the file (`ledger_file.py`) with plain blocking calls, one transaction for a batch.
`SqliteLedger` is the port over it for a process with one call; `groupcommit.py` is the port for a service
with many.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..evidence.origin import log_name
from ..model import CallerHistory, Event, Record, RecordFilter, Recording
from ..model.ports import Ledger, LedgerTransaction, Result
from . import leaves, rows, schema
from . import owner as owners
from .ledger_file import LedgerFile
from .owner import LedgerOwner
from .transaction import SqliteTransaction
from .write_lock import LOOK_SECONDS

if TYPE_CHECKING:
    from ..evidence.note_values import NoteSource
    from ..evidence.notes import LogNote, RuleNote
    from .own_logs import RememberedTree
    from .recorded_calls import RecordedCall

EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class SqliteStore(LedgerFile):
    """The queries and changes of one controller's file. `log` is the name of the log
    that a new file begins (evidence/origin.py); the default is that of the file. With an `owner`, a file of
    another owner or key is refused, and a file without an owner becomes his."""

    def __init__(
        self,
        file: str,
        *,
        read_only: bool = False,
        create: bool = True,
        log: str = "",
        owner: LedgerOwner | None = None,
    ) -> None:
        super().__init__(file, read_only=read_only, create=create)
        self._next_turn = 0.0  # by the clock of `time.monotonic`
        with self._translated(), self._closed_if_it_fails():
            if not read_only:
                schema.create(self._connection, self.file, log or log_name(self.file.stem))
            if owner is not None and not owners.require(self._connection, self.file, owner) and not read_only:
                self._write_owner(owner)

    def _write_owner(self, owner: LedgerOwner) -> None:
        """Write the owner into the file, and his rule, if a log begins here."""
        with self.transaction() as transaction, self.connected() as connection:
            owners.write(connection, owner)
            if leaves.log(connection).size == 0 and (rule := owner.rule()) is not None:
                from .note_leaves import keep_rule  # only for the first call of a ledger

                keep_rule(transaction, connection, rule, datetime.now(UTC))

    def history(self, pseudonym: bytes) -> CallerHistory:
        """Return what a caller already got, by notice."""
        with self._translated():
            return self._transaction.history(pseudonym)

    def transact(self, works: Sequence[Callable[[LedgerTransaction], Any]]) -> list[Any]:
        """Do several works in one transaction, all or none, and return their results once it is on the disk.

        Raises EventRefusedError if an event is wrong and not the ledger, and what a work raises.
        """
        with self.transaction() as transaction:
            return [work(transaction) for work in works]

    def append(self, events: Sequence[Event]) -> list[int]:
        """Record events in one transaction, all or none, and return their numbers once they are on the
        disk."""
        with self.transaction() as transaction:
            return [transaction.append(event) for event in events]

    def append_new(self, events: Iterable[tuple[Event, Sequence[bytes]]]) -> int:
        """Record those events that are not on record, in one transaction, and return how many. With each
        event come the other pseudonyms of its caller."""
        with self.transaction() as transaction:
            return sum(transaction.append_new(event, earlier) for event, earlier in events)

    def recorded(self, deliveries: Collection[tuple[str, datetime]]) -> set[tuple[str, datetime]]:
        """Return those of these calls that have a record of exactly that time. Reads the whole ledger."""
        moments = [rows.microseconds(at) for _, at in deliveries]
        with self._translated():
            sql = "SELECT call, at FROM event WHERE at BETWEEN ? AND ?"
            calls = self._connection.execute(sql, (min(moments), max(moments)))
            return {(call, rows.moment(at)) for call, at in calls} & set(deliveries)

    def records(self, first: int = 1) -> Iterator[Record]:
        """Read all records from number `first` on, in order, each page as of its own moment."""
        with self._translated():
            for row in self._connection.execute(rows.RECORDS, (first,)):
                yield rows.record(row)

    def search(self, search: RecordFilter, first: int, before: int) -> Iterator[Record]:
        """Read the matching records from number `first` on and before number `before`. Reads all in
        between."""
        with self._translated():
            parameters = rows.filter_parameters(search, first=first, before=before)
            for row in self._connection.execute(rows.SEARCH, parameters):
                yield rows.record(row)

    def first_of_last(self, search: RecordFilter, count: int, before: int) -> int:
        """Return the number of the first of the last `count` matching records before number `before`;
        `before` itself if none matches."""
        with self._translated():
            parameters = rows.filter_parameters(search, count=count, before=before)
            number: int = self._connection.execute(rows.FIRST_OF_LAST, parameters).fetchone()[0]
            return number

    def backwards(self, search: RecordFilter, first: int, before: int, count: int) -> list[Record]:
        """Return up to `count` matching records before number `before`, the newest first; none before
        `first`, which bounds what is read."""
        with self._translated():
            parameters = rows.filter_parameters(search, first=first, before=before, count=count)
            return [rows.record(row) for row in self._connection.execute(rows.BACKWARDS, parameters)]

    def of_call(self, event: Event, first: int, before: int) -> list[Record]:
        """Return the records of the same call or conversation as an event, from number `first` on and before
        number `before`."""
        with self._translated():
            parameters = {"first": first, "before": before, "call": event.call, "linked": event.linked}
            return [rows.record(row) for row in self._connection.execute(rows.OF_CALL, parameters)]

    def calls(self, since: datetime, until: datetime) -> Iterator[RecordedCall]:
        """Read the records of calls of a period. Reads the whole ledger."""
        from . import recorded_calls  # not for a script

        with self._translated():
            yield from recorded_calls.of_period(self._connection, since, until)

    def purged_before(self) -> datetime | None:
        """Return the time before which records were deleted because of their age, if any were. Reads the
        whole ledger."""
        from . import recorded_calls  # not for a script

        with self._translated():
            return recorded_calls.purged_before(self._connection)

    def of_caller(self, pseudonym: bytes) -> list[Record]:
        """Return all records of one caller, in order. Reads the whole ledger: people ask for this rarely, and
        an index would cost each call."""
        with self._translated():
            return [rows.record(row) for row in self._connection.execute(rows.OF_CALLER, (pseudonym,))]

    @contextlib.contextmanager
    def turn(self, *, brief: bool = False) -> Iterator[SqliteTransaction]:
        """Yield a transaction, one of many. Before the next one the ledger is left free for as long as it was
        locked, so that half of the calls do not wait at all; after a `brief` one, only until waiting
        processes have tried again. Whoever turns to another ledger meanwhile does not wait."""
        if (pause := self._next_turn - time.monotonic()) > 0:
            time.sleep(pause)
        start = time.monotonic()
        with self.transaction() as transaction:
            yield transaction
        now = time.monotonic()
        self._next_turn = now + (LOOK_SECONDS if brief else now - start)

    def changed_recordings(self, recordings: Iterable[Recording]) -> list[Recording]:
        """Return the recordings of which another sound file was served before."""
        served = self.recordings()
        return [
            recording
            for recording in recordings
            if served.get(recording.key, recording.sha256) != recording.sha256
        ]

    def recordings(self) -> dict[tuple[str, ...], str]:
        """Return the SHA-256 of each sound file that was served, by its place."""
        with self._translated():
            return {row[:5]: row[5] for row in self._connection.execute(rows.RECORDINGS)}

    def keep_recordings(self, recordings: Iterable[Recording]) -> None:
        """Remember each recording that was not served before."""
        with self.transaction():
            for recording in recordings:
                self._connection.execute(rows.KEEP_RECORDING, (*recording.key, recording.sha256))

    def newest(self) -> int:
        """Return the number of the newest record, 0 if there is none."""
        with self._translated():
            number: int = self._connection.execute("SELECT coalesce(max(record), 0) FROM event").fetchone()[0]
            return number

    def callers_of(self, listed: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Count the callers who were told a version that is not `listed`, by notice and version. Reads all
        callers."""
        with self._translated():
            counts = self._connection.execute(rows.CALLERS_BY_VERSION)
            return {
                (notice, version): count
                for notice, version, count in counts
                if (notice, version) not in listed
            }

    def last_callers(self, last: int) -> dict[tuple[str, str, str | None], int]:
        """Count the `last` records of calls by line, reason and who vouched for the caller's number."""
        with self._translated():
            counts = self._connection.execute(rows.LAST_CALLERS, (last,))
            return {(line, reason, vouched): count for line, reason, vouched, count in counts}

    def damage(self) -> str:
        """Return the first damage that SQLite finds in the file (PRAGMA quick_check), empty if none. Reads
        all of it."""
        with self._translated():
            (answer,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            return "" if answer == "ok" else str(answer)

    def foreign_schema(self) -> list[str]:
        """Return the parts of its schema that informativa did not make, as `foreign_parts` does."""
        from .foreign_schema import foreign_parts  # not for a script

        with self._translated():
            return foreign_parts(self._connection)

    def count(self) -> int:
        """Return how many records there are. This is less than the newest number if some were purged."""
        with self._translated():
            number: int = self._connection.execute("SELECT count(*) FROM event").fetchone()[0]
            return number

    def log(self) -> leaves.LedgerLog:
        """Return the newest log."""
        with self._translated():
            return leaves.log(self._connection)

    def logs(self) -> list[leaves.LedgerLog]:
        """Return all logs that it ever had, the newest last."""
        with self._translated():
            return leaves.logs(self._connection)

    def remembered_tree(self, epoch: int) -> RememberedTree | None:
        """Return the last tree of a log of which the ledger knows that it was signed."""
        from . import own_logs  # not for a script

        with self._translated():
            return own_logs.remembered_tree(self._connection, epoch)

    def keep_rule(self, rule: RuleNote, at: datetime, by: NoteSource) -> None:
        """Write a rule into the newest log, unless it is the newest one there."""
        from . import note_leaves  # not for a script

        note_leaves.keep_rule_beside_calls(self, rule, at, by)

    def rule(self) -> LogNote | None:
        """Return the newest rule of the newest log; `None` if it has none."""
        from . import note_leaves  # not for a script

        with self._translated():
            return note_leaves.newest_rule(self._connection, leaves.log(self._connection))

    def log_notes(self) -> list[LogNote]:
        """Return the notes of all logs, in order."""
        from . import note_leaves  # not for a script

        with self._translated():
            notes = (note_leaves.backwards(self._connection, log) for log in leaves.logs(self._connection))
            return [note for log_notes in notes for note in reversed(list(log_notes))]

    def erased(self) -> list[tuple[int, bytes, bytes, bool]]:
        """Return the erased callers' records, and those that rested on them: the row of `leaf`, the two
        commitments, and whether the record was the caller's own. Reads the whole ledger."""
        with self._translated():
            return self._connection.execute(leaves.ERASED).fetchall()

    def recorded_from(self, leaf: int) -> datetime | None:
        """Return the time at which the first record with a leaf from this row of `leaf` on was recorded;
        `None` if there is none."""
        with self._translated():
            row = self._connection.execute(leaves.RECORDED, (leaf,)).fetchone()
            return rows.moment(row[0]) if row else None

    def notes(self, first: int = 0) -> Iterator[tuple[int, Event]]:
        """Read the records about records of version 1, each with its row of `leaf`, from that row on."""
        with self._translated():
            for *row, leaf, is_note in self._connection.execute(leaves.NOTES, (first,)):
                if not is_note:
                    yield leaf, rows.record(row).event

    def leaf(self, record: int) -> leaves.Leaf | None:
        """Return the leaf of a record, if it has one."""
        with self._translated():
            return leaves.leaf(self._connection, record)

    def leaves_of_period(
        self, first: int, before: int, since: datetime = EVER[0], until: datetime = EVER[1]
    ) -> list[tuple[leaves.Leaf, Record]]:
        """Return the leaves with their records, in the order of the log: rows of `leaf` from `first` on and
        before `before`, whose records happened from `since` on and before `until`."""
        times = (rows.microseconds(since), rows.microseconds(until))
        with self._translated():
            leaf_rows = self._connection.execute(leaves.OF_PERIOD, (first, before, *times)).fetchall()
        return [
            (leaves.Leaf.of(row[: leaves.LEAF_COLUMNS]), rows.record(row[leaves.LEAF_COLUMNS :]))
            for row in leaf_rows
        ]

    def count_closed(self, first: int, last: int) -> int:
        """Count those of these rows of `leaf` that nothing opens any more."""
        with self._translated():
            number: int = self._connection.execute(leaves.GONE, (first, last)).fetchone()[0]
            return number

    def record(self, number: int) -> Record | None:
        """Return the record of that number, if there is one."""
        with self._translated():
            return self._transaction.record(number)

    def entries(self, leaf: int, count: int) -> list[bytes]:
        """Return up to `count` entries of logs, from a row of `leaf` on."""
        with self._translated():
            entry_rows = self._connection.execute(leaves.ENTRIES, (leaf, count)).fetchall()
            return [leaves.entry(*values) for values in entry_rows]

    def calls_around(self, cutoff: datetime) -> tuple[datetime | None, datetime | None]:
        """Return the times of the last call before `cutoff` and of the first one since. Reads the whole
        ledger."""
        with self._translated():
            last_before, first_since = self._connection.execute(
                rows.AROUND, (rows.microseconds(cutoff),) * 2
            ).fetchone()
            return (
                None if last_before is None else rows.moment(last_before),
                None if first_since is None else rows.moment(first_since),
            )


class SqliteLedger(Ledger):
    """The `Ledger` of a process that handles one call: no other call waits, so nothing is handed to a thread.

    The file is opened at the first use, so that the error of a ledger that cannot be opened is raised in the
    call, which knows what to do about it.
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
        """Return the same as `SqliteStore.recordings`."""
        return self._store().recordings()

    def keep_recordings(self, recordings: Iterable[Recording]) -> None:
        """Do the same as `SqliteStore.keep_recordings`."""
        self._store().keep_recordings(recordings)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _store(self) -> SqliteStore:
        if self._opened is None:
            self._opened = SqliteStore(self._file, log=self._log_name, owner=self._owner())
        return self._opened
