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

from .. import spool, storage
from ..asterisk import ami
from ..config import Configuration, by_company, inspect, of_callers
from ..errors import EvidenceError, InformativaError, LedgerError, Problem, SharedDatabaseError
from ..ledgers.following import Summary
from ..model import Controller, Record, Status
from ..text import NOTHING, Text
from . import boxes
from .boxes import Meeting
from .doctor import probe
from .evidence.log_state import LogState, log_state

DAYS = 30
PATIENCE = 2.0  # seconds for /metrics and systemd
UNIT = "informativa"


@dataclass(frozen=True)
class Service:
    """The service as it looks from outside; `None` stands for what nothing tells."""

    address: str
    answers: bool = False
    """True if it answers."""
    version: str | None = None
    since: datetime | None = None
    """The time at which it was started."""
    calls: int | None = None
    """The number of calls in progress."""
    unit: str | None = None
    """The state of the systemd unit."""
    otherwise: Text = NOTHING
    """The difference from the installed and configured service; empty for none."""
    unshared: tuple[Text, ...] = ()
    """The reasons why it does not share with other boxes now."""
    undecided: tuple[Text, ...] = ()
    """The companies of which it can decide no call now, each with the reason."""
    fell_back: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By company, the number of the last hour's calls that it could not decide or record, and the number of
    all."""

    as_before: frozenset[str] = frozenset()
    """The ids of companies that it serves by their former configuration, because the new one has mistakes in
    their part."""

    @property
    def as_configured(self) -> bool:
        """Return whether it answers and is the service that is installed and configured."""
        return self.answers and not self.otherwise


@dataclass(frozen=True)
class Tally:
    """The calls and notices of a period."""

    calls: int
    """The number of calls."""
    notices: Mapping[Status, int]
    """The number of notices by status."""
    seconds_spared: float
    """The length of the notices that were not due, in seconds."""


@dataclass(frozen=True)
class Counts:
    """The counts of one ledger."""

    today: Tally
    """Since the day began."""
    last_days: Tally
    """In the last DAYS days, today included."""
    known_callers: int
    """The number of callers who were told something."""
    size: int
    """The size of its files in bytes."""
    last: Record | None
    """The newest record; `None` where there is none."""


@dataclass(frozen=True)
class ControllerStatus:
    """A controller with its ledger and its log."""

    controller: Controller
    lines: tuple[str, ...]
    """The called numbers."""
    kept_since: date | None
    """The day before which records are purged; `None` where no retention is set."""
    counts: Counts | None
    """The counts of the ledger; `None` where the controller is not live or the ledger cannot be read."""
    log: LogState | None = None
    """The state of the log; `None` where the controller is not live, has no ledger yet, or the log cannot be
    read."""
    meeting: Meeting | None = None
    """The state of its boxes; `None` where they share no database, or it does not answer."""
    fell_back: tuple[int, int] | None = None
    """The number of the last hour's calls that the service could not decide or record, and the number of all;
    `None` where there were none, or the service does not tell."""
    as_before: Text = NOTHING
    """The mistake in its part of the configuration for which the service uses the former one; empty for
    none."""


@dataclass(frozen=True)
class Report:
    """The status of everything."""

    service: Service
    today_since: datetime
    """The time at which today began."""
    controllers: tuple[ControllerStatus, ...]
    spool_rows: int | None
    """The number of rows that wait in the fallback spool; `None` where it cannot be read."""
    warnings: tuple[Text, ...]
    in_order: bool
    """True if the service answers, the ledgers can be used and the configuration has no mistakes."""


def look(file: Path, now: datetime) -> Report:
    """Report the status at `now`, a time in the zone whose day is today.

    Raises ConfigError for a configuration of which no part can be used.
    """
    configuration, problems = inspect(file)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    service = ask_service(configuration)
    warnings = [*_of_service(service)]
    warnings += [problem.text for problem in (*problems, *configuration.refused, *configuration.warnings)]
    in_order, controllers = service.answers and not problems and not service.undecided, []
    problems_by_company, _shared = by_company(problems, configuration.controllers, configuration.owners)
    for controller in configuration.controllers.values():
        summary: Summary | None = None
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
        status = _controller_status(configuration, controller, summary, now)
        fell_back = service.fell_back.get(controller.id)
        status = replace(status, log=log, meeting=meeting, fell_back=fell_back)
        controllers.append(_with_mistakes(status, problems_by_company.get(controller.id, ()), service))
    spool_rows, spool_warnings = _spooled(configuration)
    return Report(service, today, tuple(controllers), spool_rows, (*warnings, *spool_warnings), in_order)


def look_at_service(file: Path, now: datetime) -> Report:
    """Report on the service alone: one company's trouble is no reason to end what serves the others (I10).

    Raises ConfigError for a configuration of which no part can be used.
    """
    configuration, _problems = inspect(file)
    service = ask_service(configuration)
    return Report(
        service, now, (), None, () if service.answers else tuple(_of_service(service)), service.answers
    )


def _with_mistakes(
    status: ControllerStatus, mistakes: Sequence[Problem], service: Service
) -> ControllerStatus:
    """Add the first mistake in a company's part: it is not live, unless the service uses its former
    configuration."""
    if not mistakes:
        return status
    if status.controller.id in service.as_before:
        return replace(status, as_before=mistakes[0].said)
    return replace(status, controller=replace(status.controller, refused=mistakes[0].said))


@contextmanager
def _noted(warnings: list[Text]) -> Iterator[None]:
    """Turn a shared database that cannot be used into a warning: calls go on without it."""
    try:
        yield
    except SharedDatabaseError as error:
        warnings.append(error.text)


def _of_service(service: Service) -> Sequence[Text]:
    if service.answers:
        otherwise = [service.otherwise] if service.otherwise else []
        return [*otherwise, *service.unshared, *service.undecided]
    warning = Text(
        "The service does not answer at {address}: callers are served by the script, which is slower."
        " Type: systemctl start informativa",
        address=service.address,
    )
    return [warning]


def ask_service(configuration: Configuration) -> Service:
    """Ask the service, its /metrics and systemd; each of them may be silent."""
    service = Service(configuration.listen)
    with suppress(OSError):
        answer = asyncio.run(probe.status(configuration.host, configuration.port, configuration.tokens))
        if answer is not None:
            difference = probe.otherwise(answer, configuration, "systemctl restart informativa")
            otherwise = difference.whole if difference else NOTHING
            unshared = tuple(finding.whole for finding in probe.not_shared(answer))
            service = replace(service, answers=True, version=answer.get("version"))
            service = replace(service, otherwise=otherwise, unshared=unshared)
            failing = asyncio.run(probe.trial(configuration.host, configuration.port, configuration.tokens))
            undecided = tuple(finding.whole for finding in probe.cannot_decide(failing or {}))
            service = replace(service, undecided=undecided, fell_back=probe.fell_back(answer))
            service = replace(service, as_before=probe.as_before(answer))
    if service.answers and configuration.metrics:
        with suppress(OSError, ValueError):
            service = with_metrics(service, _metrics(configuration.metrics))
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        service = with_systemd(service, _systemd())
    return service


def _metrics(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/metrics", timeout=PATIENCE) as answer:
        return str(answer.read(1 << 24).decode())


def with_metrics(service: Service, text: str) -> Service:
    """Add the values in a text from /metrics. Raises ValueError for another text."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "informativa_calls_in_progress":
                service = replace(service, calls=int(sample.value))
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


def _controller_status(
    configuration: Configuration, controller: Controller, summary: Summary | None, now: datetime
) -> ControllerStatus:
    lines = {line.number: line for line in configuration.lines if line.controller.id == controller.id}
    kept_since = controller.retention and controller.retention.before(now, controller.zone)
    counts = None
    if summary is not None:
        today, last_days = Counter[Status](), Counter[Status]()
        spared_today = spared_last_days = 0.0
        for count in summary.counts:
            today[count.status] += count.today
            last_days[count.status] += count.whole
            if count.status is Status.NOTDUE and count.line in lines:
                seconds = lines[count.line].seconds(count.notice, count.version, count.language)
                spared_today += count.today * seconds
                spared_last_days += count.whole * seconds
        counts = Counts(
            today=Tally(summary.calls[1], _in_order(today), spared_today),
            last_days=Tally(summary.calls[0], _in_order(last_days), spared_last_days),
            known_callers=summary.known,
            size=summary.size,
            last=summary.last,
        )
    return ControllerStatus(
        controller, tuple(sorted(lines)), kept_since.date() if kept_since else None, counts
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
