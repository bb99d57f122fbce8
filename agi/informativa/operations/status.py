"""Status of the service and the ledgers, read without disturbing either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from itertools import groupby
from pathlib import Path
from typing import Annotated

from pydantic import Field, InstanceOf

from ..config import by_company, inspect, require_reader
from ..ledgers.following import LedgerSummary
from ..ledgers.tally import AnswerCount
from ..model import Answer, Controller, Line, Status
from ..model.errors import ConfigProblem, EvidenceError, LedgerError, ManagerError
from ..model.text import NOTHING, Text
from ..system.patience import run
from ..system.processes import run_command
from . import statistics
from .controller_state import lines_of
from .doctor import examination, ledger_facts, probe
from .doctor.checks import Suite, of_suite
from .doctor.findings import State
from .doctor.system import System
from .document import OptionalSentence, Seconds, Sentence, Time
from .evidence.log_state import LogState
from .record_document import Record
from .request_register import OpenRequests

PATIENCE = 2.0  # seconds for /metrics and systemd
UNIT = "informativa"


@dataclass(frozen=True)
class Service:
    """The service as it looks from outside."""

    address: str
    """The address at which it should answer."""
    answers: bool = False
    """True if it answers."""
    as_configured: bool = False
    """True if it is the one that is installed and configured."""
    version: str | None = None
    """The version of its informativa."""
    since: Time | None = None
    """The time at which it was started."""
    calls_in_progress: int | None = None
    """The number of calls that it handles at this moment, by its metrics."""
    unit: str | None = None
    """The state of the systemd unit."""


@dataclass(frozen=True)
class FellBack:
    """The last hour's calls of a company, as the service counted them."""

    calls: int
    """The number of all."""
    fell_back: int
    """The number of those that it could not decide or record."""


@dataclass(frozen=True)
class Tally:
    """The calls and notices of a period."""

    calls: int
    """The number of calls."""
    notices: Mapping[Status, int]
    """The number of notices by status."""
    seconds_spared: Seconds
    """The length of the notices that were not due."""


@dataclass(frozen=True)
class DayOfAnswers:
    """The answers of a day to one choice on one line."""

    day: date
    """The day, in the company's time zone."""
    line: str
    """The called number."""
    choice: str
    """The choice."""
    answers: Mapping[Answer, int]
    """The number of answers by their words."""


@dataclass(frozen=True)
class LedgerCounts:
    """The counts of a ledger."""

    today: Tally
    """Since the day began."""
    last_30_days: Tally
    """In the last 30 days, today included."""
    known_callers: int
    """The number of callers of whom it is known that they were told something."""
    bytes: int
    """The size of its files."""
    last_record: Record | None
    """The newest record."""
    choices: tuple[DayOfAnswers, ...] | None = None
    """The answers to choices of the last 30 days, today included; only where there are any."""


@dataclass(frozen=True)
class ControllerStatus:
    """A company, and the state of its ledger."""

    id: str
    """Its name in the configuration."""
    name: str
    """Its name."""
    live: bool
    """True if it may go live."""
    why_not: OptionalSentence
    """The reason why it may not: also a mistake in its part of the configuration."""
    as_before: OptionalSentence
    """The mistake in its part for which the service serves it as before; null where there is none."""
    lines: tuple[str, ...]
    """The called numbers."""
    ledger: str
    """The place of its ledger."""
    usable: bool
    """True if the ledger could be read."""
    kept_since: date | None
    """From before this day the daily purge deletes records."""
    counts: LedgerCounts | None
    """The counts of the ledger."""
    log: LogState | None
    """The state of its log."""
    last_hour: FellBack | None
    """Calls that fell back; null where none did, or the service does not say it."""
    requests: OpenRequests | None = None
    """The open requests of persons; null where there are none."""
    zone: Annotated[tzinfo, InstanceOf(), Field(exclude=True)] = UTC
    """The time zone of its days."""
    today: Annotated[date | None, Field(exclude=True)] = None
    """The present day there."""


@dataclass(frozen=True)
class StatusReport:
    """The service and the ledgers."""

    service: Service
    """The service."""
    today_since: Time
    """The time at which today began on this machine; a company's today began at midnight of its own zone."""
    controllers: tuple[ControllerStatus, ...]
    """The companies."""
    spool_rows: int | None
    """The number of rows that wait in the fallback spool."""
    warnings: tuple[Sentence, ...]
    """Facts that somebody should know."""
    in_order: bool
    """True if the service answers, the ledgers can be used and the configuration has no mistakes."""


def look(file: Path, now: datetime) -> StatusReport:
    """Report the status at `now`, a time in the zone whose day is today.

    Raises ConfigError for a configuration of which no part can be used, InformativaError for a user who may
    not see it.
    """
    return run(_look(_system(file, now)))


def look_at_service(file: Path, now: datetime) -> StatusReport:
    """Report on the service alone: one company's trouble is no reason to end what serves the others (I10).

    Raises ConfigError for a configuration of which no part can be used, InformativaError for a user who may
    not see it.
    """
    return run(_look_at_service(_system(file, now)))


def _system(file: Path, now: datetime) -> System:
    configuration, problems = inspect(file)
    require_reader(problems)
    return System(file, configuration, problems, now=now)


async def _look(system: System) -> StatusReport:
    findings = await examination.run(system, of_suite(Suite.STATUS))
    service, answer = await _service(system), await system.answer() or {}
    configuration, readable = system.configured, system.readable()
    as_before, fell_back = probe.as_before(answer), probe.fell_back(answer)
    in_order, controllers = service.answers and not system.problems and not await system.failing(), []
    mistakes, _shared = by_company(system.problems, configuration.controllers, configuration.owners)
    for controller in configuration.controllers.values():
        summary: LedgerSummary | None = None
        log: LogState | None = None
        requests: OpenRequests | None = None
        kept_since = controller.retention and controller.retention.before(system.now, controller.zone)
        if controller in readable:
            try:
                kept_since = system.fact(controller, ledger_facts.KEPT_SINCE)
                summary = system.fact(controller, ledger_facts.SUMMARY)
                log = system.log(controller)
                requests = system.fact(controller, ledger_facts.REQUESTS)
            except (LedgerError, EvidenceError):
                in_order = False
        lines = {line.number: line for line in lines_of(controller, configuration)}
        why_not, before = _reasons(controller, mistakes.get(controller.id, ()), as_before)
        fell, calls = fell_back.get(controller.id, (0, 0))
        controllers.append(
            ControllerStatus(
                id=controller.id,
                # Of a company that has not its shape the name may be missing.
                name=controller.id if controller.id in configuration.invalid_controllers else controller.name,
                live=not why_not,
                why_not=why_not,
                as_before=before,
                lines=tuple(sorted(lines)),
                ledger=controller.ledger,
                usable=summary is not None,
                kept_since=kept_since.astimezone(controller.zone).date() if kept_since else None,
                counts=_counts(summary, controller, lines) if summary else None,
                log=log,
                last_hour=FellBack(calls, fell) if calls else None,
                zone=controller.zone,
                today=system.now.astimezone(controller.zone).date(),
                requests=requests,
            )
        )
    rows = None
    with suppress(ManagerError):
        rows = await system.spool()
    return StatusReport(
        service,
        system.today,
        tuple(controllers),
        None if rows is None else len(rows),
        tuple(finding.sentence for finding in findings if finding.state is not State.OK),
        in_order,
    )


async def _look_at_service(system: System) -> StatusReport:
    service = await _service(system)
    findings = [] if service.answers else await examination.run(system, of_suite(Suite.SERVICE))
    warnings = tuple(finding.sentence for finding in findings)
    return StatusReport(service, system.now, (), None, warnings, service.answers)


def _reasons(
    controller: Controller, mistakes: Sequence[ConfigProblem], as_before: Container[str]
) -> tuple[Text, Text]:
    """Return the reason why a company is not live, and the mistake in its part for which the service uses its
    former configuration; empty where there is none."""
    if not mistakes:
        return controller.refused, NOTHING
    if controller.id in as_before:
        return controller.refused, mistakes[0].statement
    return mistakes[0].statement, NOTHING


async def _service(system: System) -> Service:
    """Return what the service, its /metrics and systemd say; each of them may be silent."""
    service, answer = Service(system.configured.listen), await system.answer()
    if answer is not None:
        difference = probe.otherwise(answer, system.configured, NOTHING)
        version = answer.get("version")
        service = replace(service, answers=True, as_configured=difference is None, version=version)
        if metrics := system.configured.metrics:
            with suppress(OSError, ValueError):
                service = with_metrics(service, _metrics(metrics))
    with suppress(OSError, ValueError):
        service = with_systemd(service, _systemd())
    return service


def _metrics(address: str) -> str:
    import urllib.request  # only where the service gives metrics

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/metrics", timeout=PATIENCE) as answer:
        return str(answer.read(1 << 24).decode())


def with_metrics(service: Service, text: str) -> Service:
    """Add the values in a text from /metrics. Raises ValueError for another text."""
    from prometheus_client.parser import text_string_to_metric_families  # as in `_metrics`

    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "informativa_calls_in_progress":
                service = replace(service, calls_in_progress=int(sample.value))
            elif sample.name == "informativa_start_time_seconds":
                service = replace(service, since=datetime.fromtimestamp(sample.value, UTC))
    return service


def _systemd() -> str:
    """Return what `systemctl show` prints about the unit; '' where there is no systemd."""
    if not Path("/run/systemd/system").is_dir():
        return ""
    properties = "--property=LoadState,ActiveState,SubState,ActiveEnterTimestamp"
    return run_command(("systemctl", "show", UNIT, properties, "--timestamp=unix"), PATIENCE).output


def with_systemd(service: Service, text: str) -> Service:
    """Add the state of the unit, if systemd has it, and the start of the service, unless it is known
    better."""
    properties = dict(line.partition("=")[::2] for line in text.splitlines())
    if properties.get("LoadState") != "loaded":
        return service
    service = replace(service, unit=f"{properties['ActiveState']} ({properties['SubState']})")
    start = properties.get("ActiveEnterTimestamp", "")
    if service.since is None and properties["ActiveState"] == "active" and start.startswith("@"):
        return replace(service, since=datetime.fromtimestamp(int(start[1:]), UTC))
    return service


def _counts(summary: LedgerSummary, controller: Controller, lines: Mapping[str, Line]) -> LedgerCounts:
    today, last_days = Counter[Status](), Counter[Status]()
    spared_today = spared_last_days = 0.0
    for count in summary.counts:
        today[count.status] += count.today
        last_days[count.status] += count.in_period
        if count.status is Status.NOTDUE and count.line in lines:
            seconds = lines[count.line].seconds(count.notice, count.version, count.language)
            spared_today += count.today * seconds
            spared_last_days += count.in_period * seconds
    return LedgerCounts(
        today=Tally(summary.calls[1], _in_order(today), spared_today),
        last_30_days=Tally(summary.calls[0], _in_order(last_days), spared_last_days),
        known_callers=summary.known_callers,
        bytes=summary.size,
        last_record=Record.of(summary.last, controller.id) if summary.last else None,
        choices=_answers(summary.answers, controller) or None,
    )


def _answers(counts: Iterable[AnswerCount], controller: Controller) -> tuple[DayOfAnswers, ...]:
    """Return the answers by day, choice and line."""
    days = groupby(counts, lambda count: count.at.astimezone(controller.zone).date())
    return tuple(
        DayOfAnswers(day, one.line, one.choice, one.answers)
        for day, of_day in days
        for one in statistics.by_choice(of_day)
    )


def _in_order(tally: Mapping[Status, int]) -> Mapping[Status, int]:
    return {status: tally[status] for status in Status if tally[status]}
