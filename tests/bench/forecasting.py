"""A forecast of what another configuration changes: how long it takes, and whether calls notice it."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from informativa.ledgers.sequencer import sequence
from lab.office import BIN, Office

from . import rivals
from .console import SLOWER, made
from .figures import Peers, RefusedError, Report, Result, Spread, Target, ratios

_AGAIN = """trap 'kill $!; exit' TERM; while :; do "$@" >/dev/null & wait $!; done"""
LONGEST = 20.0  # seconds, for a million callers
CALLS = 0.38  # of the last 30 days, for each caller
CHANGES = (('version: "2026-11"', 'version: "2026-12"'), ("[service]", "[service, profiling]"))


def forecasting(
    report: Report,
    folder: Path,
    *,
    callers: int = 1_000_000,
    rate: int = 50,
    rounds: int = 7,
    seconds: int = 10,
) -> None:
    """Calls of known callers, while a forecast counts all of them and while none does, in turns."""
    office = Office(folder / "forecast")
    ledger = rivals.acquaint(office, callers)
    calls = round(callers * CALLS)
    rivals.call_again(office, calls, callers)
    sequence(ledger)  # else the service would sign all of it while calls are measured
    text = office.config.read_text()
    for before, after in CHANGES:
        text = text.replace(before, after, 1)
    p99: dict[bool, list[float]] = {True: [], False: []}
    with rivals.serving(office):
        office.config.write_text(text)
        took, processor_time = _timed(_command(office), callers, calls)
        for turn in range(-1, rounds):  # the first one only warms up
            for beside in (True, False) if turn % 2 else (False, True):
                with _forecasts(office) if beside else nullcontext():
                    values = made(office, rate, callers, seconds)
                if turn >= 0:
                    p99[beside].append(values["p99"])
    title = f"99 of 100 calls at {rate} calls/s among {callers:,} callers"
    spreads = {name: Spread(tuple(p99[name == "forecast"]), "µs") for name in ("forecast", "nothing")}
    report.peers.append(Peers("forecast", f"{title}, beside it", spreads))
    report.results += [
        Result("forecast", f"forecast of {callers:,} callers", Spread((took,), "s"), Target(LONGEST)),
        Result(
            "forecast",
            f"processor time of a forecast of {callers:,} callers and {calls:,} calls of the last 30 days",
            Spread((processor_time,), "s"),
            Target(LONGEST),
        ),
        Result(
            "forecast",
            f"{title}, beside a forecast, over without",
            ratios(p99[True], p99[False]),
            Target(SLOWER),
        ),
    ]


def _timed(command: list[str | Path], callers: int, calls: int) -> tuple[float, float]:
    """Run a forecast; the seconds that it took, and those of processor time, which no load changes much."""
    begun, used = time.perf_counter(), _used()
    done = subprocess.run(command, check=True, capture_output=True)
    took, processor_time = time.perf_counter() - begun, _used() - used
    company = json.loads(done.stdout)["forecast"]["companies"][0]
    if (company["callers"], company["calls"]) != (callers, calls):
        raise RefusedError(f"the forecast counted {company['callers']} callers and {company['calls']} calls")
    return took, processor_time


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _command(office: Office) -> list[str | Path]:
    return [BIN / "informativa", "reload", "--diff", "-c", office.config, "--json"]


@contextmanager
def _forecasts(office: Office) -> Iterator[None]:
    """Run one forecast after the other for the time of a `with` block."""
    child = subprocess.Popen(["sh", "-c", _AGAIN, "sh", *_command(office)])
    try:
        yield
    finally:
        child.terminate()
        child.wait()
