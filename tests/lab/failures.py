"""The state of the machine during a failed test, so that one that fails now and then can be understood."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

_PRESSURE = Path("/proc/pressure")  # Linux: Documentation/accounting/psi.rst


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside what it printed: when and for how long it ran, on which worker, and how busy the machine was."""
    report = yield
    if report.failed:
        ran = f"from {datetime.fromtimestamp(call.start)} for {call.duration:.1f} s"
        worker = os.environ.get("PYTEST_XDIST_WORKER", "the only worker")
        report.sections.append(("machine", "\n".join([f"{call.when} on {worker} {ran}", *busy()])))
    return report


def busy() -> list[str]:
    """Processes that want a processor, of how many there are; and, where Linux tells it, for which share of
    the last 10, 60 and 300 seconds some process had to wait, and for what."""
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    lines = [f"load {loads} on {os.cpu_count()} processors"]
    for resource in ("cpu", "io", "memory"):
        with suppress(OSError):
            lines.append(f"waiting for {resource}: {(_PRESSURE / resource).read_text().splitlines()[0]}")
    return lines


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Beside xdist's line about a worker that is lost: the signal or exit code by which it ended."""
    if error:
        with suppress(AttributeError, OSError, subprocess.TimeoutExpired):  # no interface of execnet's
            code = node.gateway._io.popen.wait(5)
            ending = f"signal {-code}, {signal.strsignal(-code)}" if code < 0 else f"exit code {code}"
            print(f"\n{node.gateway.id} ended by {ending}", file=sys.__stderr__)
