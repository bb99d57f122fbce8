"""Callers of several boxes, whatever becomes of the database: what they see, held against the model."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from informativa.model import Status
from lab.postgres import Postgres
from sharing.conftest import Boxes
from sharing.model import World
from sharing.pgbouncer import PgBouncer

Rounds = Callable[[int, int], int]
THREE = ("pbx-1", "pbx-2", "pbx-3")


@pytest.fixture
def world(boxes: Boxes) -> Iterator[World]:
    """No box yet; those that a test starts end with it."""
    made = World(boxes)
    yield made
    made.stop()


@pytest.fixture
def bouncer(boxes: Boxes, tmp_path: Path) -> Iterator[PgBouncer]:
    """pgbouncer in transaction mode, by which boxes reach the database, with few connections to it."""
    assert isinstance(boxes.server, Postgres)
    with PgBouncer(tmp_path / "pgbouncer", boxes.server, boxes.server.port, pool=3) as running:
        boxes.hosts = (f"127.0.0.1:{running.port}",)
        yield running


def kill_and_start(world: World) -> None:
    """Have the database die, and come back."""
    assert isinstance(world.boxes.server, Postgres)
    world.boxes.server.kill()
    world.boxes.server.start()


def test_three_boxes_are_one_where_nothing_is_broken(
    world: World, chance: random.Random, rounds: Rounds
) -> None:
    """Where calls wait for the database, whoever was informed anywhere is played to nowhere any more."""
    world.strict = True
    world.start(*THREE)
    world.load(chance, rounds(15, 300))
    print(world.check())
    assert [(machine.others.unanswered, machine.others.late) for machine in world.machines.values()] == [
        (0, 0)
    ] * 3


@pytest.mark.night
def test_a_database_that_is_killed_and_comes_back(
    world: World, chance: random.Random, rounds: Rounds
) -> None:
    """Calls go on without it, and all that they recorded meanwhile is there afterwards, once."""
    world.start(*THREE)
    for _ in range(rounds(1, 20)):
        world.load(chance, 10, meanwhile=partial(kill_and_start, world))
        print(world.check())


@pytest.mark.usefixtures("bouncer")
def test_pgbouncer_in_transaction_mode_changes_nothing(
    world: World, chance: random.Random, rounds: Rounds
) -> None:
    """Prepared statements and pipelines work through it, more boxes than it has connections for too."""
    world.strict = True
    world.start(*THREE, "pbx-4")
    world.load(chance, rounds(15, 300))
    print(world.check())
    assert [(machine.others.unanswered, machine.others.late) for machine in world.machines.values()] == [
        (0, 0)
    ] * 4


@pytest.mark.night
@pytest.mark.usefixtures("bouncer")
def test_a_database_that_is_killed_behind_pgbouncer(
    world: World, chance: random.Random, rounds: Rounds
) -> None:
    """Connections to pgbouncer outlive the server; nothing is lost for that."""
    world.start(*THREE)
    for _ in range(rounds(1, 10)):
        world.load(chance, 10, meanwhile=partial(kill_and_start, world))
        print(world.check())


def test_a_new_caller_who_rings_two_boxes_at_once(world: World, rounds: Rounds) -> None:
    """Both may play, both records are there, and afterwards neither plays."""
    world.start("pbx-1", "pbx-2")
    twice = 0
    for _ in range(rounds(5, 100)):
        caller = world.new_caller()
        twice += world.call(caller, "pbx-1", "pbx-2") == [Status.PLAYED, Status.PLAYED]
        world.settle()
        assert world.call(caller, "pbx-1", "pbx-2") == [Status.NOTDUE, Status.NOTDUE]
    print(world.check(), f"{twice} times both played", sep=", ")
