"""The schema of the database, as numbered files of SQL, and the rights of its roles (I6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..ledgers.rows import DELETABLE
from ..ledgers.schema import statements

SCHEMA = "informativa"
OWNER, BOXES = "informativa_owner", "informativa_boxes"
"""Roles that nobody logs in as: the owner of the tables, and the group of the boxes' logins, with their
rights."""
LOGIN_PREFIX = "informativa-box-"
NEEDED = 6  # the newest migration that a program must know; an older program may ignore those after it
OLDEST = 6  # the oldest migration with which this program works

OF_BOXES = ("ledger", "record", "log", "checkpoint", "tile")
"""The tables to which a box adds rows as itself alone."""
_OF_COMPANIES = (*OF_BOXES, "erasure")
_EARLIER_PREFIX = "informativa_"
EARLIER_TABLES = {
    "box": "ledger",
    **{table: table for table in ("record", "erasure", "log", "checkpoint", "tile")},
}
"""The tables of a schema as it was before migration 6, each with the table that has its rows now."""


def login(box: str) -> str:
    """Return the name of a box's login."""
    return LOGIN_PREFIX + box


def earlier(controller: str) -> str:
    """Return the name of the schema that a company had before migration 6, which is also its role's."""
    return _EARLIER_PREFIX + controller


def quoted(name: str) -> str:
    """Return a name as SQL has it. Those of companies and boxes are of letters, digits, `.`, `-` and `_`."""
    return f'"{name}"'


def literal(text: str) -> str:
    """Return a text as SQL has it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def newest() -> int:
    """Return the number of the last migration that this program knows."""
    return _files()[-1][0]


def made(role: str, login: str = "NOLOGIN") -> str:
    """Return the statement that makes a role which may do nothing yet."""
    return f"CREATE ROLE {quoted(role)} {login}"


def prepared() -> list[str]:
    """Return the statements before the migrations: a schema of the owner's, and the table of applied
    migrations. From PostgreSQL 16 on whoever makes a role may act as it once it was granted to him."""
    return [
        f"GRANT {OWNER} TO CURRENT_USER",
        f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {OWNER}",
        f"SET LOCAL ROLE {OWNER}",
        f"CREATE TABLE {SCHEMA}.migration (number integer PRIMARY KEY, needed integer NOT NULL)",
        "RESET ROLE",
    ]


def migrations(after: int) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the statements of each migration after one; all of them are to be applied in one
    transaction. What they make is the owner's."""
    for number, file in _files():
        if number > after:
            text = file.read_text(encoding="utf-8")
            for name, sql in _PLACEHOLDERS.items():
                text = text.replace(f"{{{name}}}", sql)
            policies = [policy for table in _OF_COMPANIES for policy in _policies(table)]
            yield (
                number,
                [
                    f"SET LOCAL ROLE {OWNER}",
                    *_statements(text),
                    *policies,
                    applied(number),
                    "RESET ROLE",
                ],
            )


def applied(number: int) -> str:
    """Return the statement that records a migration as applied."""
    return f"INSERT INTO {SCHEMA}.migration VALUES ({number}, {NEEDED})"  # noqa: S608  # ours


def served(login: str, controllers: Iterable[str]) -> Iterator[str]:
    """Iterate over the statements by which a login serves companies, which are made where they are new. It
    plans a question once for each connection, since that takes longer than the answer."""
    yield f"GRANT {BOXES} TO {quoted(login)}"
    yield f"ALTER ROLE {quoted(login)} SET plan_cache_mode = force_generic_plan"
    for controller in controllers:
        yield f"""
        INSERT INTO {SCHEMA}.company SELECT coalesce(max(company), 0) + 1, {literal(controller)}
        FROM {SCHEMA}.company ON CONFLICT (controller) DO NOTHING
        """.strip()  # noqa: S608  # our own names
        yield f"""
        INSERT INTO {SCHEMA}.serves SELECT {literal(login)}, company FROM {SCHEMA}.company
        WHERE controller = {literal(controller)} ON CONFLICT DO NOTHING
        """.strip()  # noqa: S608


def _policies(table: str) -> Iterator[str]:
    """Iterate over the statements for a table with rows of companies: a login reads and changes those of
    companies that it serves, and adds rows of its own box alone. The owner is bound as whoever logged in, so
    that its functions are; it may add rows, which is how earlier schemas are taken over. Each row is looked
    up by the primary key of `serves`: OFFSET 0 keeps the planner from reading all of that table in each
    statement, and `session_user` has another collation than the key."""
    name = f"{SCHEMA}.{table}"
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    yield (
        f"CREATE POLICY served ON {name} TO {BOXES}, {OWNER} USING (EXISTS (SELECT FROM {SCHEMA}.serves AS s"
        f' WHERE s.login = session_user::text COLLATE "default" AND s.company = {table}.company OFFSET 0))'
    )
    yield f"CREATE POLICY taken_over ON {name} FOR INSERT TO {OWNER} WITH CHECK (true)"
    if table in OF_BOXES:
        yield f"CREATE POLICY mine ON {name} AS RESTRICTIVE FOR INSERT TO {BOXES} WITH CHECK ({_THIS_BOX})"
    if table in ("log", "checkpoint", "tile"):
        yield f"CREATE POLICY unchanged ON {name} AS RESTRICTIVE FOR UPDATE TO {BOXES} USING ({_THIS_BOX})"


_THIS_BOX = f"box = substr(session_user::text, {len(LOGIN_PREFIX) + 1})"
"""The condition that a row is of the box that logged in, whatever role it took since."""
_PLACEHOLDERS = {"this_box": _THIS_BOX, "deletable": DELETABLE, "prefix": literal(LOGIN_PREFIX)}
"""The SQL for each word that stands in braces in a migration."""


def _files() -> list[tuple[int, Path]]:
    folder = Path(__file__).with_name("migrations")
    return sorted((int(file.name[:4]), file) for file in folder.iterdir() if file.suffix == ".sql")


def _statements(sql: str) -> Iterator[str]:
    """Iterate over the statements of a file, as they are shown to an administrator: without comments. No text
    constant in these files has two hyphens. Psycopg splits nothing; it would send the file as a whole."""
    for statement in statements(re.sub(r"\s*--.*", "", sql)):
        yield statement.strip().removesuffix(";")
