"""A database whose disk is full, and one whose clock is wrong."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from informativa.sharing import schema
from lab.databases import given
from lab.postgres import Postgres
from lab.process import until
from sharing.conftest import Boxes
from sharing.model import World

Rounds = Callable[[int, int], int]
MEGABYTE = bytes(1 << 20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """One of 16 MB."""
    if os.geteuid():
        pytest.skip("Only root can make a small disk.")
    disk = given(tmp_path / "disk")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "none", disk], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"No disk can be mounted here: {made.stderr.strip()}")
    yield given(disk)
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> Path:
    """Write to it until it is full; the file with which it is."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(MEGABYTE):
            pass
    return filler


def test_a_database_whose_disk_is_full(
    small_disk: Path, tmp_path: Path, chance: random.Random, rounds: Rounds
) -> None:
    """Calls go on, boxes say that there is no room, and all is sent once there is."""
    with Postgres(tmp_path / "pg") as server:
        (small_disk / "tables").mkdir()
        given(small_disk)
        server.sql(f"CREATE TABLESPACE small LOCATION '{small_disk / 'tables'}'")
        server.sql("GRANT CREATE ON TABLESPACE small TO PUBLIC")
        server.sql("ALTER SYSTEM SET default_tablespace = 'small'")
        server.sql("SELECT pg_reload_conf()")
        boxes = Boxes(server, tmp_path)
        world = World(boxes)
        try:
            world.start("pbx-1", "pbx-2", "pbx-3")
            for _ in range(rounds(1, 10)):
                world.load(chance, 5)
                world.settle()
                filler = fill(small_disk)
                full(world, chance)
                filler.unlink()
                print(world.check())
        finally:
            world.stop()


def full(world: World, chance: random.Random) -> None:
    """Calls until no box can send any more."""

    def said() -> bool:
        world.load(chance, 30)
        errors = (each.loop.state.error for each in world.machines.values())
        return all("No space left on device" in str(error) for error in errors)

    until(said, 60, lambda: f"There is room: {world.machines['pbx-1'].loop.state}")
    error = world.machines["pbx-1"].loop.state.error
    assert error is not None
    assert "make room" in str(error)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_database_whose_clock_is_wrong(
    boxes: Boxes, chance: random.Random, rounds: Rounds, hours: int
) -> None:
    """It decides nothing: only when a box was seen is told wrongly."""
    boxes.sql("CREATE SCHEMA wrong")
    boxes.sql(f"""
    CREATE FUNCTION wrong.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS $$ SELECT pg_catalog.now() + interval '{hours} hours' $$
    """)
    # Named after another schema, the catalog is searched after it: statements that ask for the time get this.
    boxes.sql("GRANT USAGE ON SCHEMA wrong TO PUBLIC")
    for name in ("pbx-1", "pbx-2", "pbx-3"):
        boxes.let_in(name)
        boxes.sql(f'ALTER ROLE "{schema.login(name)}" SET search_path = wrong, pg_catalog')
    world = World(boxes, strict=True)
    try:
        world.start("pbx-1", "pbx-2", "pbx-3")
        world.load(chance, rounds(10, 200))
        print(world.check())
        seen = boxes.sql("SELECT round(extract(epoch FROM seen - now()) / 3600) FROM acme.box")
        assert seen == [(hours,)] * 3
    finally:
        world.stop()
        boxes.sql("DROP SCHEMA wrong CASCADE")
