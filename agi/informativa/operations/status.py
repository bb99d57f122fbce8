"""Status of the service and the ledgers, read without disturbing either."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from ..asterisk import ami
from ..call import spool
from ..config import Configuration, by_company, inspect, of_callers
from ..ledgers.following import LedgerSummary
from ..model import Controller, Line, Status
from ..model.errors import ConfigProblem, EvidenceError, InformativaError, LedgerError, SharedDatabaseError
from ..model.text import NOTHING, Text
from ..process import storage
from . import boxes
from .boxes import Meeting
from .doctor import probe
from .document import OptionalSentence, Seconds, Sentence, Time
from .evidence.log_state import LogState, log_state
from .record_document import Record

DAYS = 30
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
class ServiceAnswer:
    """The service, and its answers about the companies."""

    service: Service
    difference: Text = NOTHING
    """The difference from the installed and configured service; empty for none."""
    unshared: tuple[Text, ...] = ()
    """The reasons why it does not share with other boxes now."""
    undecided: tuple[Text, ...] = ()
    """The companies of which it can decide no call now, each with the reason."""
    fell_back: Mapping[str, FellBack] = field(default_factory=dict)
    """The companies with calls that fell back in the last hour, by id."""
    as_before: frozenset[str] = frozenset()
    """The ids of companies that it serves by their former configuration, because the new one has mistakes in
    their part."""


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
    meeting: Meeting | None
    """The state of its boxes; null where they share no database, or it does not answer."""
    last_hour: FellBack | None
    """Calls that fell back; null where none did, or the service does not say it."""


@dataclass(frozen=True)
class StatusReport:
    """The service and the ledgers."""

    service: Service
    """The service."""
    today_since: Time
    """The time at which today began."""
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

    Raises ConfigError for a configuration of which no part can be used.
    """
    configuration, problems = inspect(file)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    answer = ask_service(configuration)
    warnings = [*_of_service(answer)]
    warnings += [problem.text for problem in (*problems, *configuration.refused, *configuration.warnings)]
    in_order, controllers = answer.service.answers and not problems and not answer.undecided, []
    problems_by_company, _shared = by_company(problems, configuration.controllers, configuration.owners)
    for controller in configuration.controllers.values():
        summary: LedgerSummary | None = None
        log: LogState | None = None
        meeting: Meeting | None = None
        if controller.id in configuration.misshapen:  # its name may be what is missing
            controller = replace(controller, name=controller.id)
        mistaken = controller.id in configuration.misshapen or of_callers(problems, controller.id)
        if not controller.refused and not mistaken:
            try:
                summary = storage.summary(controller, now - timedelta(days=DAYS), today)
                log = log_state(controller) if Path(controller.ledger).exists() else None
            except (LedgerError, EvidenceError) as error:
                in_order = False
                warnings.append(error.text)
            with _noted(warnings):
                meeting = boxes.meeting(configuration, controller) if configuration.shared else None
        lines = {line.number: line for line in configuration.lines if line.controller.id == controller.id}
        why_not, as_before = _reasons(controller, problems_by_company.get(controller.id, ()), answer)
        kept_since = controller.retention and controller.retention.before(now, controller.zone)
        controllers.append(
            ControllerStatus(
                id=controller.id,
                name=controller.name,
                live=not why_not,
                why_not=why_not,
                as_before=as_before,
                lines=tuple(sorted(lines)),
                ledger=controller.ledger,
                usable=summary is not None,
                kept_since=kept_since.date() if kept_since else None,
                counts=_counts(summary, controller, lines) if summary else None,
                log=log,
                meeting=meeting,
                last_hour=answer.fell_back.get(controller.id),
            )
        )
    spool_rows, spool_warnings = _spooled(configuration)
    return StatusReport(
        answer.service, today, tuple(controllers), spool_rows, (*warnings, *spool_warnings), in_order
    )


def look_at_service(file: Path, now: datetime) -> StatusReport:
    """Report on the service alone: one company's trouble is no reason to end what serves the others (I10).

    Raises ConfigError for a configuration of which no part can be used.
    """
    configuration, _problems = inspect(file)
    answer = ask_service(configuration)
    answers = answer.service.answers
    return StatusReport(answer.service, now, (), None, () if answers else tuple(_of_service(answer)), answers)


def _reasons(
    controller: Controller, mistakes: Sequence[ConfigProblem], answer: ServiceAnswer
) -> tuple[Text, Text]:
    """Return the reason why a company is not live, and the mistake in its part for which the service uses its
    former configuration; empty where there is none."""
    if not mistakes:
        return controller.refused, NOTHING
    if controller.id in answer.as_before:
        return controller.refused, mistakes[0].said
    return mistakes[0].said, NOTHING


@contextmanager
def _noted(warnings: list[Text]) -> Iterator[None]:
    """Turn a shared database that cannot be used into a warning: calls go on without it."""
    try:
        yield
    except SharedDatabaseError as error:
        warnings.append(error.text)


def _of_service(answer: ServiceAnswer) -> Sequence[Text]:
    if answer.service.answers:
        difference = [answer.difference] if answer.difference else []
        return [*difference, *answer.unshared, *answer.undecided]
    warning = Text(
        "The service does not answer at {address}: callers are served by the script, which is slower."
        " Type: systemctl start informativa",
        address=answer.service.address,
    )
    return [warning]


def ask_service(configuration: Configuration) -> ServiceAnswer:
    """Ask the service, its /metrics and systemd; each of them may be silent."""
    answer = ServiceAnswer(Service(configuration.listen))
    with suppress(OSError):
        answer = asyncio.run(_ask(configuration)) or answer
    service = answer.service
    if service.answers and configuration.metrics:
        with suppress(OSError, ValueError):
            service = with_metrics(service, _metrics(configuration.metrics))
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        service = with_systemd(service, _systemd())
    return replace(answer, service=service)


async def _ask(configuration: Configuration) -> ServiceAnswer | None:
    """Return the answer of the service itself; `None` where what answers is another one. Raises OSError if
    nothing answers."""
    place = configuration.host, configuration.port, configuration.tokens
    status = await probe.status(*place)
    if status is None:
        return None
    difference = probe.otherwise(status, configuration, "systemctl restart informativa")
    failing = None
    with suppress(OSError):
        failing = await probe.trial(*place)
    return ServiceAnswer(
        Service(
            configuration.listen,
            answers=True,
            as_configured=difference is None,
            version=status.get("version"),
        ),
        difference=difference.whole if difference else NOTHING,
        unshared=tuple(finding.whole for finding in probe.not_shared(status)),
        undecided=tuple(finding.whole for finding in probe.cannot_decide(failing or {})),
        fell_back={id_: FellBack(calls, fell) for id_, (fell, calls) in probe.fell_back(status).items()},
        as_before=probe.as_before(status),
    )


def _metrics(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/metrics", timeout=PATIENCE) as answer:
        return str(answer.read(1 << 24).decode())


def with_metrics(service: Service, text: str) -> Service:
    """Add the values in a text from /metrics. Raises ValueError for another text."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "informativa_calls_in_progress":
                service = replace(service, calls_in_progress=int(sample.value))
            elif sample.name == "informativa_start_time_seconds":
                service = replace(service, since=datetime.fromtimestamp(sample.value, UTC))
    return service


def _systemd() -> str:
    """Return what `systemctl show` prints about the unit; '' where there is no systemd."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path("/run/systemd/system").is_dir():
        return ""
    show = [systemctl, "show", UNIT, "--property=LoadState,ActiveState,SubState,ActiveEnterTimestamp",
             "--timestamp=unix"]  # fmt: skip
    result = subprocess.run(show, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    return result.stdout


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
        last_days[count.status] += count.whole
        if count.status is Status.NOTDUE and count.line in lines:
            seconds = lines[count.line].seconds(count.notice, count.version, count.language)
            spared_today += count.today * seconds
            spared_last_days += count.whole * seconds
    return LedgerCounts(
        today=Tally(summary.calls[1], _in_order(today), spared_today),
        last_30_days=Tally(summary.calls[0], _in_order(last_days), spared_last_days),
        known_callers=summary.known,
        bytes=summary.size,
        last_record=Record.of(summary.last, controller.id) if summary.last else None,
    )


def _in_order(tally: Mapping[Status, int]) -> Mapping[Status, int]:
    return {status: tally[status] for status in Status if tally[status]}


def _spooled(configuration: Configuration) -> tuple[int | None, Sequence[Text]]:
    """Return the number of rows in the fallback spool, `None` where it cannot be read, and warnings about
    them."""
    account = configuration.manager
    if account is None:
        return None, []

    async def ask() -> int:
        async with ami.session(account) as manager:
            return len(await manager.tree(spool.FAMILY))

    try:
        rows = asyncio.run(ask())
    except InformativaError as error:
        return None, [error.text]
    if not rows:
        return 0, []
    warning = Text.counted(
        "{rows} row waits in the fallback spool; the service collects it within a minute",
        "{rows} rows wait in the fallback spool; the service collects them every minute",
        rows,
        rows=rows,
    )
    return rows, [warning]
