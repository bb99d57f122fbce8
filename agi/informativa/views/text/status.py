"""The state of the service and of the ledgers on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, tzinfo

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text as Styled

from ...model import Answer
from ...model.text import Text
from ...operations.evidence.log_state import LogState
from ...operations.monthly_report import FAILURES
from ...operations.request_register import OpenRequests
from ...operations.status import (
    ControllerStatus,
    DayOfAnswers,
    LedgerCounts,
    Service,
    StatusReport,
    Tally,
)
from ..choice_words import ANSWERS
from ..messages import Language
from ..times import local_time, zone_name
from . import similar


def screen(report: StatusReport, say: Language) -> Iterator[RenderableType]:
    """Yield the parts of the screen, from top to bottom, without the warnings."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    table.add_row(say("service"), _service(report.service, say))
    if report.spool_rows is not None:
        table.add_row(say("spool"), str(report.spool_rows))
    yield table
    for status in report.controllers:
        yield ""
        name = f"{status.name} ({status.id}), {zone_name(status.zone)}"
        yield Styled(name, style="bold")
        yield _controller(status, say)
        if status.counts:
            yield _tally(say("today"), status.counts.today, say)
            yield _tally(say("30 days"), status.counts.last_30_days, say)
            if status.counts.choices:
                yield _choices(status.counts.choices, status.today, say)


def lines(report: StatusReport, say: Language) -> Iterator[str]:
    """Yield a heading and one line a company, for a pipe. Columns stay where they are; with a name of 32
    letters, the longest, a line has 80."""
    if not report.controllers:
        return
    names = {zone_name(status.zone) for status in report.controllers}
    zone = names.pop() if len(names) == 1 else say("local time")
    titles = say("company"), say("state"), say("today"), say("30 days"), say("errors")
    company = max(len(titles[0]), *(len(status.id) for status in report.controllers))
    today, days, errors = (max(width, len(title)) for width, title in zip((5, 7, 6), titles[2:], strict=True))
    row = f"{{:<{company}}} {{:<8}} {{:>{today}}} {{:>{days}}} {{:>{errors}}} {{}}"
    yield row.format(*titles, say("last record ({zone})", zone=zone))
    for status in report.controllers:
        cells = _cells(status.counts, status.zone) if status.counts else ("-", "-", "-", "-")
        yield row.format(status.id, _state(status, report.service), *cells)


def _state(status: ControllerStatus, service: Service) -> str:
    """Return the state of a company in a word, for programs: the worst that is so."""
    if not status.live:
        return "not-live"
    if not status.usable:
        return "unusable"
    if not service.answers:
        return "down"
    return "before" if status.as_before else "live"


def _cells(counts: LedgerCounts, zone: tzinfo) -> tuple[str, str, str, str]:
    """Return the calls of today and of 30 days, the notices that failed or fell back today, and the last
    record."""
    failed = sum(counts.today.notices.get(status, 0) for status in FAILURES)
    last = local_time(counts.last_record.at, zone, named=False) if counts.last_record else "-"
    return str(counts.today.calls), str(counts.last_30_days.calls), str(failed), last


def warnings(report: StatusReport, say: Language) -> list[str]:
    """Return the warnings, a line for each, however long, and one for all that say the same of many
    companies."""
    return list(similar.warnings(report.warnings, say))


def _service(service: Service, say: Language) -> str:
    if service.answers:
        parts = [say("answers at {address}", address=service.address)]
    else:
        parts = [say("DOES NOT ANSWER at {address}", address=service.address)]
    if service.version:
        parts.append(say("version {version}", version=service.version))
    if service.since:
        parts.append(say("since {time}", time=local_time(service.since)))
    if service.calls_in_progress is not None:
        calls = service.calls_in_progress
        parts.append(say.counted("{calls} call in progress", "{calls} calls in progress", calls, calls=calls))
    if service.unit:
        parts.append(f"systemd: {service.unit}")
    if service.answers and not service.as_configured:
        parts.append(say("NOT AS CONFIGURED"))
    return ", ".join(parts)


def _controller(status: ControllerStatus, say: Language) -> Table:
    table = _grid()
    if not status.live:
        table.add_row(say("  state"), say("NOT LIVE: {why}", why=status.why_not))
    if status.as_before:
        table.add_row(say("  state"), say("SERVED AS BEFORE: {why}", why=status.as_before))
    table.add_row(say("  lines"), ", ".join(status.lines) or say("none"))
    if status.counts:
        table.add_row(say("  ledger"), _ledger(status, say))
    elif status.live:
        table.add_row(say("  ledger"), say("CANNOT BE USED: {file}", file=status.ledger))
    if status.last_hour:
        calls = status.last_hour.calls
        fallen_back = say.counted(
            "{fell} of {calls} call FELL BACK, and is on no record yet",
            "{fell} of {calls} calls FELL BACK, and are on no record yet",
            calls,
            fell=status.last_hour.fell_back,
            calls=calls,
        )
        table.add_row(say("  last hour"), fallen_back)
    if status.requests:
        table.add_row(say("  requests"), _requests(status.requests, say))
    if status.log:
        table.add_row(say("  signed"), _log(status.log, status.zone, say))
    first_day = status.kept_since
    purged = say("the daily purge takes what is from before {date}", date=first_day and first_day.isoformat())
    table.add_row(say("  kept"), purged if first_day else say("for ever"))
    return table


def _requests(requests: OpenRequests, say: Language) -> str:
    text = say.counted(
        "{count} open, due on {due}",
        "{count} open, the first due on {due}",
        requests.open,
        count=requests.open,
        due=requests.next_due,
    )
    return say("{text}, {overdue} OVERDUE", text=text, overdue=requests.overdue) if requests.overdue else text


def _ledger(status: ControllerStatus, say: Language) -> str:
    counts = status.counts
    assert counts is not None
    if last := counts.last_record:
        when = local_time(last.at, status.zone, seconds=True, named=False)
        latest = say("last record {record}, {when}", record=last.number, when=when)
    else:
        latest = say("no record yet")
    number = counts.known_callers
    callers = say.counted("{known} known caller", "{known} known callers", number, known=number)
    return f"{say.number(counts.bytes / 1e6, '.1f')} MB, {latest}, {callers}"


def _log(log: LogState, zone: tzinfo, say: Language) -> str:
    """Return how many records are signed, and how many each copy elsewhere has."""
    if log.signed_at is None:
        return say("nothing yet; {waiting} waiting", waiting=log.waiting)
    parts = [
        say(
            "{signed} of {size} records, checkpoint of {time}",
            signed=log.signed,
            size=log.signed + log.waiting,
            time=local_time(log.signed_at, zone, named=False),
        )
    ]
    for copy in (*log.published, *log.witnessed):
        words = Text("{place} has {size}") if not copy.problem else Text("{place} HAS ONLY {size}")
        parts.append(say(words, place=copy.place, size=copy.size))
    return ", ".join(parts)


def _tally(title: str, tally: Tally, say: Language) -> Table:
    table = _grid()
    summary = say.counted("{calls} call", "{calls} calls", tally.calls, calls=tally.calls)
    if tally.notices:
        notices = ", ".join(f"{status} {count}" for status, count in tally.notices.items())
        summary += f": {notices}; " + say("{seconds} s spared", seconds=f"{tally.seconds_spared:.0f}")
    table.add_row(f"  {title}", summary)
    return table


def _choices(days: Sequence[DayOfAnswers], today: date | None, say: Language) -> Table:
    """Return a section of its own: the answers to each choice on each line, in 30 days and today."""
    table = _grid()
    table.add_row(f"  {say('choices')}", say("answers in 30 days; today in brackets"))
    choices: dict[tuple[str, str], tuple[Counter[Answer], Counter[Answer]]] = {}
    for day in days:
        in_all, of_today = choices.setdefault((day.choice, day.line), (Counter(), Counter()))
        in_all.update(day.answers)
        of_today.update(day.answers if day.day == today else {})
    for (choice, line), (in_all, of_today) in sorted(choices.items()):
        words = ", ".join(
            f"{say(ANSWERS[answer])} {in_all[answer]} ({of_today[answer]})"
            for answer in Answer
            if in_all[answer]
        )
        table.add_row("", f"{choice}, {line}: {words}")
    return table


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=11)
    table.add_column(overflow="fold")
    return table
