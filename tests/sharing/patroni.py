"""A real Patroni: PostgreSQL servers of which one is the primary, and another when that is dead."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
from psycopg.conninfo import make_conninfo

from lab.databases import HOST, Daemon, given, programs, socket_folder, tail
from lab.ports import free_port
from lab.postgres import SUPERUSER, kill_server
from lab.process import until
from sharing.etcd import Etcd
from sharing.haproxy import Target

_BOOT = 90.0  # seconds; under ten seen
_FAILOVER = 60.0  # seconds; about seven seen
_TESTS = Path(__file__).resolve().parents[1]

# A dead primary's key goes after ttl seconds; the rule is loop_wait + 2 * retry_timeout <= ttl.
_TIMES: Mapping[str, object] = {"ttl": 5, "loop_wait": 1, "retry_timeout": 2}

# Ends the servers when Python is gone, whichever way: Patroni sets them free, so that they outlive it. The
# end of the guard's input, which it waits for, comes from the kernel.
_GUARD = """
cat >/dev/null
for file in "$@"; do
    pid=$(head -n 1 "$file" 2>/dev/null) || continue
    if [ "/proc/$pid/cwd" -ef "$(dirname "$file")" ]; then kill -QUIT "$pid"; fi
done
"""


class Member(Daemon):
    """A PostgreSQL with its Patroni."""

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        super().__init__(folder)
        self.name = folder.name
        self.data = self.folder / "data"
        self.port, self.rest = free_port(), free_port()
        self._settings = settings
        self._closing = contextlib.ExitStack()

    def start(self) -> None:
        """Start it. The first time it makes a cluster, or copies the primary's if there is one."""
        given(self.folder)
        sockets = self._closing.enter_context(socket_folder(self.folder / "run"))
        file = self.folder / "patroni.yml"
        file.write_text(json.dumps(self._configuration(sockets), indent=2))  # which YAML reads as well
        given(file.parent)
        command = (sys.executable, "-m", "sharing.patroni_quick", file)
        environment = {"PYTHONPATH": str(_TESTS), "PYTHONDONTWRITEBYTECODE": "1"}
        self._launch(*command, **environment)

    def stop(self) -> None:
        """End it in an orderly way: another becomes primary at once. Does nothing if it does not run."""
        if self._child:
            self._child.end(patience=20)
        self.kill()

    def kill(self) -> None:
        """End it and its server as if their machine died. Does nothing if they do not run."""
        if self._child:
            self._child.kill()
        self._child = None
        if (pid := server_pid(self.data)) is not None:
            kill_server(pid)
        self._closing.close()

    def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer of its REST API; status 0 if there is none."""
        try:
            with urlopen(f"http://{HOST}:{self.rest}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, {}
        except (OSError, ValueError, HTTPException):  # it may end in the middle of its answer
            return 0, {}

    def _configuration(self, sockets: Path) -> dict[str, object]:
        address, settings = f"{HOST}:{self.port}", dict(self._settings)
        postgresql = dict(settings.pop("postgresql"))  # type: ignore[call-overload]
        postgresql |= {
            "listen": address,
            "connect_address": address,
            "data_dir": str(self.data),
            "bin_dir": str(programs().postgresql),
            "pgpass": str(self.folder / "pgpass"),
            "parameters": {"unix_socket_directories": str(sockets)},
        }
        rest = {"listen": f"{HOST}:{self.rest}", "connect_address": f"{HOST}:{self.rest}"}
        return {**settings, "name": self.name, "restapi": rest, "postgresql": postgresql}


class Patroni:
    """Members of one cluster and the etcd in which they agree who is primary; a context manager."""

    def __init__(
        self, folder: Path, *, members: int = 2, durable: bool = False, synchronous: bool = False
    ) -> None:
        self.folder = folder.absolute()
        self.password = secrets.token_hex(16)
        self.etcd = Etcd(self.folder / "etcd")
        settings = cluster_settings(self.etcd.port, self.password, durable=durable, synchronous=synchronous)
        self.members = [Member(self.folder / f"member{n}", settings) for n in range(1, members + 1)]
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Patroni:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all and wait until there is a primary and every other member follows it."""
        given(self.folder)
        files = [str(member.data / "postmaster.pid") for member in self.members]
        guard = ["sh", "-c", _GUARD, "guard", *files]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
        try:
            self.etcd.start()
            for member in self.members:
                member.start()
            self.wait_for_standbys(_BOOT)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all, the short way: nobody needs the data any more."""
        for member in self.members:
            member.kill()
        self.etcd.kill()
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait()
        self._guard = None

    def primary(self) -> Member | None:
        """The member that holds the leader's key and takes writes; None while there is none.

        Patroni's status is 200 as soon as it holds the key, a moment before its server takes writes.
        """
        running = [(one, one.ask("/primary")) for one in self.members if one.pid]
        primaries = (
            one for one, (status, body) in running if status == 200 and body.get("role") == "primary"
        )
        return next(primaries, None)

    def kill_primary(self) -> Member:
        """End the primary as if its machine died; which it was."""
        victim = self.wait_for_primary()
        victim.kill()
        return victim

    def wait_for_primary(self, other_than: Member | None = None, seconds: float = _FAILOVER) -> Member:
        """The primary, once there is one that is not ``other_than``."""
        primaries: list[Member] = []

        def has_primary() -> bool:
            primaries[:] = [one for one in [self.primary()] if one and one is not other_than]
            return bool(primaries)

        until(has_primary, seconds, lambda: f"There is no primary.{self._tails()}")
        return primaries[0]

    def wait_for_standbys(self, seconds: float = _FAILOVER) -> None:
        """Wait until there is a primary and every other member that runs follows it."""
        until(self._whole, seconds, lambda: f"The members do not find together.{self._tails()}")

    def conninfo(self, **more: object) -> str:
        """Return how libpq reaches whoever is primary, as superuser; ``more`` as for `Postgres.conninfo`."""
        hosts = {"host": ",".join(HOST for _ in self.members), "target_session_attrs": "read-write"}
        ports = ",".join(str(member.port) for member in self.members)
        parts: dict[str, object] = {**hosts, "port": ports, "user": SUPERUSER, "password": self.password}
        parts |= {"dbname": "postgres", "connect_timeout": 20}
        parameters = {name: str(value) for name, value in (parts | more).items() if value is not None}
        return make_conninfo("", **parameters)

    def sql(self, text: str, **more: object) -> list[tuple[object, ...]]:
        """The rows of a statement at the primary."""
        with psycopg.connect(self.conninfo(**more), autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return list(cursor.fetchall()) if cursor.description else []

    def targets(self) -> list[Target]:
        """The members, for a `HaProxy` before them."""
        return [Target(member.name, member.port, member.rest) for member in self.members]

    def _whole(self) -> bool:
        running = [member for member in self.members if member.pid]
        primary = self.primary()
        if not primary:
            return False
        states = {one["name"]: one["state"] for one in primary.ask("/cluster")[1].get("members", ())}
        return all(states.get(one.name) == "streaming" for one in running if one is not primary)

    def _tails(self) -> str:
        return "".join(f" {member.name}:{tail(member.folder / 'log')}" for member in self.members)


def cluster_settings(etcd: int, password: str, *, durable: bool, synchronous: bool) -> dict[str, object]:
    """Return what all members have in common."""
    parameters = {"shared_buffers": "16MB", "jit": "off", "dynamic_shared_memory_type": "mmap"}
    if not durable:
        parameters |= {"fsync": "off", "full_page_writes": "off"}
    local: dict[str, object] = {"parameters": {**parameters, "wal_log_hints": "on"}, "use_pg_rewind": True}
    again = {"remove_data_directory_on_rewind_failure": True, "basebackup": [{"checkpoint": "fast"}]}
    login = {"username": SUPERUSER, "password": password}
    access = ["local all all scram-sha-256"]
    access += [f"host {database} all {HOST}/32 scram-sha-256" for database in ("all", "replication")]
    return {
        "scope": "lab",
        "etcd3": {"host": f"{HOST}:{etcd}"},
        "bootstrap": {
            "dcs": dict(_TIMES) | {"synchronous_mode": synchronous, "postgresql": local},
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "scram-sha-256"}, "no-sync"],
        },
        "postgresql": {
            "authentication": {"superuser": login, "replication": {**login, "username": "replicator"}},
            "pg_hba": access,
            **again,
        },
    }


def server_pid(data: Path) -> int | None:
    """The postmaster of a data directory, if it runs; another process of its number works elsewhere."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        return pid if Path(f"/proc/{pid}/cwd").samefile(data) else None
    except (OSError, ValueError):
        return None
