"""The schema of the database, as numbered files of SQL, and the rights of its roles (I6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

from ..ledgers.migrating import statements

PREFIX = "informativa_"
MONTHS_AHEAD = 24  # months with partitions, after a migration
NEEDED = 1  # the newest migration that a program must know; an older program may ignore those after it
OLDEST = 1  # the oldest migration with which this program works, without the additions of later ones
EVIDENCE = 2  # the migration that adds the proofs for an auditor
SEALED = 3  # the migration that adds the sealed caller, for boxes with other keys
ANSWERS = 5  # the migration that adds what callers answered to choices
VERSION_2 = 4  # the migration without which no box can send its proofs

_PARTITIONED = "PARTITION BY RANGE (month)"
_TABLES = ("box", "record", "erasure", "log", "checkpoint", "tile")


def role(controller: str) -> str:
    """Return the name of a company's role in the database, which is also the name of its schema."""
    return PREFIX + controller


def quoted(name: str) -> str:
    """Return a name as SQL has it. Those of companies are of a-z, 0-9, - and _."""
    return f'"{name}"'


def newest() -> int:
    """Return the number of the last migration that this program knows."""
    return _files()[-1][0]


def migrations(controller: str, after: int, *, partitioned: bool) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the statements of each migration after one, for the schema of a company; each migration is
    to be applied, and recorded, in one transaction."""
    schema = quoted(role(controller))
    for number, file in _files():
        if number > after:
            text = file.read_text(encoding="utf-8")
            text = text.replace("{schema}", schema).replace(
                "{partitioned}", _PARTITIONED if partitioned else ""
            )
            yield number, [*_statements(text), *(_default(schema) if partitioned and number == 1 else ())]


def prepared(controller: str, password: str = "") -> list[str]:
    """Return the statements before the migrations: a role that may log in, a schema that it may use, and the
    table of applied migrations. `password` is SQL for it, nothing where it is set otherwise."""
    name = quoted(role(controller))
    return [
        f"CREATE ROLE {name} LOGIN{f' PASSWORD {password}' if password else ''}",
        f"CREATE SCHEMA {name}",
        f"GRANT USAGE ON SCHEMA {name} TO {name}",
        f"CREATE TABLE {name}.migration (number integer PRIMARY KEY, needed integer NOT NULL)",
    ]


def applied(controller: str, number: int) -> str:
    """Return the statement that records a migration as applied."""
    return f"INSERT INTO {quoted(role(controller))}.migration VALUES ({number}, {NEEDED})"  # noqa: S608  # ours


def rights(controller: str, *, partitioned: bool) -> list[str]:
    """Return the statements after the migrations: a company's role reads and writes its own rows, and can
    change no table. For a partitioned table no question gets a new plan, since planning takes longer than the
    answer."""
    name = quoted(role(controller))
    tables = ", ".join(f"{name}.{table}" for table in _TABLES)
    return [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {name}",
        f"GRANT SELECT ON {name}.migration TO {name}",
        *([f"ALTER ROLE {name} SET plan_cache_mode = force_generic_plan"] if partitioned else ()),
    ]


def partitions(controller: str, today: date, tables: Iterable[str] = ()) -> list[str]:
    """Return the statements for missing partitions, one a month, from this month on."""
    schema, existing = quoted(role(controller)), set(tables)
    months = [_month(today, ahead) for ahead in range(MONTHS_AHEAD + 1)]
    return [
        f"CREATE TABLE {schema}.record_{first} PARTITION OF {schema}.record"
        f" FOR VALUES FROM ({first}) TO ({following})"
        for first, following in pairwise(months)
        if f"record_{first}" not in existing
    ]


def months_ahead(tables: Iterable[str], today: date) -> int | None:
    """Return the number of months from this one on with partitions among a schema's tables; `None` where it
    has none at all, because the engine knows none."""
    existing = {name for name in tables if re.fullmatch(r"record_(default|\d{6})", name)}
    months = (ahead for ahead in range(MONTHS_AHEAD) if f"record_{_month(today, ahead)}" not in existing)
    return next(months, MONTHS_AHEAD) if existing else None


def _default(schema: str) -> list[str]:
    """Return the statement for the partition of rows older than the first partition, and after the last
    one."""
    return [f"CREATE TABLE {schema}.record_default PARTITION OF {schema}.record DEFAULT"]


def _month(today: date, ahead: int) -> int:
    years, month = divmod(today.month - 1 + ahead, 12)
    return (today.year + years) * 100 + month + 1


def _files() -> list[tuple[int, Path]]:
    folder = Path(__file__).with_name("migrations")
    return sorted((int(file.name[:4]), file) for file in folder.iterdir() if file.suffix == ".sql")


def _statements(sql: str) -> Iterator[str]:
    """Iterate over the statements of a file, as they are shown to an administrator: without comments. No text
    constant in these files has two hyphens. Psycopg splits nothing; it would send the file as a whole."""
    for statement in statements(re.sub(r"\s*--.*", "", sql)):
        yield statement.strip().removesuffix(";")
