"""Checks whether a caller can have been told on a given day what is claimed. Pure.

A version can have been told on the days on which it was in force: from the day on which it starts until that
on which the next one does. Days begin and end in the controller's time zone.
"""

from __future__ import annotations

import re
from datetime import MINYEAR, UTC, date, datetime, time, tzinfo
from enum import StrEnum
from itertools import dropwhile

from . import Notice, Period, Version
from .redaction import holds_number

# Italy's first law on personal data is in force since then; databases write 0001, 1900 or 1970 for "never".
FIRST = datetime(1997, 5, 8, tzinfo=UTC)
LONGEST_REFERENCE = 200  # characters
# A text, because a script would have to compile a pattern.
_TYPED = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?"


class Implausible(StrEnum):
    """The reason why a delivery cannot have happened."""

    TO_COME = "to-come"
    TOO_EARLY = "too-early"  # before anybody had to be told
    PAST_RETENTION = "past-retention"  # to be deleted at once
    NO_VERSION = "no-version"  # of that name
    NOT_YET = "not-yet"  # in force on that day
    NO_MORE = "no-more"  # in force on that day


class ReferenceFault(StrEnum):
    """The reason why a reference leads to no evidence, or may not be kept."""

    NONE = "none"
    LONG = "long"
    NUMBER = "number"  # somebody's may stand in it


def version_told(
    notice: Notice, version: str, at: datetime, now: datetime, retention: Period | None, zone: tzinfo
) -> Version | Implausible:
    """Return the version that a caller can have been told `at` that time: the one of that name or, without a
    name, the one in force then."""
    if at > now:
        return Implausible.TO_COME
    if at < FIRST:
        return Implausible.TOO_EARLY
    if retention is not None and at < retention.before(now, zone):
        return Implausible.PAST_RETENTION
    candidate = next((listed for listed in notice.versions if listed.id == version), None)
    if version and candidate is None:
        return Implausible.NO_VERSION
    candidate = candidate or notice.current(at)
    day = at.astimezone(zone).date()
    if candidate.starts is not None and day < candidate.starts.astimezone(zone).date():
        return Implausible.NOT_YET
    if day > _last_day(notice, candidate, now, zone):
        return Implausible.NO_MORE
    return candidate


def _last_day(notice: Notice, version: Version, now: datetime, zone: tzinfo) -> date:
    """Return the last day on which a version was in force.

    It is unknown for a version that was replaced by one without a date: any day before today is accepted.
    """
    _version, *successors = dropwhile(lambda other: other is not version, notice.versions)
    today = now.astimezone(zone).date()
    if not successors:
        return today
    starts = [other.starts.astimezone(zone) for other in successors if other.starts is not None]
    if len(starts) < len(successors):
        starts.append(datetime.combine(today, time(), zone))
    first = min(starts)
    return first.date() if first.time() > time() else date.fromordinal(first.toordinal() - 1)


def evidence(text: str) -> str:
    """Return a reference in its stored form: on one line, and without unprintable characters."""
    if text.isprintable() and "  " not in text:  # nearly always
        return text.strip()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def reference_fault(reference: str, number: str = "") -> ReferenceFault | None:
    """Return the fault of a reference that `evidence` made, if any; one is that the caller's own `number` is
    in it."""
    if not reference:
        return ReferenceFault.NONE
    if len(reference) > LONGEST_REFERENCE:
        return ReferenceFault.LONG
    return ReferenceFault.NUMBER if holds_number(reference, number) else None


def typed(text: str) -> datetime:
    """Return a day, or a day and time, as somebody types it; with the offset that was typed, or no zone.
    Raises ValueError."""
    if not re.fullmatch(_TYPED, text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


def moment(text: str, zone: tzinfo) -> datetime:
    """Return the moment of an ISO 8601 day, or day and time; in `zone` where it names no offset. A moment in
    no year of UTC becomes the first moment of UTC or the last. Raises ValueError."""
    at = datetime.fromisoformat(text)
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return (datetime.min if at.year == MINYEAR else datetime.max).replace(tzinfo=UTC)
