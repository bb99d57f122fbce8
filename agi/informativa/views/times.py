"""Times as people read them: in the zone of the company they are of or, for what is of no company, in that of
this machine. JSON has UTC, and so has what is said of logs and proofs, for that is held against signed texts,
which have it."""

from __future__ import annotations

import re
from datetime import date, datetime, tzinfo

from .messages import Language
from .record_words import MONTHS

_OFFSET = re.compile(r"[+-]\d\d(\d\d)?")


def local_time(at: datetime, zone: tzinfo | None = None, *, seconds: bool = False, named: bool = True) -> str:
    """Return a time of the day in a zone, `None` for the machine's: 2026-11-03 09:20 CET; without `named` for
    a place that names the zone once (`zone_name`)."""
    try:
        local = at.astimezone(zone)
    except OverflowError:  # in the first and the last hours of the calendar
        local = at
    text = f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"
    return f"{text} {_abbreviation(local)}" if named else text


def local_day(at: datetime, zone: tzinfo | None = None) -> str:
    """Return the day of a time in a zone, `None` for the machine's."""
    return local_time(at, zone, named=False)[:10]


def zone_name(zone: tzinfo) -> str:
    """Return the name of a company's zone: Europe/Rome."""
    return str(zone)


def _abbreviation(local: datetime) -> str:
    """Return what a zone is called at that time: CET, or the offset of a zone without such a name."""
    name = local.tzname() or ""
    return f"UTC{name}" if _OFFSET.fullmatch(name) else name


def day_text(on: date, say: Language) -> str:
    """Return a day, as a part of a sentence."""
    return say("{day} {month} {year}", day=on.day, month=MONTHS[on.month - 1], year=on.year)


def month_text(on: date, say: Language) -> str:
    """Return the month of a day."""
    return say("{month} {year}", month=MONTHS[on.month - 1], year=on.year)


def duration(seconds: float, say: Language) -> str:
    """Return a number of seconds in words: hours and minutes, or minutes and seconds."""
    rounded = round(seconds)
    if rounded >= 3600:
        return say("{hours} h {minutes} min", hours=rounded // 3600, minutes=rounded % 3600 // 60)
    if rounded >= 60:
        return say("{minutes} min {seconds} s", minutes=rounded // 60, seconds=rounded % 60)
    return say("{seconds} s", seconds=rounded)
