"""Boxes and a database between which packets are lost, by the kernel."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from informativa.sharing import connection, loop
from lab.debian import Unavailable
from lab.postgres import Postgres
from sharing.conftest import Boxes
from sharing.lossy import LossyNetwork
from sharing.model import World

Rounds = Callable[[int, int], int]


@pytest.fixture
def network() -> Iterator[LossyNetwork]:
    """One of this test's own; nothing is lost yet."""
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(LossyNetwork())
        except Unavailable as error:
            pytest.skip(str(error))
        yield made


@pytest.fixture
def server(network: LossyNetwork, tmp_path: Path) -> Iterator[Postgres]:
    """The database, in that network."""
    assert network
    with Postgres(tmp_path / "server") as running:
        yield running


@pytest.fixture
def world(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two boxes there, which give up a server sooner than others."""
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 5.0)
    monkeypatch.setattr(loop, "LONGEST_PAUSE", 0.5)
    boxes = Boxes(server, tmp_path)
    made = World(boxes)
    yield made
    made.stop()
    boxes.close()


@pytest.mark.night
def test_lost_packets_lose_no_record(
    world: World, server: Postgres, network: LossyNetwork, chance: random.Random, rounds: Rounds
) -> None:
    """Calls go on while packets to and from the database are lost, a few or all of them; afterwards every
    record is there once, and nobody was skipped who had not been informed."""
    world.start("pbx-1", "pbx-2", seconds=1.0)
    world.load(chance, 3)
    world.settle()
    for percent in [2, 10, 100] + [2, 3, 10, 20, 40, 70, 100] * rounds(0, 5):
        network.lose(percent, server.port)
        world.load(chance, rounds(3, 20))
        lost = network.lost
        network.lose(0, server.port)
        print(f"{percent} %: {lost} packets lost; {world.check()}")
        assert lost > 0 or percent < 10
