"""The counters of a ledger, by the hour. Triggers keep them in step with its records (migration 0010);
here they are read, and held against the records that are left."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from operator import itemgetter
from typing import Any

from ..model import RecordKind, Status
from . import leaves, rows
from .audit import Gone
from .audit_reading import tolerantly

HOUR = 3_600_000_000  # microseconds
_DAY = 24  # hours; no call lasts longer
_END = 70_000_000  # hours, in the year 9955
HOURS = """
SELECT hour, line, notice, version, language, status, count FROM tally
WHERE hour >= :since AND hour < :until ORDER BY hour
"""
_OF_CALLS = "kind IN ('phone', 'operator') AND call <> ''"
_ALL = "SELECT hour, line, notice, version, language, status, count FROM tally"
_DERIVED = f"""
SELECT at / {HOUR}, line, notice, version, language, status, count(*) FROM event WHERE {_OF_CALLS}
GROUP BY 1, 2, 3, 4, 5, 6
UNION ALL
SELECT at / {HOUR}, line, '', '', '', '', count(*)
FROM (SELECT min(record), at, line FROM event WHERE {_OF_CALLS} GROUP BY call) GROUP BY 1, 2
"""  # noqa: S608  # our own names
_ERASED = f"""
SELECT at / {HOUR}, count(*) FROM event WHERE erased AND kind IN ('phone', 'operator') GROUP BY 1
"""  # noqa: S608  # our own names
# Of the index alone but for them: most calls have one record.
_LATER = f"""
SELECT at / {HOUR}, line, count(*)
FROM (
    SELECT call AS id, min(record) AS first FROM event WHERE {_OF_CALLS} AND record <= :last
    GROUP BY call HAVING count(*) > 1
) CROSS JOIN event ON call = id AND record > first AND record <= :last AND {_OF_CALLS} GROUP BY 1, 2
"""  # noqa: S608  # our own names
_CALL_KINDS = {RecordKind.PHONE.value, RecordKind.OPERATOR.value}
_NAMES = [*[""] * leaves.LEAF_COLUMNS, *(name.strip() for name in rows.COLUMNS.split(","))]
_AT, _CALL, _KIND, _WAS_ERASED = map(_NAMES.index, ("at", "call", "kind", "erased"))
_COUNTED_BY = itemgetter(*map(_NAMES.index, ("line", "notice", "version", "language", "status")))
_KNOWN = "SELECT callers, (SELECT count(*) FROM (SELECT DISTINCT pseudonym FROM standing)) FROM known"


@dataclass(frozen=True)
class HourCount:
    """How many records of calls there are that happened in the hour that began `at`, of one notice on one
    line with one status. Without a status, how many calls began to be recorded on the line."""

    at: datetime
    line: str
    notice: str
    version: str
    language: str
    status: Status | None
    count: int


@dataclass(frozen=True)
class ForgedCount:
    """A counter that the records do not bear out: of the hour that began `at`, `None` for the known callers;
    what it says (-1: no number), and what the records come to."""

    at: datetime | None
    line: str
    notice: str
    status: str
    says: int
    records: int


def first_hour(at: datetime) -> int:
    """The first hour since 1970 that begins at that time or after it."""
    return -(-rows.microseconds(at) // HOUR)


def hours(connection: sqlite3.Connection, since: datetime, until: datetime) -> tuple[HourCount, ...]:
    """The counters of the hours that begin from one time on and before another. Raises sqlite3.Error, and
    ValueError for what nobody wrote."""
    given = {"since": first_hour(since), "until": first_hour(until)}
    return tuple(
        HourCount(
            _beginning(hour), line, notice, version, language, Status(status) if status else None, count
        )
        for hour, line, notice, version, language, status, count in connection.execute(HOURS, given)
    )


@dataclass
class Derived:
    """What counters come to by records that were looked at: by hour, line, notice, version, language and
    status how many there are, and by hour how many were erased."""

    counted: Counter[tuple[object, ...]] = field(default_factory=Counter)
    erased: Counter[object] = field(default_factory=Counter)

    def add(self, found: Iterable[tuple[Any, ...]]) -> None:
        """These, as rows of `leaves.OPENED` with values of the kinds that these have."""
        of_calls = [row for row in found if row[_KIND] in _CALL_KINDS]
        self.counted.update([(row[_AT] // HOUR, *_COUNTED_BY(row)) for row in of_calls if row[_CALL]])
        self.erased.update([row[_AT] // HOUR for row in of_calls if row[_WAS_ERASED]])

    def merge(self, other: Derived) -> None:
        """Those that another process looked at."""
        self.counted.update(other.counted)
        self.erased.update(other.erased)

    def of_calls(self, later: Iterable[tuple[object, object, int]]) -> Counter[tuple[object, ...]]:
        """With the calls themselves: a record each, but for so many later ones of an hour and a line."""
        calls = Counter[tuple[object, ...]]()
        for (hour, line, *_), count in self.counted.items():
            calls[hour, line, "", "", "", ""] += count
        for hour, line, count in later:
            calls[hour, line, "", "", "", ""] -= count
        return self.counted + calls


def later(connection: sqlite3.Connection, last: int) -> list[tuple[object, object, int]]:
    """By hour and line, how many records up to the `last` one are not the first of their call. Raises
    sqlite3.Error."""
    with tolerantly(connection):
        return connection.execute(_LATER, {"last": last}).fetchall()


def borne_out(
    connection: sqlite3.Connection,
    gone: Gone,
    derived: Derived,
    later: Iterable[tuple[object, object, int]],
) -> bool:
    """Whether all counters are, by all records as they were looked at one by one. What is false may be right
    all the same, where calls went on meanwhile or records wait for their leaves. Raises sqlite3.Error."""
    should, erased = derived.of_calls(later), derived.erased
    with tolerantly(connection):
        return not _compared(connection, gone, should, erased)


def forged(connection: sqlite3.Connection, gone: Gone) -> list[ForgedCount]:
    """The counters that the records do not bear out. Where records were purged a counter may say more than
    those that are left; erased ones lost the call by which they were counted. Raises sqlite3.Error."""
    with tolerantly(connection):
        erased = dict(connection.execute(_ERASED).fetchall())
        return _compared(connection, gone, _counted(connection, _DERIVED), erased)


def _compared(
    connection: sqlite3.Connection,
    gone: Gone,
    should: Counter[tuple[object, ...]],
    erased: Mapping[Any, int],
) -> list[ForgedCount]:
    says = _counted(connection, _ALL)
    found = []
    for key in sorted(should.keys() | says.keys(), key=repr):
        hour, line, notice, _version, _language, status = key
        least, most = _bounds(hour, should[key], erased, gone, of_calls=not status)
        count = says[key] if type(says[key]) is int else -1
        if not least <= count <= most:
            at = _beginning(hour) if type(hour) is int and 0 <= hour < _END else None
            found.append(ForgedCount(at, str(line), str(notice), str(status), count, should[key]))
    for callers, actual in connection.execute(_KNOWN):
        if callers != actual:
            found.append(ForgedCount(None, "", "", "", callers, actual))
    return found


def _bounds(
    hour: object, records: int, erased: Mapping[int, int], gone: Gone, *, of_calls: bool
) -> tuple[int, float]:
    """What a counter may say where so many records bear it out. Where the first record of a call is gone the
    call is found in a later hour, or not at all."""
    if type(hour) is not int:
        return records, records
    since = hour - _DAY if of_calls else hour
    lost = sum(erased.get(each, 0) for each in range(since, hour + 1)) if erased else 0
    purged = bool(gone.last) and since * HOUR < gone.before
    least = (0 if purged else records - lost) if of_calls else records
    return least, inf if purged else records + lost


def _counted(connection: sqlite3.Connection, query: str) -> Counter[tuple[object, ...]]:
    return Counter({row[:-1]: row[-1] for row in connection.execute(query)})


def _beginning(hour: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
