"""Boxes whose network to the database is cut, or swallows what they send."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from informativa.call import guard
from informativa.sharing import connection, loop, meeting_place
from informativa.sharing.question import AnswerRows, Question, Subject
from lab.postgres import Postgres
from lab.process import until
from sharing.conftest import Boxes
from sharing.model import FAR, World
from sharing.wire import Wire

Rounds = Callable[[int, int], int]


@pytest.fixture
def wire(boxes: Boxes) -> Iterator[Wire]:
    """Between pbx-1 and the database."""
    assert isinstance(boxes.server, Postgres)
    with Wire(boxes.server.port) as led:
        yield led


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[Subject]:
    """Keep the questions that calls ask of the database, once it is left in peace for the rest of the test
    when it does not answer; and it is given up after a second of silence."""
    subjects: list[Subject] = []
    ask = Question.__call__

    def counted(self: Question, asked: Subject) -> AnswerRows:
        if asked[1] is not None:  # else it is the loop's, which connects ahead of calls as soon as it can
            subjects.append(asked)
        return ask(self, asked)

    monkeypatch.setattr(Question, "__call__", counted)
    monkeypatch.setattr(guard, "PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(meeting_place, "connect_box", partial(connection.connect_box, seconds=2.0))
    for paused in (loop, meeting_place):
        monkeypatch.setattr(paused, "LONGEST_PAUSE", 0.5)
    return subjects


@pytest.fixture
def world(boxes: Boxes, wire: Wire) -> Iterator[World]:
    """pbx-1 behind the wire, and pbx-2 beside the database."""
    made = World(boxes)
    made.start("pbx-1", hosts=wire.hosts, seconds=1.0)
    made.start("pbx-2", seconds=FAR)
    yield made
    made.stop()


def soon(condition: Callable[[], object], complaint: str) -> None:
    """Wait until it is so."""
    until(condition, 60, lambda: complaint)


@pytest.mark.sample(1)
@pytest.mark.parametrize("how", ["cut", "silence"])
def test_calls_notice_nothing_of_a_network_that_is_broken(
    questions: list[Subject], world: World, wire: Wire, how: str, chance: random.Random, rounds: Rounds
) -> None:
    """After three callers nobody waits for it any more, and all that was recorded arrives later."""
    world.load(chance, 5)
    for _ in range(rounds(1, 20)):
        world.settle()
        _broken(world, wire, how, chance, questions)
        wire.mend()
        print(world.check())
        world.stop("pbx-1")  # else it would leave the database in peace for an hour
        world.start("pbx-1", hosts=wire.hosts, seconds=1.0)


def _broken(world: World, wire: Wire, how: str, chance: random.Random, questions: list[Subject]) -> None:
    one, two = world.machines["pbx-1"], world.machines["pbx-2"]
    getattr(wire, how)()
    for _ in range(3):
        world.call(world.new_caller(), "pbx-1")
    assert (one.others.paused, two.others.paused) == (True, False)
    questions.clear()
    for _ in range(20):
        world.call(world.new_caller(), "pbx-1")
    assert questions == []
    world.load(chance, 5)
    soon(lambda: one.loop.state.error, "The box does not say that its database is away.")
    soon(lambda: one.loop.state.behind > 20, "It does not say how far behind it is.")


def test_a_box_whose_database_says_nothing_can_be_stopped(world: World, wire: Wire) -> None:
    """A service that is to end does not wait for a server that hangs."""
    world.call(world.new_caller(), "pbx-1")
    world.settle()
    wire.silence()
    world.call(world.new_caller(), "pbx-1")
    one = world.machines["pbx-1"]
    behind = one.loop.state.sent
    stopping = threading.Thread(target=one.others.close, daemon=True)
    stopping.start()
    stopping.join(40)
    assert not stopping.is_alive()
    world.stop("pbx-1")
    assert behind == one.loop.state.sent
