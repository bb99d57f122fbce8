"""One caller on all boxes: what they have on record of him, and that they are to erase him."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model import Record, SharedDatabase
from .connection import connect, translated
from .reading import with_box
from .rows import Statements


@dataclass(frozen=True)
class Asked:
    """Which boxes are to erase a caller, and all the pseudonyms under which any of them knew him."""

    boxes: tuple[str, ...]
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


def erase(database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes]) -> Asked:
    """Have all boxes erase a caller, each as soon as it reaches the database; what of him is there is gone at
    once. Raises SharedDatabaseError, and then nobody was asked.

    A box that is sending at this moment is waited for, and sends nothing more before it knows. This one has
    erased him already.
    """
    with connect(database, controller) as connection, translated(database), connection.transaction():
        sql = Statements(controller, connection.schema)
        boxes = connection.execute(sql.lock_boxes).fetchall()
        his = [each for (each,) in connection.execute(sql.his, (list(pseudonyms),)).fetchall()]
        number = 1 + max((erasures for _name, erasures, _retired in boxes), default=0)
        connection.execute(sql.add_erasure, (number, his))
        connection.execute(sql.count_erasure, (number,))
        connection.execute(sql.erase_caller, (his,))
        connection.execute(sql.applied_here, (number, database.box, number - 1))
        connection.execute(sql.done_everywhere)  # where there is no other box
    live = tuple(name for name, _erasures, retired in boxes if not retired)
    return Asked(live, tuple(his))
