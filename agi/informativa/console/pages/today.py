"""How it goes: the calls of today, of this month, of this year, and what is wrong now."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from starlette.responses import Response

from ...errors import EvidenceError, LedgerError
from ...model import Record, Status
from ...operations import records, statistics
from ...operations.controller_state import lines_of
from ...operations.evidence.log_state import log_state
from ...operations.statistics import Day
from ...text import Text
from ..visit import Visit
from .health import machine

DAY, MONTH, YEAR = "day", "month", "year"
STEPS = {DAY: 3600, MONTH: 86400, YEAR: 30 * 86400}  # seconds of a bar
SPANS = {DAY: Text("Today"), MONTH: Text("This month"), YEAR: Text("This year")}
LAST = 10  # calls that are shown


@dataclass(frozen=True)
class Slot:
    """One bar of the plot, and one row of the table beside it: an hour, a day or a month, and what it came
    to; `None` where nothing is on record of it."""

    at: datetime
    count: Day | None


def today(visit: Visit) -> Response:
    """What cannot be read is said in its place."""
    span = visit.query("over") if visit.query("over") in SPANS else DAY
    slots: tuple[Slot, ...] = ()
    last: tuple[Record, ...] = ()
    error = None
    try:
        slots = tuple(_slots(visit, span))
        last = records.page(visit.company, count=LAST).records
    except LedgerError as failed:
        error = failed
    whole = statistics.total(each.count for each in slots if each.count)
    return visit.page(
        "today.html",
        spans=SPANS,
        span=span,
        slots=slots,
        axis=_axis(visit, span),
        step=STEPS[span],
        whole=whole,
        last=last,
        error=error,
        wrong=list(_wrong(visit)),
        machine=machine(visit) if visit.operates else None,
        statuses=[each for each in Status if whole.by_status.get(each)],
    )


def _axis(visit: Visit, span: str) -> tuple[datetime, datetime]:
    """The whole of the day, the month or the year that goes on, of the company's time."""
    today = visit.console.now().astimezone(visit.company.zone).date()
    begin = datetime.combine(today, time(), visit.company.zone)
    if span == DAY:
        return begin, begin + timedelta(days=1)
    if span == MONTH:
        first = begin.replace(day=1)
        return first, first + timedelta(days=calendar.monthrange(first.year, first.month)[1])
    return begin.replace(month=1, day=1), begin.replace(month=1, day=1, year=begin.year + 1)


def _slots(visit: Visit, span: str) -> Iterator[Slot]:
    """Every one of the span up to now, those without calls too, so that a quiet hour is seen to be quiet."""
    owner, lines = visit.company, lines_of(visit.company, visit.configuration)
    now = visit.console.now().astimezone(owner.zone)
    if span == DAY:
        hours = dict(statistics.by_hour(owner, now.date(), lines))
        at = datetime.combine(now.date(), time(), owner.zone).astimezone(UTC)
        while at <= now:
            yield Slot(at, hours.get(at))
            at += timedelta(hours=1)
        return
    first = now.date().replace(day=1) if span == MONTH else now.date().replace(month=1, day=1)
    days = statistics.by_day(owner, first, now.date(), lines)
    found = {each.date: each for each in (days if span == MONTH else statistics.by_month(days))}
    while first <= now.date():
        yield Slot(datetime.combine(first, time(), owner.zone), found.get(first))
        length = 1 if span == MONTH else calendar.monthrange(first.year, first.month)[1]
        first += timedelta(days=length)


def _wrong(visit: Visit) -> Iterator[Text]:
    """What is wrong with this company's own affairs, each with its remedy."""
    owner = visit.company
    if owner.refused:
        yield Text("This company is not live: {why}", why=owner.refused)
    if not Path(owner.ledger).exists():
        return
    try:
        state = log_state(owner)
    except (LedgerError, EvidenceError) as error:
        yield error.text
        return
    for each in (*state.published, *state.witnessed):
        if each.problem:
            yield Text("The log is not at {place}: {why}", place=each.place, why=each.problem)
