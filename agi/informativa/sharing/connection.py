"""A connection to the database where boxes meet, as one company's role, and the translation of its errors."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.abc import PQGen

from ..model import SharedDatabase
from ..model.errors import BoxRefusedError, SharedDatabaseError
from ..model.text import Foreign, Text
from . import schema

CONNECT_SECONDS = 5  # for each host
SILENCE_MILLISECONDS = 10_000  # without any packet of the other side, after which a connection is given up
SILENCE_SECONDS = 60.0  # of a server that hangs while its system answers for it: TCP does not notice that
_CERTIFICATE_SECONDS = 2.0
_TLS_REQUEST = struct.pack(">II", 8, 80877103)  # "SSLRequest" of PostgreSQL's "Message Formats"

Result = TypeVar("Result")

logging.getLogger("psycopg").setLevel(logging.ERROR)  # what breaks is raised, and told by whoever asked

# Remedies by SQLSTATE, or by its first two characters where nothing closer is known.
_REMEDIES = {
    "28": Text("Look at the passwords (`shared.passwords`) and at pg_hba.conf."),
    "3D": Text("Make the database: createdb {database}"),
    "3F": Text("Make the schema: informativa shared migrate"),
    "42501": Text("Give the role its rights: informativa shared migrate"),
    "42P01": Text("Make the schema: informativa shared migrate"),
    "53100": Text("The database's disk is full: make room."),
    "53300": Text(
        "The database takes no more connections: raise max_connections, or put pgbouncer before it."
    ),
    "25006": Text("It is a standby now, and is asked again until another takes writes."),
}
# libpq gives no SQLSTATE where no connection came about.
_UNKNOWN = Text("See that it runs, and that roles and schemas are made: informativa shared migrate")


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up a server which says nothing for so long, and any server when nobody waits
    any more."""

    silence = SILENCE_SECONDS
    schema = schema.OLDEST
    """The newest migration that the company's schema has."""
    unwanted: Callable[[], bool] = staticmethod(lambda: False)

    def wait(self, gen: PQGen[Result], *arguments: Any, **keywords: Any) -> Result:
        """Wait like psycopg's own method, which looks up several times a second."""
        return super().wait(self._with_limit(gen), *arguments, **keywords)

    def _with_limit(self, gen: PQGen[Result]) -> PQGen[Result]:
        deadline = time.monotonic() + self.silence
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                if not ready and (self.unwanted() or time.monotonic() > deadline):
                    self.close()  # else what is done on the way out would wait as long again
                    raise psycopg.OperationalError(f"it said nothing for {self.silence:.0f} s")
                awaited = gen.send(ready)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def connect(
    database: SharedDatabase,
    controller: str,
    *,
    seconds: float = CONNECT_SECONDS,
    silence: float | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Connection:
    """Connect as the company's role, to the host that takes writes. Raises SharedDatabaseError, and
    BoxRefusedError where the schema is not one that this program can work with."""
    with translated(database):
        try:
            connection = Connection.connect(address(database, controller, seconds), autocommit=True)
        except psycopg.OperationalError as error:
            if reason := _distrust(error, database):
                raise psycopg.OperationalError(f"{error}: {reason}") from error
            raise
    connection.silence = SILENCE_SECONDS if silence is None else silence
    connection.unwanted = unwanted
    try:
        connection.schema = _schema_number(connection, database, controller)
    except BaseException:
        connection.close()
        raise
    return connection


def address(database: SharedDatabase, controller: str, seconds: float = CONNECT_SECONDS) -> str:
    """Return the connection string for libpq (its "Database Connection Control Functions").
    `target_session_attrs` passes over a standby, or a primary that was demoted."""
    hosts = [_host_and_port(host) for host in database.hosts]
    parameters: dict[str, str | int | None] = {
        "host": ",".join(host for host, _ in hosts),
        "port": ",".join(port for _, port in hosts),
        "dbname": database_name(database, controller),
        "user": schema.role(controller),
        "target_session_attrs": "read-write",
        "connect_timeout": max(2, round(seconds)),
        "tcp_user_timeout": SILENCE_MILLISECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "application_name": f"informativa {database.box}",
    }
    if database.passwords:
        parameters["passfile"] = database.passwords
    if database.certificates:
        parameters |= {"sslmode": "verify-full", "sslrootcert": database.certificates}
    return conninfo.make_conninfo("", **parameters)


def database_name(database: SharedDatabase, controller: str) -> str:
    """Return the name of a company's database."""
    return database.name.replace("{controller}", controller)


def _distrust(error: psycopg.OperationalError, database: SharedDatabase) -> str:
    """Return the reason why the certificate is not trusted; '' for any other error."""
    if not (database.certificates and "certificate verify failed" in str(error)):
        return ""
    hosts = map(_host_and_port, database.hosts)
    return next(filter(None, (_verification_error(*host, database.certificates) for host in hosts)), "")


def _host_and_port(host: str) -> tuple[str, str]:
    if host.startswith("/"):
        return host, ""
    name, _, port = host.rpartition(":")
    return name.strip("[]"), port


def _schema_number(connection: psycopg.Connection, database: SharedDatabase, controller: str) -> int:
    """Return the number of the schema, after a check that it exists and that this program may write to it."""
    with translated(database):
        statement = f"SELECT max(number), max(needed) FROM {schema.quoted(schema.role(controller))}.migration"  # noqa: S608  # our own names
        number, needed = connection.execute(statement).fetchone() or (None, None)
    if number is None or number < schema.OLDEST:
        raise SharedDatabaseError(
            Text("The schema of {controller} in {database} is of an earlier informativa, or not whole.",
                 controller=controller, database=database.name),
            Text("Whoever administers the database types: informativa shared migrate"),
        )  # fmt: skip
    if needed > schema.newest():
        raise BoxRefusedError(
            Text("The schema of {controller} in {database} is of a newer informativa.",
                 controller=controller, database=database.name),
            Text("Upgrade this one."),
        )  # fmt: skip
    return int(number)


@contextmanager
def translated(database: SharedDatabase) -> Iterator[None]:
    """Turn errors of psycopg's into SharedDatabaseError."""
    try:
        yield
    except (psycopg.Error, OSError, UnicodeError) as error:
        raise unusable(database, error) from error


def unusable(database: SharedDatabase, error: Exception) -> SharedDatabaseError:
    """Return the error with the database's words, and the remedy."""
    state = getattr(error, "sqlstate", None) or ""
    message = " ".join(str(error).split()) or type(error).__name__
    remedy = _REMEDIES.get(state) or _REMEDIES.get(state[:2]) or _UNKNOWN
    return SharedDatabaseError(
        Text(
            "The shared database {database} cannot be used ({why}).",
            database=f"{database.name} on {', '.join(database.hosts)}",
            why=Foreign(message),
        ),
        remedy.format(database=database.name),
    )


def _verification_error(host: str, port: str, roots: str) -> str:
    """Return the reason why a server's certificate is not trusted, in OpenSSL's words ("certificate has
    expired"), by connecting once more, since libpq says only that it is not; '' where the certificate is
    trusted, or there is none."""
    try:
        context = ssl.create_default_context(cafile=None if roots == "system" else roots)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python's own since 3.13, and not libpq's
        with socket.create_connection((host, int(port)), _CERTIFICATE_SECONDS) as connection:
            connection.sendall(_TLS_REQUEST)
            if connection.recv(1) == b"S":
                context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except (OSError, ValueError):
        pass
    return ""
