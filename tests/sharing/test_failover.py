"""Boxes whose database fails over under load, and servers that are primary no more."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from examples import ONE, PLAYED
from informativa.model.errors import SharedDatabaseError
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab.postgres import Postgres
from lab.process import until
from sharing import erasing
from sharing.conftest import Boxes, prepared
from sharing.haproxy import HaProxy
from sharing.model import World
from sharing.patroni import Patroni
from sharing.pgbouncer import PgBouncer

Rounds = Callable[[int, int], int]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patroni]:
    """Two servers under Patroni, for all tests that need them."""
    with Patroni(tmp_path_factory.mktemp("cluster") / "patroni") as running:
        yield running


@pytest.fixture
def world(cluster: Patroni, tmp_path: Path) -> Iterator[World]:
    """Boxes that know both servers; a schema of the test's own."""
    with prepared(cluster, tmp_path) as boxes:
        made = World(boxes)
        yield made
        made.stop()


def fail_over(cluster: Patroni) -> None:
    """Kill the primary, let the standby take over, and bring back the dead one as its standby."""
    dead = cluster.kill_primary()
    cluster.wait_for_primary(other_than=dead)
    dead.start()
    cluster.wait_for_standbys()


@pytest.mark.night
def test_a_primary_that_is_killed_under_load_loses_nothing(
    cluster: Patroni, world: World, chance: random.Random, rounds: Rounds
) -> None:
    """The standby is promoted, what it had not got yet is sent to it, and nobody is told twice for that."""
    world.start("pbx-1", "pbx-2", "pbx-3")
    for _ in range(rounds(1, 10)):
        world.load(chance, 10, meanwhile=lambda: fail_over(cluster))
        print(world.check())


@pytest.mark.night
def test_a_failover_behind_pgbouncer_and_haproxy_loses_nothing(
    cluster: Patroni, world: World, tmp_path: Path, chance: random.Random, rounds: Rounds
) -> None:
    """Boxes stay connected to pgbouncer, and another server answers."""
    with (
        HaProxy(tmp_path / "haproxy", cluster.targets()) as proxy,
        PgBouncer(tmp_path / "pgbouncer", cluster, proxy.port) as bouncer,
    ):
        world.boxes.hosts = (f"127.0.0.1:{bouncer.port}",)
        world.start("pbx-1", "pbx-2", "pbx-3")
        for _ in range(rounds(1, 10)):
            world.load(chance, 10, meanwhile=lambda: fail_over(cluster))
            print(world.check())
        world.stop()


def test_a_connection_to_a_demoted_primary_counts_as_dead(boxes: Boxes, tmp_path: Path) -> None:
    """It answers and refuses writes (SQLSTATE 25006); the next connection is to the one that takes them."""
    assert isinstance(boxes.server, Postgres)
    boxes.record("pbx-1", PLAYED)
    with boxes.server.standby(tmp_path / "standby") as standby:
        hosts = tuple(f"127.0.0.1:{one.port}" for one in (boxes.server, standby))
        database = boxes.database("pbx-1", hosts=hosts)
        connection = connect(database, "acme")
        box = Exchange(boxes.store("pbx-1"), connection, database, "acme")
        boxes.opened.append(box)
        assert box.send() == 1
        standby.wait_for(boxes.server)
        standby.promote()
        boxes.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        boxes.sql("SELECT pg_reload_conf()")
        try:
            # A backend learns of it some time later than others, and a send before that would succeed.
            until(lambda: _takes_no_writes(connection), 60, lambda: "It does not refuse writes.")
            boxes.record("pbx-1", PLAYED)
            with pytest.raises(SharedDatabaseError, match=r"read-only transaction.*Promote one") as refused:
                box.send()
            assert isinstance(refused.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)
            again = boxes.exchange("pbx-1", hosts=hosts)
            assert (again.sent, again.send()) == (1, 1)
            rows = standby.sql("SELECT record, pseudonym FROM informativa.record ORDER BY record")
            assert rows == [(1, ONE), (2, ONE)]
        finally:
            boxes.sql("ALTER SYSTEM RESET default_transaction_read_only")
            boxes.sql("SELECT pg_reload_conf()")


@pytest.mark.night  # by day test_erasures.py loses the same rows without a second server
def test_i9_an_erasure_that_the_standby_never_got_is_done(
    boxes: Boxes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Replication breaks, a caller is erased, and the server that knows of it dies: with the promoted one all
    boxes erase him, and nobody types anything."""
    server = boxes.server
    assert isinstance(server, Postgres)
    erasing.begin(boxes, "pbx-1", "pbx-2")
    with server.standby(tmp_path_factory.mktemp("standby") / "pg") as standby:
        boxes.hosts = tuple(f"127.0.0.1:{one.port}" for one in (server, standby))
        standby.wait_for(server)
        standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
        standby.sql("SELECT pg_reload_conf()")
        until(lambda: not standby.sql("SELECT 1 FROM pg_stat_wal_receiver"), 60, lambda: "It goes on.")
        assert erasing.erase(boxes, "pbx-1", ONE) == 1
        server.kill()
        try:
            standby.promote()
            boxes.server = standby
            assert erasing.orders(boxes) == []
            boxes.opened = [boxes.exchange(name) for name in ("pbx-1", "pbx-2")]
            erasing.quiet(boxes)
            assert erasing.left(boxes, ONE) == []
            assert erasing.stored_orders(boxes, "pbx-1") == []
        finally:
            boxes.close()
            boxes.opened, boxes.server = [], server
            server.start()


def _takes_no_writes(connection: psycopg.Connection[tuple[str]]) -> bool:
    shown = connection.execute("SHOW default_transaction_read_only").fetchone()
    connection.rollback()
    return shown == ("on",)
