"""A company's schema of its own, as an earlier informativa made it: its migrations are in `earlier/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lab.postgres import Postgres

TABLES = "box, record, erasure, log, checkpoint, tile"
DAY = "2026-11-27 10:00Z"


def schema_of(server: Postgres, controller: str, number: int = 5) -> str:
    """Make a company's schema as it was after a migration, with a role that has rights on it alone; return
    its name."""
    name = f"informativa_{controller}"
    role, quoted = f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'earlier'", f'"{name}"'
    if not server.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
        server.sql(role)
    server.sql(
        f"CREATE SCHEMA {quoted}; GRANT USAGE ON SCHEMA {quoted} TO {quoted};"
        f"CREATE TABLE {quoted}.migration (number integer PRIMARY KEY, needed integer NOT NULL)"
    )
    for migration, sql in _migrations(quoted):
        if migration <= number:
            server.sql(f"{sql}; INSERT INTO {quoted}.migration VALUES ({migration}, 1)")
    server.sql(
        f"CREATE TABLE {quoted}.record_default PARTITION OF {quoted}.record DEFAULT;"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {quoted} TO {quoted}"
    )
    return name


def box(server: Postgres, schema: str, name: str, identity: bytes, records: int, **more: object) -> None:
    """Put a box there whose ledger has this identity, and that sent so many records."""
    facts = {"record": records, "newest": records} | more
    server.sql(
        f'INSERT INTO "{schema}".box (name, identity, seen, {", ".join(facts)})'
        f" VALUES ('{name}', '\\x{identity.hex()}', '{DAY}', {', '.join(map(str, facts.values()))})"
    )


def _migrations(schema: str) -> Iterator[tuple[int, str]]:
    for file in sorted(Path(__file__).with_name("earlier").glob("*.sql")):
        text = file.read_text(encoding="utf-8").replace("{schema}", schema)
        yield int(file.stem), text.replace("{partitioned}", "PARTITION BY RANGE (month)")
