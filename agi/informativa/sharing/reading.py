"""What all boxes have on record, as the database has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..errors import SharedDatabaseError
from ..ledgers import rows
from ..model import Record, RecordFilter, SharedDatabase
from ..text import Text
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
        yield from with_box(cursor.execute(sql.last_of if last else sql.search, given))


def with_box(found: Iterable[Sequence[Any]]) -> Iterator[tuple[str, Record]]:
    """Rows of a box and COLUMNS. Raises SharedDatabaseError for one that cannot be shown: nothing is left out
    in silence."""
    for row in found:
        try:
            yield row[0], rows.record(row[1:])
        except ValueError as error:
            raise SharedDatabaseError(
                Text("Record {number} of {box} is of a newer informativa.", number=row[1], box=row[0]),
                Text("Ask the newest box, or upgrade this one."),
            ) from error
