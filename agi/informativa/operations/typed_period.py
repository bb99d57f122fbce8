"""Days and times as people type them into a filter: a time, a day, a month or a year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..model import plausibility
from ..model.errors import InformativaError
from ..model.text import Text

_DAY_FIRST = re.compile(
    r"(?:(?:(?P<day>\d{1,2})[./-])?(?P<month>\d{1,2})[./-])?(?P<year>\d{4})"
    r"(?:,? +(?P<hour>\d{1,2})[:.](?P<minute>\d\d))?",
    re.ASCII,
)
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)


@dataclass(frozen=True)
class TypedPeriod:
    """The stretch of time that somebody typed, as times without a zone, or with the offset that was typed. A
    time of the day is its own begin and end."""

    begin: datetime
    end: datetime
    """The first moment after it."""


def typed_period(text: str) -> TypedPeriod | None:
    """Return what somebody typed: 31/1/2026, 31.1.2026 9:30, 1/2026, 2026, or the same by ISO 8601; `None`
    for ''. Raises InformativaError."""
    try:
        return _parsed(text) if text else None
    except ValueError:
        raise InformativaError(
            Text("There is no such day or time."),
            Text("Write it like 31/1/2026, 31/1/2026 9:30, 1/2026 or 2026."),
        ) from None


def _parsed(text: str) -> TypedPeriod:
    if match := _MONTH.fullmatch(text):
        return _calendar_period(int(match[1]), int(match[2]))
    match = _DAY_FIRST.fullmatch(text)
    if match is None:
        at = plausibility.typed(text)
        return (
            _calendar_period(at.year, at.month, at.day)
            if len(text) == len("2026-01-31")
            else TypedPeriod(at, at)
        )
    numbers = {name: int(digits) for name, digits in match.groupdict().items() if digits}
    if "hour" not in numbers:
        return _calendar_period(numbers["year"], numbers.get("month"), numbers.get("day"))
    at = datetime(
        numbers["year"], numbers.get("month", 0), numbers.get("day", 0), numbers["hour"], numbers["minute"]
    )
    return TypedPeriod(at, at)


def _calendar_period(year: int, month: int | None = None, day: int | None = None) -> TypedPeriod:
    """Return a whole day, month or year. Raises ValueError."""
    begin = datetime(year, 1 if month is None else month, 1 if day is None else day)
    try:
        if day is not None:
            return TypedPeriod(begin, begin + timedelta(days=1))
        last_month = 12 if month is None else month
        end = datetime(year + last_month // 12, last_month % 12 + 1, 1)
    except (OverflowError, ValueError):  # the end of the calendar
        end = datetime.max
    return TypedPeriod(begin, end)
