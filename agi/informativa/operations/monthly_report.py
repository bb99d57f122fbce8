"""The report of a month of one company: its calls, notices, failures, requests, consents and holes.

Numbers of calls, notices in them and answers by key are the ledger's counters, which a purge and an erasure
leave as they are. The causes of failures, and the notices and answers that were told elsewhere, are counted
from the records that are left. Pure but for `report`, which reads the ledger and its access log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from ..ledgers.access_entries import AccessFilter
from ..ledgers.month_counts import MonthCounts, RecordGroup
from ..ledgers.tally import HourCount
from ..model import Action, Answer, Choice, Controller, Line, RecordKind, Status
from ..model.choices import ACTS
from ..model.errors import InformativaError
from ..model.text import Text
from ..process import storage
from . import statistics
from .controllers import require_ledger
from .day_range import DayRange
from .report_document import (
    ConsentFigures,
    ElsewhereFigures,
    FailureFigures,
    MonthFigures,
    MonthlyReport,
    NoticeFigures,
    Requests,
)

FAILURES = (Status.FAILED, Status.FALLBACK)
"""The statuses of notices that count as failures."""
HOLES = (RecordKind.PURGE, RecordKind.ERASURE, RecordKind.LOST)
"""The kinds of records that say that others are gone."""
_FIRST_MONTH = date(1970, 1, 1)


def report(
    controller: Controller,
    lines: Sequence[Line],
    choices: Iterable[Choice],
    month: date | None,
    now: datetime,
) -> MonthlyReport:
    """Return the report of the month that begins on the day `month`, by default the last full one before
    `now`, in the company's zone. `lines` and `choices` are those of the company. Raises LedgerError,
    and InformativaError for a month to come."""
    require_ledger(controller)
    today = now.astimezone(controller.zone).date()
    first = month or previous(today)
    if not _FIRST_MONTH < first <= today:
        message = Text("There can be no report of {month}.", month=f"{first:%Y-%m}")
        raise InformativaError(
            message, Text("Name a month up to the present one: --month {month}", month=f"{today:%Y-%m}")
        )
    period, before = month_range(controller, first), month_range(controller, previous(first))
    counts, earlier = (storage.month(controller, days.since, days.until) for days in (period, before))
    figures = _figures(controller, lines, period, counts, now)
    begins = counts.begins and counts.begins.astimezone(controller.zone).date()
    has_earlier = begins is not None and begins <= before.last
    return MonthlyReport(
        controller=controller.id,
        name=controller.name,
        time_zone=str(controller.zone),
        made=now.astimezone(controller.zone),
        first_day=first,
        last_day=period.last,
        figures=figures,
        before=_figures(controller, lines, before, earlier, now) if has_earlier else None,
        calls_by_line=statistics.day_of_counts(first, counts.hours, lines).by_line,
        notices=_by_notice(counts.hours, lines),
        elsewhere=tuple(
            ElsewhereFigures(group.notice, group.version, group.kind, group.count)
            for group in counts.without_call
        ),
        failures=tuple(_failures(figures.notices, counts.groups)),
        consents=tuple(_consents(counts, choices)),
        holes=_holes(counts.groups),
        remarks=tuple(_remarks(period, before, begins, counts.purged_before, figures, now)),
    )


def previous(day: date) -> date:
    """Return the first day of the month before that of `day`."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_range(controller: Controller, first: date) -> DayRange:
    """Return the days of the month that begins on `first`, in the company's zone."""
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return DayRange(first, following - timedelta(days=1), controller.zone)


def _figures(
    controller: Controller, lines: Sequence[Line], period: DayRange, counts: MonthCounts, now: datetime
) -> MonthFigures:
    in_calls = statistics.day_of_counts(period.first, counts.hours, lines)
    consents = Counter[Answer]()
    for consent in _consents(counts, ()):
        consents.update(consent.by_key)
        consents.update(consent.elsewhere)
    return MonthFigures(
        month=period.first,
        calls=in_calls.calls,
        notices=in_calls.by_status,
        without_call=sum(group.count for group in counts.without_call),
        failures=sum(in_calls.by_status.get(status, 0) for status in FAILURES),
        seconds_spared=in_calls.seconds_spared,
        consents={answer: consents[answer] for answer in ACTS},
        requests=_requests(controller, period, now),
    )


def _requests(controller: Controller, period: DayRange, now: datetime) -> Requests | None:
    """Return what the access log says of a month; `None` if entries of it are past their time."""
    if controller.retention and storage.access_log_kept_since(controller, now) > period.since:
        return None
    days = AccessFilter(since=period.since, until=period.until, completed=True)
    counts = storage.access_log(controller).count(days)
    actions = (Action.OPEN_CALLER, Action.LETTER, Action.ERASE)
    return Requests(*(counts.get(action, 0) for action in actions))


def _by_notice(hours: Iterable[HourCount], lines: Sequence[Line]) -> tuple[NoticeFigures, ...]:
    groups: dict[tuple[str, str, str], list[HourCount]] = {}
    for count in hours:
        if count.status is not None:
            groups.setdefault((count.notice, count.version, count.line), []).append(count)
    sums = {key: statistics.day_of_counts(date.min, counts, lines) for key, counts in sorted(groups.items())}
    return tuple(NoticeFigures(*key, day.by_status, day.seconds_spared) for key, day in sums.items())


def _failures(notices: Mapping[Status, int], groups: Iterable[RecordGroup]) -> Iterator[FailureFigures]:
    """Yield the failures by cause, the most frequent first, and last those whose records are gone."""
    causes = Counter[tuple[Status, str]]()
    for group in groups:
        if group.status in FAILURES:
            causes[group.status, group.cause] += group.count
    for (status, cause), count in causes.most_common():
        yield FailureFigures(status, cause, count)
    for status in FAILURES:
        on_record = sum(count for (other, _cause), count in causes.items() if other is status)
        if (rest := notices.get(status, 0) - on_record) > 0:
            yield FailureFigures(status, None, rest)


def _consents(counts: MonthCounts, choices: Iterable[Choice]) -> Iterator[ConsentFigures]:
    """Yield the acts by choice. Other answers than a consent's have other words."""
    purposes = {choice.id: choice.purpose or None for choice in choices}
    by_key, elsewhere = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for hour in counts.answers:
        by_key[hour.choice, hour.answer] += hour.count
    for group in counts.groups:
        elsewhere[group.choice, group.answer] += group.count
    for choice in sorted({name for name, answer in (*by_key, *elsewhere) if answer in ACTS}):
        sums = [{answer: counter[choice, answer] for answer in ACTS} for counter in (by_key, elsewhere)]
        yield ConsentFigures(choice, purposes.get(choice), *sums)


def _holes(groups: Iterable[RecordGroup]) -> Mapping[RecordKind, int]:
    noted = Counter[RecordKind]()
    for group in groups:
        noted[group.kind] += group.count
    return {kind: noted[kind] for kind in HOLES}


def _remarks(
    period: DayRange,
    before: DayRange,
    begins: date | None,
    purged_before: datetime | None,
    figures: MonthFigures,
    now: datetime,
) -> Iterator[Text]:
    """Yield what a reader must know of the numbers."""
    if now < period.until:
        yield Text("The month is not over: these are its numbers so far.")
    if begins is None:
        yield Text("Nothing is on record yet.")
    elif begins > period.last:
        yield Text("Nothing was counted in this month: the ledger begins on {day}.", day=begins)
    elif begins > period.first:
        yield Text("The ledger begins on {day}: the days before are not in these numbers.", day=begins)
    elif before.first < begins <= before.last:
        yield Text("The ledger begins on {day}: the month before is not whole.", day=begins)
    if begins is not None and begins <= period.last and not figures.calls:
        yield Text("No call came in this month.")
    if purged_before is not None and purged_before > period.since:
        yield Text(
            "Records from before {day} were deleted by their age. Causes of failures, and notices and answers"
            " told elsewhere, are those of the records that are left; all other numbers are whole.",
            day=purged_before.astimezone(period.zone).date(),
        )
    if figures.requests is None:
        yield Text("The access log has no more all of this month, so requests are not counted.")
