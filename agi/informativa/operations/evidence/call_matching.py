"""Matching of listed calls with recorded ones, in a database of its own that ends with the process.

SQLite keeps it in memory and, where it grows, in a file without a name: a list of any length takes no more
than `_CACHE` of memory. It has ids, lines and times, and nothing of a caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple

from ...ledgers.recorded_calls import RecordedCall
from .call_list import ListedCall

TOLERANCE = 3  # seconds between a call's start in the list and on record
QUARTER = 900  # seconds; in every zone days begin with a quarter of an hour
_CACHE = 32_000  # KiB
_TABLES = """
CREATE TABLE leg (
    row INTEGER PRIMARY KEY, id TEXT, linked TEXT, line TEXT, start INTEGER, end INTEGER, late INTEGER,
    by_id INTEGER, reached INTEGER, recorded INTEGER
);
CREATE TABLE record (
    company TEXT, number INTEGER, at REAL, begun REAL, call TEXT, linked TEXT, line TEXT,
    notice TEXT, erased INTEGER
);
CREATE TABLE recorded (
    key INTEGER PRIMARY KEY, company TEXT, number INTEGER, at REAL, begun REAL, call TEXT,
    linked TEXT, line TEXT, erased INTEGER, way TEXT
);
CREATE TABLE known (id TEXT PRIMARY KEY, recorded INTEGER) WITHOUT ROWID;
CREATE TABLE call (
    row INTEGER PRIMARY KEY, id TEXT, line TEXT, start INTEGER, end INTEGER, late INTEGER, by_id INTEGER,
    reached INTEGER, way TEXT
);
CREATE TABLE pair (call INTEGER PRIMARY KEY, recorded INTEGER, way TEXT);
CREATE TABLE purge (line TEXT PRIMARY KEY, cutoff INTEGER) WITHOUT ROWID;
"""
# A call has a record for each notice. Those of an erased caller have no id: a call has one of each notice.
# An id with digits removed may be of several calls.
_GROUP_RECORDS = """
INSERT INTO recorded (company, number, at, begun, call, linked, line, erased)
SELECT company, min(number), at, begun, call, linked, line, 0 FROM record WHERE NOT erased
GROUP BY company, call, CASE WHEN instr(call, '#') THEN number END;
INSERT INTO recorded (company, number, at, begun, call, linked, line, erased)
SELECT company, min(number), at, begun, '', '', line, 1 FROM (
    SELECT *, row_number() OVER (PARTITION BY company, line, at, notice ORDER BY number) AS nth
    FROM record WHERE erased
) GROUP BY company, line, at, nth;
INSERT OR IGNORE INTO known SELECT call, key FROM recorded WHERE call <> '' AND NOT instr(call, '#');
INSERT OR IGNORE INTO known SELECT linked, key FROM recorded WHERE linked <> '' AND NOT instr(linked, '#');
"""
# All rows of one conversation are one call: the first to a line, or else the first.
_GROUP_LEGS = """
CREATE INDEX leg_id ON leg (id) WHERE id <> '';
CREATE INDEX leg_linked ON leg (linked) WHERE linked <> '';
UPDATE leg SET recorded = coalesce(
    (SELECT recorded FROM known WHERE known.id = leg.id),
    (SELECT recorded FROM known WHERE known.id = leg.linked)
) WHERE id <> '' OR linked <> '';
INSERT INTO call
SELECT row, id, CASE WHEN line <> '' OR known IS NULL THEN line
                ELSE (SELECT recorded.line FROM recorded WHERE key = known) END,
    start, last, late, ids, answered, CASE WHEN known IS NOT NULL THEN 'id' END
FROM (
    SELECT row, id, line, start, late, max(end) OVER conversation AS last,
        max(by_id) OVER conversation AS ids, max(reached) OVER conversation AS answered,
        max(recorded) OVER conversation AS known,
        row_number() OVER (conversation ORDER BY line = '', start, row) AS nth
    FROM leg
    WINDOW conversation AS (PARTITION BY coalesce(nullif(linked, ''), nullif(id, ''), '#' || row))
) WHERE nth = 1;
UPDATE recorded SET way = 'id' WHERE call <> '' AND (
    call IN (SELECT id FROM leg WHERE id <> '') OR call IN (SELECT linked FROM leg WHERE linked <> '')
    OR (linked <> '' AND linked IN (SELECT id FROM leg WHERE id <> ''))
);
"""


class _Pass(NamedTuple):
    """A search for pairs of a call and a record on one line, by the time between their beginnings."""

    way: str
    """The name of the search in `COUNTS`."""
    erased: bool
    """True for the records of erased callers, false for all others."""
    before: int
    """The seconds by which a record may begin before the call."""
    until: str
    """The last second in which it may begin, in SQL."""
    reached: bool = False
    """True if only calls count that were answered."""


# An erased record has the minute for its time. The closest come first, so that no call that was over at once
# leaves its record to another one.
_SOON, _LATER = f"start + {TOLERANCE} + late", f"max(start, end) + {TOLERANCE} + late"
_PASSES = (
    _Pass("time", erased=False, before=1, until="start + 2 + late"),
    _Pass("time", erased=False, before=TOLERANCE, until=_SOON),
    _Pass("minute", erased=True, before=60 + TOLERANCE, until=_SOON, reached=True),
    _Pass("minute", erased=True, before=60 + TOLERANCE, until=_SOON),
    _Pass("time", erased=False, before=TOLERANCE, until=_LATER),
    _Pass("minute", erased=True, before=60 + TOLERANCE, until=_LATER, reached=True),
    _Pass("minute", erased=True, before=60 + TOLERANCE, until=_LATER),
)
_PAIRED = """
UPDATE call SET way = pair.way FROM pair WHERE pair.call = call.row;
UPDATE recorded SET way = pair.way FROM pair WHERE pair.recorded = recorded.key;
DELETE FROM pair;
"""
_OF_LINES = "line <> '' AND start >= :since AND start < :until"
_EXPECTED = f"{_OF_LINES} AND (way IS NOT NULL OR reached)"
_PURGED = "start < coalesce((SELECT cutoff FROM purge WHERE purge.line = call.line), start)"
_MISSING = f"{_OF_LINES} AND way IS NULL AND reached AND NOT {_PURGED}"
_LISTED = f"line IN (SELECT line FROM call WHERE {_OF_LINES})"  # noqa: S608  # our own names
_IN_PERIOD = "begun >= :since AND begun < :until"
_UNLISTED = f"{_IN_PERIOD} AND {_LISTED} AND way IS NULL"
COUNTS = {
    "calls": ("call", "start >= :since AND start < :until"),
    "on_lines": ("call", _OF_LINES),
    "by_id": ("call", f"{_OF_LINES} AND way = 'id'"),
    "by_time": ("call", f"{_OF_LINES} AND way = 'time'"),
    "by_minute": ("call", f"{_OF_LINES} AND way = 'minute'"),
    "unanswered": ("call", f"{_OF_LINES} AND way IS NULL AND NOT reached"),
    "purged": ("call", f"{_OF_LINES} AND way IS NULL AND reached AND {_PURGED}"),
    "without_record": ("call", _MISSING),
    "without_id": ("call", f"{_OF_LINES} AND NOT by_id"),
    "without_call": ("recorded", _UNLISTED),
    "other_lines": ("recorded", f"{_IN_PERIOD} AND NOT {_LISTED}"),
}
"""Counts by name: the table, and the condition."""


class UnmatchedCall(NamedTuple):
    """A listed call without a record; `start` is in seconds since 1970."""

    row: int
    id: str
    line: str
    start: int


class UnmatchedRecord(NamedTuple):
    """A recorded call that is not listed; `at` is in seconds since 1970."""

    company: str
    number: int
    line: str
    at: float
    call: str


class CallMatching:
    """The calls of a list and those on record, and which of them belong together."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)  # '': a file without a name
        self._connection.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE};{_TABLES}"
        )
        self._period: dict[str, int] = {}

    def close(self) -> None:
        """Delete all of it."""
        self._connection.close()

    def add_calls(self, calls: Iterable[ListedCall]) -> None:
        """Add rows of the list."""
        with self._transaction():
            self._connection.executemany("INSERT INTO leg VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", calls)

    def lines(self) -> set[str]:
        """Return the lines of the list."""
        return {
            line for (line,) in self._connection.execute("SELECT DISTINCT line FROM leg WHERE line <> ''")
        }

    def has_ids(self) -> bool:
        """Return whether any row has an id."""
        return self._connection.execute("SELECT 1 FROM leg WHERE id <> '' LIMIT 1").fetchone() is not None

    def add_records(self, company: str, records: Iterable[RecordedCall]) -> None:
        """Add a company's records."""
        rows = (
            (company, record.number, record.at / 1e6, record.begun / 1e6, *record[3:]) for record in records
        )
        with self._transaction():
            self._connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def add_purge(self, lines: Iterable[str], cutoff: datetime) -> None:
        """Note that what was recorded on these lines before `cutoff` was deleted because of its age."""
        rows = ((line, int(cutoff.timestamp())) for line in lines)
        self._connection.executemany("INSERT INTO purge VALUES (?, ?)", rows)

    def match(self, since: datetime, until: datetime) -> None:
        """Match all calls and records. From then on those of this period are counted and listed."""
        self._period = {"since": int(since.timestamp()), "until": int(until.timestamp())}
        with self._transaction():
            for statement in (_GROUP_RECORDS + _GROUP_LEGS).split(";"):
                self._connection.execute(statement)
        for search in _PASSES:
            self._match_by_time(search)

    def _match_by_time(self, search: _Pass) -> None:
        """Match what is left by line and time, one to one. A call with an id of Asterisk's can only be an
        erased caller's."""
        parameters = search._asdict()
        records = self._connection.execute(
            "SELECT line, begun, key FROM recorded WHERE way IS NULL AND erased = :erased"
            " ORDER BY line, begun",
            parameters,
        )
        calls = self._connection.execute(
            f"SELECT line, start - :before, {search.until}, row FROM call"  # noqa: S608  # our own names
            " WHERE way IS NULL AND line <> '' AND reached >= :reached AND (:erased OR NOT by_id)"
            " ORDER BY line, start",
            parameters,
        )
        with self._transaction():
            pairs = ((row, key, search.way) for row, key in paired(records, calls))
            self._connection.executemany("INSERT INTO pair VALUES (?, ?, ?)", pairs)
            for statement in _PAIRED.split(";"):
                self._connection.execute(statement)

    def count(self, name: str) -> int:
        """Return a count of `COUNTS`, for the period."""
        table, condition = COUNTS[name]
        sql = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608  # our own names
        number: int = self._connection.execute(sql, self._period).fetchone()[0]
        return number

    def missing_calls(self, most: int) -> Iterator[UnmatchedCall]:
        """Return the first calls without a record."""
        sql = f"SELECT row, id, line, start FROM call WHERE {_MISSING} ORDER BY start, row LIMIT {most}"  # noqa: S608  # our own names
        return map(UnmatchedCall._make, self._connection.execute(sql, self._period))

    def records_without_call(self, most: int) -> Iterator[UnmatchedRecord]:
        """Return the first recorded calls that are not listed."""
        sql = (
            f"SELECT company, number, line, at, call FROM recorded WHERE {_UNLISTED}"  # noqa: S608  # our own names
            f" ORDER BY at, number LIMIT {most}"
        )
        return map(UnmatchedRecord._make, self._connection.execute(sql, self._period))

    def quarters(self) -> Iterator[tuple[str, int, int, int]]:
        """Return, for each line and quarter of an hour since 1970, the number of calls that should be on
        record, and of those that are. A recorded call counts in the quarter of the listed one."""
        sql = f"""
            SELECT line, start / {QUARTER}, count(*), sum(way IS NOT NULL) FROM call
            WHERE {_EXPECTED} GROUP BY 1, 2
            UNION ALL
            SELECT line, CAST(begun / {QUARTER} AS INTEGER), 0, count(*) FROM recorded
            WHERE {_UNLISTED} GROUP BY 1, 2
        """  # noqa: S608  # our own names
        yield from self._connection.execute(sql, self._period)

    def _transaction(self) -> sqlite3.Connection:
        """Begin a transaction, which ends with the `with` block of the connection."""
        self._connection.execute("BEGIN")
        return self._connection


def paired(
    records: Iterable[tuple[str, float, int]], calls: Iterable[tuple[str, float, float, int]]
) -> Iterator[tuple[int, int]]:
    """Return as many pairs of a call and a record as possible: each record has a line and a time, each call a
    line and the times between which its record's is. Both are in the order of line and time."""
    upcoming = iter(calls)
    call = next(upcoming, None)
    line, waiting = "", list[tuple[float, int]]()
    for record_line, begun, key in records:
        if record_line != line:
            line, waiting = record_line, []
        while call is not None and (call[0], call[1]) <= (line, begun):
            if call[0] == line:
                heappush(waiting, call[2:])
            call = next(upcoming, None)
        while waiting and waiting[0][0] < begun:
            heappop(waiting)
        if waiting:
            yield heappop(waiting)[1], key
