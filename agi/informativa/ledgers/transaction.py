"""A SQLite ledger within one transaction: what calls read and write. Errors are `sqlite3`'s own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..evidence import commitment
from ..model import A_CALL, CallerHistory, Event, PriorDelivery, Reason, Record, Status, known_by
from . import elsewhere, leaves, row_texts, rows

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)  # a dry run's record is of then


def _as_it_is(value: Any) -> Any:
    return value


# For what is not exactly a number or a text sqlite3 looks for an adapter, then asks the type and the value
# for one, by errors that nobody sees: 3 % of a call's instructions.
for _type in (bytes, bool, type(None)):
    sqlite3.register_adapter(_type, _as_it_is)


class SqliteTransaction:
    """The `LedgerTransaction` over one connection, whose owner begins and ends the transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._log: leaves.LedgerLog | None = None
        self._leaf = 0

    def forget_log(self) -> None:
        """Another one began in this transaction: its first leaf follows the old one's last, too."""
        self._log = None

    def history(self, pseudonym: bytes) -> CallerHistory:
        return elsewhere.history(self._connection.execute(elsewhere.KNOWN, (pseudonym,)).fetchall())

    def _rekey(self, old: bytes, new: bytes) -> None:
        """What is known under one pseudonym is known under another, which keeps what it knew itself."""
        before = self._versions(old)
        self._connection.execute(rows.FORGET, (old,))
        for notice, one in before:
            self._inform(new, notice, one, moved=True)
        for statement in elsewhere.MOVE_OTHERS:
            self._connection.execute(statement, (old, new))

    def record(self, number: int) -> Record | None:
        found = self._connection.execute(rows.RECORD, (number,)).fetchone()
        return rows.record(found) if found else None

    def next_number(self) -> int:
        """That of the next record. Whoever deletes takes it before, for the record that says so: what is
        deleted last must not give its number to another."""
        return next_number(self._connection)

    def append(self, event: Event, number: int | None = None) -> int:
        values = rows.row(event)
        record = self._connection.execute(*rows.append((number, *values))).lastrowid
        assert record is not None  # an INSERT that did not raise has a row
        self.commit_to(event, record, values)
        self.remember(event, record)
        return record

    def remember(self, event: Event, record: int) -> None:
        """What its caller knows by this record: what he knew by an earlier key, and more if it informs."""
        if event.pseudonym is not None and event.earlier is not None:
            self._rekey(event.earlier, event.pseudonym)
        if event.pseudonym is not None and event.informs:
            if event.reason is Reason.RECYCLED:  # what is known was told to whoever had the number before
                self._connection.execute(rows.FORGET_NOTICE, (event.pseudonym, event.notice))
                self.recycle(event.pseudonym, event.notice, event.at)
            self._inform(event.pseudonym, event.notice, known_by(event, record), event.recorded or event.at)

    def commit_to(
        self, event: Event, record: int, values: Sequence[object], *, migrated: bool = False
    ) -> None:
        """Write the leaf of a record, of which `values` are what `rows.row` says: gapless, because whoever
        writes holds the lock. The log is looked up where the leaf that SQLite gives is not the one after the
        last that we wrote: others write, too, and what we wrote may have been undone."""
        if self._log is not None:
            given = self._enter(self._log, event, record, values, None, migrated=migrated)
            if given == self._leaf:
                self._leaf += 1
                return
            self._connection.execute(leaves.TAKE_BACK, (given,))
        self._log = leaves.log(self._connection)
        self._leaf = self._log.next
        self._enter(self._log, event, record, values, self._leaf, migrated=migrated)  # of all the first is 0
        self._leaf += 1

    def _enter(
        self,
        log: leaves.LedgerLog,
        event: Event,
        record: int,
        values: Sequence[object],
        leaf: int | None,
        *,
        migrated: bool,
    ) -> int | None:
        """Write what we have for the next leaf, with that number or with SQLite's; the number."""
        origin, index = log.origin, self._leaf - log.first
        salt, bound = commitment.salt(), event.binding
        salt_who, binding = (bound.salt, bound.value) if bound else (commitment.salt(), None)
        texts = row_texts.texts((record, *values), binding, origin, index, migrated=migrated)
        if texts is None:  # it is not of the form that most are of
            facts = commitment.facts(event, origin, index, record, migrated=migrated)
            person = commitment.person(event, binding)
            texts = commitment.canonical(facts), commitment.canonical(person)
        what, who = commitment.hashes(*texts, salt, salt_who)
        row = (leaf, record, what, who, salt, salt_who, binding, migrated)
        return self._connection.execute(leaves.APPEND, row).lastrowid

    def dry_run(self) -> None:
        connection = self._connection
        connection.execute("SAVEPOINT dry_run")
        try:
            for first in range(0, 256, 4):  # all over the file: one page of it may be damaged
                self.history(bytes([first]) + os.urandom(31))
            who, status, reason = os.urandom(32), Status.PLAYED, Reason.NOT_INFORMED
            self.append(Event(_WHEN, "0", "", who, "trial", "1", "", frozenset(), status, reason))
        finally:
            connection.execute("ROLLBACK TO dry_run")
            connection.execute("RELEASE dry_run")

    def close_leaves(self, records: Sequence[int]) -> list[int]:
        """Nothing can be opened any more of what these records committed to; their leaves."""
        found = (self._connection.execute(leaves.PURGE, (record,)).fetchone() for record in records)
        return [leaf for (leaf,) in filter(None, found)]

    def purge(self, record: int) -> bool:
        """Delete a record, and with it what its caller knew by it alone; whether it was there."""
        for version in self._connection.execute(rows.KNOWN_BY, (record,)).fetchall():
            self._connection.execute(rows.REDUCE, (record, *version))
        self._connection.execute(rows.UNTIE, (record,))
        return bool(self._connection.execute(rows.PURGE, (record,)).rowcount)

    def append_new(self, event: Event, earlier: Sequence[bytes] = ()) -> bool:
        """Record an event unless it is on record, under its pseudonym or one of those that the caller had
        `earlier`, by other keys; whether it was new."""
        new = not any(
            self._connection.execute(rows.THERE, rows.there(event, pseudonym)).fetchone()
            for pseudonym in (event.pseudonym, *earlier)
        )
        if new:
            self.append(event)
        return new

    def see(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        when = rows.microseconds(at)
        if not self._connection.execute(rows.SEEN, (when, pseudonym, notice)).rowcount:
            self._connection.execute(
                elsewhere.SEEN_ELSEWHERE, (pseudonym, notice, when)
            )  # it was told by others

    def recycle(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        """Whoever calls by this number since then is another; what was told before counts no more: of this
        notice, and of all others from before this call."""
        when, before = rows.microseconds(at), rows.microseconds(at - A_CALL)
        self._connection.execute(elsewhere.OF_BEFORE, (pseudonym, notice, when, before))
        self._connection.execute(elsewhere.RECYCLED, (pseudonym, notice, when))
        self._connection.execute(elsewhere.RECYCLED, (pseudonym, "", before))

    def learn(self, box: str, record: Record) -> None:
        """What a record of another box says of its caller."""
        event = record.event
        assert event.pseudonym is not None  # it was asked for with one
        if not event.informs:
            when = rows.microseconds(event.at)
            self._connection.execute(elsewhere.SEEN_ELSEWHERE, (event.pseudonym, event.notice, when))
            return
        if event.reason is Reason.RECYCLED:
            self.recycle(event.pseudonym, event.notice, event.at)
        self._connection.execute(elsewhere.LEARN, elsewhere.learnt(box, record))

    def _versions(self, pseudonym: bytes) -> list[tuple[str, PriorDelivery]]:
        """What each version of each notice told this caller, by this ledger's own records."""
        return list(map(rows.known, self._connection.execute(rows.STANDING, (pseudonym,))))

    def _inform(
        self,
        pseudonym: bytes,
        notice: str,
        known: PriorDelivery,
        now: datetime | None = None,
        *,
        moved: bool = False,
    ) -> None:
        """What a version told is all that its deliveries told: a supplement, say, and later the whole.

        A time that is still to come `now` was written by a clock that was wrong, and counts no more. What is
        `moved` rests on a record of another pseudonym of his.
        """
        for of, before in self._versions(pseudonym):
            if of != notice:
                continue
            if now is not None and before.whole is not None and before.whole > now:
                before = replace(before, whole=None)
                self._connection.execute(rows.NEVER_WHOLE, (pseudonym, notice, *before.versions))
            if before.versions == known.versions:
                known = known.merged(before)
        self._connection.execute(rows.INFORM, rows.informs(pseudonym, notice, known, moved=moved))


def next_number(connection: sqlite3.Connection) -> int:
    """One more than any record ever had, as far as the records and SQLite's own counter know."""
    number: int = connection.execute(rows.NEWEST).fetchone()[0]
    if connection.execute(rows.HAS_COUNTER).fetchone():
        number = max(number, connection.execute(rows.COUNTED).fetchone()[0])
    return number + 1
