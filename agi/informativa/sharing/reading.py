"""Reading of all boxes' records in the database: those of a filter, and those of one caller."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..ledgers.boxes import Existing
from ..ledgers.sqlite import SqliteStore
from ..model import Record, RecordFilter, SharedDatabase
from ..model.errors import BoxRefusedError, SharedDatabaseError
from ..model.text import Text
from . import schema
from .administration import RegisteredBox
from .connection import Connection, connect, translated
from .membership import Membership, membership
from .record_search import search_statement
from .rows import Statements, record

_PAGE = 1000
_NEWER = Text(
    "Record {number} of {box} is of a newer informativa.", "Ask the newest box, or upgrade this one."
)
_NO_TIME = Text(
    "Record {number} of {box} has a time that no calendar has.",
    "Somebody changed it in that box's ledger, or has its login in the database. Type on that box:"
    " informativa evidence audit",
)


@dataclass(frozen=True)
class OnOtherBoxes:
    """The records that other boxes have of a caller, each with its box, in the order in which they happened;
    the boxes that are not retired; and the reason why the database takes nothing from this box, if any."""

    records: tuple[tuple[str, Record], ...]
    boxes: tuple[RegisteredBox, ...]
    refused: BoxRefusedError | None


def search(
    database: SharedDatabase, controller: str, record_filter: RecordFilter, last: int | None = None
) -> Iterator[tuple[str, Record]]:
    """Iterate over the records of a filter, or the last ones of them, in the order in which they happened,
    each with its box, while they are read. Records that boxes have not sent yet are missing. Raises
    SharedDatabaseError."""
    database = database.of(controller)
    with (
        connect(database, controller) as connection,
        translated(database),
        connection.transaction(),
        connection.cursor(name="records") as cursor,
    ):
        cursor.itersize = _PAGE
        statement, values = search_statement(connection.company, record_filter, last or None)
        yield from with_box(cursor.execute(statement, values))


def of_caller(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes], store: SqliteStore | None
) -> OnOtherBoxes:
    """Return the records that all boxes but the one of this ledger have of a caller. Raises
    SharedDatabaseError."""
    database = database.of(controller)
    with connect(database, controller) as connection, translated(database):
        sql = Statements(connection.company)
        this = membership(connection, sql, database, store)
        values = {"pseudonyms": list(pseudonyms), "box": this.name}
        records = connection.execute(sql.of_caller, values).fetchall()
        return OnOtherBoxes(tuple(with_box(records)), other_boxes(connection, sql, this), this.refused)


def ties(
    database: SharedDatabase, controller: str, pseudonyms: Collection[bytes]
) -> list[tuple[bytes, bytes]]:
    """Return the pairs of pseudonyms by which records of any box know one of these callers: the earlier one
    and the later one. Raises SharedDatabaseError."""
    database = database.of(controller)
    with connect(database, controller) as connection, translated(database):
        sql = Statements(connection.company)
        return connection.execute(sql.ties, {"pseudonyms": list(pseudonyms)}).fetchall()


def other_boxes(connection: Connection, sql: Statements, this: Membership) -> tuple[RegisteredBox, ...]:
    """Return the boxes that are not this one, and not retired; those that serve the company and never took
    part are among them."""
    ledgers = (RegisteredBox(*row) for row in connection.execute(sql.every_ledger).fetchall())
    awaited = (RegisteredBox(*values) for _company, *values in connection.execute(sql.awaited).fetchall())
    own = connection.info.user.removeprefix(schema.LOGIN_PREFIX)  # also of a box that never took part
    return (
        *(box for box in ledgers if box.name != this.name and not box.retired),
        *(box for box in awaited if box.name != own),
    )


def other_ledgers(connection: Connection, company: int, box: str) -> Existing:
    """Return the ledgers of a company's other boxes than this one, and how far their records are there."""
    rows = connection.execute(Statements(company).ledgers, (box,)).fetchall()
    return {(name, bytes(identity)): (last, answered) for name, last, answered, identity, *_standing in rows}


def with_box(rows_of_records: Iterable[Sequence[Any]]) -> Iterator[tuple[str, Record]]:
    """Iterate over records from rows of a box, COLUMNS and ANSWER. Raises SharedDatabaseError for a row
    that cannot be shown: none is left out silently."""
    for row in rows_of_records:
        try:
            yield row[0], record(row[1:])
        except (ValueError, OverflowError) as error:
            text = _NO_TIME if isinstance(error, OverflowError) else _NEWER
            raise SharedDatabaseError(text.format(number=row[1], box=row[0])) from error
