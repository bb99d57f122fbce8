"""Parts of a ledger's schema that no migration made. A trigger of somebody else's could change or drop what
calls record, without any command that did it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import cache

from . import migrating

_SCHEMA = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema"
_COMMENT = re.compile(r"--[^\n]*")
_OF_SQLITE = ("sqlite_stat", "sqlite_sequence")  # tables that ANALYZE and AUTOINCREMENT make

Part = tuple[str, str, str, str]
"""Type, name, table and SQL of a part of a schema."""


def foreign_parts(connection: sqlite3.Connection) -> list[str]:
    """Return the types and names of the parts of a ledger's schema that differ from what the migrations make,
    those that are missing included: `trigger audit`. None of a ledger of another informativa, which is
    migrated or refused. Raises sqlite3.Error."""
    if migrating.of(connection) != migrating.newest():
        return []
    parts, made = frozenset(connection.execute(_SCHEMA)), _made()
    if parts == made:
        return []
    differing = _without_style(parts) ^ _without_style(made)
    return sorted({f"{kind} {name}" for kind, name, _table, _sql in differing})


@cache
def _made() -> frozenset[Part]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(migrating.empty())
        return frozenset(connection.execute(_SCHEMA))


def _without_style(parts: Iterable[Part]) -> frozenset[Part]:
    """Return parts without what differs between ledgers that the same migrations made: comments and
    quotes, which a later release may have, and a counter of records, which some ledgers keep."""
    return frozenset(
        (kind, name, table, _plain(sql))
        for kind, name, table, sql in parts
        if not name.startswith(_OF_SQLITE)
    )


def _plain(sql: str) -> str:
    words = _COMMENT.sub("", sql).replace('"', "").replace("AUTOINCREMENT", "").split()
    return "".join(words)
