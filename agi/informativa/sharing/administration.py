"""Administration of the database where boxes meet: its schemas are created and upgraded, its boxes are
listed, and one that left for good is retired."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import psycopg

from ..ledgers import rows
from ..ledgers.rows import microseconds
from ..model import SharedDatabase
from ..model.errors import SharedDatabaseError
from ..model.text import Text
from ..system.patience import Work
from . import schema
from .connection import (
    Connection,
    administered,
    company_numbers,
    connect,
    connect_as,
    connect_box,
    explained,
    newer_tables,
    not_served,
    translated,
)
from .erasure_statements import ErasureStatements
from .rows import LEDGER_COLUMNS, Statements, awaiting
from .startup import password_bytes, password_of, read_passwords

_ROLES = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"
_IS_KNOWN = f"SELECT EXISTS (SELECT FROM {schema.SCHEMA}.company WHERE controller = %s)"  # noqa: S608  # our own names
_ALL_SERVE = f"""
SELECT NOT EXISTS (
    SELECT FROM {schema.SCHEMA}.ledger AS l JOIN {schema.SCHEMA}.company AS c USING (company)
    WHERE c.controller = %s AND l.retired IS NULL AND NOT EXISTS (
        SELECT FROM {schema.SCHEMA}.serves AS s
        WHERE s.company = l.company AND s.login = {schema.literal(schema.LOGIN_PREFIX)} || l.box))
"""  # noqa: S608
_COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s
"""
AT_ONCE = 50  # companies of one statement: a server that is busy says something meanwhile
QUIET = timedelta(days=31)  # without a single call
_NOTHING_PURGED = Text(
    "In the database {database} nothing of a retired box was purged: its clock says {now:%Y-%m-%d}, and the"
    " newest record is of {newest:%Y-%m-%d}.",
    "Set the clock of its server right; where really nobody called for a month, wait until somebody does.",
)
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())"
_MIGRATION = f"SELECT max(number) FROM {schema.SCHEMA}.migration"  # noqa: S608  # our own names
_NEEDED = f"SELECT coalesce(max(needed), 0) FROM {schema.SCHEMA}.migration"  # noqa: S608  # our own names
_LEDGERS = f"""
SELECT company, {LEDGER_COLUMNS}
FROM {schema.SCHEMA}.ledger LEFT JOIN {schema.SCHEMA}.box USING (box) WHERE company = ANY(%s)
ORDER BY company, retired IS NOT NULL, box
"""  # noqa: S608


@dataclass(frozen=True)
class Migrated:
    """The result for one company: the newest migration that its tables had before (0 for none), and have now;
    the number of records that were taken over from a schema of its own; the name of this box's login, and
    whether it was made, and whether it serves the company only since; and whether the tables of all companies
    were made."""

    controller: str
    before: int
    now: int
    records: int
    login: str
    login_made: bool
    newly_served: bool
    tables_made: bool = False


_AWAITED = awaiting("%s::integer[]")


@dataclass(frozen=True)
class RegisteredBox:
    """One box of one company, as the database knows it. Its records are there up to `record`; `newest` is its
    newest record at its last report, `erasures` the number of callers it has still to erase; `age` are the
    seconds since it was last `seen`, by the database's clock, and `ahead` those by which its clock was ahead
    of that, `None` where nobody measured it; `successor` is the box that took its place, if any; `identity`
    that of its ledger, empty where it serves the company and never took part. The other fields are its report
    about itself (membership.About)."""

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
    ahead: float | None = None
    successor: str | None = None
    identity: bytes = b""

    @property
    def has_joined(self) -> bool:
        """Return whether it ever took part."""
        return bool(self.identity)

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
    """A company in the database: all boxes that ever took part, retired ones last, and those that serve it
    and never did; the newest migration; and the seconds by which this machine's clock is ahead of the
    server's."""

    boxes: Sequence[RegisteredBox]
    migration: int
    clock_ahead: float


@dataclass(frozen=True)
class OldRecords:
    """A retired box, and the number of its records in the database that are past the retention."""

    box: str
    records: int


def migrate(database: SharedDatabase, controllers: Sequence[str], user: str) -> Iterator[Migrated]:
    """Create the tables, or upgrade them, and this box's login, which serves these companies from then on, as
    a `user` who may make roles; each company in one transaction, in which the records of a schema of its own
    go into the tables of all. Calls go on meanwhile. Raises SharedDatabaseError, and BoxRefusedError where
    the tables are of a newer program."""
    for controller in controllers:
        with connect_as(database, controller, user) as connection, administered(database):
            result = _migrate(connection, database, controller)
        yield result


def _migrate(connection: psycopg.Connection, database: SharedDatabase, controller: str) -> Migrated:
    database = database.of(controller)
    run, login = connection.execute, schema.login(database.box)
    roles, schemas = [schema.OWNER, schema.BOXES, login], [schema.SCHEMA, schema.earlier(controller)]
    existing = {name for (name,) in (*run(_ROLES, (roles,)), *run(_SCHEMAS, (schemas,)))}
    for role in (schema.OWNER, schema.BOXES):
        if role not in existing:
            run(schema.made(role))
    if login not in existing:
        run(schema.made(login, f"LOGIN{_password(connection, database, login)}"))
    if schema.SCHEMA not in existing:
        for statement in schema.prepared():
            run(statement)
    if (run(_NEEDED).fetchone() or (0,)) > (schema.newest(),):
        raise newer_tables(database)
    number = newest_migration(connection, schema.SCHEMA)
    for _number, statements in schema.migrations(number):
        for statement in statements:
            run(statement)
    is_known = run(_IS_KNOWN, (controller,)).fetchone() == (True,)
    newly_served = [run(statement).rowcount for statement in schema.served(login, [controller])][-1] > 0
    before, records, earlier = number if is_known else 0, 0, schema.earlier(controller)
    if earlier in existing:
        of_its_own = newest_migration(connection, earlier)
        if 0 < of_its_own < schema.NEEDED:
            before, records = of_its_own, _take_over(connection, controller)
        elif run(_ALL_SERVE, (controller,)).fetchone() == (True,):
            remove_earlier(connection, earlier)
    return Migrated(
        controller,
        before,
        schema.newest(),
        records,
        login,
        login_made=login not in existing,
        newly_served=newly_served,
        tables_made=number == 0,
    )


def newest_migration(connection: psycopg.Connection, name: str) -> int:
    """Return the newest migration of a schema; 0 for none."""
    row = connection.execute(f"SELECT max(number) FROM {schema.quoted(name)}.migration").fetchone()  # noqa: S608  # our own names
    return int(row[0]) if row and row[0] else 0


def remove_earlier(connection: psycopg.Connection, earlier: str) -> None:
    """Remove the schema and the role that a company had of its own, once all its boxes use the tables of all
    companies. Where the administrator gave that role other rights, the role stays."""
    connection.execute(f"DROP SCHEMA {schema.quoted(earlier)} CASCADE")
    missing, needed = psycopg.errors.UndefinedObject, psycopg.errors.DependentObjectsStillExist
    with suppress(missing, needed), connection.transaction():
        connection.execute(f"DROP ROLE {schema.quoted(earlier)}")


def _take_over(connection: psycopg.Connection, controller: str) -> int:
    """Move what a company has in a schema of its own into the tables of all companies. Return the number of
    records. The schema remains as a sign for boxes with an earlier program, which are refused by it and told
    to upgrade; nothing of a caller stays in it."""
    run, earlier = connection.execute, schema.quoted(schema.earlier(controller))
    columns = {
        table: _columns(connection, schema.earlier(controller), table) for table in schema.EARLIER_TABLES
    }
    tables = [table for table, names in columns.items() if names]
    names = ", ".join(f"{earlier}.{table}" for table in tables)
    run(f"LOCK TABLE {names} IN EXCLUSIVE MODE")  # who only reads goes on until all is moved
    moved = {}
    for table in tables:
        target = schema.EARLIER_TABLES[table]
        into = [
            "company",
            *(name for name in columns[table] if name in _columns(connection, schema.SCHEMA, target)),
        ]
        source = [f"t.{name}" for name in into[1:]]
        if table == "box":
            into, source = [*into, "box"], [*source, "t.name"]
        moved[table] = run(
            f"INSERT INTO {schema.SCHEMA}.{target} ({', '.join(into)})"  # noqa: S608  # our own names
            f" SELECT c.company, {', '.join(source)}"
            f" FROM {earlier}.{table} AS t, {schema.SCHEMA}.company AS c WHERE c.controller = %s",
            (controller,),
        ).rowcount
    run(f"""
    INSERT INTO {schema.SCHEMA}.box (box, seen, program) SELECT name, seen, program FROM {earlier}.box
    ON CONFLICT (box) DO UPDATE SET seen = greatest(box.seen, excluded.seen)
    """)  # noqa: S608
    run(f"DROP TABLE {names}")
    run(f"INSERT INTO {earlier}.migration VALUES ({schema.NEEDED}, {schema.NEEDED})")  # noqa: S608
    return moved["record"]


def _columns(connection: psycopg.Connection, name: str, table: str) -> list[str]:
    """Return the names of a table's columns; none where there is no such table."""
    return [column for (column,) in connection.execute(_COLUMNS, (name, table)).fetchall()]


def _password(connection: psycopg.Connection, database: SharedDatabase, role: str) -> str:
    """Return the password of a role as SQL: the hash that the database stores, not the password itself."""
    if not database.passwords:
        return ""
    try:
        text = read_passwords(Path(database.passwords))
    except OSError as error:
        raise SharedDatabaseError(
            Text("{file} cannot be read ({why}).", file=database.passwords, why=error.strerror or ""),
            Text("Run this as the user whose file it is."),
        ) from error
    password = password_of(text, connection.info.dbname, role)
    if not password:
        return ""
    encrypted = connection.pgconn.encrypt_password(password_bytes(password), role.encode(), b"scram-sha-256")
    return f" PASSWORD '{encrypted.decode()}'"  # of letters, digits, $, :, =, + and /


def script(box: str, controllers: Sequence[str]) -> Iterator[str]:
    """Iterate over the statements of `migrate` for an administrator to run himself: all of them, as for a new
    database, and the login of this box, which serves these companies."""
    yield "BEGIN"
    for role in (schema.OWNER, schema.BOXES):
        yield schema.made(role)
    yield from schema.prepared()
    for _number, statements in schema.migrations(0):
        yield from statements
    yield schema.made(schema.login(box), "LOGIN")
    yield from schema.served(schema.login(box), controllers)
    yield "COMMIT"


def database_state(database: SharedDatabase, controller: str) -> DatabaseState:
    """Return the state of one company's boxes. Raises SharedDatabaseError."""
    state = database_states(database, [controller])[controller]
    if isinstance(state, SharedDatabaseError):
        raise state
    return state


def database_states(
    database: SharedDatabase, controllers: Sequence[str], heard: Work = bool
) -> dict[str, DatabaseState | SharedDatabaseError]:
    """Return the states of the boxes of companies that have the same database, over one connection, and the
    error in the place of a company that this box does not serve. Calls `heard` whenever the server says
    something. Raises SharedDatabaseError."""
    database = database.of(controllers[0])
    with _serving(database, controllers, heard) as (connection, numbers), translated(database):
        clock_ahead = _clock_ahead(connection)
        (newest,) = connection.execute(_MIGRATION).fetchone() or (0,)
        boxes: dict[int, list[RegisteredBox]] = {}
        companies = list(numbers.values())
        for first in range(0, len(companies), AT_ONCE):
            heard()
            some = (companies[first : first + AT_ONCE],)
            for statement in (_LEDGERS, _AWAITED):
                for company, *values in connection.execute(statement, some, binary=True).fetchall():
                    boxes.setdefault(company, []).append(RegisteredBox(*values))
    return {
        controller: DatabaseState(boxes.get(numbers[controller], ()), newest, clock_ahead)
        if controller in numbers
        else not_served(database, controller)
        for controller in controllers
    }


def usable(
    database: SharedDatabase, controllers: Sequence[str], heard: Work
) -> dict[str, Literal[True] | SharedDatabaseError]:
    """Return which companies that have the same database this box can use it for, with the error in the place
    of a company that it does not serve. Calls `heard` as `database_states`. Raises SharedDatabaseError."""
    database = database.of(controllers[0])
    with _serving(database, controllers, heard) as (_connection, numbers):
        return {
            controller: controller in numbers or not_served(database, controller)
            for controller in controllers
        }


@contextmanager
def _serving(
    database: SharedDatabase, controllers: Sequence[str], heard: Work
) -> Iterator[tuple[Connection, dict[str, int]]]:
    """Connect to the database of these companies for the time of a `with` block, with the numbers of those
    that this box serves there. Raises SharedDatabaseError."""

    def explain(error: Exception) -> SharedDatabaseError:
        heard()  # it refused, and is asked for the reason
        return explained(database, controllers[0], error)

    with connect_box(database, controllers[0], explain=explain) as connection:
        heard()
        numbers = company_numbers(connection, database, controllers)
        heard()
        yield connection, numbers


def _clock_ahead(connection: psycopg.Connection) -> float:
    """Return the seconds by which this machine's clock is ahead of the server's, to half the time of a round
    trip."""
    before = time.time()
    (server,) = connection.execute(_CLOCK).fetchone() or (before,)
    return (before + time.time()) / 2 - float(server)


def retire(database: SharedDatabase, controller: str, box: str) -> bytes | None:
    """Retire a box that left for good: nobody waits for it, and nothing more is taken from it. One that never
    took part serves the company no more. Return the identity of its ledger, `None` where there was none to
    retire. Raises SharedDatabaseError."""
    database = database.of(controller)
    with connect(database, controller) as connection, translated(database):
        sql, erasures = Statements(connection.company), ErasureStatements(connection.company)
        with connection.transaction():
            connection.execute(erasures.lock_company)  # so that it does not take part meanwhile
            row = connection.execute(sql.retire, (box,)).fetchone()
            if row is None:
                connection.execute(sql.withdraw, (box,))
        erasures.settle_retired(connection)
        return None if row is None else bytes(row[0])


def purge_retired(
    database: SharedDatabase, controller: str, before: Callable[[datetime], datetime], *, really: bool
) -> list[OldRecords]:
    """Delete the records of retired boxes from `before` the database's time, box by box; without `really`
    only count them. No box's clock decides it. Raises SharedDatabaseError, also where nobody called for a
    month by the database's clock: then that may be wrong, too."""
    database = database.of(controller)
    with connect(database, controller) as connection, translated(database), connection.transaction():
        sql = Statements(connection.company)
        now, newest = connection.execute(sql.now_and_newest).fetchone() or (None, None)
        if now is None or newest is None:
            return []
        # Whoever has a box's login can write records of any time, of one that no calendar has, too.
        newest_at = rows.moment(min(max(newest, 0), microseconds(now)))
        if now - newest_at > QUIET:
            raise SharedDatabaseError(
                _NOTHING_PURGED.format(database=database.name, now=now, newest=newest_at)
            )
        end = microseconds(before(now))
        old = connection.execute(sql.old_of_retired, (end,)).fetchall()
        for box, _records, last in old if really else ():
            connection.execute(sql.purge, (box, 0, last, end))
        return [OldRecords(box, records) for box, records, _last in old]
