"""`informativa status`: the service and the ledgers on one screen, without disturbing either."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from ... import bootstrap, spool
from ...asterisk import ami
from ...config import Configuration, inspect, of_callers
from ...errors import InformativaError, LedgerError
from ...ledgers.following import Summary
from ...model import Controller, Status
from ...operations.doctor import probe
from ...views import terminal
from ..options import print_json
from ..words import _

DAYS = 30
PATIENCE = 2.0  # seconds for /metrics and systemd
UNIT = "informativa"


@dataclass
class Service:
    """The service as it looks from outside; `None` is what nothing says."""

    address: str
    answers: bool
    calls: int | None = None
    version: str | None = None
    since: datetime | None = None
    unit: str | None = None
    otherwise: str = ""  # in what it is not the one that is configured


def run(file: Path, as_json: bool) -> bool:
    """Show it; whether the service answers, the ledgers can be used, and the configuration is in order.

    Raises ConfigError for one of which no part can be used.
    """
    configuration, problems = inspect(file)
    now = datetime.now(UTC)
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    warnings = [_(problem.text) for problem in (*problems, *configuration.refused, *configuration.warnings)]
    service = _service(configuration)
    if not service.answers:
        warnings.insert(
            0,
            _(
                "The service does not answer at {address}: callers are served by the script, which is slower."
                " Type: systemctl start informativa",
                address=service.address,
            ),
        )
    elif service.otherwise:
        warnings.insert(0, service.otherwise)
    usable, rows = not problems, []
    for controller in configuration.in_shape():
        found: Summary | None = None
        if not controller.refused and not of_callers(problems, controller.id):
            try:
                found = bootstrap.summary(controller, now - timedelta(days=DAYS), today)
            except LedgerError as error:
                usable = False
                warnings.append(_(error.text))
        rows.append(_controller(configuration, controller, found, now))
    waiting = _spooled(configuration, warnings)
    facts = {
        "service": {
            "address": service.address,
            "answers": service.answers,
            "version": service.version,
            "since": service.since and service.since.isoformat(timespec="seconds"),
            "calls in progress": service.calls,
            "unit": service.unit,
            "as configured": service.answers and not service.otherwise,
        },
        "today since": today.isoformat(timespec="seconds"),
        "controllers": rows,
        "spool rows": waiting,
        "warnings": warnings,
    }
    if as_json:
        print_json(facts)
    else:
        _show(facts)
    return service.answers and usable


def _service(configuration: Configuration) -> Service:
    """What it, /metrics and systemd say; each may say nothing."""
    service = Service(configuration.listen, answers=False)
    with suppress(OSError):
        told = asyncio.run(probe.status(configuration.host, configuration.port, configuration.tokens))
        if told is not None:
            service.answers, service.version = True, told.get("version")
            found = probe.otherwise(told, configuration, "systemctl restart informativa")
            service.otherwise = _(found.whole) if found else ""
    if service.answers and configuration.metrics:
        with suppress(OSError, ValueError):
            _ask_metrics(configuration.metrics, service)
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        _ask_systemd(service)
    return service


def _ask_metrics(where: str, service: Service) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{where}/metrics", timeout=PATIENCE) as answer:
        text = answer.read(1 << 24).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "informativa_calls_in_progress":
                service.calls = int(sample.value)
            elif sample.name == "informativa_start_time_seconds":
                service.since = datetime.fromtimestamp(sample.value, UTC)


def _ask_systemd(service: Service) -> None:
    """State of the unit, where there are a systemd and the unit; since when, where nothing better says it."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path("/run/systemd/system").is_dir():
        return
    asked = [systemctl, "show", UNIT, "--property=LoadState,ActiveState,SubState,ActiveEnterTimestamp",
             "--timestamp=unix"]  # fmt: skip
    ran = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    said = dict(line.partition("=")[::2] for line in ran.stdout.splitlines())
    if said.get("LoadState") != "loaded":
        return
    service.unit = f"{said['ActiveState']} ({said['SubState']})"
    entered = said.get("ActiveEnterTimestamp", "")
    if service.since is None and said["ActiveState"] == "active" and entered.startswith("@"):
        service.since = datetime.fromtimestamp(int(entered[1:]), UTC)


def _controller(
    configuration: Configuration, controller: Controller, found: Summary | None, now: datetime
) -> dict[str, Any]:
    lines = {line.number: line for line in configuration.lines if line.controller.id == controller.id}
    kept = controller.retention and controller.retention.before(now, controller.zone)
    facts: dict[str, Any] = {
        "id": controller.id,
        "name": controller.name,
        "live": not controller.refused,
        "why not": controller.refused,
        "lines": sorted(lines),
        "ledger": controller.ledger,
        "usable": found is not None,
        "kept since": kept and kept.date().isoformat(),
    }
    if found is None:
        return facts
    spared = Counter[str]()
    for count in found.counts:
        if count.status is Status.NOTDUE and count.line in lines:
            seconds = lines[count.line].seconds(count.notice, count.version, count.language)
            spared["30 days"] += count.whole * seconds  # type: ignore[assignment]  # Counter takes floats
            spared["today"] += count.today * seconds  # type: ignore[assignment]
    last = found.last
    return facts | {
        "today": _tally(found.calls[1], _by_status(found, "today"), spared["today"]),
        "30 days": _tally(found.calls[0], _by_status(found, "whole"), spared["30 days"]),
        "known callers": found.known,
        "bytes": found.size,
        "last record": last
        and {
            "record": last.number,
            "at": last.event.at.isoformat(timespec="seconds"),
            "status": last.event.status,
        },
    }


def _by_status(found: Summary, period: str) -> dict[str, int]:
    tally = Counter[str]()
    for count in found.counts:
        tally[count.status] += getattr(count, period)
    return {status: tally[status] for status in Status if tally[status]}


def _tally(calls: int, notices: dict[str, int], spared: float) -> dict[str, Any]:
    return {"calls": calls, "notices": notices, "seconds spared": round(spared, 1)}


def _spooled(configuration: Configuration, warnings: list[str]) -> int | None:
    """How many rows wait in the fallback spool; `None` where nobody can say."""
    account = configuration.manager
    if account is None:
        return None

    async def ask() -> int:
        async with ami.session(account) as manager:
            return len(await manager.tree(spool.FAMILY))

    try:
        rows = asyncio.run(ask())
    except InformativaError as error:
        warnings.append(_(error.text))
        return None
    if rows:
        warnings.append(
            _.counted(
                "{rows} row waits in the fallback spool; the service collects it within a minute",
                "{rows} rows wait in the fallback spool; the service collects them every minute",
                rows,
                rows=rows,
            )
        )
    return rows


def _show(facts: dict[str, Any]) -> None:
    console = terminal.console()
    service = facts["service"]
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    table.add_row(_("service"), _in_words(service))
    if facts["spool rows"] is not None:
        table.add_row(_("spool"), str(facts["spool rows"]))
    console.print(table)
    for row in facts["controllers"]:
        console.print()
        console.print(f"{row['name']} ({row['id']})", style="bold")
        console.print(_company(row))
        for period, title in (("today", _("today")), ("30 days", _("30 days"))):
            if period in row:
                console.print(_counted(title, row[period]))
    if facts["warnings"]:
        console.print()
        for warning in facts["warnings"]:
            console.print(_("warning: {warning}", warning=warning), style="yellow", soft_wrap=True)


def _in_words(service: dict[str, Any]) -> str:
    parts = [
        (_("answers at {address}") if service["answers"] else _("DOES NOT ANSWER at {address}")).format(
            address=service["address"]
        )
    ]
    if service["version"]:
        parts.append(_("version {version}", version=service["version"]))
    if service["since"]:
        since = datetime.fromisoformat(service["since"]).astimezone()
        parts.append(_("since {time}", time=f"{since:%Y-%m-%d %H:%M}"))
    if service["calls in progress"] is not None:
        calls = service["calls in progress"]
        parts.append(_.counted("{calls} call in progress", "{calls} calls in progress", calls, calls=calls))
    if service["unit"]:
        parts.append(f"systemd: {service['unit']}")
    if service["answers"] and not service["as configured"]:
        parts.append(_("NOT AS CONFIGURED"))
    return ", ".join(parts)


def _company(row: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=11)
    table.add_column(overflow="fold")
    if not row["live"]:
        table.add_row(_("  state"), _("NOT LIVE: {why}", why=row["why not"]))
    table.add_row(_("  lines"), ", ".join(row["lines"]) or _("none"))
    if row["usable"]:
        size = f"{row['bytes'] / 1e6:.1f} MB"
        last = row["last record"]
        when = last and f"{datetime.fromisoformat(last['at']).astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(
            _("  ledger"),
            size
            + ", "
            + (
                _("last record {record}, {when}", record=last["record"], when=when)
                if last
                else _("no record yet")
            )
            + ", "
            + _.counted(
                "{known} known caller",
                "{known} known callers",
                row["known callers"],
                known=row["known callers"],
            ),
        )
    elif row["live"]:
        table.add_row(_("  ledger"), _("CANNOT BE USED: {file}", file=row["ledger"]))
    kept = _("the daily purge takes what is from before {date}")
    table.add_row(
        _("  kept"),
        kept.format(date=row["kept since"]) if row["kept since"] else _("for ever"),
    )
    return table


def _counted(title: str, tally: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=11)
    table.add_column(overflow="fold")
    notices = ", ".join(f"{status} {count}" for status, count in tally["notices"].items())
    said = _.counted("{calls} call", "{calls} calls", tally["calls"], calls=tally["calls"])
    if notices:
        said += f": {notices}; " + _("{seconds} s spared", seconds=f"{tally['seconds spared']:.0f}")
    table.add_row(f"  {title}", said)
    return table
