"""The counters of a ledger, by the hour. Triggers keep them in step with its records (`schema.sql`); this
module reads them, and compares them with the records that are left.

Those of answers to choices (answers.py) have the name of the choice in the place of a notice's, and the word
of the answer in the place of a status; where nobody could be asked, the ending of the question in the place
of a version. Their records are counted once more without a notice. Whoever was not to be asked is counted
there, too, with the reason (`Unasked`): of these alone there are no records that bear them out."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from operator import itemgetter
from typing import Any

from ..model import Answer, Ending, Status, Unasked
from . import leaves, rows
from .answers import COUNTED, HOUR
from .audit_reading import tolerantly
from .loss_notes import LossNotes

_DAY = 24  # hours; no call lasts longer
_END = 70_000_000  # hours, in the year 9955
_UNASKED = frozenset(map(str, Unasked))
_ANSWERS = tuple(str(answer) for answer in Answer)
OF_CHOICES = (Status.ASKED, Status.NOTASKED, Status.REPORTED)
"""The statuses that no record of a notice has."""
OF_NOTICES = f"status NOT IN {(*_ANSWERS, *map(str, OF_CHOICES))}"
"""The condition that a counter is of calls or of a notice."""
OF_ANSWERS = f"status IN {_ANSWERS}"
"""The condition that a counter is of an answer to a choice."""
HOURS = f"""
SELECT hour, line, notice, version, language, status, count FROM tally
WHERE hour >= :since AND hour < :until AND {OF_NOTICES} ORDER BY hour
"""  # noqa: S608  # our own names
_HOURS_OF_ANSWERS = f"""
SELECT hour, line, notice, status, version, count FROM tally
WHERE hour >= :since AND hour < :until AND {OF_ANSWERS} ORDER BY hour, line, notice, status, version
"""  # noqa: S608  # our own names
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
# Reads the index alone, except for calls with several records, which are few.
_LATER = f"""
SELECT at / {HOUR}, line, count(*)
FROM (
    SELECT call AS id, min(record) AS first FROM event WHERE {_OF_CALLS} AND record <= :last
    GROUP BY call HAVING count(*) > 1
) CROSS JOIN event ON call = id AND record > first AND record <= :last AND {_OF_CALLS} GROUP BY 1, 2
"""  # noqa: S608  # our own names
_ASKED_IN_CALLS = (
    f"SELECT at / {HOUR}, line, asked, ending FROM event WHERE asked IS NOT NULL AND {_OF_CALLS}"  # noqa: S608
)
_CALL_KINDS = {kind.value for kind in COUNTED}
_NAMES = [*[""] * leaves.LEAF_COLUMNS, *(name.strip() for name in rows.COLUMNS.split(","))]
_AT, _CALL, _KIND, _WAS_ERASED, _ASKED, _LINE, _ENDING = map(
    _NAMES.index, ("at", "call", "kind", "erased", "asked", "line", "ending")
)
_COUNTED_BY = itemgetter(*map(_NAMES.index, ("line", "notice", "version", "language", "status")))
_KNOWN = "SELECT callers, (SELECT count(*) FROM (SELECT DISTINCT pseudonym FROM standing)) FROM known"


@dataclass(frozen=True)
class HourCount:
    """The number of records of calls that happened in the hour that began `at`, of one notice on one line
    with one status. Without a status, the number of calls whose first record is of that hour and line."""

    at: datetime
    line: str
    notice: str
    version: str
    language: str
    status: Status | None
    count: int


@dataclass(frozen=True)
class AnswerCount:
    """The number of answers of one word to one choice that calls on one line gave in the hour that began
    `at`. Of whoever could not be asked, with the `ending` of the question's playback; of whoever was not to
    be asked, with the reason why he was left out, `unasked`."""

    at: datetime
    line: str
    choice: str
    answer: Answer
    ending: Ending | None
    unasked: Unasked | None
    count: int


@dataclass(frozen=True)
class CounterRow:
    """A counter of the ledger that its records do not bear out."""

    at: datetime | None
    """The time when the hour began that it is of; null for the number of known callers."""
    line: str
    """The line."""
    notice: str
    """The notice; empty for calls, and for records of choices, which are also counted by choice."""
    status: str
    """The status, or the answer to a choice; empty for calls."""
    says: int
    """The value of the counter; -1 if that is no number."""
    records: int
    """The number of records, of those that are left."""


def first_hour(at: datetime) -> int:
    """Return the first hour since 1970 that begins at that time or after it."""
    return -(-rows.microseconds(at) // HOUR)


def hours(connection: sqlite3.Connection, since: datetime, until: datetime) -> tuple[HourCount, ...]:
    """Return the counters of the hours that begin from `since` on and before `until`. Raises sqlite3.Error,
    and ValueError for values that informativa does not write."""
    parameters = {"since": first_hour(since), "until": first_hour(until)}
    return tuple(
        HourCount(
            _hour_start(hour), line, notice, version, language, Status(status) if status else None, count
        )
        for hour, line, notice, version, language, status, count in connection.execute(HOURS, parameters)
    )


def answers(connection: sqlite3.Connection, since: datetime, until: datetime) -> tuple[AnswerCount, ...]:
    """Return the counters of answers to choices, as `hours` does those of notices. Raises as that does."""
    parameters = {"since": first_hour(since), "until": first_hour(until)}
    return tuple(
        AnswerCount(
            _hour_start(hour),
            line,
            choice,
            Answer(answer),
            Ending(reason) if reason and reason not in _UNASKED else None,
            Unasked(reason) if reason in _UNASKED else None,
            count,
        )
        for hour, line, choice, answer, reason, count in connection.execute(_HOURS_OF_ANSWERS, parameters)
    )


@dataclass
class Derived:
    """The values of counters according to the records that were read: the number of records by hour, line,
    notice, version, language and status, that of answers to choices, and the number of erased ones by
    hour."""

    counted: Counter[tuple[object, ...]] = field(default_factory=Counter)
    answered: Counter[tuple[object, ...]] = field(default_factory=Counter)
    erased: Counter[object] = field(default_factory=Counter)

    def add(self, leaf_rows: Iterable[tuple[Any, ...]]) -> None:
        """Count these rows of `leaves.OPENED`, whose values have the right types."""
        call_rows = [row for row in leaf_rows if row[_KIND] in _CALL_KINDS]
        self.counted.update([(row[_AT] // HOUR, *_COUNTED_BY(row)) for row in call_rows if row[_CALL]])
        self.erased.update([row[_AT] // HOUR for row in call_rows if row[_WAS_ERASED]])
        asked_rows = [row for row in call_rows if row[_ASKED] is not None and row[_CALL]]
        self.answered.update(
            [_answer(row[_AT] // HOUR, row[_LINE], row[_ASKED], row[_ENDING]) for row in asked_rows]
        )

    def merge(self, other: Derived) -> None:
        """Add the counts of another process."""
        self.counted.update(other.counted)
        self.erased.update(other.erased)
        self.answered.update(other.answered)

    def of_calls(self, later: Iterable[tuple[object, object, int]]) -> Counter[tuple[object, ...]]:
        """Return the counters with those of calls added: one call for each record, except for the `later`
        records of a call, which are given as numbers by hour and line."""
        calls = Counter[tuple[object, ...]]()
        for (hour, line, *_), count in self.counted.items():
            calls[hour, line, "", "", "", ""] += count
        for hour, line, count in later:
            calls[hour, line, "", "", "", ""] -= count
        return self.counted + calls + self.answered


def later(connection: sqlite3.Connection, last: int) -> list[tuple[object, object, int]]:
    """Count the records up to number `last` that are not the first of their call, by hour and line. Raises
    sqlite3.Error."""
    with tolerantly(connection):
        return connection.execute(_LATER, {"last": last}).fetchall()


def borne_out(
    connection: sqlite3.Connection,
    notes: LossNotes,
    derived: Derived,
    later: Iterable[tuple[object, object, int]],
) -> bool:
    """Return whether all counters are equal to those derived from the records one by one. `False` is not
    final: calls may have gone on meanwhile, or records may wait for their leaves. Raises sqlite3.Error."""
    expected, erased = derived.of_calls(later), derived.erased
    with tolerantly(connection):
        return not _compared(connection, notes, expected, erased)


def forged(connection: sqlite3.Connection, notes: LossNotes) -> list[CounterRow]:
    """Return the counters that the records contradict. If records were purged, a counter may be higher than
    the number of those that are left; erased records have lost the call by which they were counted. Raises
    sqlite3.Error."""
    with tolerantly(connection):
        erased = dict(connection.execute(_ERASED).fetchall())
        answered = Counter(_answer(*row) for row in connection.execute(_ASKED_IN_CALLS))
        return _compared(connection, notes, _counts(connection, _DERIVED) + answered, erased)


def _compared(
    connection: sqlite3.Connection,
    notes: LossNotes,
    expected: Counter[tuple[object, ...]],
    erased: Mapping[Any, int],
) -> list[CounterRow]:
    counters = _counts(connection, _ALL)
    forged_counts = []
    for key in sorted(expected.keys() | counters.keys(), key=repr):
        hour, line, notice, version, _language, status = key
        least, most = _bounds(hour, expected[key], erased, notes, of_calls=not status)
        if status == Answer.NOT_ASKED and version in _UNASKED:
            most = inf
        count = counters[key] if type(counters[key]) is int else -1
        if not least <= count <= most:
            at = _hour_start(hour) if type(hour) is int and 0 <= hour < _END else None
            forged_counts.append(CounterRow(at, str(line), str(notice), str(status), count, expected[key]))
    for callers, callers_in_history in connection.execute(_KNOWN):
        if callers != callers_in_history:
            forged_counts.append(CounterRow(None, "", "", "", callers, callers_in_history))
    return forged_counts


def _bounds(
    hour: object, records: int, erased: Mapping[int, int], notes: LossNotes, *, of_calls: bool
) -> tuple[int, float]:
    """Return the least and the greatest value of a counter if that many `records` bear it out. If the first
    record of a call was deleted, the call is counted in a later hour, or not at all."""
    if type(hour) is not int:
        return records, records
    first = hour - _DAY if of_calls else hour
    erased_records = (
        sum(erased.get(erased_hour, 0) for erased_hour in range(first, hour + 1)) if erased else 0
    )
    purged = bool(notes.last) and first * HOUR < notes.before
    least = (0 if purged else records - erased_records) if of_calls else records
    return least, inf if purged else records + erased_records


def _answer(hour: object, line: object, asked: object, ending: object) -> tuple[object, ...]:
    """Return the counter of an answer, by the hour, the line, `asked` and the ending of its record."""
    choice, _asks, answer, *_ = (*str(asked).split(" ", 3), "", "")
    return hour, line, choice, (ending or "") if answer == Answer.NOT_ASKED else "", "", answer


def _counts(connection: sqlite3.Connection, query: str) -> Counter[tuple[object, ...]]:
    return Counter({row[:-1]: row[-1] for row in connection.execute(query)})


def _hour_start(hour: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
