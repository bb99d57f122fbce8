"""Boxes on each PostgreSQL from 14 on that Debian has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import postgres_versions
from lab.debian import Unavailable
from lab.postgres import Postgres

HERE = Path(__file__).parent
FILES = (
    "test_isolation.py",
    "test_taking_over.py",
    "test_exchange.py",
    "test_grants.py",
    "test_record_search.py",
)


@pytest.mark.night
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("version", sorted(postgres_versions.SUITES))
def test_i6_boxes_meet_in_each_version(version: int, tmp_path: Path) -> None:
    """I6: each attempt to get at another company's records is refused, earlier schemas are taken over, and
    records go to and fro, as on the newest."""
    try:
        programs = postgres_versions.obtain(version, tmp_path / "programs")
    except Unavailable as error:
        pytest.skip(str(error))
    with Postgres(tmp_path / "pg", server_programs=programs) as server:
        assert str(server.sql("SHOW server_version")[0][0]).startswith(f"{version}.")
    options = ("-q", "-n", "0", "-m", "not night", "-p", "no:cacheprovider", "--basetemp", tmp_path / "tests")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(HERE / name for name in FILES)],
        cwd=HERE.parents[1],
        env={**os.environ, postgres_versions.CHOSEN: str(version)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:]
