"""The service and the ledgers, looked at without disturbing either."""

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
    """The service as it looks from outside; `None` is what nothing says. `otherwise` is in what it is not the
    one that is configured; `unshared` is what keeps it from sharing with other boxes now."""

    address: str
    answers: bool = False
    version: str | None = None
    since: datetime | None = None
    calls: int | None = None
    unit: str | None = None
    otherwise: Text = NOTHING
    unshared: tuple[Text, ...] = ()
    undecided: tuple[Text, ...] = ()
    """Of which companies it can decide no call now."""
    fell_back: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By company, how many of the last hour's calls it could not decide or record, and of how many."""

    as_before: frozenset[str] = frozenset()
    """The companies that it serves as before, for mistakes in their part of the configuration."""

    @property
    def as_configured(self) -> bool:
        """Whether it answers, and is the one that is configured."""
        return self.answers and not self.otherwise


@dataclass(frozen=True)
class Tally:
    """What a time came to: calls, how many notices went how, and the seconds of those that were not due."""

    calls: int
    notices: Mapping[Status, int]
    seconds_spared: float


@dataclass(frozen=True)
class Counts:
    """What a ledger comes to, its size in bytes and its last record included."""

    today: Tally
    last_days: Tally
    known_callers: int
    size: int
    last: Record | None


@dataclass(frozen=True)
class ControllerStatus:
    """A controller, its ledger and the log of that; no `counts` and no `log` where it is not live or they
    cannot be read. Records of before `kept_since` are purged. `meeting` is how its boxes stand, where they
    share a database and that answers."""

    controller: Controller
    lines: tuple[str, ...]
    kept_since: date | None
    counts: Counts | None
    log: LogState | None = None
    meeting: Meeting | None = None
    fell_back: tuple[int, int] | None = None
    """How many of the last hour's calls the service could not decide or record, and of how many; `None` where
    there were none, or nobody says."""
    as_before: Text = NOTHING
    """The mistake in its part of the configuration for which the service serves it as before."""


@dataclass(frozen=True)
class Report:
    """All of it. `spool_rows` wait in Asterisk's database, `None` where nobody can say; `in_order` is whether
    the service answers, the ledgers can be used and the configuration has no mistakes."""

    service: Service
    today_since: datetime
    controllers: tuple[ControllerStatus, ...]
    spool_rows: int | None
    warnings: tuple[Text, ...]
    in_order: bool


def look(file: Path, now: datetime) -> Report:
    """How all is `now`, a time in the zone whose day is today.

    Raises ConfigError for a configuration of which no part can be used.
    """
    configuration, problems = inspect(file)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    service = ask_service(configuration)
    warnings = [*_of_service(service)]
    warnings += [problem.text for problem in (*problems, *configuration.refused, *configuration.warnings)]
    in_order, controllers = service.answers and not problems and not service.undecided, []
    own, _shared = by_company(problems, configuration.controllers, configuration.owners)
    for controller in configuration.controllers.values():
        found: Summary | None = None
        log: LogState | None = None
        meeting: Meeting | None = None
        if controller.id in configuration.misshapen:  # its name may be what is missing
            controller = replace(controller, name=controller.id)
        mistaken = controller.id in configuration.misshapen or of_callers(problems, controller.id)
        if not controller.refused and not mistaken:
            try:
                found = storage.summary(controller, now - timedelta(days=DAYS), today)
                log = log_state(controller) if Path(controller.ledger).exists() else None
            except (LedgerError, EvidenceError) as error:
                in_order = False
                warnings.append(error.text)
            with _noted(warnings):
                meeting = boxes.meeting(configuration, controller) if configuration.shared else None
        now_is = _controller_status(configuration, controller, found, now)
        fell_back = service.fell_back.get(controller.id)
        now_is = replace(now_is, log=log, meeting=meeting, fell_back=fell_back)
        controllers.append(_with_mistakes(now_is, own.get(controller.id, ()), service))
    waiting, spooled = _spooled(configuration)
    return Report(service, today, tuple(controllers), waiting, (*warnings, *spooled), in_order)


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
    now_is: ControllerStatus, mistakes: Sequence[Problem], service: Service
) -> ControllerStatus:
    """Add the first mistake in a company's part: it is not live, unless it is served as before."""
    if not mistakes:
        return now_is
    if now_is.controller.id in service.as_before:
        return replace(now_is, as_before=mistakes[0].said)
    return replace(now_is, controller=replace(now_is.controller, refused=mistakes[0].said))


@contextmanager
def _noted(warnings: list[Text]) -> Iterator[None]:
    """That the database is away is told, and calls go on without it."""
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
    """What it, /metrics and systemd say; each may say nothing."""
    service = Service(configuration.listen)
    with suppress(OSError):
        answer = asyncio.run(probe.status(configuration.host, configuration.port, configuration.tokens))
        if answer is not None:
            found = probe.otherwise(answer, configuration, "systemctl restart informativa")
            otherwise = found.whole if found else NOTHING
            unshared = tuple(one.whole for one in probe.not_shared(answer))
            service = replace(service, answers=True, version=answer.get("version"))
            service = replace(service, otherwise=otherwise, unshared=unshared)
            failing = asyncio.run(probe.trial(configuration.host, configuration.port, configuration.tokens))
            undecided = tuple(one.whole for one in probe.cannot_decide(failing or {}))
            service = replace(service, undecided=undecided, fell_back=probe.fell_back(answer))
            service = replace(service, as_before=probe.as_before(answer))
    if service.answers and configuration.metrics:
        with suppress(OSError, ValueError):
            service = with_metrics(service, _metrics(configuration.metrics))
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        service = with_systemd(service, _systemd())
    return service


def _metrics(where: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{where}/metrics", timeout=PATIENCE) as answer:
        return str(answer.read(1 << 24).decode())


def with_metrics(service: Service, text: str) -> Service:
    """With what /metrics answered. Raises ValueError for another text."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "informativa_calls_in_progress":
                service = replace(service, calls=int(sample.value))
            elif sample.name == "informativa_start_time_seconds":
                service = replace(service, since=datetime.fromtimestamp(sample.value, UTC))
    return service


def _systemd() -> str:
    """What `systemctl show` says of the unit; '' where there is no systemd."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path("/run/systemd/system").is_dir():
        return ""
    asked = [systemctl, "show", UNIT, "--property=LoadState,ActiveState,SubState,ActiveEnterTimestamp",
             "--timestamp=unix"]  # fmt: skip
    ran = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    return ran.stdout


def with_systemd(service: Service, text: str) -> Service:
    """With the state of the unit, where there is one, and since when, where nothing better says it."""
    said = dict(line.partition("=")[::2] for line in text.splitlines())
    if said.get("LoadState") != "loaded":
        return service
    service = replace(service, unit=f"{said['ActiveState']} ({said['SubState']})")
    entered = said.get("ActiveEnterTimestamp", "")
    if service.since is None and said["ActiveState"] == "active" and entered.startswith("@"):
        return replace(service, since=datetime.fromtimestamp(int(entered[1:]), UTC))
    return service


def _controller_status(
    configuration: Configuration, controller: Controller, found: Summary | None, now: datetime
) -> ControllerStatus:
    lines = {line.number: line for line in configuration.lines if line.controller.id == controller.id}
    kept = controller.retention and controller.retention.before(now, controller.zone)
    counts = None
    if found is not None:
        today, whole = Counter[Status](), Counter[Status]()
        spared_today = spared = 0.0
        for count in found.counts:
            today[count.status] += count.today
            whole[count.status] += count.whole
            if count.status is Status.NOTDUE and count.line in lines:
                seconds = lines[count.line].seconds(count.notice, count.version, count.language)
                spared_today += count.today * seconds
                spared += count.whole * seconds
        counts = Counts(
            today=Tally(found.calls[1], _in_order(today), spared_today),
            last_days=Tally(found.calls[0], _in_order(whole), spared),
            known_callers=found.known,
            size=found.size,
            last=found.last,
        )
    return ControllerStatus(controller, tuple(sorted(lines)), kept.date() if kept else None, counts)


def _in_order(tally: Mapping[Status, int]) -> Mapping[Status, int]:
    return {status: tally[status] for status in Status if tally[status]}


def _spooled(configuration: Configuration) -> tuple[int | None, Sequence[Text]]:
    """How many rows wait in the fallback spool, and what is to be said of it."""
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
    waiting = Text.counted(
        "{rows} row waits in the fallback spool; the service collects it within a minute",
        "{rows} rows wait in the fallback spool; the service collects them every minute",
        rows,
        rows=rows,
    )
    return rows, [waiting]
