"""Parts of a ledger's schema that informativa did not make. A trigger of somebody else's could change or drop
what calls record, without any command that did it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import cache

from . import schema

_SCHEMA = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema"
_COMMENT = re.compile(r"--[^\n]*")
_STATISTICS = "sqlite_stat"  # tables that ANALYZE makes

Part = tuple[str, str, str, str]
"""Type, name, table and SQL of a part of a schema."""


def foreign_parts(connection: sqlite3.Connection) -> list[str]:
    """Return the types and names of the parts of a ledger's schema that differ from `schema.sql`, those that
    are missing included: `trigger audit`. Raises sqlite3.Error."""
    parts, made = frozenset(connection.execute(_SCHEMA)), _made()
    if parts == made:
        return []
    differing = _without_comments(parts) ^ _without_comments(made)
    return sorted({f"{kind} {name}" for kind, name, _table, _sql in differing})


@cache
def _made() -> frozenset[Part]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(schema.empty())
        return frozenset(connection.execute(_SCHEMA))


def _without_comments(parts: Iterable[Part]) -> frozenset[Part]:
    """Return parts without comments and white space, which differ between releases of one schema."""
    return frozenset(
        (kind, name, table, _plain(sql))
        for kind, name, table, sql in parts
        if not name.startswith(_STATISTICS)
    )


def _plain(sql: str) -> str:
    return "".join(_COMMENT.sub("", sql).split())
