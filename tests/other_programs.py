"""Other programs: those that have a ledger of ours open, with what lies beside it, and the one that judges
units of systemd."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

FOREIGN = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement)
print("done", flush=True)
sys.stdin.read()
"""


def foreign(file: Path, *statements: str) -> subprocess.Popen[str]:
    """Another program that has done this to the ledger and still has it open."""
    command = [sys.executable, "-c", FOREIGN, file, *statements]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "done\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    """Let it close what it has open."""
    process.communicate()


def numbers(file: Path) -> list[int]:
    """Return the numbers of the records that a new connection reads, after a check of the file."""
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [number for (number,) in connection.execute("SELECT record FROM event ORDER BY record")]
    finally:
        connection.close()


def analyzed(*arguments: str | Path) -> str:
    """Return what systemd-analyze says."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not there")
    command = ["systemd-analyze", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    return ran.stdout + ran.stderr
