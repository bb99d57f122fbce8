"""Fewer reports from xdist's workers: two of each test's three say only that its fixtures came and went.

Each is packed, sent and unpacked: 32,000 of 10,700 tests. Those that somebody may want to read stay: of what
failed, was skipped, printed something or took long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Have the worker that runs here, if this is one, leave out what says nothing."""
    config = session.config
    if config.getoption("xmlpath", None):  # that file sums up all three
        return
    long = float(config.getoption("durations_min") or 0)
    for plugin in config.pluginmanager.get_plugins():
        if (
            type(plugin).__name__ == "WorkerInteractor"
        ):  # of xdist/remote.py, which execnet runs without a name
            _leave_out(plugin, long)


def _leave_out(worker: Any, long: float) -> None:
    send = worker.sendevent

    def sendevent(name: str, **facts: Any) -> None:
        if name != "testreport" or not says_nothing(facts["data"], long):
            send(name, **facts)

    worker.sendevent = sendevent


def says_nothing(report: Mapping[str, Any], long: float) -> bool:
    """Return whether a report is of fixtures that came or went in silence, in less than `long` seconds."""
    fixtures = report["when"] != "call" and report["outcome"] == "passed"
    return fixtures and report["duration"] < long and not report["sections"]
