"""The first page of a company: the calls of today, this month or this year, and present problems."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from starlette.responses import Response

from ...model import Answer, Record, Status
from ...model.errors import EvidenceError, LedgerError
from ...model.text import Text
from ...operations import records, request_register, statistics
from ...operations.controller_state import lines_of
from ...operations.evidence.log_state import log_state
from ...operations.statistics import ChoiceStatistics, DayStatistics
from ...views.choice_words import ANSWERS
from ..context import RequestContext
from .health import machine

DAY, MONTH, YEAR = "day", "month", "year"
STEPS = {DAY: 3600, MONTH: 86400, YEAR: 30 * 86400}  # seconds of a bar
SPANS = {DAY: Text("Today"), MONTH: Text("This month"), YEAR: Text("This year")}
LAST = 10  # calls that are shown


@dataclass(frozen=True)
class Slot:
    """One bar of the plot, and one row of the table beside it: an hour, a day or a month, and its counts;
    `None` if there are no records of it."""

    at: datetime
    count: DayStatistics | None


def today(context: RequestContext) -> Response:
    """Show the counts of a span, the last calls, and the problems. An error is shown in the place of
    counts."""
    span = context.query("over") if context.query("over") in SPANS else DAY
    slots: tuple[Slot, ...] = ()
    last: tuple[Record, ...] = ()
    choices: tuple[ChoiceStatistics, ...] = ()
    error = None
    try:
        slots = tuple(_slots(context, span))
        first, end = (at.date() for at in _axis(context, span))
        configured = context.configuration.choices.get(context.company.id, ())
        choices = statistics.answers(context.company, configured, first, end - timedelta(days=1))
        last = records.page(context.company, records.CALLS, count=LAST).records
    except LedgerError as failed:
        error = failed
    total = statistics.total(slot.count for slot in slots if slot.count)
    return context.page(
        "today.html",
        spans=SPANS,
        span=span,
        slots=slots,
        axis=_axis(context, span),
        step=STEPS[span],
        total=total,
        choices=choices,
        answers={
            answer: ANSWERS[answer] for answer in Answer if any(answer in one.answers for one in choices)
        },
        left_out=any(choice.left_out for choice in choices),
        last=last,
        error=error,
        problems=list(_problems(context)),
        machine=machine(context) if context.is_operator else None,
        statuses=[status for status in Status if total.by_status.get(status)],
    )


def _axis(context: RequestContext, span: str) -> tuple[datetime, datetime]:
    """Return begin and end of the present day, month or year, in the company's time zone."""
    today = context.console.now().astimezone(context.company.zone).date()
    begin = datetime.combine(today, time(), context.company.zone)
    if span == DAY:
        return begin, begin + timedelta(days=1)
    if span == MONTH:
        first = begin.replace(day=1)
        return first, first + timedelta(days=calendar.monthrange(first.year, first.month)[1])
    return begin.replace(month=1, day=1), begin.replace(month=1, day=1, year=begin.year + 1)


def _slots(context: RequestContext, span: str) -> Iterator[Slot]:
    """Yield the slots of the span up to now, also those without calls, so that the plot shows quiet hours."""
    owner, lines = context.company, lines_of(context.company, context.configuration)
    now = context.console.now().astimezone(owner.zone)
    if span == DAY:
        hours = dict(statistics.by_hour(owner, now.date(), lines))
        at = datetime.combine(now.date(), time(), owner.zone).astimezone(UTC)
        while at <= now:
            yield Slot(at, hours.get(at))
            at += timedelta(hours=1)
        return
    first = now.date().replace(day=1) if span == MONTH else now.date().replace(month=1, day=1)
    days = statistics.by_day(owner, first, now.date(), lines)
    by_date = {day.date: day for day in (days if span == MONTH else statistics.by_month(days))}
    while first <= now.date():
        yield Slot(datetime.combine(first, time(), owner.zone), by_date.get(first))
        length = 1 if span == MONTH else calendar.monthrange(first.year, first.month)[1]
        first += timedelta(days=length)


def _problems(context: RequestContext) -> Iterator[Text]:
    """Yield the problems of this company, each with its remedy."""
    owner = context.company
    if owner.refused:
        yield Text("This company is not live: {why}", why=owner.refused)
    if not Path(owner.ledger).exists():
        return
    try:
        requests = request_register.open_requests(owner, context.console.now())
        if requests and requests.overdue:
            yield request_register.overdue_text(owner, requests)
        state = log_state(owner)
    except (LedgerError, EvidenceError) as error:
        yield error.text
        return
    for copy in (*state.published, *state.witnessed):
        if copy.problem:
            yield Text("The log is not at {place}: {why}", place=copy.place, why=copy.problem)
