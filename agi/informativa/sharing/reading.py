"""Reading of all boxes' records in the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..ledgers import rows
from ..model import Record, RecordFilter, SharedDatabase
from ..model.errors import SharedDatabaseError
from ..model.text import Text
from .connection import connect, translated
from .rows import Statements

_PAGE = 1000


def search(
    database: SharedDatabase, controller: str, record_filter: RecordFilter, last: int | None = None
) -> Iterator[tuple[str, Record]]:
    """Iterate over the records of a filter, or the last ones of them, in the order in which they happened,
    each with its box, while they are read. Records that boxes have not sent yet are missing. Raises
    SharedDatabaseError."""
    sql = Statements(controller)
    values = rows.wanted(record_filter) | {"count": last}
    with (
        connect(database, controller) as connection,
        translated(database),
        connection.transaction(),
        connection.cursor(name="records") as cursor,
    ):
        cursor.itersize = _PAGE
        yield from with_box(cursor.execute(sql.last_of if last else sql.search, values))


def with_box(rows_of_records: Iterable[Sequence[Any]]) -> Iterator[tuple[str, Record]]:
    """Iterate over records from rows of a box and COLUMNS. Raises SharedDatabaseError for a row that cannot
    be shown: none is left out silently."""
    for row in rows_of_records:
        try:
            yield row[0], rows.record(row[1:])
        except ValueError as error:
            raise SharedDatabaseError(
                Text("Record {number} of {box} is of a newer informativa.", number=row[1], box=row[0]),
                Text("Ask the newest box, or upgrade this one."),
            ) from error
