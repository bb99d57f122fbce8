"""A SQLite ledger within one transaction: the queries and changes of calls. It raises the errors of
`sqlite3`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..evidence import commitment
from ..model import A_CALL, CallerHistory, Event, PriorDelivery, Reason, Record, Status, Unasked, known_by
from . import leaves, number_use, row_texts, rows

if TYPE_CHECKING:
    from ..model.choices import AnswerHistory

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)  # time of the record of a dry run
# Pseudonyms over all of the file, of which one page may be damaged, by their first bytes. One statement reads
# the pages that as many look-ups would, in a twentieth of the time.
_SPREAD = range(0, 256, 4)
_MARKS = ",".join(f"?{number}" for number in range(1, len(_SPREAD) + 1))
_COUNTS = (
    f"SELECT count(*) FROM {table} WHERE pseudonym IN ({_MARKS})"  # noqa: S608  # our own names
    for table in ("standing", "number_use")
)
_KNOWN_AMONG = " UNION ALL ".join(_COUNTS)


def _identity(value: Any) -> Any:
    return value


# For a value that is not exactly a number or a text, sqlite3 looks for an adapter, then asks the type and the
# value for one, by exceptions that it swallows: 3 % of a call's instructions.
for _type in (bytes, bool, type(None)):
    sqlite3.register_adapter(_type, _identity)


class SqliteTransaction:
    """The `LedgerTransaction` over one connection, whose owner begins and ends the transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._log: leaves.LedgerLog | None = None
        self._leaf, self._last = 0, 0  # the next row of `leaf`, and the newest record that has a leaf

    def forget_log(self) -> None:
        """Forget the log, because another one began in this transaction: its first leaf has the same row
        after the last one."""
        self._log = None

    def history(self, pseudonym: bytes) -> CallerHistory:
        return number_use.history(self._connection.execute(number_use.KNOWN, (pseudonym,)).fetchall())

    def _rekey(self, old: bytes, new: bytes) -> None:
        """Move the history of one pseudonym to another, which keeps its own history too."""
        old_versions = self._versions(old)
        self._connection.execute(rows.FORGET, (old,))
        for notice, delivery in old_versions:
            self._inform(new, notice, delivery, moved=True)
        self._connection.execute(number_use.MOVE, (old, new))
        from . import answers  # not for a call without an earlier key

        answers.move(self._connection, old, new)

    def answers(self, pseudonym: bytes) -> AnswerHistory:
        from . import answers  # only where there are choices

        return answers.of_caller(self._connection, pseudonym)

    def count_unasked(self, line: str, choice: str, reason: Unasked, at: datetime) -> None:
        from . import answers  # only where there are choices

        answers.count_unasked(self._connection, line, choice, reason, at)

    def record(self, number: int) -> Record | None:
        row = self._connection.execute(rows.RECORD, (number,)).fetchone()
        return rows.record(row) if row else None

    def next_number(self) -> int:
        """Return the number of the next record. A deletion takes it beforehand, for the record that says so:
        the number of the last deleted record must not be given to another."""
        return next_number(self._connection)

    def append(self, event: Event, number: int | None = None) -> int:
        values = rows.row(event)
        record = self._connection.execute(*rows.append((number, *values))).lastrowid
        assert record is not None  # a successful INSERT has a row
        record = self.commit_to(event, record, values)
        self._remember_notice(event, record)
        if event.asked is not None:
            from . import answers  # only where there are choices

            answers.remember(self._connection, event, record)
            answers.count(self._connection, event)
            if event.asked.subject is not None:
                from . import outbox  # only where there is a hook

                outbox.put(self._connection, event, record, self._leaf - 1)
        return record

    def remember(self, event: Event, record: int) -> None:
        """Enter into the history what the caller knows by this record, and what he answered."""
        self._remember_notice(event, record)
        if event.asked is not None:
            from . import answers  # only where there are choices

            answers.remember(self._connection, event, record)

    def _remember_notice(self, event: Event, record: int) -> None:
        """Enter what the caller knows by this record: his history under an earlier key, and more if the
        record informs him."""
        if event.pseudonym is not None and event.earlier is not None:
            self._rekey(event.earlier, event.pseudonym)
        if event.pseudonym is not None and event.informs:
            if event.reason is Reason.RECYCLED:  # the history is that of an earlier holder of the number
                self._connection.execute(rows.FORGET_NOTICE, (event.pseudonym, event.notice))
                self.recycle(event.pseudonym, event.notice, event.at)
                from . import answers  # not for other calls

                call_start = rows.microseconds(event.at - A_CALL)
                self._connection.execute(answers.FORGET_BEFORE, (event.pseudonym, call_start))
            self._inform(event.pseudonym, event.notice, known_by(event, record), event.recorded or event.at)

    def commit_to(self, event: Event, record: int, values: Sequence[object]) -> int:
        """Write the leaf of a record, with `values` as `rows.row` returns them, and return the record's
        number. The writer holds the lock, so leaves have no gaps. The log is read again if SQLite gives
        another leaf than the one after the last that we wrote, or a number that a record before had: other
        processes write too, our last transaction may have been rolled back, and somebody may have deleted the
        newest rows, whose leaf and number are never given again."""
        if self._log is not None and record > self._last:
            leaf = self._enter(self._log, event, record, values, None)
            if leaf == self._leaf:
                self._leaf += 1
                self._last = record
                return record
            self._connection.execute(leaves.TAKE_BACK, (leaf,))
        self._log = leaves.log(self._connection)
        self._leaf, self._last = self._log.next, leaves.newest_record(self._connection)
        if record <= self._last:
            self._connection.execute(rows.RENUMBER, (self._last + 1, record))
            record = self._last + 1
        # With the row given, because SQLite would give 1 to the first of all, which is 0.
        self._enter(self._log, event, record, values, self._leaf)
        self._leaf, self._last = self._leaf + 1, record
        return record

    def _enter(
        self,
        log: leaves.LedgerLog,
        event: Event,
        record: int,
        values: Sequence[object],
        leaf: int | None,
    ) -> int | None:
        """Write the record's commitments as the next leaf, at row `leaf` or, if that is `None`, at the row
        that SQLite gives. Return the row."""
        origin, index = log.origin, self._leaf - log.first
        salt, event_binding = commitment.salt(), event.binding
        salt_who, binding, opening = (
            (event_binding.salt, event_binding.value, event_binding.opening)
            if event_binding
            else (commitment.salt(), None, None)
        )
        texts = row_texts.texts((record, *values), binding, opening, origin, index)
        if texts is None:  # it has not the usual form
            facts = commitment.facts(event, origin, index, record)
            person = commitment.person(event, binding, opening)
            texts = commitment.canonical(facts), commitment.canonical(person)
        what, who = commitment.hashes(*texts, salt, salt_who)
        row = (leaf, record, what, who, salt, salt_who, binding, opening)
        return self._connection.execute(leaves.APPEND, row).lastrowid

    def dry_run(self) -> None:
        connection = self._connection
        connection.execute("SAVEPOINT dry_run")
        try:
            spread = [bytes([first]) + os.urandom(31) for first in _SPREAD]
            connection.execute(_KNOWN_AMONG, spread).fetchall()
            pseudonym, status, reason = spread[0], Status.PLAYED, Reason.NOT_INFORMED
            self.history(pseudonym)
            self.append(Event(_WHEN, "0", "", pseudonym, "trial", "1", "", frozenset(), status, reason))
        finally:
            connection.execute("ROLLBACK TO dry_run")
            connection.execute("RELEASE dry_run")

    def close_leaves(self, records: Sequence[int]) -> list[int]:
        """Delete the values that open the commitments of these records, and return their leaves."""
        leaf_rows = (self._connection.execute(leaves.PURGE, (record,)).fetchone() for record in records)
        return [leaf for (leaf,) in filter(None, leaf_rows)]

    def purge(self, record: int) -> bool:
        """Delete a record, and what its caller knew by it alone. Return whether it was there."""
        for version in self._connection.execute(rows.KNOWN_BY, (record,)).fetchall():
            self._connection.execute(rows.REDUCE, (record, *version))
        self._connection.execute(rows.UNTIE, (record,))
        from . import answers  # not for a call

        self._connection.execute(answers.FORGET_RECORD, (record,))
        self._connection.execute(answers.UNTIE, (record,))
        self._connection.execute("DELETE FROM outbox WHERE record = ?", (record,))
        return bool(self._connection.execute(rows.PURGE, (record,)).rowcount)

    def append_new(self, event: Event, earlier: Sequence[bytes] = ()) -> bool:
        """Record an event unless it is on record, under its pseudonym or one of those that the caller had
        `earlier`, by other keys. Return whether it was new."""
        new = not self.is_recorded(event, earlier)
        if new:
            self.append(event)
        return new

    def is_recorded(self, event: Event, earlier: Sequence[bytes] = ()) -> bool:
        """Return whether an event is on record, as of `append_new`."""
        return any(
            self._connection.execute(rows.THERE, rows.delivery_key(event, pseudonym)).fetchone()
            for pseudonym in (event.pseudonym, *earlier)
        )

    def note_call(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        self._connection.execute(rows.SEEN, (rows.microseconds(at), pseudonym, notice))

    def recycle(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        """Note that the number has another holder since then. Earlier deliveries count no more: of this
        notice, and of all others from before this call."""
        when, call_start = rows.microseconds(at), rows.microseconds(at - A_CALL)
        self._connection.execute(number_use.RECYCLED, (pseudonym, notice, when))
        self._connection.execute(number_use.RECYCLED, (pseudonym, "", call_start))

    def _versions(self, pseudonym: bytes) -> list[tuple[str, PriorDelivery]]:
        """Return what each version of each notice told this caller."""
        return list(map(rows.prior_delivery, self._connection.execute(rows.STANDING, (pseudonym,))))

    def _inform(
        self,
        pseudonym: bytes,
        notice: str,
        delivery: PriorDelivery,
        now: datetime | None = None,
        *,
        moved: bool = False,
    ) -> None:
        """Enter a delivery into the history, merged with earlier ones of the same version: a supplement, for
        example, and later the whole notice.

        A time after `now` was written by a wrong clock, and counts no more. A `moved` delivery rests on a
        record of another pseudonym of his.
        """
        for other_notice, earlier in self._versions(pseudonym):
            if other_notice != notice:
                continue
            if now is not None and earlier.last_complete is not None and earlier.last_complete > now:
                earlier = replace(earlier, last_complete=None)
                self._connection.execute(rows.NEVER_WHOLE, (pseudonym, notice, *earlier.versions))
            if earlier.versions == delivery.versions:
                delivery = delivery.merge(earlier)
        self._connection.execute(rows.INFORM, rows.inform_values(pseudonym, notice, delivery, moved=moved))


def next_number(connection: sqlite3.Connection) -> int:
    """Return one more than any record ever had, according to the records, to the newest leaf, and to SQLite's
    own counter."""
    number: int = connection.execute(rows.NEWEST).fetchone()[0]
    if connection.execute(rows.HAS_COUNTER).fetchone():
        number = max(number, connection.execute(rows.COUNTED).fetchone()[0])
    return max(number, leaves.newest_record(connection)) + 1
