"""What all boxes have on record, as the database has it."""

from __future__ import annotations

from collections.abc import Iterator

from ..ledgers import rows
from ..model import Record, RecordFilter, SharedDatabase
from .connection import connect, translated
from .rows import Statements

_PAGE = 1000


def search(
    database: SharedDatabase, controller: str, wanted: RecordFilter, last: int | None = None
) -> Iterator[tuple[str, Record]]:
    """Those that are wanted, or the last so many of them, in the order in which they happened, each with its
    box, while they are read. What boxes have not sent yet is not there. Raises SharedDatabaseError."""
    sql = Statements(controller)
    given = rows.wanted(wanted) | {"count": last}
    with (
        connect(database, controller) as connection,
        translated(database),
        connection.transaction(),
        connection.cursor(name="records") as cursor,
    ):
        cursor.itersize = _PAGE
        for row in cursor.execute(sql.last_of if last else sql.search, given):
            yield row[0], rows.record(row[1:])
