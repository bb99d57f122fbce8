"""The tests that a run left out, with the reasons, counted at its end: whoever reads "passed" should know."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

_DESELECTED = pytest.StashKey[Counter[str]]()
_SENT = "left out"  # of xdist's workers, which select alike: the word of one is the word of all


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count those that the markers or names asked for left out."""
    for item in items:
        by_day = item.get_closest_marker("night") is not None
        _deselected(item.config)["by day (NIGHT=1 runs them)" if by_day else "not asked for"] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the counts of a worker to the controller."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_SENT] = dict(_deselected(session.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the word of a worker that has ended."""
    sent = getattr(node, "workeroutput", {}).get(_SENT)
    if sent:
        node.config.stash[_DESELECTED] = Counter(sent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many were left out for which reason."""
    counts = _deselected(config).copy()
    for report in terminalreporter.stats.get("skipped", ()):
        _file, _line, reason = report.longrepr
        counts[reason.removeprefix("Skipped: ")] += 1
    if counts:
        terminalreporter.section("left out")
        for reason, count in counts.most_common():
            terminalreporter.line(f"{count:6,} {reason}")


def _deselected(config: pytest.Config) -> Counter[str]:
    return config.stash.setdefault(_DESELECTED, Counter())
