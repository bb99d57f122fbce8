"""A connection to the database where boxes meet, as this box's login, and the translation of its errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.abc import PQGen

from ..model import SharedDatabase
from ..model.errors import BoxRefusedError, SharedDatabaseError
from ..model.text import Text
from . import schema, startup
from .refusals import refused, unusable

CONNECT_SECONDS = 5  # for each host
SILENCE_MILLISECONDS = 10_000  # without any packet of the other side, after which a connection is given up
SILENCE_SECONDS = 60.0  # of a server that hangs while its system answers for it: TCP does not notice that

_COMPANIES = f"""
SELECT m.number, m.needed, c.controller, c.company
FROM (SELECT max(number) AS number, max(needed) AS needed FROM {schema.SCHEMA}.migration) AS m
LEFT JOIN {schema.SCHEMA}.company AS c ON c.controller = ANY(%s)
"""  # noqa: S608  # our own names
_NO_RIGHT = "42501"
_NO_SCHEMA = frozenset({"3F000", "42P01", _NO_RIGHT})  # no such schema, no such table, no right to use it

Result = TypeVar("Result")
AnyConnection = TypeVar("AnyConnection", bound=psycopg.Connection[tuple[Any, ...]])

logging.getLogger("psycopg").setLevel(logging.ERROR)  # what breaks is raised, and told by whoever asked

Explain = Callable[[Exception], SharedDatabaseError]
"""Makes our error of psycopg's."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up a server which says nothing for so long, and any server when nobody waits
    any more."""

    silence = SILENCE_SECONDS
    company = 0
    """The number that the company has there for which it was opened."""
    batch = 0
    """The last batch of this box that was sent over it."""
    clock_ahead: float | None = None
    """The seconds by which this machine's clock is ahead of the server's, once that was measured."""
    companies: dict[str, int]
    """The numbers of companies that were looked up over it, by controller."""
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
    explain: Explain | None = None,
) -> Connection:
    """Connect as `connect_box` does, for one company that this box serves. Raises SharedDatabaseError, and
    BoxRefusedError where the tables are not such that this program can work with them."""
    connection = connect_box(database, controller, seconds=seconds, silence=silence, explain=explain)
    try:
        connection.company = company_number(connection, database, controller)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_box(
    database: SharedDatabase,
    controller: str,
    *,
    seconds: float = CONNECT_SECONDS,
    silence: float | None = None,
    unwanted: Callable[[], bool] = lambda: False,
    explain: Explain | None = None,
) -> Connection:
    """Connect as this box's login, to the host that takes writes, in the database of a company. Where that
    fails, `explain` makes the error, or else `explained`. Raises SharedDatabaseError."""
    with explained_by(explain or partial(explained, database, controller)):
        connection = _with_password(
            database, controller, seconds, partial(Connection.connect, autocommit=True)
        )
    connection.silence = SILENCE_SECONDS if silence is None else silence
    connection.unwanted, connection.companies = unwanted, {}
    return connection


def _with_password(
    database: SharedDatabase, controller: str, seconds: float, open_: Callable[[str], AnyConnection]
) -> AnyConnection:
    """Open a connection with this box's password. While that is being changed, or where the change was cut
    off, the new one is tried too (see `passwords`)."""
    try:
        return open_(address(database, controller, seconds))
    except psycopg.OperationalError:
        with suppress(psycopg.OperationalError, OSError):
            if (changing := new_passwords(database)).exists():
                return open_(address(replace(database, passwords=str(changing)), controller, seconds))
        raise


def new_passwords(database: SharedDatabase) -> Path:
    """Return the file with the new password of this box, which exists while that is being changed."""
    return Path(f"{database.passwords or startup.default_passwords()}.new")


def connect_as(database: SharedDatabase, controller: str, user: str) -> psycopg.Connection:
    """Connect as a `user` of the database, or as this box's login where it is ''. Raises
    SharedDatabaseError."""
    with explained_by(partial(explained, database, controller, user=user)):
        if not user:
            return _with_password(database, controller, CONNECT_SECONDS, psycopg.connect)
        return psycopg.connect(conninfo.make_conninfo(address(database, controller), user=user))


@contextmanager
def administered(database: SharedDatabase) -> Iterator[None]:
    """Turn errors of psycopg's into SharedDatabaseError, where somebody changes what boxes may not."""
    try:
        with translated(database):
            yield
    except SharedDatabaseError as error:
        if error.state == _NO_RIGHT:
            remedy = Text("Name a role of the database that may do it: --as ROLE")
            raise SharedDatabaseError(error.message, remedy, state=error.state) from error
        raise


def address(database: SharedDatabase, controller: str, seconds: float = CONNECT_SECONDS) -> str:
    """Return the connection string for libpq (its "Database Connection Control Functions").
    `target_session_attrs` passes over a standby, or a primary that was demoted."""
    database = database.of(controller)
    hosts = [host_and_port(host) for host in database.hosts]
    parameters: dict[str, str | int | None] = {
        "host": ",".join(host for host, _ in hosts),
        "port": ",".join(port for _, port in hosts),
        "dbname": database.name,
        "user": schema.login(database.box),
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


def is_usable(connection: Connection) -> bool:
    """Return whether a connection works after an error."""
    idle = psycopg.pq.TransactionStatus.IDLE
    return not connection.closed and connection.info.transaction_status == idle


def database_name(database: SharedDatabase, controller: str) -> str:
    """Return the name of a company's database."""
    return database.of(controller).name


def host_and_port(host: str) -> tuple[str, str]:
    """Return the name and the port of a configured host, '' for the usual port."""
    if host.startswith("/"):
        return host, ""
    name, _, port = host.rpartition(":")
    return name.strip("[]"), port


def company_number(connection: psycopg.Connection, database: SharedDatabase, controller: str) -> int:
    """Return the number of a company, after the check of `company_numbers`. Raises SharedDatabaseError, and
    BoxRefusedError where this box does not serve it."""
    company = company_numbers(connection, database, [controller]).get(controller)
    if company is None:
        raise not_served(database.of(controller), controller)
    return company


def not_served(database: SharedDatabase, controller: str) -> BoxRefusedError:
    """Return the error of a company that this box does not serve in the database."""
    return BoxRefusedError(
        Text("In the shared database {database} this box, {box}, does not serve {controller}.",
             database=database.name, box=database.box, controller=controller),
        Text("Whoever administers it types on this box: informativa shared migrate"),
    )  # fmt: skip


def newer_tables(database: SharedDatabase) -> BoxRefusedError:
    """Return the error of tables that this program does not know any more."""
    return BoxRefusedError(
        Text("The tables in the shared database {database} are of a newer informativa.",
             database=database.name),
        Text("Upgrade this one."),
    )  # fmt: skip


def company_numbers(
    connection: psycopg.Connection, database: SharedDatabase, controllers: Sequence[str]
) -> dict[str, int]:
    """Return the numbers of those of these companies that this box serves, after a check that the tables
    exist and that this program may write to them. They have the same database. Raises SharedDatabaseError and
    BoxRefusedError."""
    database = database.of(controllers[0])
    try:
        with translated(database):
            companies = connection.execute(_COMPANIES, (list(controllers),)).fetchall()
    except SharedDatabaseError as error:
        if error.state not in _NO_SCHEMA:
            raise
        companies = [(None, None, None, None)]
    number, needed, *_company = companies[0]
    if number is None or number < schema.OLDEST:
        raise SharedDatabaseError(
            Text("The shared database {database} has no tables of this informativa.", database=database.name),
            Text("Whoever administers it types: informativa shared migrate"),
        )
    if needed > schema.newest():
        raise newer_tables(database)
    return {controller: int(company) for _, _, controller, company in companies if controller is not None}


@contextmanager
def translated(database: SharedDatabase) -> Iterator[None]:
    """Turn errors of psycopg's into SharedDatabaseError."""
    with explained_by(partial(unusable, database)):
        yield


@contextmanager
def explained_by(explain: Explain) -> Iterator[None]:
    """Turn errors of psycopg's into those that `explain` makes of them."""
    try:
        yield
    except (psycopg.Error, OSError, UnicodeError) as error:
        raise explain(error) from error


def explained(
    database: SharedDatabase, controller: str, error: Exception, *, user: str = ""
) -> SharedDatabaseError:
    """Return the error of a connection that did not come about, with the reason for which the servers refuse
    the box's login, or this user."""
    refusal = server_refusal(database, controller, user=user)
    database = database.of(controller)
    return refusal or unusable(database, error, database.name)


def server_refusal(
    database: SharedDatabase, controller: str, *, user: str = ""
) -> SharedDatabaseError | None:
    """Ask the servers of a company's database for the reason why they refuse the box's login, or this user,
    for `refusals.SECONDS` at most. Return `None` where none refuses it."""
    database = database.of(controller)
    hosts = list(map(host_and_port, database.hosts))
    return refused(database, database.name, user or schema.login(database.box), hosts)
