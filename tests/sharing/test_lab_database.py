"""The lab's PostgreSQL and what stands around it, so that a red test elsewhere is the product's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from select import select

import psycopg
import pytest

from lab.certificates import Authority, Certificate
from lab.fast_folder import short_folder
from lab.postgres import Postgres
from lab.process import has_ended, until
from sharing.haproxy import HaProxy, Target
from sharing.patroni import Patroni
from sharing.pgbouncer import PgBouncer

WITH_LAB = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def test_server_runs_sql(server: Postgres) -> None:
    """A statement's rows come back, over the socket and over TCP with the password."""
    assert server.sql("SELECT 1, 'è'") == [(1, "è")]
    with psycopg.connect(server.conninfo()) as connection:
        assert connection.execute("SHOW password_encryption").fetchall() == [("scram-sha-256",)]


def test_wrong_password_is_refused(server: Postgres) -> None:
    """Nobody is let in without the password, whoever he is on this machine."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        server.sql("SELECT 1", password="guessed")


def test_no_server_runs_as_root(server: Postgres) -> None:
    """Whoever runs the lab, the server is an ordinary user's process."""
    assert server.pid
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


@pytest.mark.night
def test_what_was_committed_survives_the_death_of_the_machine(tmp_path: Path) -> None:
    """Killed with all its processes and started again, a durable server has all that it committed."""
    with Postgres(tmp_path / "pg", durable=True) as server:
        server.sql("CREATE TABLE t (n int)")
        with psycopg.connect(server.conninfo(), autocommit=True) as open_:
            open_.execute("INSERT INTO t SELECT generate_series(1, 1000)")
            pid, backend = server.pid, open_.info.backend_pid
            server.kill()
            assert pid
            assert has_ended(pid)
            assert has_ended(backend)
            with pytest.raises(psycopg.OperationalError):
                open_.execute("SELECT 1")
        server.start()
        assert server.sql("SELECT count(*), max(n) FROM t") == [(1000, 1000)]
        assert server.sql("SHOW fsync") == [("on",)]
        assert "automatic recovery in progress" in server.log


@pytest.mark.night
def test_server_that_hangs_takes_connections_and_says_nothing(tmp_path: Path) -> None:
    """Whoever is connected gets no answer, nor whoever comes; it can be ended at once, and started again."""
    with Postgres(tmp_path / "pg") as server, closing(psycopg.connect(server.conninfo())) as open_:
        pids = (server.pid or 0, open_.info.backend_pid)
        server.halt()
        open_.pgconn.send_query(b"SELECT 1")
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(server.conninfo(connect_timeout=2))
        assert select([open_.fileno()], [], [], 0)[0] == []
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < 20  # which is what one that does not hang is given
        assert all(map(has_ended, pids))
        server.start()
        assert server.sql("SELECT 1") == [(1,)]


@pytest.mark.night
def test_socket_of_a_deep_folder(tmp_path: Path) -> None:
    """A path too long for a socket's address does no harm, and nothing is left in the folder for it."""
    with Postgres(tmp_path / ("x" * 100) / "pg") as server:
        (sockets,) = server.sql("SHOW unix_socket_directories")[0]
        assert Path(str(sockets)).parent == Path(tempfile.gettempdir())
        assert server.sql("SELECT 1") == [(1,)]
    assert not Path(str(sockets)).exists()


@pytest.mark.night  # by day test_failover.py has one
def test_standby_follows_and_is_promoted(tmp_path: Path) -> None:
    """A standby has the primary's rows, refuses to write, and writes once it is the primary."""
    with Postgres(tmp_path / "a") as primary, primary.standby(tmp_path / "b") as standby:
        primary.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        standby.wait_for(primary)
        assert standby.sql("SELECT n FROM t") == [(1,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            standby.sql("INSERT INTO t VALUES (2)")
        primary.kill()
        standby.promote()
        standby.sql("INSERT INTO t VALUES (2)")
        assert standby.sql("SELECT n FROM t ORDER BY n") == [(1,), (2,)]
        both = {"host": "127.0.0.1,127.0.0.1", "port": f"{primary.port},{standby.port}"}
        with psycopg.connect(standby.conninfo(**both, target_session_attrs="read-write")) as connection:
            assert connection.info.port == standby.port


SCRIPT = """
import sys
from pathlib import Path
from sharing.patroni import Patroni, server_pid
from lab.postgres import Postgres
folder = Path(sys.argv[1])
with Postgres(folder / "pg") as server, Patroni(folder / "patroni", members=1) as cluster:
    print(server.pid, server_pid(cluster.members[0].data), cluster.members[0].pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.night
def test_nothing_outlives_the_tests() -> None:
    """Servers end when Python is killed, those that Patroni has set free included."""
    with tempfile.TemporaryDirectory(dir=short_folder()) as folder:  # where sockets need no other one
        command = [sys.executable, "-c", SCRIPT, folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=WITH_LAB) as python:
            assert python.stdout
            pids = [int(number) for number in python.stdout.readline().split()]
            assert len(pids) == 3
            assert not any(map(has_ended, pids))
            python.kill()
        until(lambda: all(map(has_ended, pids)), 60, lambda: f"{pids} should have ended.")


def issued(folder: Path, flaw: str) -> Certificate:
    """A certificate of each kind; clients are to trust `root` whoever signed."""
    authority = Authority(folder)
    if flaw == "expired":
        return authority.issue(expired=True)
    if flaw == "wrong name":
        return authority.issue(["other.example"])
    if flaw == "another authority":
        stranger = Authority(folder, "stranger").issue()
        return Certificate(stranger.certificate, stranger.key, authority.root)
    return authority.issue()


@pytest.mark.night
def test_tls_that_is_verified(tmp_path: Path) -> None:
    """A good certificate is believed, and without TLS nobody is let in over TCP."""
    with Postgres(tmp_path / "pg", certificate=issued(tmp_path, "good")) as server:
        with psycopg.connect(server.conninfo(host="localhost", hostaddr="127.0.0.1")) as connection:
            assert connection.execute(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).fetchone() == (True,)
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            psycopg.connect(server.conninfo(sslmode="disable"))
        with server.standby(tmp_path / "standby") as standby:
            standby.wait_for(server)


@pytest.mark.night
@pytest.mark.parametrize(
    ("flaw", "complaint"),
    [
        ("expired", "certificate verify failed"),
        ("wrong name", 'does not match host name "127.0.0.1"'),
        ("another authority", "certificate verify failed"),
    ],
)
def test_tls_that_nobody_should_believe(tmp_path: Path, flaw: str, complaint: str) -> None:
    """A certificate that is expired, another server's or of an unknown authority is refused by libpq."""
    with Postgres(tmp_path / "pg", certificate=issued(tmp_path, flaw)) as server:
        assert server.sql("SELECT 1") == [(1,)]
        with pytest.raises(psycopg.OperationalError, match=complaint):
            psycopg.connect(server.conninfo())


@pytest.mark.night
def test_pgbouncer_passes_queries_through(server: Postgres, tmp_path: Path) -> None:
    """Prepared statements work although each transaction may have another connection of the server's."""
    server.sql("CREATE ROLE guest LOGIN PASSWORD 'welcome'")
    with PgBouncer(tmp_path / "pgbouncer", server, server.port, pool=2) as bouncer:
        login = bouncer.conninfo(user="guest", password="welcome")
        with (
            psycopg.connect(login, prepare_threshold=0) as one,
            psycopg.connect(login, prepare_threshold=0) as other,
        ):
            for number in range(10):
                for client in (one, other):
                    assert client.execute("SELECT %s::int + 1", [number]).fetchall() == [(number + 1,)]
                    client.commit()
        assert ("postgres", "guest") in {row[:2] for row in bouncer.admin("SHOW POOLS")}
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(bouncer.conninfo(user="guest", password="guessed"))


@pytest.mark.night
def test_haproxy_leads_to_the_server_that_runs(tmp_path: Path) -> None:
    """A query passes, and once the first server is dead it passes to the other."""
    with (
        Postgres(tmp_path / "a") as first,
        first.standby(tmp_path / "b") as second,
        HaProxy(tmp_path / "haproxy", [Target("a", first.port), Target("b", second.port)]) as proxy,
    ):
        assert proxy.up() == ["a", "b"]
        first.kill()
        until(lambda: proxy.up() == ["b"], 60, lambda: proxy.log)
        with psycopg.connect(first.conninfo(port=proxy.port)) as connection:
            assert connection.execute("SELECT pg_is_in_recovery()").fetchall() == [(True,)]


@pytest.mark.night
def test_patroni_fails_over_when_the_primary_dies(tmp_path: Path) -> None:
    """The standby becomes primary with all rows, clients are led to it, and the dead one follows it."""
    with (
        Patroni(tmp_path / "patroni") as cluster,
        HaProxy(tmp_path / "haproxy", cluster.targets()) as proxy,
        PgBouncer(tmp_path / "pgbouncer", cluster, proxy.port) as bouncer,
    ):
        through_proxy = {"host": "127.0.0.1", "port": proxy.port, "target_session_attrs": None}
        cluster.sql("CREATE TABLE t (n int)", **through_proxy)
        cluster.sql("SET synchronous_commit TO remote_apply; INSERT INTO t VALUES (1)")
        dead = cluster.kill_primary()
        began = time.monotonic()
        primary = cluster.wait_for_primary(other_than=dead)
        print(f"failed over in {time.monotonic() - began:.1f} s")
        assert primary is not dead
        cluster.sql("INSERT INTO t VALUES (2)")
        until(lambda: proxy.up() == [primary.name], 60, lambda: proxy.log)
        assert cluster.sql("SELECT n FROM t ORDER BY n", **through_proxy) == [(1,), (2,)]
        with psycopg.connect(bouncer.conninfo()) as pooled:
            assert pooled.execute("SELECT count(*) FROM t").fetchall() == [(2,)]
        dead.start()
        cluster.wait_for_standbys()
        assert cluster.primary() is primary
