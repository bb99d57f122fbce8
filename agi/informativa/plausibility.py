"""Whether a caller can have been told on that day what is said of him. Pure.

A version can have been told on the days on which it was in force: from the day on which it starts until that
on which the next one does. Days begin and end in the controller's time zone.
"""

from __future__ import annotations

import re
from datetime import MINYEAR, UTC, date, datetime, time, tzinfo
from enum import StrEnum
from itertools import dropwhile

from .model import Notice, Period, Version
from .redaction import holds_number

# Italy's first law on personal data is in force since then; databases write 0001, 1900 or 1970 for "never".
FIRST = datetime(1997, 5, 8, tzinfo=UTC)
LONGEST_REFERENCE = 200  # characters
_TYPED = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?")


class Implausible(StrEnum):
    """Why it cannot have happened."""

    TO_COME = "to-come"
    TOO_EARLY = "too-early"  # before anybody had to be told
    PAST_RETENTION = "past-retention"  # to be deleted at once
    NO_VERSION = "no-version"  # of that name
    NOT_YET = "not-yet"  # in force on that day
    NO_MORE = "no-more"  # in force on that day


class ReferenceFault(StrEnum):
    """Why a reference leads to no evidence, or may not be kept."""

    NONE = "none"
    LONG = "long"
    NUMBER = "number"  # somebody's may stand in it


def version_told(
    notice: Notice, version: str, at: datetime, now: datetime, retention: Period | None, zone: tzinfo
) -> Version | Implausible:
    """The version that a caller can have been told `at` that time: the one of that name or, without a name,
    the one in force then."""
    if at > now:
        return Implausible.TO_COME
    if at < FIRST:
        return Implausible.TOO_EARLY
    if retention is not None and at < retention.before(now, zone):
        return Implausible.PAST_RETENTION
    found = next((each for each in notice.versions if each.id == version), None)
    if version and found is None:
        return Implausible.NO_VERSION
    found = found or notice.current(at)
    day = at.astimezone(zone).date()
    if found.starts is not None and day < found.starts.astimezone(zone).date():
        return Implausible.NOT_YET
    if day > _last_day(notice, found, now, zone):
        return Implausible.NO_MORE
    return found


def _last_day(notice: Notice, version: Version, now: datetime, zone: tzinfo) -> date:
    """On which a version was in force.

    Of one that was replaced by another that has no date, either, nobody knows it: it was before today.
    """
    _own, *later = dropwhile(lambda each: each is not version, notice.versions)
    today = now.astimezone(zone).date()
    if not later:
        return today
    dated = [each.starts.astimezone(zone) for each in later if each.starts is not None]
    if len(dated) < len(later):
        dated.append(datetime.combine(today, time(), zone))
    first = min(dated)
    return first.date() if first.time() > time() else date.fromordinal(first.toordinal() - 1)


def evidence(text: str) -> str:
    """A reference as it is kept: on one line, and without what cannot be printed."""
    if text.isprintable() and "  " not in text:  # nearly always
        return text.strip()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def reference_fault(reference: str, number: str = "") -> ReferenceFault | None:
    """What is wrong with a reference, which `evidence` made; the caller's own `number` is nowhere in it."""
    if not reference:
        return ReferenceFault.NONE
    if len(reference) > LONGEST_REFERENCE:
        return ReferenceFault.LONG
    return ReferenceFault.NUMBER if holds_number(reference, number) else None


def typed(text: str) -> datetime:
    """A day, or a day and time, as somebody types it; with the offset that was typed, or no zone. Raises
    ValueError."""
    if not _TYPED.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


def moment(text: str, zone: tzinfo) -> datetime:
    """A day, or a day and time, as ISO 8601 has them; of `zone` where nothing else is said. Raises
    ValueError. What is not in any year of UTC is its first moment or its last."""
    at = datetime.fromisoformat(text)
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return (datetime.min if at.year == MINYEAR else datetime.max).replace(tzinfo=UTC)
