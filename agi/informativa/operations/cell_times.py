"""Days and times as the cells of spreadsheets, telephone exchanges and carriers have them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from ..model.errors import InformativaError
from ..model.text import Text

_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_SECONDS = re.compile(r"[12]\d{9}(?:\.\d{1,6})?")


def cell_time(text: str) -> datetime:
    """Return the time of a day, with or without a time of day; with an offset if the text names one. Raises
    ValueError for another text."""
    day, _space, clock = text.strip().replace("T", " ").partition(" ")
    if match := _DAY.fullmatch(day):
        parsed_day = date(int(match[3]), int(match[2]), int(match[1]))
    elif len(day) == len("2026-01-31"):
        parsed_day = date.fromisoformat(day)
    else:
        raise ValueError("it is no day")
    return datetime.combine(parsed_day, time.fromisoformat(clock.strip()) if clock else time())


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
    match = _DAY.fullmatch(text.strip().partition(" ")[0])
    if match and int(match[1]) <= 12 < int(match[2]) <= 31:
        raise InformativaError(
            Text("Line {line} has a date with the month first.", line=row),
            Text("Write days as 2026-01-31 or 31/01/2026: 01/02/2026 would be taken for February."),
        )
