"""Check of the derived history (`standing`) against the records.

Most of it is compared by one SQL statement. That cannot explain callers who were told twice or whose key was
changed: their history is derived again from their records, by the code that derives it when they are written.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ..model import Reason, Record
from . import rows, schema
from .audit_reading import UNREADABLE, tolerantly
from .loss_notes import LossNotes
from .transaction import SqliteTransaction

# Callers of whom a row differs from its record, or of whom another record says more.
_DOUBTFUL = f"""
SELECT pseudonym FROM standing WHERE NOT EXISTS (
    SELECT 1 FROM event WHERE event.record = standing.record AND event.pseudonym = standing.pseudonym
    AND event.notice = standing.notice AND event.version = standing.version
    AND event.purposes = standing.purposes AND event.at = standing.at
    AND standing.whole IS event.at AND standing.moved IN (0, 1) AND NOT event.supplement AND {rows.INFORMS}
)
UNION
SELECT event.pseudonym FROM event LEFT JOIN standing ON standing.pseudonym = event.pseudonym
AND standing.notice = event.notice AND standing.version = event.version
WHERE {rows.INFORMS} AND (
    standing.record IS NULL OR standing.record < event.record OR event.supplement
    OR event.purposes <> standing.purposes OR event.at > standing.at OR event.reason = 'recycled'
    OR EXISTS (
        SELECT 1 FROM standing AS other WHERE other.pseudonym = event.pseudonym
        AND other.notice = event.notice AND other.record < event.record
        AND other.whole > coalesce(event.recorded, event.at)
    )
)
UNION
SELECT pseudonym FROM event WHERE earlier IS NOT NULL AND pseudonym IS NOT NULL
"""  # noqa: S608  # our own names
# Callers with a time at which they called knowing a notice, which none of their records has. SQLite sorts and
# merges this, and holds no table in memory.
_UNSEEN = """
SELECT pseudonym FROM (
    SELECT pseudonym, notice, version FROM standing WHERE seen IS NOT NULL
    EXCEPT
    SELECT standing.pseudonym, standing.notice, standing.version FROM event CROSS JOIN standing
    ON standing.pseudonym = event.pseudonym AND standing.notice = event.notice AND standing.seen = event.at
    WHERE event.reason = 'already-informed'
    ORDER BY 1, 2, 3
)
"""
_SEEN = "SELECT 1 FROM standing WHERE seen IS NOT NULL LIMIT 1"
_LINKED = """
INSERT OR IGNORE INTO doubtful
SELECT earlier FROM event WHERE earlier IS NOT NULL AND pseudonym IN doubtful
UNION
SELECT pseudonym FROM event WHERE earlier IN doubtful AND pseudonym IS NOT NULL
"""
_HISTORY = "SELECT pseudonym, notice, version, purposes, record, at, whole, seen, moved FROM standing"
# A moved row without its record counts for nothing (rows.STANDING).
_ROWS = f"""
{_HISTORY} WHERE pseudonym IN doubtful
AND (NOT moved OR record > :last OR EXISTS (SELECT 1 FROM event WHERE event.record = standing.record))
"""  # noqa: S608
_EVENTS = f"SELECT {rows.COLUMNS} FROM event WHERE pseudonym IN doubtful ORDER BY record"  # noqa: S608

KnownVersions = dict[tuple[str, str], tuple[Any, ...]]
"""Rows by notice and version: purposes, record, at, whole, seen, moved."""


@dataclass(frozen=True)
class HistoryRow:
    """A row of the history about a caller that the records contradict."""

    record: int
    """The number of the record that it names."""
    notice: str
    """The name of the notice; empty if it is about a choice."""
    version: str
    """The version of the notice, or of the choice."""
    choice: str | None = None
    """The choice that the caller is said to have answered; only where it is no notice."""
    answer: str | None = None
    """His answer, as the row has it or, if there is none, as the records do."""


def forged(connection: sqlite3.Connection, notes: LossNotes) -> list[HistoryRow]:
    """Return the rows of the history that the records contradict. After a purge the history may say less of a
    caller than the records that are left, but never more. Raises
    sqlite3.Error."""
    with tolerantly(connection):
        connection.execute("CREATE TEMP TABLE doubtful (pseudonym BLOB PRIMARY KEY)")
        try:
            connection.execute(f"INSERT INTO doubtful {_DOUBTFUL}")
            if connection.execute(_SEEN).fetchone():
                connection.execute(f"INSERT OR IGNORE INTO doubtful {_UNSEEN}")
            _link(connection)
            actual: dict[bytes, KnownVersions] = defaultdict(dict)
            for pseudonym, notice, version, *columns in connection.execute(_ROWS, {"last": notes.last}):
                actual[pseudonym][notice, version] = tuple(columns)
            derived, seen_times, own_facts, aged = _derived(_readable(connection), notes.forgotten)
        finally:
            connection.execute("DROP TABLE doubtful")
    forged_rows = set()
    for pseudonym in actual.keys() | derived.keys():
        for key in actual[pseudonym].keys() | derived[pseudonym].keys():
            actual_row, expected_row = actual[pseudonym].get(key), derived[pseudonym].get(key)
            by_one_record = expected_row is not None and own_facts.get(expected_row[1]) == (
                expected_row[0],
                expected_row[3],
            )
            if not _borne_out(
                actual_row,
                expected_row,
                seen_times[pseudonym][key[0]],
                notes,
                by_one_record=by_one_record,
                may_say_less=bool(notes.last) or pseudonym in aged,
            ):
                number = (actual_row or expected_row or (0, 0))[1]
                forged_rows.add(HistoryRow(number if type(number) is int else 0, *map(str, key)))
    return sorted(forged_rows, key=lambda row: (row.record, row.notice, row.version))


def _link(connection: sqlite3.Connection) -> None:
    """Add to the doubtful callers all other pseudonyms of theirs."""
    count = -1
    while count != (count := connection.execute("SELECT count(*) FROM doubtful").fetchone()[0]):
        connection.execute(_LINKED)


def _readable(connection: sqlite3.Connection) -> Iterator[Record]:
    """Read their records. A record that cannot be read, or without a pseudonym, is reported by another
    check."""
    for row in connection.execute(_EVENTS):
        try:
            record = rows.record(row)
            rows.row(record.event)
        except UNREADABLE:
            continue
        if record.event.pseudonym is not None:
            yield record


def _borne_out(
    actual: tuple[Any, ...] | None,
    expected: tuple[Any, ...] | None,
    seen_times: set[int],
    notes: LossNotes,
    *,
    by_one_record: bool,
    may_say_less: bool,
) -> bool:
    """Return whether a row of the history is as the records would have it. After a purge it may say less, if
    it was gathered from several records; not if one record says all of it (`by_one_record`). It may be gone
    if what it says happened long ago."""
    if actual is None or expected is None:
        return actual is None and (
            expected is None or notes.last > expected[1] or expected[2] < notes.forgotten
        )
    purposes, record, at, whole_at, last_seen, moved = actual
    if (record, at) != expected[1:3] or moved not in (expected[5], 1):  # 1 only makes a look-up ask
        return False
    if purposes != expected[0] and (
        by_one_record or not may_say_less or not _says_less(purposes, expected[0])
    ):
        return False
    if whole_at != expected[3] and (
        not may_say_less
        or (by_one_record and whole_at is not None)
        or not _says_earlier(whole_at, expected[3])
    ):
        return False
    if last_seen is None or last_seen == expected[4]:
        return last_seen == expected[4] or may_say_less
    return last_seen in seen_times or (type(last_seen) is int and last_seen < notes.before)


def _says_less(purposes: object, expected: str) -> bool:
    if not isinstance(purposes, str):
        return False
    named = rows.word_set(purposes)
    return rows.words(named) == purposes and named <= rows.word_set(expected)


def _says_earlier(whole_at: object, expected: int | None) -> bool:
    return whole_at is None or (type(whole_at) is int and expected is not None and whole_at <= expected)


def _derived(
    records: Iterator[Record], forgotten: int
) -> tuple[
    dict[bytes, KnownVersions],
    dict[bytes, dict[str, set[int]]],
    dict[int, tuple[str, int | None]],
    set[bytes],
]:
    """Derive from the records: the history, by pseudonym; the times at which a caller who knew a notice was
    seen; the content of each record itself: purposes, and the time at which the whole notice was told; and
    the callers with a record that happened before the time `forgotten`."""
    history: dict[bytes, KnownVersions] = defaultdict(dict)
    own_facts: dict[int, tuple[str, int | None]] = {}
    aged: set[bytes] = set()
    pseudonym_of: dict[int, bytes] = {}
    seen_times: dict[bytes, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        memory.deserialize(schema.empty())
        memory.execute("PRAGMA foreign_keys = OFF")
        memory.execute("DROP TRIGGER event_tally")  # its counters are not needed
        transaction = SqliteTransaction(memory)
        for record in records:
            event = record.event
            assert event.pseudonym is not None  # `_readable` left the others out
            pseudonym_of[record.number] = event.pseudonym
            try:
                memory.execute(rows.APPEND, (record.number, *rows.row(event)))
            except (sqlite3.Error, UnicodeEncodeError):  # another check reports it
                continue
            transaction.remember(event, record.number)
            assert event.pseudonym is not None
            if rows.microseconds(event.at) < forgotten or event.earlier in aged:
                aged.add(event.pseudonym)
            if event.informs:
                whole_at = None if event.supplement else rows.microseconds(event.at)
                own_facts[record.number] = rows.words(event.purposes), whole_at
            if event.earlier is not None:
                for notice, times in seen_times.pop(event.earlier, {}).items():
                    seen_times[event.pseudonym][notice] |= times
            if event.reason is Reason.ALREADY_INFORMED:
                seen_times[event.pseudonym][event.notice].add(rows.microseconds(event.at))
        for pseudonym, notice, version, *columns, _moved in memory.execute(_HISTORY):
            history[pseudonym][notice, version] = (*columns, pseudonym_of[columns[1]] != pseudonym)
    return history, seen_times, own_facts, aged
