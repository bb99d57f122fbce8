"""Administration of the database where boxes meet: its schemas are created and upgraded, its boxes are
listed, and one that left for good is retired."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
from psycopg import conninfo

from ..ledgers import rows
from ..ledgers.rows import microseconds
from ..model import SharedDatabase
from ..model.errors import SharedDatabaseError
from ..model.text import Text
from . import schema
from .connection import address, connect, explained, explained_by, translated
from .erasure_statements import ErasureStatements
from .rows import Statements
from .startup import password_of

_EXISTS = (
    "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s)",
    "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)",
)
QUIET = timedelta(days=31)  # without a single call
_NOTHING_PURGED = Text(
    "In the database {database} nothing of a retired box was purged: its clock says {now:%Y-%m-%d}, and the"
    " newest record is of {newest:%Y-%m-%d}.",
    "Set the clock of its server right; where really nobody called for a month, wait until somebody does.",
)
_TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = %s
"""
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())"


@dataclass(frozen=True)
class Migrated:
    """The result for one company's schema: its migration before and now, and the number of monthly partitions
    that were added."""

    controller: str
    before: int
    now: int
    months: int


@dataclass(frozen=True)
class RegisteredBox:
    """One box of one company, as the database knows it. Its records are there up to `record`; `newest` is its
    newest record at its last report, `erasures` the number of callers it has still to erase; `age` are the
    seconds since it was last `seen`, by the database's clock. The other fields are its report about itself
    (exchange.About)."""

    name: str
    record: int
    newest: int
    erasures: int
    seen: datetime
    age: float
    program: str
    keys: str
    configuration: str
    retired: datetime | None

    @property
    def behind(self) -> int:
        """Return the number of its records that are not there yet, according to its last report."""
        return max(0, self.newest - self.record)

    @property
    def silence(self) -> float:
        """Return the seconds since its last report; for a retired box the seconds from that report to its
        retirement."""
        return (self.retired - self.seen).total_seconds() if self.retired else self.age


@dataclass(frozen=True)
class DatabaseState:
    """A company's schema: all boxes that ever took part, retired ones last; its tables, its newest migration;
    and the seconds by which this machine's clock is ahead of the server's."""

    boxes: Sequence[RegisteredBox]
    tables: Sequence[str]
    migration: int
    clock_ahead: float


@dataclass(frozen=True)
class OldRecords:
    """A retired box, and the number of its records in the database that are past the retention."""

    box: str
    records: int


def migrate(
    database: SharedDatabase, controllers: Sequence[str], user: str, today: date
) -> Iterator[Migrated]:
    """Create the missing roles and schemas of these companies, or upgrade them, as a `user` who may make
    roles; each company in one transaction. Raises SharedDatabaseError."""
    for controller in controllers:
        with explained_by(partial(explained, database, controller, user=user)):
            connection = psycopg.connect(
                conninfo.make_conninfo(address(database, controller), user=user or None)
            )
        with translated(database), connection:
            result = _migrate(connection, database, controller, today)
        yield result


def _migrate(
    connection: psycopg.Connection, database: SharedDatabase, controller: str, today: date
) -> Migrated:
    run, name = connection.execute, schema.role(controller)
    partitioned = _has_partitions(connection)
    role_exists, schema_exists = (run(sql, (name,)).fetchone() == (True,) for sql in _EXISTS)
    for statement in schema.prepared(controller, _password(connection, database, name)):
        if not (role_exists if statement.startswith("CREATE ROLE") else schema_exists):
            run(statement)
    row = run(f"SELECT max(number) FROM {schema.quoted(name)}.migration").fetchone()  # noqa: S608  # our own names
    before = (row and row[0]) or 0
    for number, statements in schema.migrations(controller, before, partitioned=partitioned):
        for statement in statements:
            run(statement)
        run(schema.applied(controller, number))
    for statement in schema.rights(controller, partitioned=partitioned):
        run(statement)
    months = _missing(connection, controller, today) if partitioned else []
    for statement in months:
        run(statement)
    return Migrated(controller, before, schema.newest(), len(months))


def _missing(connection: psycopg.Connection, controller: str, today: date) -> list[str]:
    """Return the statements for missing partitions, without months that have records in the default one
    already."""
    name = schema.role(controller)
    tables = [relation for (relation,) in connection.execute(_TABLES, (name,))]
    months = connection.execute(f"SELECT DISTINCT month FROM {schema.quoted(name)}.record_default")  # noqa: S608
    return schema.partitions(controller, today, [*tables, *(f"record_{month}" for (month,) in months)])


def _has_partitions(connection: psycopg.Connection) -> bool:
    """Return whether the engine divides a table as PostgreSQL does."""
    (version,) = connection.execute("SELECT version()").fetchone() or ("",)
    return not version.startswith("CockroachDB")


def _password(connection: psycopg.Connection, database: SharedDatabase, role: str) -> str:
    """Return the password of a role as SQL: the hash that the database stores, not the password itself."""
    if not database.passwords:
        return ""
    try:
        text = Path(database.passwords).read_text(encoding="utf-8")
    except OSError as error:
        raise SharedDatabaseError(
            Text("{file} cannot be read ({why}).", file=database.passwords, why=error.strerror or ""),
            Text("Run this as the user whose file it is."),
        ) from error
    password = password_of(text, connection.info.dbname, role)
    if not password:
        return ""
    encrypted = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return f"'{encrypted.decode()}'"  # of letters, digits, $, :, =, + and /


def script(controllers: Sequence[str], today: date) -> Iterator[str]:
    """Iterate over the statements of `migrate` for an administrator to run himself: all of them, as for a new
    database."""
    for controller in controllers:
        yield "BEGIN"
        yield from schema.prepared(controller)
        for number, statements in schema.migrations(controller, 0, partitioned=True):
            yield from statements
            yield schema.applied(controller, number)
        yield from schema.rights(controller, partitioned=True)
        yield from schema.partitions(controller, today)
        yield "COMMIT"


def database_state(database: SharedDatabase, controller: str) -> DatabaseState:
    """Return the state of a company's schema. Raises SharedDatabaseError."""
    sql, name = Statements(controller), schema.role(controller)
    with connect(database, controller) as connection, translated(database):
        clock_ahead = _clock_ahead(connection)
        with connection.pipeline():
            boxes, tables = connection.execute(sql.every_box), connection.execute(_TABLES, (name,))
            all_boxes = [RegisteredBox(*row) for row in boxes.fetchall()]
            names = [table for (table,) in tables.fetchall()]
        return DatabaseState(all_boxes, names, connection.schema, clock_ahead)


def _clock_ahead(connection: psycopg.Connection) -> float:
    """Return the seconds by which this machine's clock is ahead of the server's, to half the time of a round
    trip."""
    before = time.time()
    (server,) = connection.execute(_CLOCK).fetchone() or (before,)
    return (before + time.time()) / 2 - float(server)


def retire(database: SharedDatabase, controller: str, box: str) -> bool:
    """Retire a box that left for good: nobody waits for it, and nothing more is taken from it. Return whether
    there was one. Raises SharedDatabaseError."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database):
        existed = connection.execute(sql.retire, (box,)).rowcount == 1
        connection.execute(ErasureStatements(controller).done_everywhere)
        return existed


def purge_retired(
    database: SharedDatabase, controller: str, before: Callable[[datetime], datetime], *, really: bool
) -> list[OldRecords]:
    """Delete the records of retired boxes from `before` the database's time, box by box; without `really`
    only count them. No box's clock decides it. Raises SharedDatabaseError, also where nobody called for a
    month by the database's clock: then that may be wrong, too."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database), connection.transaction():
        now, newest = connection.execute(sql.now_and_newest).fetchone() or (None, None)
        if now is None or newest is None:
            return []
        if now - rows.moment(newest) > QUIET:
            raise SharedDatabaseError(
                _NOTHING_PURGED.format(database=database.name, now=now, newest=rows.moment(newest))
            )
        end = (microseconds(before(now)),)
        old = [OldRecords(*row) for row in connection.execute(sql.old_of_retired, end).fetchall()]
        if really and old:
            connection.execute(sql.purge_retired, end)
        return old
