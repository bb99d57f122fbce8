"""Boxes that do not belong: of a name that is taken, with another key, of an earlier program, without a proof
of the server's, or without the ledger that they had."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from informativa.model import Status
from informativa.model.errors import BoxRefusedError, SharedDatabaseError
from informativa.sharing import administration
from informativa.sharing.connection import connect
from lab.certificates import Authority, Certificate
from lab.postgres import Postgres
from lab.process import until
from sharing.conftest import PASSWORD, ROLE, Boxes
from sharing.model import World

Rounds = Callable[[int, int], int]


@pytest.fixture
def world(boxes: Boxes) -> Iterator[World]:
    """No box yet; those that a test starts end with it."""
    made = World(boxes)
    yield made
    made.stop()


def error_of(world: World, box: str) -> str:
    """Return what a box says is wrong, once it does."""
    loop = world.machines[box].loop
    until(lambda: loop.state.error, 30, lambda: "It says nothing.")
    return str(loop.state.error)


def test_the_second_box_of_a_name_goes_on_alone(world: World) -> None:
    """Its callers hear what is due, the first one's records are as they were, and it says what to do."""
    world.start("pbx-1", "pbx-2")
    caller = world.new_caller()
    world.call(caller, "pbx-1")
    world.settle()
    world.start("pbx-1", folder="copied")
    assert "the name pbx-1 there" in error_of(world, "copied")
    assert isinstance(world.machines["copied"].loop.state.error, BoxRefusedError)
    stranger = world.new_caller()
    rung = len(world.rings)
    assert world.call(stranger, "copied") == [Status.PLAYED]
    assert world.call(stranger, "copied") == [Status.NOTDUE]
    world.stop("copied")
    del world.rings[rung:]  # they are on record there alone
    assert world.call(caller, "pbx-1", "pbx-2") == [Status.NOTDUE, Status.NOTDUE]
    world.check()


def test_a_box_with_another_key_knows_other_callers(
    world: World, chance: random.Random, rounds: Rounds
) -> None:
    """Nothing breaks: what it told is known to nobody else, nor what the others told to it."""
    world.start("pbx-1", "pbx-2")
    world.start("pbx-3", key=b"another")
    world.load(chance, rounds(10, 100))
    print(world.check())
    caller = world.new_caller()
    for box, played in [("pbx-1", True), ("pbx-3", True), ("pbx-2", False), ("pbx-3", False)]:
        assert world.call(caller, box) == [Status.PLAYED if played else Status.NOTDUE]
        world.settle()
    world.check()


def test_boxes_under_a_schema_of_a_newer_informativa_go_on_alone(world: World) -> None:
    """They say that they are to be upgraded, and all arrives once they are."""
    world.start("pbx-1")
    world.call(world.new_caller(), "pbx-1")
    world.settle()
    world.stop("pbx-1")
    world.boxes.sql("INSERT INTO acme.migration VALUES (99, 99)")
    world.start("pbx-1")
    assert "are of a newer informativa" in error_of(world, "pbx-1")
    assert world.call(world.new_caller(), "pbx-1") == [Status.PLAYED]
    world.stop("pbx-1")
    world.boxes.sql("DELETE FROM acme.migration WHERE number = 99")
    world.start("pbx-1")
    world.check()


# -- certificates --------------------------------------------------------------------------------------


def certificates(folder: Path) -> dict[str, Certificate | None]:
    """Return what a server may show, and what is wrong with it."""
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    return {
        "good": authority.issue(),
        "expired": authority.issue(expired=True),
        "wrong name": authority.issue(["other.example"]),
        "another authority": replace(stranger.issue(), root=authority.root),
        "missing": None,
    }


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        ("good", ""),
        ("expired", "its certificate has expired"),
        ("wrong name", "its certificate is for another name .*certificate is not valid for '127.0.0.1'"),
        ("another authority", "unable to get local issuer certificate"),
        ("missing", "it offers no TLS"),
    ],
)
def test_only_a_server_that_proves_who_it_is_gets_anything(
    tmp_path: Path, certificate: str, complaint: str
) -> None:
    """Of any other it is said what is wrong with it; calls go on, and no record reaches it."""
    shown = certificates(tmp_path)[certificate]
    with Postgres(tmp_path / "pg", certificate=shown) as server:
        boxes = Boxes(server, tmp_path)
        trusted = {"certificates": str(tmp_path / "root.pem")}
        server.sql(";\n".join(administration.script("pbx-1", ["acme"])))
        server.sql(f"ALTER ROLE \"{ROLE}\" PASSWORD '{PASSWORD}'")
        boxes.served.add(("pbx-1", "acme"))
        world = World(boxes)
        try:
            world.start("pbx-1", **trusted)
            assert world.call(world.new_caller(), "pbx-1") == [Status.PLAYED]
            if certificate == "good":
                world.check()
                with connect(boxes.database(**trusted), "acme") as connection:
                    assert connection.pgconn.ssl_in_use
                return
            with pytest.raises(SharedDatabaseError, match=complaint):
                connect(boxes.database(**trusted), "acme")
            error_of(world, "pbx-1")
            assert boxes.sql("SELECT * FROM acme.box") == []
        finally:
            world.stop()


# -- boxes that were away ------------------------------------------------------------------------------


def test_a_box_that_was_stopped_for_an_hour_catches_up(
    world: World, chance: random.Random, rounds: Rounds
) -> None:
    """Nobody whom others informed meanwhile is played to there again, also once the database is away."""
    server = world.boxes.server
    assert isinstance(server, Postgres)
    world.start("pbx-1", "pbx-2", "pbx-3")
    world.load(chance, 5)
    world.settle()
    world.stop("pbx-3")
    for _ in range(6):
        world.clock.ahead += timedelta(minutes=10)
        world.load(chance, rounds(3, 200))
    informed = {ring.caller[1] for ring in world.rings if ring.heard}
    world.start("pbx-3")
    world.settle()
    server.kill()
    for caller in informed:
        assert world.call(caller, "pbx-3") == [Status.NOTDUE]
    server.start()
    print(world.check())


def test_a_box_that_lost_its_disk(world: World, chance: random.Random, rounds: Rounds) -> None:
    """Under its old name it is refused, and says so; under a new one it has all that others told, and that it
    told itself before."""
    world.start("pbx-1", "pbx-2")
    world.load(chance, rounds(10, 200))
    world.check()
    informed = {ring.caller[1] for ring in world.rings if ring.heard}
    world.stop("pbx-1")
    shutil.rmtree(world.boxes.folder / "pbx-1")
    world.start("pbx-1")
    assert "an earlier ledger of this one, has the name pbx-1" in error_of(world, "pbx-1")
    world.stop("pbx-1")
    world.start("pbx-1-again")
    world.settle()
    for caller in informed:
        assert world.call(caller, "pbx-1-again") == [Status.NOTDUE]
    print(world.check())
