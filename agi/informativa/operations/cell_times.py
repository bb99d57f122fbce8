"""Days and times as the cells of spreadsheets, telephone exchanges and carriers have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

from ..model.errors import InformativaError
from ..model.text import Text

_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d\d)")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SECONDS = re.compile(r"[12]\d{9}(?:\.\d{1,6})?")


class DateOrder(StrEnum):
    """The order of day and month in dates such as 01/02/2026."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


@dataclass(frozen=True)
class DateForm:
    """The form of the dates of a file; those that begin with the year are understood in any case."""

    order: DateOrder = DateOrder.DAY_FIRST
    short_years: bool = False
    """True if 26 stands for 2026."""


DAY_FIRST = DateForm()


@dataclass
class DateEvidence:
    """Evidence of the form of a file's dates: lines of the file, 0 for none, and numbers of dates."""

    day_first: int = 0
    """The first line with a date that can only have its day first."""
    month_first: int = 0
    """The same of the month."""
    either: int = 0
    """The first line with a date that may be either, and is another day then."""
    short_years: int = 0
    long_years: int = 0

    def add(self, line: int, text: str) -> None:
        """Add the date of a line."""
        if not (match := _DAY.fullmatch(_day(text))):
            self.long_years += bool(_ISO_DAY.fullmatch(_day(text)))
            return
        first, second = int(match[1]), int(match[2])
        if second <= 12 < first <= 31:
            self.day_first = self.day_first or line
        elif first <= 12 < second <= 31:
            self.month_first = self.month_first or line
        elif first != second and max(first, second) <= 12:
            self.either = self.either or line
        self.short_years += len(match[3]) == 2
        self.long_years += len(match[3]) == 4

    @property
    def order(self) -> DateOrder | None:
        """The order of day and month; `None` if no date tells, and it makes a difference. Raises
        InformativaError where dates contradict each other."""
        if self.day_first and self.month_first:
            raise InformativaError(
                Text(
                    "Line {first} has a date with the day first, and line {second} one with the month first.",
                    first=self.day_first,
                    second=self.month_first,
                ),
                Text("Write days as 2026-01-31, or say how: --dates day-first or --dates month-first"),
            )
        if self.month_first:
            return DateOrder.MONTH_FIRST
        return None if self.either and not self.day_first else DateOrder.DAY_FIRST

    @property
    def years_are_short(self) -> bool:
        """True if most dates have a year of two digits."""
        return self.short_years > self.long_years


def is_day(text: str) -> bool:
    """Return whether a text looks like a day, with or without a time of day."""
    return bool(_DAY.fullmatch(_day(text)) or _ISO_DAY.fullmatch(_day(text)))


def cell_time(text: str, form: DateForm = DAY_FIRST) -> datetime:
    """Return the time of a day, with or without a time of day; with an offset if the text names one. Raises
    ValueError for another text."""
    day, _space, clock = text.strip().replace("T", " ").partition(" ")
    if match := _DAY.fullmatch(day):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        if len(match[3]) == 2:
            if not form.short_years:
                raise ValueError("its year has two digits")
            year += 2000
        day_of_month, month = (first, second) if form.order is DateOrder.DAY_FIRST else (second, first)
        parsed_day = date(year, month, day_of_month)
    elif len(day) == len("2026-01-31"):
        parsed_day = date.fromisoformat(day)
    else:
        raise ValueError("it is no day")
    return datetime.combine(parsed_day, time.fromisoformat(clock.strip()) if clock else time())


def _day(text: str) -> str:
    return text.strip().replace("T", " ").partition(" ")[0]


def call_time(text: str) -> datetime:
    """Return the time of a call: `cell_time`, seconds since 1970, or with an offset apart by a blank. Raises
    ValueError for a day without a time, too."""
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    if ":" not in text:
        raise ValueError("it has no time of day")
    return cell_time(re.sub(r" (Z|[+-]\d\d:?\d\d)$", r"\1", text.strip()))


def require_day_first(row: int, text: str) -> None:
    """Raise InformativaError for a date of a row that can only have the month first: then other dates of the
    file may be read wrongly."""
    match = _DAY.fullmatch(_day(text))
    if match and int(match[1]) <= 12 < int(match[2]) <= 31:
        raise InformativaError(
            Text("Line {line} has a date with the month first.", line=row),
            Text("Write days as 2026-01-31 or 31/01/2026: 01/02/2026 would be taken for February."),
        )
