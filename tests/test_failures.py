"""The machine as a failed test describes it, and what workers report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.fewer_reports import says_nothing

FAILING = "def test_right():\n    pass\n\n\ndef test_wrong():\n    assert 1 == 2\n"


@pytest.mark.night
def test_failure_tells_how_busy_the_machine_was(tmp_path: Path) -> None:
    """Once, for the test that failed, and with the worker that ran it."""
    (tmp_path / "conftest.py").write_text("from lab.failures import pytest_runtest_makereport\n")
    (tmp_path / "test_it.py").write_text(FAILING)
    own = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "PYTEST_XDIST_WORKER": "gw7"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, env=own, cwd=tmp_path
    )
    assert ran.returncode == 1
    assert ran.stdout.count("call on gw7 from ") == 1
    assert f" on {os.cpu_count()} processors" in ran.stdout


@pytest.mark.night
def test_worker_that_is_killed_tells_by_what(tmp_path: Path) -> None:
    """xdist says that it crashed, and not how: a signal of somebody's, or a defect of its own."""
    (tmp_path / "conftest.py").write_text("from lab.failures import pytest_testnodedown\n")
    (tmp_path / "test_it.py").write_text("import os\n\n\ndef test_wrong():\n    os.kill(os.getpid(), 9)\n")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", tmp_path]
    own = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, env=own, cwd=tmp_path
    )
    assert ran.returncode == 1
    assert "gw0 ended by signal 9, Killed" in ran.stderr


SILENT = {"when": "setup", "outcome": "passed", "duration": 0.2, "sections": []}


@pytest.mark.parametrize(
    ("report", "left_out"),
    [
        (SILENT, True),
        (SILENT | {"when": "teardown"}, True),
        (SILENT | {"when": "call"}, False),
        (SILENT | {"outcome": "failed"}, False),
        (SILENT | {"outcome": "skipped"}, False),
        (SILENT | {"duration": 5.0}, False),
        (SILENT | {"sections": [("Captured stdout setup", "words")]}, False),
    ],
)
def test_only_a_report_that_says_nothing_is_left_out(report: dict[str, Any], left_out: bool) -> None:
    """Those of tests, and of fixtures that failed, were skipped, printed or took five seconds, are sent."""
    assert says_nothing(report, 5.0) is left_out


OF_ALL_KINDS = """\
import pytest


@pytest.fixture
def broken():
    yield
    assert 0


@pytest.fixture
def skipped():
    pytest.skip("because")


def test_right():
    pass


def test_skipped(skipped):
    pass


def test_broken(broken):
    pass
"""
COUNTING = """\
from lab.fewer_reports import pytest_sessionstart


def pytest_runtest_logreport(report):
    if hasattr(report, "node"):
        print("of", report.nodeid, report.when)
"""


@pytest.mark.night
def test_workers_report_what_happened(tmp_path: Path) -> None:
    """Each test once, and beside it what was skipped or failed before or after it; all are counted."""
    (tmp_path / "conftest.py").write_text(COUNTING)
    (tmp_path / "test_it.py").write_text(OF_ALL_KINDS)
    command = [sys.executable, "-m", "pytest", "-s", "-n", "1", "-p", "no:cacheprovider", "--durations-min=5"]
    own = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    ran = subprocess.run(
        [*command, tmp_path], capture_output=True, text=True, timeout=100, check=False, env=own, cwd=tmp_path
    )
    assert "2 passed, 1 skipped, 1 error" in ran.stdout
    reports = re.findall(r"of test_it.py::test_(\w+ \w+)", ran.stdout)
    assert reports == ["right call", "skipped setup", "broken call", "broken teardown"]
