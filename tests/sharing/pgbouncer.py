"""A real pgbouncer before a server of the lab, ended with the test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import psycopg

from lab.databases import HOST, Daemon, given, listens, programs, tail
from lab.ports import free_port
from lab.postgres import SUPERUSER
from lab.process import until

_BOOT = 60.0  # seconds; a fraction of one seen

# Transaction mode: a connection of the server's is lent for one transaction. That needs what psycopg's
# "Prepared statements" asks for: pgbouncer 1.22, max_prepared_statements above 0, and libpq 17 in clients.
# A server that was away is tried again at once, and not after 15 seconds.
# Of the roles only the superuser is named here; the secrets of others are asked of the server when they come.
_SETTINGS = """\
[databases]
{databases}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1
admin_users = {superuser}
pool_mode = transaction
max_prepared_statements = 100
max_client_conn = 200
default_pool_size = {pool}
server_tls_sslmode = prefer
server_login_retry = 0.2
"""


class Server(Protocol):
    """A server that pgbouncer can stand before: a `Postgres`, or a `Patroni`."""

    password: str

    def conninfo(self, **more: object) -> str: ...


class PgBouncer(Daemon):
    """pgbouncer in transaction mode, with at most ``pool`` connections to the server; a context manager.

    ``port`` is where it finds the server: the server's own, or that of a `HaProxy` before it. ``databases``
    are names of databases, each with the port of the server that has it, where there are several servers.
    """

    def __init__(
        self,
        folder: Path,
        server: Server,
        port: int,
        *,
        pool: int = 5,
        databases: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(folder)
        self._ports = databases or {"*": port}
        self._database = " dbname=postgres" if databases else ""
        self.port = free_port()
        self._server, self._pool = server, pool

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        given(self.folder)
        databases = [
            f"{name} = host={HOST} port={port}{self._database} auth_user={SUPERUSER}"
            for name, port in self._ports.items()
        ]
        settings = _SETTINGS.format(
            host=HOST,
            databases="\n".join(databases),
            port=self.port,
            superuser=SUPERUSER,
            folder=self.folder,
            pool=self._pool,
        )
        (self.folder / "pgbouncer.ini").write_text(settings)
        (self.folder / "users").write_text(f'"{SUPERUSER}" "{self._server.password}"\n')
        given(self.folder)
        child = self._launch(*programs().pgbouncer, self.folder / "pgbouncer.ini")
        until(
            lambda: listens(self.port),
            _BOOT,
            lambda: f"pgbouncer takes no connections.{tail(self._log)}",
            child,
        )

    def stop(self) -> None:
        """End it at once: whoever is connected is cut off. Does nothing if it does not run."""
        if self._child:
            self._child.end()
        self._child = None

    def conninfo(self, **more: object) -> str:
        """Return how libpq reaches the server through it; without TLS, which pgbouncer ends."""
        here: dict[str, object] = {"host": HOST, "port": self.port, "target_session_attrs": None}
        return self._server.conninfo(**(here | {"sslmode": None, "sslrootcert": None} | more))

    def admin(self, command: str) -> list[tuple[object, ...]]:
        """Return what a command of its console, such as SHOW POOLS, prints."""
        # The console knows only the simple protocol, which psycopg speaks with cursors of this kind.
        login, cursors = self.conninfo(dbname="pgbouncer"), psycopg.ClientCursor
        with psycopg.connect(login, autocommit=True, cursor_factory=cursors) as connection:
            cursor = connection.execute(command.encode())
            return list(cursor.fetchall()) if cursor.description else []
