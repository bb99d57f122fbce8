"""How long an attack lasts, by which chance it strikes, and a service to attack."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import audio
from lab.office import Office

LONG = bool(os.environ.get("INFORMATIVA_TORTURE"))  # `make torture` sets it
SECONDS = {"it/short": 0.12, "it/full": 0.2, "de/short": 0.12, "de/full": 0.2}


@pytest.fixture
def rounds() -> Callable[[int, int], int]:
    """`rounds(short, long)`: so many in `make test`, and so many in `make torture`."""
    return lambda short, long: long if LONG else short


@pytest.fixture
def chance() -> random.Random:
    """The attack's dice. The seed is printed; INFORMATIVA_SEED throws them the same way again."""
    seed = os.environ.get("INFORMATIVA_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print(f"INFORMATIVA_SEED={seed}")
    return random.Random(seed)


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
