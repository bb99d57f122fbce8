"""A query over any DB-API 2.0 driver (PEP 249): read-only, one connection a thread, always rolled back."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..model import Identified, Lookup

# How a session is told to refuse all writing, where a driver's database can be told so; for all others
# the query is a SELECT and is rolled back, and its account should have no other right.
READ_ONLY = {
    "sqlite3": "PRAGMA query_only = ON",
    "psycopg": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "psycopg2": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "pymysql": "SET SESSION TRANSACTION READ ONLY",
    "MySQLdb": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
PLACEHOLDER = re.compile(r"\{(number|customer)\}")


class SqlRegister:
    """Asks `lookup.question`, a query that gives one row (columns version, date, reference) or none.
    One per thread."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._driver = importlib.import_module(lookup.driver)
        self._connection: Any = None

    def __call__(self, caller: Identified) -> Sequence[Mapping[str, Any]]:
        """The rows, two at most, by column in small letters.

        Raises the driver's own errors. A connection that the database closed meanwhile is made anew, once.
        """
        kept = self._connection is not None
        try:
            return self._ask(caller)
        except self._driver.Error:
            if not kept:
                raise
        return self._ask(caller)

    def _ask(self, caller: Identified) -> Sequence[Mapping[str, Any]]:
        try:
            if self._connection is None:
                self._connection = self._driver.connect(**self._lookup.arguments)
                if command := READ_ONLY.get(self._lookup.driver):
                    self._connection.cursor().execute(command)
                    self._connection.commit()
            cursor = self._connection.cursor()
            cursor.execute(*statement(self._lookup.question, self._driver.paramstyle, caller.number))
            rows = cursor.fetchmany(2)
            names = [column[0].lower() for column in cursor.description]
            cursor.close()
            self._connection.rollback()
        except self._driver.Error:
            broken, self._connection = self._connection, None
            with contextlib.suppress(Exception):
                broken.close()
            raise
        return [dict(zip(names, row, strict=True)) for row in rows]


def statement(query: str, paramstyle: str, number: str) -> tuple[str, Any]:
    """The query with the driver's own placeholders, and what stands for them."""
    named = paramstyle in ("named", "pyformat")
    if paramstyle in ("format", "pyformat"):
        query = query.replace("%", "%%")
    style = {"qmark": "?", "format": "%s", "numeric": ":1", "named": ":number", "pyformat": "%(number)s"}
    text, count = PLACEHOLDER.subn(style[paramstyle], query)
    values = [number] * (1 if paramstyle == "numeric" else count)
    return text, {"number": number} if named else tuple(values)
