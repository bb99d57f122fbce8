"""The companies that a box's login serves, compared with those of its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from ..model import SharedDatabase
from . import schema
from .connection import administered, connect_as, translated

_SERVED = f"""
SELECT controller, EXISTS (
    SELECT FROM {schema.SCHEMA}.ledger AS l WHERE l.company = c.company AND l.box = %s AND l.retired IS NULL)
FROM {schema.SCHEMA}.serves AS s JOIN {schema.SCHEMA}.company AS c USING (company)
WHERE s.login = %s AND controller IS NOT NULL ORDER BY controller
"""  # noqa: S608  # our own names
_WITHDRAW = f"""
DELETE FROM {schema.SCHEMA}.serves WHERE login = %s AND company IN (
    SELECT company FROM {schema.SCHEMA}.company WHERE controller = ANY(%s))
"""  # noqa: S608
_IS_MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)


@dataclass(frozen=True)
class ServedCompany:
    """A company that this box's login serves; and whether its other boxes wait for this one, which is not
    retired there."""

    controller: str
    awaited: bool


def served_companies(database: SharedDatabase, controller: str, user: str) -> Sequence[ServedCompany]:
    """Return the companies that this box's login serves in the database of a company, as a `user` or the
    login itself sees them; none where there are no tables yet. Raises SharedDatabaseError."""
    database = database.of(controller)
    values = database.box, schema.login(database.box)
    with connect_as(database, controller, user) as connection, translated(database):
        try:
            return [ServedCompany(*row) for row in connection.execute(_SERVED, values).fetchall()]
        except _IS_MISSING:
            return []


def withdraw(database: SharedDatabase, controller: str, companies: Sequence[str], user: str) -> None:
    """Take these companies away from this box's login, in the database of a company. Their records stay.
    Raises SharedDatabaseError."""
    database = database.of(controller)
    with connect_as(database, controller, user) as connection, administered(database):
        connection.execute(_WITHDRAW, (schema.login(database.box), list(companies)))
