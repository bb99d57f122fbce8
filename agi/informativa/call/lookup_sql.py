"""A query over any DB-API 2.0 driver (PEP 249): read-only, one connection a thread, always rolled back."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..model import Identified, Lookup
from ..model.errors import LookupSourceError
from ..model.text import Text

# Commands that make a session refuse all writing, by driver. For all other drivers the query is a SELECT and
# is rolled back, and its account should have no other right.
READ_ONLY = {
    "sqlite3": "PRAGMA query_only = ON",
    "psycopg": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "psycopg2": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "pymysql": "SET SESSION TRANSACTION READ ONLY",
    "MySQLdb": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
# Commands that limit the time of a query on the server, for drivers that cannot be told from another thread.
GIVE_UP = {
    "psycopg": "SET statement_timeout = {milliseconds:.0f}",
    "psycopg2": "SET statement_timeout = {milliseconds:.0f}",
}
PLACEHOLDER = re.compile(r"\{(number|customer)\}")


class SqlLookup:
    """A caller of `lookup.question`, a query that gives one row (columns version, date, reference) or none.
    One per thread."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._driver = importlib.import_module(lookup.driver)
        self._connection: Any = None
        self._cut = False

    def __call__(self, caller: Identified) -> Sequence[Mapping[str, Any]]:
        """Return the rows, two at most, by column in small letters.

        Raises the driver's own errors, and LookupSourceError if a column comes twice. A connection that the
        database closed meanwhile is opened again, once.
        """
        was_connected = self._connection is not None
        try:
            return self._ask(caller)
        except self._driver.Error:
            if not was_connected or self._cut:
                raise
        return self._ask(caller)

    def cut(self) -> None:
        """End the query that is running, from another thread, if the driver can (sqlite3, duckdb)."""
        self._cut = True
        if interrupt := getattr(self._connection, "interrupt", None):
            with contextlib.suppress(self._driver.Error):
                interrupt()

    def _ask(self, caller: Identified) -> Sequence[Mapping[str, Any]]:
        try:
            if self._connection is None:
                self._connection = self._open()
            if self._cut:
                raise TimeoutError
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
        if len(set(names)) < len(names):
            raise LookupSourceError(
                Text("The look-up {id} answered with a name that comes twice.", id=self._lookup.id)
            )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _open(self) -> Any:
        name, seconds = self._lookup.driver, self._lookup.seconds
        busy = {"timeout": seconds} if name == "sqlite3" else {}  # no interruption ends this waiting
        connection = self._driver.connect(**{**busy, **self._lookup.arguments})
        for command in (READ_ONLY.get(name), GIVE_UP.get(name)):
            if command:
                connection.cursor().execute(command.format(milliseconds=seconds * 1000))
                connection.commit()
        return connection


def statement(query: str, paramstyle: str, number: str) -> tuple[str, Any]:
    """Return the query with the driver's own placeholders, and their values."""
    by_name = paramstyle in ("named", "pyformat")
    if paramstyle in ("format", "pyformat"):
        query = query.replace("%", "%%")
    style = {"qmark": "?", "format": "%s", "numeric": ":1", "named": ":number", "pyformat": "%(number)s"}
    text, count = PLACEHOLDER.subn(style[paramstyle], query)
    values = [number] * (1 if paramstyle == "numeric" else count)
    return text, {"number": number} if by_name else tuple(values)
