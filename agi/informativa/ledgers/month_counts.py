"""Counts of a period beside the counters by the hour: of records that failed, of notices and answers that
were told elsewhere, and of notes about records that are gone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..model import RecordKind, Status
from . import recorded_calls, rows, tally

_GROUPS = """
SELECT status, kind, coalesce(ending, reason), asked, count(*) FROM event
WHERE at >= :since AND at < :until AND (
    status IN ('FAILED', 'FALLBACK') AND kind IN ('phone', 'operator') AND (call <> '' OR erased)
    OR status = 'REPORTED' AND call = ''
    OR kind IN ('purge', 'erasure', 'lost')
) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
# By the time at which they were put on record: an import of old papers is work of its own month.
_WITHOUT_CALL = """
SELECT notice, version, kind, count(*) FROM event
WHERE coalesce(recorded, at) >= :since AND coalesce(recorded, at) < :until
AND status = 'INFORMED' AND line = '' AND kind IN ('operator', 'website', 'contract')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_FIRST_HOUR = "SELECT min(hour) FROM tally"
_FIRST_RECORD = "SELECT coalesce(recorded, at) FROM event ORDER BY record LIMIT 1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RecordGroup:
    """The number of records of one status and kind, with one `cause` (the ending of the playback, or without
    one the reason); `choice` and `answer` are those of a choice, or empty."""

    status: Status
    kind: RecordKind
    cause: str
    choice: str
    answer: str
    count: int


@dataclass(frozen=True)
class CountWithoutCall:
    """The number of notices of one version that callers got in one way, and not in a call."""

    notice: str
    version: str
    kind: RecordKind
    count: int


@dataclass(frozen=True)
class MonthCounts:
    """The counters and the groups of records of a period, in one state of the ledger. `begins` is the time of
    the first call or record of the ledger, as far as either is left, `purged_before` the time before which
    records are gone by their age."""

    hours: tuple[tally.HourCount, ...]
    answers: tuple[tally.AnswerCount, ...]
    groups: tuple[RecordGroup, ...]
    without_call: tuple[CountWithoutCall, ...]
    begins: datetime | None
    purged_before: datetime | None


def of_period(connection: sqlite3.Connection, since: datetime, until: datetime) -> MonthCounts:
    """Count the records from `since` on and before `until`. Reads the whole ledger. Raises sqlite3.Error, and
    ValueError for values that informativa does not write."""
    times = {"since": rows.microseconds(since), "until": rows.microseconds(until)}
    without_call = (
        CountWithoutCall(notice, version, RecordKind(kind), count)
        for notice, version, kind, count in connection.execute(_WITHOUT_CALL, times)
    )
    return MonthCounts(
        tally.hours(connection, since, until),
        tally.answers(connection, since, until),
        tuple(_group(*row) for row in connection.execute(_GROUPS, times)),
        tuple(without_call),
        _begin(connection),
        recorded_calls.purged_before(connection),
    )


def _begin(connection: sqlite3.Connection) -> datetime | None:
    """Return the time of the first call or record: calls that were purged are still counted, and a ledger may
    begin with an import. `None` where there is neither."""
    (hour,) = connection.execute(_FIRST_HOUR).fetchone()
    times = [] if hour is None else [_EPOCH + timedelta(hours=hour)]
    times += [rows.moment(at) for (at,) in connection.execute(_FIRST_RECORD)]
    return min(times, default=None)


def _group(status: str, kind: str, cause: str, asked: str | None, count: int) -> RecordGroup:
    choice, _asks, answer, *_ = (*(asked or "").split(" ", 3), "", "")
    return RecordGroup(Status(status), RecordKind(kind), cause, choice, answer, count)
