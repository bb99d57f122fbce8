"""The first page of a company: the questions of its day, and the calls of today, this month or this year."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from starlette.responses import Response

from ...model import Answer, Record, Role, Status
from ...model.errors import LedgerError
from ...model.text import Text
from ...operations import (
    access_log,
    asked_exports,
    daily_brief,
    records,
    request_register,
    statistics,
    status,
)
from ...operations.controller_state import lines_of
from ...operations.daily_brief import BriefAnswer, Light
from ...operations.statistics import ChoiceStatistics, DayStatistics
from ...views.choice_words import ANSWERS
from ..context import EXPORTS, RequestContext
from ..jobs import Job

DAY, MONTH, YEAR = "day", "month", "year"
STEPS = {DAY: 3600, MONTH: 86400, YEAR: 30 * 86400}  # seconds of a bar
SPANS = {DAY: Text("Today"), MONTH: Text("This month"), YEAR: Text("This year")}
LAST = 10  # calls that are shown
STATUS = "status"
FRESH = 30.0  # seconds for which a look at the machine is not repeated


@dataclass(frozen=True)
class Slot:
    """One bar of the plot, and one row of the table beside it: an hour, a day or a month, and its counts;
    `None` if there are no records of it."""

    at: datetime
    count: DayStatistics | None


def today(context: RequestContext) -> Response:
    """Show the answers to the questions of the day, the counts of a span, and the last calls. An error is
    shown in the place of counts."""
    span = context.query("over") if context.query("over") in SPANS else DAY
    slots: tuple[Slot, ...] = ()
    last: tuple[Record, ...] = ()
    choices: tuple[ChoiceStatistics, ...] = ()
    before: tuple[date, DayStatistics] | None = None
    later: Mapping[Status, int] = {}
    total, error = statistics.total(()), None
    try:
        slots = tuple(_slots(context, span))
        total = statistics.total(slot.count for slot in slots if slot.count)
        if not daily_brief.UNHEARD.isdisjoint(total.by_status):
            later = statistics.informed_later(context.company, *_axis(context, span))
        first, end = (at.date() for at in _axis(context, span))
        configured = context.configuration.choices.get(context.company.id, ())
        choices = statistics.answers(context.company, configured, first, end - timedelta(days=1))
        last = records.page(context.company, records.CALLS, count=LAST).records
        before = _a_week_before(context) if span == DAY else None
    except LedgerError as failed:
        error = failed
    questions = (
        (Text("Was everybody told?"), [daily_brief.informed_answer(None if error else total, later)]),
        (Text("Is anything broken?"), daily_brief.fault_answers([*_problems(context, error)])),
        (Text("Is anything due?"), sorted(_due(context), key=lambda due: due.light is Light.GOOD)),
    )
    return context.page(
        "today.html",
        spans=SPANS,
        span=span,
        slots=slots,
        axis=_axis(context, span),
        step=STEPS[span],
        total=total,
        before=before,
        choices=choices,
        answers={
            answer: ANSWERS[answer] for answer in Answer if any(answer in one.answers for one in choices)
        },
        left_out=any(choice.left_out for choice in choices),
        last=last,
        error=error,
        questions=questions,
        labels={entry.part: entry.label for entry in context.menu()},
        statuses=[
            status
            for status in Status
            if total.by_status.get(status) or (before and before[1].by_status.get(status))
        ],
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


def _a_week_before(context: RequestContext) -> tuple[date, DayStatistics]:
    """Return the same weekday of the week before, and its counts up to the present hour, which is included.
    Raises LedgerError."""
    owner, lines = context.company, lines_of(context.company, context.configuration)
    now = context.console.now().astimezone(owner.zone)
    day = now.date() - timedelta(days=7)
    hours = statistics.by_hour(owner, day, lines)
    return day, statistics.total(count for at, count in hours if at.astimezone(owner.zone).hour <= now.hour)


def _problems(context: RequestContext, error: LedgerError | None) -> Iterator[BriefAnswer]:
    """Yield what is wrong, for operators also with the machine."""
    problems = list(daily_brief.problems(context.company))
    yield from problems
    if error is not None and error.text not in [problem.text for problem in problems]:
        yield BriefAnswer(Light.BAD, error.text)
    if context.account.may(context.company.id, Role.COMPLIANCE):
        with suppress(LedgerError):  # which the page of the access log tells
            unusual = access_log.unusual(context.company, context.console.now(), timedelta(days=1))
            if accounts := {looks.account for looks in unusual}:
                yield daily_brief.unusual_answer(len(accounts))
    if not context.is_operator or (state := _machine(context)) is None:
        return
    if not state.result.in_order:
        text = Text("Something is wrong with this machine. What it is says there: informativa doctor")
        yield BriefAnswer(Light.BAD, text)
    for text in state.result.warnings:
        yield BriefAnswer(Light.OPEN, text)


def _machine(context: RequestContext) -> Job | None:
    """Return the last look at the machine, and start another one if that is old. A look asks the service and
    Asterisk, for which no page waits."""
    jobs = context.console.jobs
    last = jobs.newest(STATUS, "")
    if last is None or jobs.age(last) > FRESH:
        now = context.console.now()
        jobs.start(STATUS, "", lambda _progress: status.look(context.console.file, now))
    return last


def _due(context: RequestContext) -> Iterator[BriefAnswer]:
    """Yield which requests are due, and that exports wait for the visitor's confirmation."""
    now, company = context.console.now(), context.company
    try:
        requests = request_register.open_requests(company, now)
        yield daily_brief.deadline_answer(requests, request_register.today(company, now))
        if context.may_see(EXPORTS):
            exports = asked_exports.asked_exports(company, now)
            waiting = [export for export in exports if export.waits_for(context.account.name)]
            if waiting:
                yield daily_brief.exports_answer(len(waiting))
    except LedgerError as error:
        yield BriefAnswer(Light.BAD, error.text)
