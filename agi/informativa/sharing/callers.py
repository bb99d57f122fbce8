"""One caller on all boxes: what they have on record of him, and that they are to erase him."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..model import Record, SharedDatabase
from .administration import Box
from .connection import Connection, connect, translated
from .reading import with_box
from .rows import Statements

Note = Callable[[int, Sequence[bytes]], None]
"""Hears by which number, and under which pseudonyms, the database is about to know an erasure."""


@dataclass(frozen=True)
class Asked:
    """Which other boxes are to erase a caller, how many of their records of him are in the database, and all
    the pseudonyms under which any box knew him."""

    boxes: tuple[Box, ...]
    records: int
    pseudonyms: tuple[bytes, ...]


def on_record(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes]
) -> list[tuple[str, Record]]:
    """What all other boxes have on record of a caller, each with its box, in the order in which it happened.
    Raises SharedDatabaseError."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database):
        found = connection.execute(sql.of_caller, (list(pseudonyms), database.box)).fetchall()
    return list(with_box(found))


def would_erase(database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes]) -> Asked:
    """What `erase` would come to. Raises SharedDatabaseError."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database):
        return _asked(connection, sql, database, pseudonyms)


def _asked(
    connection: Connection, sql: Statements, database: SharedDatabase, pseudonyms: Sequence[bytes]
) -> Asked:
    his = [each for (each,) in connection.execute(sql.his, (list(pseudonyms),)).fetchall()]
    counted = connection.execute(f"SELECT count(*) FROM ({sql.of_caller}) AS his", (his, database.box))  # noqa: S608
    (records,) = counted.fetchone() or (0,)
    boxes = (Box(*row) for row in connection.execute(sql.every_box).fetchall())
    others = tuple(box for box in boxes if box.name != database.box and not box.retired)
    return Asked(others, records, tuple(his))


def _unnoted(_number: int, _pseudonyms: Sequence[bytes]) -> None:
    """Of whoever keeps nothing to ask again by."""


def erase(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes], note: Note = _unnoted
) -> Asked:
    """Have all boxes erase a caller whom this one has erased already. Raises as `order` does."""
    with connect(database, controller) as connection:
        return order(connection, database, controller, pseudonyms, note, done_here=True)


def order(
    connection: Connection,
    database: SharedDatabase,
    controller: str,
    pseudonyms: Sequence[bytes],
    note: Note,
    *,
    done_here: bool = False,
) -> Asked:
    """Have all boxes erase a caller, each as soon as it reaches the database; what of him is there is gone at
    once. `note` hears of the order before it holds. Raises SharedDatabaseError, and then it may hold or not,
    and what `note` raises.

    A box that is sending at this moment is waited for, and sends nothing more before it knows.
    """
    sql = Statements(controller, connection.schema)
    with translated(database), connection.transaction():
        boxes = connection.execute(sql.lock_boxes).fetchall()
        asked = _asked(connection, sql, database, pseudonyms)
        his = list(asked.pseudonyms)
        (newest,) = connection.execute(sql.newest_erasure).fetchone() or (0,)  # where no box took part yet
        number = 1 + max((newest, *(erasures for _name, erasures, _retired in boxes)))
        connection.execute(sql.add_erasure, (number, his))
        connection.execute(sql.count_erasure, (number,))
        connection.execute(sql.erase_caller, (his,))
        if done_here and set(his) <= set(pseudonyms):
            connection.execute(sql.applied_here, (number, database.box, number - 1))
        connection.execute(sql.done_everywhere)  # where there is no other box
        note(number, his)
    return asked
