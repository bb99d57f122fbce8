"""The report of a month as tables of words, from which its text and its page are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..model import Answer, Controller, RecordKind, Status
from ..model.choices import ACTS
from ..model.text import Text
from ..operations.report_document import FailureFigures, MonthFigures, MonthlyReport
from .messages import Language
from .record_words import ENDINGS, KINDS, REASONS, name_in_language
from .times import duration, local_time, month_text

STATUSES: Mapping[Status, Text] = {
    Status.PLAYED: Text("played"),
    Status.PARTIAL: Text("in part"),
    Status.NOTDUE: Text("not due"),
    Status.SKIPPED: Text("left out"),
    Status.INFORMED: Text("told elsewhere"),
    Status.FALLBACK: Text("fell back"),
    Status.FAILED: Text("failed"),
}
"""The statuses of notices in calls, in the order of their columns."""
_ACTS: Mapping[Answer, Text] = {
    Answer.GRANTED: Text("Consents granted"),
    Answer.REFUSED: Text("Consents refused"),
    Answer.WITHDRAWN: Text("Consents withdrawn"),
}
_NOTED: Mapping[RecordKind, Text] = {
    RecordKind.PURGE: Text("Deletions of records because of their age"),
    RecordKind.ERASURE: Text("Callers who were erased"),
    RecordKind.LOST: Text("Losses with a ledger that a backup replaced"),
}
_NO_NUMBER = "–"  # noqa: RUF001


@dataclass(frozen=True)
class Section:
    """A table with its title; the cells from column `numbers` on are numbers. Without rows `nothing` stands
    in its place. `notes` stand below it."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int
    nothing: str = ""
    notes: tuple[str, ...] = ()


def title(report: MonthlyReport, say: Language) -> str:
    """Return the title of the report."""
    return say("Privacy notices for callers, {month}", month=month_text(report.first_day, say))


def origin(report: MonthlyReport, say: Language) -> str:
    """Return when the report was made, and the zone of all its times and days."""
    made = local_time(report.made, report.made.tzinfo, named=False)
    return say("Made on {time}. Days and times are those of {zone}.", time=made, zone=report.time_zone)


def sections(report: MonthlyReport, company: Controller, say: Language) -> Iterator[Section]:
    """Yield all tables of the report, in order."""
    yield _summary(report, say)
    yield _notices(report, company, say)
    if report.elsewhere:
        yield _elsewhere(report, company, say)
    yield Section(
        say("Calls by line"),
        (say("Line"), say("Calls")),
        tuple((line, str(calls)) for line, calls in report.calls_by_line.items()),
        1,
        say("There were none."),
    )
    yield Section(
        say("Failures"),
        (say("Failure"), say("Notices")),
        tuple((_failure(failure, say), str(failure.count)) for failure in report.failures),
        1,
        say("There were none."),
    )
    yield _consents(report, company, say)
    yield _holes(report, say)


def _summary(report: MonthlyReport, say: Language) -> Section:
    before = report.before
    rows = []
    for label, value, wording in _lines(say):
        now, earlier = value(report.figures), value(before) if before else None
        difference = (
            _signed(now - earlier, wording) if now is not None and earlier is not None else _NO_NUMBER
        )
        cells = (_NO_NUMBER if number is None else wording(number) for number in (now, earlier))
        rows.append((label, *cells, difference))
    months = month_text(report.first_day, say), say("Month before"), say("Difference")
    return Section(say("In short"), ("", *months), tuple(rows), 1)


_Value = Callable[[MonthFigures], float | None]
_Wording = Callable[[float], str]


def _lines(say: Language) -> Iterator[tuple[str, _Value, _Wording]]:
    """Yield what is compared with the month before: its name, its number in a month, and how to write it."""
    yield say("Calls"), lambda month: month.calls, _integer
    for status, text in STATUSES.items():
        yield (
            say("Notices: {status}", status=text),
            lambda month, status=status: month.notices.get(status, 0),  # type: ignore[misc]
            _integer,
        )
    yield say("Told elsewhere, without a call"), lambda month: month.without_call, _integer
    yield say("Time spared"), lambda month: month.seconds_spared, lambda number: duration(number, say)
    for answer in ACTS:
        yield say(_ACTS[answer]), lambda month, answer=answer: month.consents[answer], _integer  # type: ignore[misc]
    yield say("Looks at all that is on record of a caller"), _of_requests("looked_up"), _integer
    yield say("Answers to requests for access written"), _of_requests("letters"), _integer
    yield say("Erasures"), _of_requests("erasures"), _integer


def _of_requests(name: str) -> _Value:
    return lambda month: None if month.requests is None else getattr(month.requests, name)


def _integer(number: float) -> str:
    return f"{number:.0f}"


def _signed(number: float, wording: _Wording) -> str:
    """Return a difference with its sign."""
    sign = "+" if number > 0 else "−" if number < 0 else ""  # noqa: RUF001
    return sign + wording(abs(number))


def _notices(report: MonthlyReport, company: Controller, say: Language) -> Section:
    statuses = [status for status in STATUSES if any(status in row.by_status for row in report.notices)]
    rows = (
        (
            name_in_language(row.notice, company.names, say),
            row.version,
            row.line,
            *(str(row.by_status.get(status, 0)) for status in statuses),
            duration(row.seconds_spared, say),
        )
        for row in report.notices
    )
    words = (say(STATUSES[status]) for status in statuses)
    return Section(
        say("Notices by version and line"),
        (say("Notice"), say("Version"), say("Line"), *words, say("Time spared")),
        tuple(rows),
        3,
        say("There were none."),
    )


def _elsewhere(report: MonthlyReport, company: Controller, say: Language) -> Section:
    rows = (
        (
            name_in_language(group.notice, company.names, say),
            group.version,
            say(KINDS[group.kind]),
            str(group.count),
        )
        for group in report.elsewhere
    )
    headings = (say("Notice"), say("Version"), say("Given"), say("Notices"))
    return Section(say("Told elsewhere, without a call"), headings, tuple(rows), 3)


def _failure(failure: FailureFigures, say: Language) -> str:
    if failure.cause is None:
        cause = say("the cause is on record no more")
    else:
        text = ENDINGS.get(failure.cause) or REASONS.get(failure.cause)
        cause = say(text) if text else failure.cause
    return f"{say(STATUSES[failure.status])}: {cause}"


def _consents(report: MonthlyReport, company: Controller, say: Language) -> Section:
    rows = (
        (
            consent.choice
            if consent.purpose is None
            else name_in_language(consent.purpose, company.names, say),
            way,
            *(str(counts[answer]) for answer in ACTS),
        )
        for consent in report.consents
        for way, counts in ((say("by key"), consent.by_key), (say("elsewhere"), consent.elsewhere))
    )
    return Section(
        say("Consents"),
        (say("Consent"), say("Given"), say("Granted"), say("Refused"), say("Withdrawn")),
        tuple(rows),
        2,
        say("There were none."),
    )


def _holes(report: MonthlyReport, say: Language) -> Section:
    rows = ((say(_NOTED[kind]), str(count)) for kind, count in report.holes.items())
    return Section(
        say("Records that are gone"),
        (say("Noted in this month"), say("Notes")),
        tuple(rows),
        1,
        "",
    )
