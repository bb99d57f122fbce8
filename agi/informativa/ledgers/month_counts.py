"""Counts of a period beside the counters by the hour: of records that failed, of answers that were told
elsewhere, and of notes about records that are gone."""

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
_FIRST_HOUR = "SELECT min(hour) FROM tally"
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
class MonthCounts:
    """The counters and the groups of records of a period, in one state of the ledger. `begins` is the first
    hour that the ledger counts at all, `purged_before` the time before which records are gone by their
    age."""

    hours: tuple[tally.HourCount, ...]
    answers: tuple[tally.AnswerCount, ...]
    groups: tuple[RecordGroup, ...]
    begins: datetime | None
    purged_before: datetime | None


def of_period(connection: sqlite3.Connection, since: datetime, until: datetime) -> MonthCounts:
    """Count the records from `since` on and before `until`. Reads the whole ledger. Raises sqlite3.Error, and
    ValueError for values that informativa does not write."""
    times = {"since": rows.microseconds(since), "until": rows.microseconds(until)}
    first = connection.execute(_FIRST_HOUR).fetchone()[0]
    return MonthCounts(
        tally.hours(connection, since, until),
        tally.answers(connection, since, until),
        tuple(_group(*row) for row in connection.execute(_GROUPS, times)),
        None if first is None else _EPOCH + timedelta(hours=first),
        recorded_calls.purged_before(connection),
    )


def _group(status: str, kind: str, cause: str, asked: str | None, count: int) -> RecordGroup:
    choice, _asks, answer, *_ = (*(asked or "").split(" ", 3), "", "")
    return RecordGroup(Status(status), RecordKind(kind), cause, choice, answer, count)
