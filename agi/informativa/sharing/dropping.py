"""A company that leaves the database where boxes meet, with all that is there of it.

Whoever administers the tables is bound by row security too. He serves the company for as long as a
transaction takes, and no other sees that. No transaction is long: the other companies go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from ..model import SharedDatabase
from ..model.errors import SharedDatabaseError
from ..model.text import Text
from . import schema
from .administration import newest_migration, remove_earlier
from .connection import connect_as, translated

PAGE = 5000  # rows of a transaction
_TABLES = ("record", "tile", "checkpoint", "log", "erasure")
_COMPANY = f"SELECT company FROM {schema.SCHEMA}.company WHERE controller = %s"  # noqa: S608  # our own names, here and below
_COMPANIES = (
    f"SELECT controller FROM {schema.SCHEMA}.company WHERE controller IS NOT NULL ORDER BY controller"  # noqa: S608
)
_ADMINISTERS = """
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s AND pg_has_role(session_user, oid, 'USAGE')),
    session_user
"""
_EXISTS = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
_SERVE = f"INSERT INTO {schema.SCHEMA}.serves VALUES (session_user, %s) ON CONFLICT DO NOTHING"  # noqa: S608
_SERVE_NO_MORE = f"DELETE FROM {schema.SCHEMA}.serves WHERE company = %s"  # noqa: S608
_LOGINS = f"SELECT login FROM {schema.SCHEMA}.serves WHERE company = %s ORDER BY login"  # noqa: S608
_BOXES = f"""
SELECT l.box,
    (SELECT count(*) FROM {schema.SCHEMA}.record AS r WHERE r.company = l.company AND r.box = l.box),
    greatest(0, l.newest - l.record), l.erasures - l.applied, l.retired IS NOT NULL,
    extract(epoch FROM now() - b.seen)::double precision,
    EXISTS (SELECT FROM {schema.SCHEMA}.serves AS s
            WHERE s.company = l.company AND s.login = {schema.literal(schema.LOGIN_PREFIX)} || l.box)
FROM {schema.SCHEMA}.ledger AS l LEFT JOIN {schema.SCHEMA}.box AS b USING (box)
WHERE l.company = %s ORDER BY l.box
"""  # noqa: S608
_LOCK = f"SELECT FROM {schema.SCHEMA}.ledger WHERE company = %s FOR UPDATE"
_DELETE_RECORDS = f"""
WITH page AS (
    SELECT box, record FROM {schema.SCHEMA}.record WHERE company = %(company)s AND box = %(box)s
    AND record > %(after)s ORDER BY record LIMIT %(count)s
), deleted AS (
    DELETE FROM {schema.SCHEMA}.record AS r USING page
    WHERE r.company = %(company)s AND r.box = page.box AND r.record = page.record RETURNING r.record
) SELECT count(*), max(record) FROM deleted
"""  # noqa: S608
_FORGET = f"UPDATE {schema.SCHEMA}.company SET controller = NULL WHERE company = %s"  # noqa: S608

Progress = Callable[[str, int, int], None]
"""Called after each page with a box, the number of its records deleted, and of all that it had."""


@dataclass(frozen=True)
class StoredBox:
    """The part of a company that one box sent: its `records` there. According to its last report `unsent`
    records are on the box alone, and so many `erasures` are still to be carried out there. Its `age` is in
    seconds since it was seen, `None` if it never was; `serves` is true if its login serves the company."""

    name: str
    records: int
    unsent: int
    erasures: int
    retired: bool
    age: float | None
    serves: bool


@dataclass(frozen=True)
class StoredCompany:
    """All that the database has of one company: the boxes that ever took part, and the logins that serve
    it."""

    boxes: Sequence[StoredBox]
    logins: Sequence[str]


def stored_company(database: SharedDatabase, controller: str, user: str) -> StoredCompany:
    """Return what the database has of a company, as a `user` who administers its tables. Raises
    SharedDatabaseError, also where it has nothing of that name."""
    with _administered(database, controller, user) as (connection, company):
        with connection.transaction(force_rollback=True):
            logins = [login for (login,) in connection.execute(_LOGINS, (company,)).fetchall()]
            connection.execute(_SERVE, (company,))
            boxes = [StoredBox(*row) for row in connection.execute(_BOXES, (company,)).fetchall()]
        return StoredCompany(boxes, logins)


def drop(database: SharedDatabase, controller: str, user: str, progress: Progress) -> int:
    """Delete all that the database has of a company, page by page. Return the number of records. After an
    interruption it continues. Raises SharedDatabaseError."""
    deleted = 0
    stored = stored_company(database, controller, user)
    with _administered(database, controller, user) as (connection, company):
        with _serving(connection, company):  # whoever is sending is waited for, and nobody sends after that
            connection.execute(_LOCK, (company,))
        for box in stored.boxes:
            deleted += _delete_records(connection, company, box, progress)
        for table in _TABLES:
            while _delete_page(connection, company, table):
                pass
        with _serving(connection, company):
            connection.execute(_LOCK, (company,))
            for table in (*_TABLES, "ledger"):
                connection.execute(f"DELETE FROM {schema.SCHEMA}.{table} WHERE company = %s", (company,))  # noqa: S608
            connection.execute(_FORGET, (company,))
            earlier = schema.earlier(controller)
            if connection.execute(_EXISTS, (earlier,)).fetchone():
                remove_earlier(connection, earlier)
    return deleted


def _delete_records(connection: psycopg.Connection, company: int, box: StoredBox, progress: Progress) -> int:
    deleted, after = 0, -1
    while True:
        values = {"company": company, "box": box.name, "after": after, "count": PAGE}
        with _serving(connection, company):
            count, last = connection.execute(_DELETE_RECORDS, values).fetchone() or (0, None)
        if not count:
            return deleted
        deleted, after = deleted + count, last
        progress(box.name, deleted, box.records)


def _delete_page(connection: psycopg.Connection, company: int, table: str) -> int:
    """Delete a page of the rows that a table has of a company. Return their number."""
    name = f"{schema.SCHEMA}.{table}"
    page = f"SELECT ctid FROM {name} WHERE company = %s LIMIT {PAGE}"  # noqa: S608
    with _serving(connection, company):
        return connection.execute(f"DELETE FROM {name} WHERE ctid = ANY(ARRAY({page}))", (company,)).rowcount  # noqa: S608


@contextmanager
def _serving(connection: psycopg.Connection, company: int) -> Iterator[None]:
    """Hold a transaction in which whoever administers the tables sees the rows of a company. After it nobody
    serves the company."""
    with connection.transaction():
        connection.execute(_SERVE, (company,))
        yield
        connection.execute(_SERVE_NO_MORE, (company,))


@contextmanager
def _administered(
    database: SharedDatabase, controller: str, user: str
) -> Iterator[tuple[psycopg.Connection, int]]:
    """Connect as a `user` who administers the tables, and look up a company's number. Raises
    SharedDatabaseError."""
    database = database.of(controller)
    with connect_as(database, controller, user) as connection, translated(database):
        connection.autocommit = True
        administers, role = connection.execute(_ADMINISTERS, (schema.OWNER,)).fetchone() or (False, user)
        if not administers:
            raise SharedDatabaseError(
                Text("{role} does not administer the tables.", role=role),
                Text("Name a role that does, as for shared migrate: --as ROLE"),
            )
        company = connection.execute(_COMPANY, (controller,)).fetchone()
        if company is None:
            names = ", ".join(name for (name,) in connection.execute(_COMPANIES).fetchall()) or "-"
            facts = {"database": database.name, "id": controller}
            raise SharedDatabaseError(
                Text("The shared database {database} has no company {id}.", **facts),
                Text("It has: {names}.", names=names),
            )
        earlier = schema.earlier(controller)
        exists = connection.execute(_EXISTS, (earlier,)).fetchone()
        if exists and 0 < newest_migration(connection, earlier) < schema.NEEDED:
            raise SharedDatabaseError(
                Text("What {id} has there is in a schema of an earlier informativa.", id=controller),
                Text("Move it first, on a box of the company: informativa shared migrate"),
            )
        yield connection, company[0]
