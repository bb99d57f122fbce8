"""What the database must hold, as numbered files of SQL, and who may do what there (I6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

PREFIX = "informativa_"
MONTHS_AHEAD = 24  # of which there are partitions, after a migration
NEEDED = 1  # the newest migration that a program must know; those after it add what an older one need not see
OLDEST = 1  # with which this program goes on, without what later ones add
EVIDENCE = 2  # from which on what an auditor needs is there
SEALED = 3  # from which on an erasure is for boxes with other keys, too

_PARTITIONED = "PARTITION BY RANGE (month)"
_TABLES = ("box", "record", "erasure", "log", "checkpoint", "tile")


def role(controller: str) -> str:
    """Who a company's boxes are in the database, which is also what its schema is called."""
    return PREFIX + controller


def quoted(name: str) -> str:
    """A name as SQL has it. Those of companies are of a-z, 0-9, - and _."""
    return f'"{name}"'


def newest() -> int:
    """The number of the last migration that this program knows."""
    return _files()[-1][0]


def migrations(controller: str, after: int, *, partitioned: bool) -> Iterator[tuple[int, list[str]]]:
    """The statements of each migration after one, for the schema of a company; each is to be applied, and
    recorded, in one transaction."""
    schema = quoted(role(controller))
    for number, file in _files():
        if number > after:
            text = file.read_text(encoding="utf-8")
            text = text.replace("{schema}", schema).replace(
                "{partitioned}", _PARTITIONED if partitioned else ""
            )
            yield number, [*_statements(text), *(_default(schema) if partitioned and number == 1 else ())]


def prepared(controller: str, password: str = "") -> list[str]:
    """What comes before them: a role that may log in, a schema that it may look into, and where it is noted
    which migrations were applied. `password` is SQL for it, nothing where it is set otherwise."""
    name = quoted(role(controller))
    return [
        f"CREATE ROLE {name} LOGIN{f' PASSWORD {password}' if password else ''}",
        f"CREATE SCHEMA {name}",
        f"GRANT USAGE ON SCHEMA {name} TO {name}",
        f"CREATE TABLE {name}.migration (number integer PRIMARY KEY, needed integer NOT NULL)",
    ]


def applied(controller: str, number: int) -> str:
    """That a migration was applied."""
    return f"INSERT INTO {quoted(role(controller))}.migration VALUES ({number}, {NEEDED})"  # noqa: S608  # ours


def rights(controller: str, *, partitioned: bool) -> list[str]:
    """What comes after them: a company's role reads and writes its own rows, and can change no table. Where a
    table is divided it is not planned anew for each question, which takes longer than to answer it."""
    name = quoted(role(controller))
    tables = ", ".join(f"{name}.{table}" for table in _TABLES)
    return [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {name}",
        f"GRANT SELECT ON {name}.migration TO {name}",
        *([f"ALTER ROLE {name} SET plan_cache_mode = force_generic_plan"] if partitioned else ()),
    ]


def partitions(controller: str, today: date, there: Iterable[str] = ()) -> list[str]:
    """One a month that is missing, from this one on."""
    schema, made = quoted(role(controller)), set(there)
    found = []
    for ahead in range(MONTHS_AHEAD):
        first, following = (_month(today, ahead), _month(today, ahead + 1))
        if f"record_{first}" not in made:
            found.append(
                f"CREATE TABLE {schema}.record_{first} PARTITION OF {schema}.record"
                f" FOR VALUES FROM ({first}) TO ({following})"
            )
    return found


def months_ahead(there: Iterable[str], today: date) -> int | None:
    """For how many months from this one on there are partitions among a schema's tables; `None` where it has
    none at all, because the engine knows none."""
    made = {name for name in there if re.fullmatch(r"record_(default|\d{6})", name)}
    months = (ahead for ahead in range(MONTHS_AHEAD) if f"record_{_month(today, ahead)}" not in made)
    return next(months, MONTHS_AHEAD) if made else None


def _default(schema: str) -> list[str]:
    """For what is older than the first partition, and for the time after the last one."""
    return [f"CREATE TABLE {schema}.record_default PARTITION OF {schema}.record DEFAULT"]


def _month(today: date, ahead: int) -> int:
    years, month = divmod(today.month - 1 + ahead, 12)
    return (today.year + years) * 100 + month + 1


def _files() -> list[tuple[int, Path]]:
    folder = Path(__file__).with_name("migrations")
    return sorted((int(file.name[:4]), file) for file in folder.iterdir() if file.suffix == ".sql")


def _statements(sql: str) -> Iterator[str]:
    """One by one, without what is said about them."""
    plain = "\n".join(line.partition("--")[0].rstrip() for line in sql.splitlines())
    for statement in plain.split(";"):
        if text := "\n".join(filter(None, statement.splitlines())):
            yield text
