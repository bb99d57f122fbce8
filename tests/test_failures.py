"""What a failed test says of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
