"""Totals of a ledger's records, as records of their own: the records of calls and deliveries whose leaves are
new since the totals before, counted. They prove the numbers when the records themselves are purged."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from ..evidence import stated_facts
from ..evidence.log_folder import LogFolder
from ..model import Event, Reason, RecordKind
from . import leaves, loss_notes, rows
from .audit_flaws import AuditedFlaw, Flaw
from .audit_reading import UNREADABLE, tolerantly
from .sqlite import SqliteStore
from .transaction import SqliteTransaction

_KINDS = ", ".join(f"'{kind}'" for kind in stated_facts.COUNTED)
_STATED = f"""
SELECT leaf.leaf, event.record, event.reference, event.at
FROM event CROSS JOIN leaf ON {leaves.of("event.record")} WHERE event.kind = ?1
"""  # noqa: S608  # our own names
_NEWEST = f"{_STATED} AND event.record = (SELECT record FROM newest WHERE kind = ?1)"  # noqa: S608
_WRITE_NEWEST = "INSERT OR REPLACE INTO newest (kind, record) VALUES (?, ?)"
_ALL = f"{_STATED} ORDER BY event.record"
_BACKWARDS = f"{_STATED} AND event.record BETWEEN ?2 AND ?3 ORDER BY event.record DESC"
_LAST = (1 << 63) - 1  # no record has a higher number
_COUNT = f"""
SELECT line, notice, status, reason, count(*) FROM leaf CROSS JOIN event ON event.record = leaf.record
WHERE leaf.leaf >= ? AND leaf.leaf < ? AND event.kind IN ({_KINDS}) GROUP BY 1, 2, 3, 4
"""  # noqa: S608  # our own names
_GONE = """
SELECT count(*) FROM leaf WHERE leaf >= ? AND leaf < ? AND what IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = leaf.record)
"""


class StatedRecord(NamedTuple):
    """A record of totals, or of an access log's newest entry: its row of `leaf`, its number, what it states,
    and its time in microseconds since 1970."""

    leaf: int
    record: int
    text: str
    at: int


def newest(connection: sqlite3.Connection, kind: RecordKind) -> StatedRecord | None:
    """Return the newest record of a kind that states facts, which the ledger knows without a search; `None`
    if there is none. Raises sqlite3.Error."""
    row = connection.execute(_NEWEST, (kind,)).fetchone()
    return StatedRecord(*row) if row else None


def backwards(
    connection: sqlite3.Connection, kind: RecordKind, first: int = 0, last: int = _LAST
) -> Iterator[StatedRecord]:
    """Yield the records of a kind that states facts, from number `first` to number `last`, the newest first.
    Reads all records between them. Raises sqlite3.Error."""
    return map(StatedRecord._make, connection.execute(_BACKWARDS, (kind, first, last)))


def event(kind: RecordKind, at: datetime, text: str) -> Event:
    """Build a record that states facts in that text."""
    return rows.note(kind, Reason.COUNTED, at, text)


def append(
    transaction: SqliteTransaction, connection: sqlite3.Connection, kind: RecordKind, at: datetime, text: str
) -> None:
    """Write a record that states facts, within a transaction. Raises sqlite3.Error."""
    record = transaction.append(event(kind, at, text))
    connection.execute(_WRITE_NEWEST, (kind, record))


def keep(store: SqliteStore, now: datetime, zone: tzinfo, *, ends: bool = False) -> bool:
    """Write the totals of the newest log's records if a leaf of an earlier day in `zone` is in no totals yet,
    or, if the log `ends`, any leaf. Return whether they were written. Calls wait only while the records are
    counted that came meanwhile. Raises LedgerError."""
    with store.connected() as connection:
        log = leaves.log(connection)
        first, new = _uncounted(connection, log)
        if not (_is_of_another_day(connection, new, now, zone) or (ends and new < log.next)):
            return False
        counts = count(connection, first, log.next)
        with store.transaction() as transaction:
            grown = leaves.log(connection)
            if _uncounted(connection, grown) != (first, new) or grown.epoch != log.epoch:
                return False  # another process has written them meanwhile
            counts += count(connection, log.next, grown.next)
            text = stated_facts.totals_text(first - log.first, grown.size, stated_facts.totals(counts))
            append(transaction, connection, RecordKind.TOTALS, now, text)
    return True


def _uncounted(connection: sqlite3.Connection, log: leaves.LedgerLog) -> tuple[int, int]:
    """Return the first row of `leaf` that is in no totals, and the first after the newest totals: their own
    row is in none before the next ones."""
    last = newest(connection, RecordKind.TOTALS)
    return (last.leaf, last.leaf + 1) if last and last.leaf >= log.first else (log.first, log.first)


def _is_of_another_day(connection: sqlite3.Connection, leaf: int, now: datetime, zone: tzinfo) -> bool:
    """Return whether the first record with a leaf from this row on was recorded before today. After today
    counts too: then the clock was wrong, and the records since would wait for that day."""
    row = connection.execute(leaves.RECORDED, (leaf,)).fetchone()
    return row is not None and rows.moment(row[0]).astimezone(zone).date() != now.astimezone(zone).date()


def count(connection: sqlite3.Connection, first: int, end: int) -> Counter[stated_facts.Group]:
    """Count the records of calls and deliveries with leaves from row `first` to before row `end`. Raises
    sqlite3.Error."""
    counts = Counter[stated_facts.Group]()
    for line, notice, status, reason, number in connection.execute(_COUNT, (first, end)):
        counts[line, notice, status, reason] = number
    return counts


def contradicted(
    connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog], folder: LogFolder
) -> Iterator[tuple[AuditedFlaw, range]]:
    """Find the totals that the records contradict, each with the leaves, by their indices, whose flaws would
    explain that. Totals may be higher than the numbers of the records that are left, by as many as are gone;
    those that a note before the totals names may be missing in them. Only kinds that totals count are ever
    deleted. Raises sqlite3.Error."""
    named = loss_notes.ranges_by_note(connection, logs, folder)
    with tolerantly(connection):
        stated_rows = connection.execute(_ALL, (RecordKind.TOTALS,)).fetchall()
        ends: dict[int, int] = {}  # of the last totals, by epoch
        for leaf, record, text, _at in stated_rows:
            log = next(log for log in reversed(logs) if log.first <= leaf)
            expected = ends.get(log.epoch, 0)
            ends[log.epoch] = index = leaf - log.first
            try:
                facts = stated_facts.stated(RecordKind.TOTALS, text)
                first, end = int(facts["from"]), int(facts["to"])
                says = stated_facts.counts_of(str(facts.get("totals", "")))
                if (first, end) == (expected, index):
                    rows_of_it = log.first + first, log.first + end
                    are = stated_facts.counts_of(stated_facts.totals(count(connection, *rows_of_it)))
                    deleted = _without_record(connection, [range(*rows_of_it)])
                    before = [part for note, parts in named if note < leaf for part in parts]
                    uncounted = _without_record(connection, loss_notes.within_rows(before, *rows_of_it))
                    missing = sum(says.values()) - sum(are.values())
                    if _within(are, says) and deleted - uncounted <= missing <= deleted:
                        continue
            except (*UNREADABLE, KeyError):
                pass
            yield AuditedFlaw(record, index, Flaw.TOTALS), range(expected, index)


def _without_record(connection: sqlite3.Connection, parts: Iterable[range]) -> int:
    """Return how many of these rows of `leaf` have no record any more."""
    return sum(connection.execute(_GONE, (part.start, part.stop)).fetchone()[0] for part in parts)


def _within(counts: Mapping[str, int], limits: Mapping[str, int]) -> bool:
    """Return whether no count is above its limit, which is 0 where there is none."""
    return all(number <= limits.get(name, 0) for name, number in counts.items())
