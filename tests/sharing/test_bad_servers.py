"""A database whose disk is full, one whose clock is wrong, and servers that take no box for one reason."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from informativa.model.errors import SharedDatabaseError
from informativa.sharing import administration, refusals, schema
from informativa.sharing import exchange as exchange_module
from informativa.sharing.connection import connect
from informativa.sharing.membership import About
from lab.certificates import Authority
from lab.databases import given
from lab.postgres import Postgres
from lab.process import until
from sharing.conftest import PASSWORD, ROLE, Boxes
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

    def is_full() -> bool:
        world.load(chance, 30)
        errors = (machine.loop.state.error for machine in world.machines.values())
        return all("No space left on device" in str(error) for error in errors)

    until(is_full, 60, lambda: f"There is room: {world.machines['pbx-1'].loop.state}")
    error = world.machines["pbx-1"].loop.state.error
    assert error is not None
    assert "make room" in str(error)


@pytest.mark.sample(1)
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
        ages = boxes.sql("SELECT round(extract(epoch FROM seen - now()) / 3600) FROM acme.box")
        assert ages == [(hours,)] * 3
    finally:
        world.stop()
        boxes.sql("DROP SCHEMA wrong CASCADE")


# -- servers that take no box ----------------------------------------------------------------------------


def refusal(boxes: Boxes, **more: object) -> SharedDatabaseError:
    """Return the error of the box's connection, which does not come about."""
    with pytest.raises(SharedDatabaseError) as raised:
        connect(boxes.database(**more), "acme").close()
    return raised.value


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("flaw", "state", "remedy"),
    [
        ({"expired": True}, "expired", "Renew the server's certificate"),
        ({"early": True}, "not-yet-valid", "Set this machine's clock right: timedatectl"),
        ({"names": ["other.example"]}, "other-name", "the name that the certificate has"),
    ],
)
def test_certificates_that_are_refused_are_told_apart(
    tmp_path: Path, flaw: dict[str, object], state: str, remedy: str
) -> None:
    """An expired one, one that is not valid yet and one of another name have a remedy each."""
    certificate = Authority(tmp_path).issue(**flaw)  # type: ignore[arg-type]
    with Postgres(tmp_path / "pg", certificate=certificate) as server:
        boxes = Boxes(server, tmp_path)
        server.sql(";\n".join(administration.script("pbx-1", ["acme"])))
        server.sql(f"ALTER ROLE \"{ROLE}\" PASSWORD '{PASSWORD}'")
        boxes.served.add(("pbx-1", "acme"))
        error = refusal(boxes, certificates=str(certificate.root))
    assert (error.state, remedy in str(error.remedy)) == (state, True)


@pytest.mark.sample(1)
@pytest.mark.parametrize("content", ["no certificate", "", None])
def test_roots_that_cannot_be_read_are_named(tmp_path: Path, content: str | None) -> None:
    """A file that is none of certificates, an empty one, and one that there is not: all have one remedy."""
    roots = tmp_path / "roots.pem"
    if content is not None:
        roots.write_text(content)
    with Postgres(tmp_path / "pg", certificate=Authority(tmp_path).issue()) as server:
        boxes = Boxes(server, tmp_path)
        boxes.served.add(("pbx-1", "acme"))
        error = refusal(boxes, certificates=str(roots))
    assert error.state == "no-roots"
    assert "the file by which its certificate is trusted cannot be read (" in str(error.message)
    assert f"Put the root of the server's certificate into {roots}, in PEM." in str(error.remedy)


def test_a_server_is_full_read_only_a_standby_or_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is told apart from the others, with the action that mends it."""
    settings = {"max_connections": 6, "superuser_reserved_connections": 2, "max_wal_senders": 4}
    with Postgres(tmp_path / "pg", settings=settings) as server:
        boxes = Boxes(server, tmp_path)
        with contextlib.ExitStack() as taken:
            for _ in range(4):
                taken.enter_context(connect(boxes.database(), "acme"))
            error = refusal(boxes)
        assert (error.state, "Raise max_connections" in str(error.remedy)) == ("53300", True)
        server.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        server.sql("SELECT pg_reload_conf()")
        until(lambda: server.sql("SHOW default_transaction_read_only") == [("on",)], 60, lambda: "It is not.")
        error = refusal(boxes)
        assert (error.state, "ALTER SYSTEM RESET" in str(error.remedy)) == ("read-only", True)
        server.sql("ALTER SYSTEM RESET default_transaction_read_only")
        server.sql("SELECT pg_reload_conf()")
        with server.standby(tmp_path / "standby") as standby:
            error = refusal(boxes, hosts=(f"127.0.0.1:{standby.port}",))
        assert (error.state, "Promote one" in str(error.remedy)) == ("standby", True)
        monkeypatch.setattr(refusals, "SECONDS", 0.3)
        server.halt()
        error = refusal(boxes)
        assert (error.state, "does not hang" in str(error.remedy)) == ("silent", True)


def test_a_box_reports_how_far_its_clock_is_ahead(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured over a round trip at each report; every other box reads it."""
    for box, seconds in (("pbx-1", 90.0), ("pbx-2", 0.0)):
        clock = SimpleNamespace(time=partial(_time_ahead, seconds))
        monkeypatch.setattr(exchange_module, "time", clock)
        exchange = boxes.exchange(box)
        exchange_module.say_alive(exchange._connection, boxes.database(box), About())
    state = administration.database_state(boxes.database(), "acme")
    assert [round(box.ahead or 0.0, -1) for box in state.boxes] == [90.0, 0.0]


def _time_ahead(seconds: float) -> float:
    return time.time() + seconds
