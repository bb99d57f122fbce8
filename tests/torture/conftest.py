"""A service to attack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import audio
from lab.office import Office
from torture.machine import library

SECONDS = {
    "it/short": 0.12, "it/short-nokey": 0.12, "it/full": 0.2,
    "de/short": 0.12, "de/short-nokey": 0.12, "de/full": 0.2,
}  # fmt: skip


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Prompts so short that thousands of calls fit into a test."""
    folder = tmp_path_factory.mktemp("sounds")
    files = {}
    for seed, (name, seconds) in enumerate(SECONDS.items()):
        files[f"{name}.wav"] = folder / f"{name.replace('/', '-')}.wav"
        audio.write_wav(files[f"{name}.wav"], audio.synthetic(seconds, seed=seed))
    return files


@pytest.fixture
def office(tmp_path: Path, sounds: dict[str, Path]) -> Iterator[Office]:
    """informativa on its own configuration and ledgers; the test starts its service."""
    office = Office(tmp_path / "etc", sounds)
    yield office
    office.kill()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """faults.c as a library."""
    return library(tmp_path_factory.mktemp("faults"))
