"""The callers of a ledger, grouped by what decides about them: a state is everything of a caller's history
and answers on which a decision can depend, and leads to nobody.

Read beside calls, page by page: between two pages no transaction is open, so the log of SQLite can be copied
into the file. A page is a range of pseudonyms, which are spread evenly, as hashes are. A caller who rings
meanwhile is counted as his page has him. Two callers of one state are decided alike; that the text of a state
differs where the decision does not costs time and nothing else.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from ..model import CallerHistory, Reason
from ..model.choices import AFTER_ALL, AnswerHistory
from ..model.frozen import dataclass
from . import answers, number_use, rows

# A page is read within some milliseconds: who empties the log meanwhile waits for it and has the lock of
# the calls, and gives up after LedgerFile's turn of 0.1 s. Longer pages take a twentieth less time in all.
PAGE_CALLERS = 200
PAGE_RECORDS = 500
_PREFIXES = 1 << 24  # of pseudonyms, by which pages are ranges
_NEAR = timedelta(days=5)
"""A moment as near to the cutoff of a period is examined by itself: months differ by three days, zones by
one."""
_RECENT = timedelta(hours=1)
_QUARTER = 900_000_000
"""Microseconds in which no zone's day begins: a period is over up to one moment of them, and not after."""

_NO_TIME = "-"
_EVER = -(1 << 62)
_FUNCTION = "period_marks"
_OF_PAGE = "pseudonym >= ?1 AND pseudonym < ?2"
_COUNTS = "(NOT {0}.moved OR EXISTS (SELECT 1 FROM event WHERE event.record = {0}.record))"
_OTHERS = f"""
FROM standing AS other WHERE other.pseudonym = local.pseudonym AND other.notice = local.notice
AND {_COUNTS.format("other")}
"""
_VERSION = "char(30) || version || char(30) || purposes || char(30) || (whole IS NULL)"
# Fields of a state are apart by control characters, which no name has. `place` is the order in which the
# versions of a notice were told, `newest` the one whose record is the proof. Callers whose number changed
# hands are in `later_holder`: their order needs windows, which take twice as long as to look up the other
# versions of a notice by the key of `standing`. ?3 is now, ?4 ten minutes later.
_CALLERS = f"""
WITH later_holder AS MATERIALIZED (
    SELECT DISTINCT pseudonym FROM number_use WHERE {_OF_PAGE}
), delivery AS (
    SELECT pseudonym, notice, version, purposes, at, whole, seen, record FROM standing
    WHERE pseudonym IN (SELECT pseudonym FROM later_holder) AND {_COUNTS.format("standing")}
), of_holder AS (
    SELECT delivery.*, max(coalesce(noted.recycled, {_EVER}), coalesce(every.recycled, {_EVER})) AS since
    FROM delivery
    LEFT JOIN number_use AS noted USING (pseudonym, notice)
    LEFT JOIN number_use AS every ON every.pseudonym = delivery.pseudonym AND every.notice = ''
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY pseudonym, notice ORDER BY at, version) AS place,
           row_number() OVER (PARTITION BY pseudonym, notice ORDER BY record DESC) = 1 AS newest
    FROM of_holder WHERE at >= since
), part AS (
    SELECT pseudonym, max(
               coalesce(max(CASE WHEN newest THEN at END), 0),
               coalesce(max(CASE WHEN whole >= since THEN whole END), 0),
               coalesce(max(seen), 0)
           ) AS used,
           notice || char(29) || {_FUNCTION}(max(CASE WHEN whole >= since THEN whole END)) || char(29)
           || group_concat(place || {_VERSION}, char(31)) AS text
    FROM placed GROUP BY pseudonym, notice
    UNION ALL
    SELECT pseudonym, max(max(
               CASE WHEN EXISTS (SELECT 1 {_OTHERS} AND other.record > local.record) THEN 0 ELSE at END,
               coalesce(whole, 0), coalesce(seen, 0)
           )),
           notice || char(29) || {_FUNCTION}(max(whole)) || char(29) || group_concat(
               (SELECT count(*) {_OTHERS} AND (other.at, other.version) <= (local.at, local.version))
               || {_VERSION}, char(31)
           )
    FROM standing AS local
    WHERE {_OF_PAGE} AND pseudonym NOT IN (SELECT pseudonym FROM later_holder) AND {_COUNTS.format("local")}
    GROUP BY pseudonym, notice
    UNION ALL
    SELECT pseudonym, NULL, choice || char(30) || act || char(30) || word || char(30) || version || char(30)
           || purposes || char(30)
           || {_FUNCTION}(CASE WHEN at > ?4 THEN at ELSE min(at, ?3) END)
    FROM answer WHERE {_OF_PAGE} AND {answers.HAS_RECORD}
    AND at >= coalesce((
        SELECT recycled FROM number_use WHERE number_use.pseudonym = answer.pseudonym AND notice = ''
    ), at)
), caller AS MATERIALIZED (
    SELECT pseudonym, {_FUNCTION}(max(used)) || char(28) || group_concat(text, char(28)) AS state
    FROM part GROUP BY pseudonym
)
SELECT '' AS line, state, count(*), 0, min(pseudonym) FROM caller GROUP BY state
UNION ALL
SELECT line, coalesce(state, ''), count(*), sum(calls), min(pseudonym)
FROM visit LEFT JOIN caller USING (pseudonym)
WHERE {_OF_PAGE} GROUP BY line, coalesce(state, '')
"""  # noqa: S608  # our own names
_SIZE = """
SELECT (SELECT coalesce(max(callers), 0) FROM known) + (SELECT count(*) FROM answer)
"""
# Who is entered for calls without a history: less than the pseudonyms of any page.
_UNRECOGNISED, _NEW = b"", b"\0"
# The first record of each call of the time: its caller, by his newest pseudonym, and its line.
_VISITS = f"""
INSERT INTO visit
SELECT CASE WHEN pseudonym IS NULL THEN x'{_UNRECOGNISED.hex()}' WHEN EXISTS (
           SELECT 1 FROM event AS other
           WHERE other.call = event.call AND other.call <> '' AND other.kind IN ('phone', 'operator')
           AND other.reason = '{Reason.NOT_INFORMED}'
       ) THEN x'{_NEW.hex()}' ELSE coalesce(
           (SELECT later.pseudonym FROM event AS later WHERE later.earlier = event.pseudonym), pseudonym
       ) END AS caller, line, count(*)
FROM event WHERE record > ?1 AND record <= ?2 AND at >= ?3
AND call <> '' AND kind IN ('phone', 'operator') AND line <> '' AND NOT EXISTS (
    SELECT 1 FROM event AS earlier
    WHERE earlier.call = event.call AND earlier.call <> '' AND earlier.kind IN ('phone', 'operator')
    AND earlier.record < event.record
)
GROUP BY caller, line ON CONFLICT DO UPDATE SET calls = calls + excluded.calls
"""  # noqa: S608  # our own names
_WITHOUT_HISTORY = "SELECT line, calls FROM visit WHERE pseudonym = ?"
_VISIT = """
CREATE TEMP TABLE visit (
    pseudonym BLOB NOT NULL, line TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (pseudonym, line)
) WITHOUT ROWID
"""
_RECORDED_FROM = """
SELECT record, coalesce(recorded, at) FROM event WHERE record > ? ORDER BY record LIMIT 1
"""
_FIRST_CALL = "SELECT min(hour) FROM tally WHERE status = '' AND hour >= ?"

Progress = Callable[[int, int], None]
"""Called with the part that is done, and the whole."""


class PeriodMarks:
    """A function from a time to the marks of all periods that may be over since: moments with the same marks
    are decided alike. `marks` is asked once for all moments between two `cutoffs`, and near to one for each
    quarter of an hour; where they change in a quarter, for the moments by which the change is searched."""

    def __init__(self, marks: Callable[[datetime], str], cutoffs: Sequence[datetime], now: datetime) -> None:
        self._marks = marks
        self._between: dict[int, str] = {}
        self._quarters: dict[int, tuple[list[int], list[str]]] = {}
        zones = sorted((cutoff - _NEAR, cutoff + _NEAR) for cutoff in cutoffs)
        zones.append((now - _RECENT, datetime.max.replace(tzinfo=now.tzinfo)))
        self._edges: list[int] = []
        for start, end in zones:
            edges = rows.microseconds(start), rows.microseconds(end)
            if self._edges and edges[0] <= self._edges[-1]:
                self._edges[-1] = max(self._edges[-1], edges[1])
            else:
                self._edges.extend(edges)

    def __call__(self, at: int | None) -> str:
        if not at:
            return _NO_TIME
        place = bisect_right(self._edges, at)
        if place % 2:
            changes, texts = self._of_quarter(at // _QUARTER)
            return texts[bisect_right(changes, at)]
        if place not in self._between:
            self._between[place] = self._marks(rows.moment(at))
        return self._between[place]

    def _of_quarter(self, quarter: int) -> tuple[list[int], list[str]]:
        """Return the moments of a quarter of an hour since 1970 at which the marks change, and the marks
        before the first of them and from each on."""
        if quarter not in self._quarters:
            start, end = quarter * _QUARTER, (quarter + 1) * _QUARTER - 1
            changes, texts = list[int](), [self._marks(rows.moment(start))]
            last = self._marks(rows.moment(end))
            while texts[-1] != last:
                changes.append(self._next_change(changes[-1] if changes else start, end, texts[-1]))
                texts.append(self._marks(rows.moment(changes[-1])))
            self._quarters[quarter] = changes, texts
        return self._quarters[quarter]

    def _next_change(self, low: int, high: int, text: str) -> int:
        """Return the first moment behind `low`, up to `high`, whose marks are not the `text` of `low`."""
        while high - low > 1:
            middle = (low + high) // 2
            if self._marks(rows.moment(middle)) == text:
                low = middle
            else:
                high = middle
        return high


@dataclass(frozen=True)
class StateCount:
    """The callers of a page in one state: all of them with `line` '', or those who rang a line, with the
    number of their calls. `pseudonym` is of one of them."""

    line: str
    state: str
    callers: int
    calls: int
    pseudonym: bytes


@dataclass(frozen=True)
class OtherCalls:
    """The calls of a period without a history, by line: of callers who were new then, and of callers who were
    not recognised. `since` is when the first call of the period came, `None` if there is none."""

    new: Mapping[str, int]
    unrecognised: Mapping[str, int]
    since: datetime | None


class CallerStates:
    """A reader of the states of all callers of one ledger. Raises sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, marks: PeriodMarks, now: datetime) -> None:
        self._connection, self._now = connection, now
        connection.create_function(_FUNCTION, 1, marks, deterministic=True)
        # Nothing in it is ever taken back, and its journal took three times as long as what it was for.
        connection.execute("PRAGMA temp.journal_mode = OFF")
        connection.execute(_VISIT)
        connection.commit()

    def read_calls(self, since: datetime, progress: Progress) -> OtherCalls:
        """Read the calls since a time, and remember who rang which line for `pages`."""
        last: int = self._connection.execute(rows.NEWEST).fetchone()[0]
        first = record = self._last_before(rows.microseconds(since), last)
        while record < last:
            page = (record, min(record + PAGE_RECORDS, last), rows.microseconds(since))
            self._connection.execute(_VISITS, page)
            self._connection.commit()
            record = page[1]
            progress(record - first, last - first)
        hour = (rows.microseconds(since) // answers.HOUR,)
        (first_hour,) = self._connection.execute(_FIRST_CALL, hour).fetchone()
        started = None if first_hour is None else max(since, rows.moment(first_hour * answers.HOUR))
        new, unrecognised = (
            dict(self._connection.execute(_WITHOUT_HISTORY, (caller,)).fetchall())
            for caller in (_NEW, _UNRECOGNISED)
        )
        return OtherCalls(new, unrecognised, started)

    def _last_before(self, since: int, last: int) -> int:
        """Return a record before all that were recorded since a time: they are recorded in the order of their
        numbers, so half of the rest is left out at each look."""
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            row = self._connection.execute(_RECORDED_FROM, (middle,)).fetchone()
            if row is not None and row[1] < since:
                low = row[0]
            else:
                high = middle
        return low

    def pages(self, progress: Progress) -> Iterator[list[StateCount]]:
        """Iterate over the callers by pages. While a page is looked at, `history` reads what it counted."""
        size: int = self._connection.execute(_SIZE).fetchone()[0]
        step = max(_PREFIXES * PAGE_CALLERS // max(size, PAGE_CALLERS), 1)
        now, soon = rows.microseconds(self._now), rows.microseconds(self._now + AFTER_ALL)
        for prefix in range(0, _PREFIXES, step):
            end = _start(prefix + step)
            self._connection.execute("BEGIN")
            try:
                counts = self._connection.execute(_CALLERS, (_start(prefix), end, now, soon)).fetchall()
                yield [StateCount(*count) for count in counts]
            finally:
                self._connection.rollback()
            progress(min(prefix + step, _PREFIXES), _PREFIXES)

    def history(self, pseudonym: bytes) -> tuple[CallerHistory, AnswerHistory]:
        """Return what one caller already got and answered, as a call reads it."""
        known_rows = self._connection.execute(number_use.KNOWN, (pseudonym,)).fetchall()
        return number_use.history(known_rows), answers.of_caller(self._connection, pseudonym)


def _start(prefix: int) -> bytes:
    """Return the least pseudonym with a prefix; of the prefix after the last, more than any."""
    return prefix.to_bytes(3, "big") if prefix < _PREFIXES else b"\xff" * 33


@contextmanager
def open_states(connection: sqlite3.Connection, marks: PeriodMarks, now: datetime) -> Iterator[CallerStates]:
    """Yield a reader of a ledger's states, which leaves the connection as it was."""
    states = CallerStates(connection, marks, now)
    try:
        yield states
    finally:
        connection.rollback()
        with suppress(sqlite3.Error):  # after another error, which is the one to tell
            connection.execute("DROP TABLE temp.visit")
        connection.commit()
