"""Records of calls as a list of calls is held beside them: when and on which line, and not who called."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from ..evidence.notes import PurgeNote
from ..model import Record, RecordKind, Status
from . import leaves, note_leaves, references, rows

NEWEST = 20_000  # records in which later calls are looked for
_KINDS = (RecordKind.PHONE, RecordKind.OPERATOR)
_OF_PERIOD = """
SELECT record, at,
    at - CAST(coalesce(heard, 0) * 1000000.0 / coalesce(rate, 1) AS INTEGER),
    call, linked, line, notice, erased
FROM event WHERE kind IN ('phone', 'operator') AND line <> '' AND (call <> '' OR erased)
AND at >= ? AND at < ? ORDER BY record
"""
# Of the newest records alone, so that it takes as long among ten million.
_INFORMED_LATER = f"""
SELECT status, count(*) FROM event
WHERE record > (SELECT coalesce(max(record), 0) FROM event) - {NEWEST} AND status IN ('PARTIAL', 'FAILED')
AND kind IN ('phone', 'operator') AND at >= ? AND at < ? AND EXISTS (
    SELECT 1 FROM standing WHERE standing.pseudonym = event.pseudonym AND standing.notice = event.notice
    AND standing.record > event.record
) GROUP BY status
"""  # noqa: S608  # our own names
_PURGES = "SELECT reference FROM event WHERE kind = 'purge'"  # the text of a note is no such reference


class RecordedCall(NamedTuple):
    """A record of a call: `at` and `begun` are microseconds since 1970. A notice that was played is recorded
    at its end, so it `begun` as long before as it was heard. An erased record has no ids, and the minute for
    its time."""

    number: int
    at: int
    begun: int
    call: str
    linked: str
    line: str
    notice: str
    erased: bool

    @classmethod
    def of(cls, record: Record) -> RecordedCall | None:
        """Return the same from a whole record; `None` for one that is of no call."""
        event = record.event
        if event.kind not in _KINDS or not event.line or not (event.call or event.erased):
            return None
        at = rows.microseconds(event.at)
        heard = int(event.heard.seconds * 1_000_000) if event.heard else 0
        ids = event.call, event.linked
        return cls(record.number, at, at - heard, *ids, event.line, event.notice, event.erased)


def of_period(connection: sqlite3.Connection, since: datetime, until: datetime) -> Iterator[RecordedCall]:
    """Read the records of calls from `since` on and before `until`, in the order of their numbers. Reads the
    whole ledger. Raises sqlite3.Error."""
    times = (rows.microseconds(since), rows.microseconds(until))
    return map(RecordedCall._make, connection.execute(_OF_PERIOD, times))


def informed_later(connection: sqlite3.Connection, since: datetime, until: datetime) -> dict[Status, int]:
    """Count, by status, the notices of these times that were not heard in full, of callers who have heard
    them since; as far as the newest records say so. Raises sqlite3.Error."""
    times = (rows.microseconds(since), rows.microseconds(until))
    return {Status(status): count for status, count in connection.execute(_INFORMED_LATER, times)}


def purged_before(connection: sqlite3.Connection) -> datetime | None:
    """Return the time before which records were deleted because of their age, if any were. Raises
    sqlite3.Error."""
    cutoffs = []
    for (reference,) in connection.execute(_PURGES):
        with suppress(ValueError):
            cutoffs.append(references.purged(reference)[2])
    moments = [rows.moment(cutoff) for cutoff in cutoffs]
    for log in leaves.logs(connection):
        contents = (note.content for note in note_leaves.backwards(connection, log))
        moments += [content.cutoff for content in contents if isinstance(content, PurgeNote)]
    return max(moments, default=None)
