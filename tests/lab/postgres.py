"""A real PostgreSQL, started for one test and ended with it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from .certificates import Certificate
from .databases import HOST, Daemon, arguments, as_plain_user, children, given, programs, socket_folder, tail
from .ports import free_port
from .process import NeverError, has_ended, until

_BOOT = 60.0  # seconds; under one second seen on an idle machine, so this is for a busy one
_TRIES = 5  # with another port each time
SUPERUSER = "lab"
_IPC_RMID = 0  # linux/ipc.h

_SETTINGS: Mapping[str, object] = {
    "listen_addresses": f"'{HOST}'",
    "max_connections": 100,
    "shared_buffers": "'16MB'",
    "jit": "off",  # its compiler is not among what is unpacked
    "dynamic_shared_memory_type": "mmap",  # a killed server leaves nothing in /dev/shm
    "log_line_prefix": "'%m [%p] %a '",
    "log_checkpoints": "off",
}
_CARELESS: Mapping[str, object] = {"fsync": "off", "full_page_writes": "off"}  # faster
_ITERATIONS = {
    "scram_iterations": 1
}  # of a password's hash: with 4096 each connection costs five times as much
_FIRST_WITH_ITERATIONS = 16  # the version


class PostgresError(Exception):
    """The lab's PostgreSQL did not do what it must; says what, and shows the end of its log."""


class Postgres(Daemon):
    """PostgreSQL with its own folders under ``folder``, on a free port of 127.0.0.1; a context manager.

    It keeps data and port when it is started again after ``stop`` or ``kill``. A ``durable`` one waits for
    the disk at each commit, as servers outside of tests do. With a ``certificate`` it takes connections over
    TCP only with TLS. ``settings`` are lines of postgresql.conf, values as they are written there.
    ``server_programs`` is the folder of postgres and initdb, if not the lab's own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = False,
        certificate: Certificate | None = None,
        settings: Mapping[str, object] | None = None,
        server_programs: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self._programs = server_programs or programs().postgresql
        self.data = self.folder / "data"
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._certificate, self._durable, self._own = certificate, durable, dict(settings or {})
        self._quick = _ITERATIONS if int(self._programs.parent.name) >= _FIRST_WITH_ITERATIONS else {}
        self._started_once = self._halted = False
        self._closing = contextlib.ExitStack()
        self._sockets = self.folder / "run"

    # -- being there -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it takes connections; makes its data directory the first time."""
        if self.pid:
            raise PostgresError("This PostgreSQL runs already; stop it first.")
        given(self.folder)
        if not self.data.exists():
            self._initialize()
        self._sockets = self._closing.enter_context(socket_folder(self.folder / "run"))
        self._configure()
        try:
            for _ in range(1 if self._started_once else _TRIES):
                before = len(self.log)
                try:
                    self._boot()
                except NeverError as error:
                    if self._started_once or "could not bind" not in self.log[before:]:
                        raise PostgresError(str(error)) from error
                    self.port = free_port()  # somebody took the other one since it was seen free
                else:
                    self._started_once = True
                    return
            raise PostgresError(f"No free port was found in {_TRIES} tries.{tail(self._log)}")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in an orderly way; whoever is connected is cut off. Does nothing if it does not run."""
        if self._halted:
            self.kill()
        elif self._child:
            self._child.send(signal.SIGINT)
            if not self._child.wait(20):
                self.kill()
        self._clean()

    def kill(self) -> None:
        """End it as if its machine died, with all its processes. Does nothing if it does not run."""
        if self._child and self.pid:
            kill_server(self.pid)
            self._child.kill()
        self._clean()

    def halt(self) -> None:
        """Have it hang: it still takes connections, and says nothing, until it is killed."""
        if self.pid:
            for pid in (self.pid, *children(self.pid)):  # the first starts no more of the others
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            self._halted = True

    def _clean(self) -> None:
        self._child, self._halted = None, False
        self._closing.close()

    def _boot(self) -> None:
        options = {"port": self.port, "unix_socket_directories": self._sockets}
        server, extra = self._programs / "postgres", arguments(options)
        child = self._launch(server, "-D", self.data, *extra)
        until(
            lambda: takes_connections(self.data, child.pid),
            _BOOT,
            lambda: f"PostgreSQL does not take connections.{tail(self._log)}",
            child,
        )

    # -- talking to it ---------------------------------------------------------------------------------

    def conninfo(self, **more: object) -> str:
        """Return how libpq reaches it as superuser; ``more`` replaces parts (None takes one out) and adds
        others."""
        parts: dict[str, object] = {
            "host": HOST,
            "port": self.port,
            "user": SUPERUSER,
            "password": self.password,
        }
        parts |= {"dbname": "postgres", "connect_timeout": 20}
        if self._certificate:
            parts |= {"sslmode": "verify-full", "sslrootcert": self._certificate.root}
        parameters = {name: str(value) for name, value in (parts | more).items() if value is not None}
        return make_conninfo("", **parameters)

    def sql(self, text: str, **more: object) -> list[tuple[object, ...]]:
        """The rows of a statement, a transaction of its own, over the socket; of several, the last one's."""
        local = {"host": self._sockets, "sslmode": None, "sslrootcert": None}
        with psycopg.connect(self.conninfo(**(local | more)), autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            while cursor.nextset():
                pass
            return list(cursor.fetchall()) if cursor.description else []

    # -- a standby -------------------------------------------------------------------------------------

    def standby(self, folder: Path, **settings: object) -> Postgres:
        """A server that is to follow this one, its data copied from it; to be started."""
        other = self._alike(folder, settings)
        other._copy(self.conninfo(application_name=other.folder.name), "-R")
        return other

    def base_backup(self, folder: Path) -> Postgres:
        """A base backup of this server, as one that can take its place; to be restored or started."""
        other = self._alike(folder, {})
        other._copy(self.conninfo())
        return other

    def restore(self, archive: Path, point: str) -> None:
        """Have a base backup go on to a restore point, at its start, by the log in an archive."""
        self._own |= {
            "restore_command": f"'cp {archive}/%f \"%p\"'",
            "recovery_target_name": f"'{point}'",
            "recovery_target_action": "promote",
        }
        (self.data / "recovery.signal").touch()

    def take_place_of(self, other: Postgres) -> None:
        """Start where another server was, which does not run any more, and wait until it takes writes."""
        self.port = other.port
        self.start()
        writes = "SELECT pg_is_in_recovery()"
        until(lambda: self.sql(writes) == [(False,)], _BOOT, lambda: f"It takes no writes.{tail(self._log)}")

    def _alike(self, folder: Path, settings: Mapping[str, object]) -> Postgres:
        other = Postgres(
            folder,
            durable=self._durable,
            certificate=self._certificate,
            settings={**self._own, **settings},
            server_programs=self._programs,
        )
        other.password = self.password
        given(other.folder)
        return other

    def _copy(self, source: str, *options: str) -> None:
        copied = ("-d", source, "-D", self.data, "-X", "stream", "-c", "fast", "--no-sync")
        self._run("pg_basebackup", *copied, *options)

    def promote(self) -> None:
        """Make a standby a primary, and wait until it is one."""
        if self.sql("SELECT pg_promote(true, 30)") != [(True,)]:
            raise PostgresError(f"The standby does not become a primary.{tail(self._log)}")

    def position(self) -> int:
        """Return how far its log goes, in bytes: what a primary wrote, or what a standby has applied."""
        place = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
        return int(str(self.sql(f"SELECT pg_wal_lsn_diff({place}, '0/0')::bigint")[0][0]))

    def wait_for(self, primary: Postgres, seconds: float = 60.0) -> None:
        """On a standby: wait until it has applied all that the primary has written by now."""
        goal = primary.position()
        until(lambda: self.position() >= goal, seconds, lambda: f"The standby lags.{tail(self._log)}")

    # -- its files -------------------------------------------------------------------------------------

    def _initialize(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        given(self.folder)
        options = [
            "--encoding=UTF8",
            "--locale=C",
            "--auth=scram-sha-256",
            f"--username={SUPERUSER}",
            "--no-sync",
            *(f"--set={name}={value}" for name, value in self._quick.items()),
        ]
        try:
            self._run("initdb", "-D", self.data, f"--pwfile={secret}", *options)
        except BaseException:
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        finally:
            secret.unlink()

    def _run(self, name: str, *options: str | Path) -> None:
        """Run one of PostgreSQL's programs to its end."""
        ran = subprocess.run(
            [*as_plain_user(), self._programs / name, *options],
            cwd=self.folder,
            env=programs().environment(self.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise PostgresError(f"{name} failed: {ran.stderr.strip() or ran.stdout.strip()}")

    def _configure(self) -> None:
        settings = {**_SETTINGS, **self._quick, **({} if self._durable else _CARELESS), **self._own}
        if self._certificate:
            _write(self.data / "server.crt", self._certificate.certificate)
            _write(self.data / "server.key", self._certificate.key)
            settings["ssl"] = "on"
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        _write(self.data / "postgresql.conf", lines.encode())
        _write(self.data / "pg_hba.conf", access(tls=bool(self._certificate)).encode())
        given(self.data)


def access(*, tls: bool) -> str:
    """pg_hba.conf: a password for everybody, and over TCP nothing without TLS where there is TLS."""
    kind = "hostssl" if tls else "host"
    remote = "".join(
        f"{kind} {database} all {HOST}/32 scram-sha-256\n" for database in ("all", "replication")
    )
    return f"local all all scram-sha-256\n{remote}"


def takes_connections(data: Path, pid: int | None = None) -> bool:
    """Return whether a server says so in its postmaster.pid; of this process, as a killed one leaves the
    file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready" and pid in (None, int(lines[0]))


def kill_server(pid: int) -> None:
    """Kill a postmaster and all its processes; halted first, so that it starts and ends none meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        segment = _shared_memory(Path(f"/proc/{pid}/cwd"))
        every = (*children(pid), pid)
        for process in every:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        until(lambda: all(map(has_ended, every)), 30, lambda: f"{every} were killed, and are not dead.")
        if segment is not None:  # it would stay until the next start of the machine
            ctypes.CDLL(None).shmctl(segment, _IPC_RMID, None)


def _shared_memory(data: Path) -> int | None:
    """The System V segment by which PostgreSQL knows whether processes of an earlier run are left."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int((data / "postmaster.pid").read_text().splitlines()[6].split()[1])
    return None


def _write(file: Path, content: bytes) -> None:
    """Write a file that only its owner reads, as PostgreSQL asks for a key."""
    file.touch(0o600)
    file.chmod(0o600)
    file.write_bytes(content)
