"""One caller on all boxes: what they have on record of him, and that they are to erase him."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import BoxRefusedError
from ..ledgers.sqlite import SqliteStore
from ..model import Record, SharedDatabase
from .administration import Box
from .connection import Connection, connect, translated
from .membership import Membership, membership
from .reading import with_box
from .rows import Statements

Note = Callable[[int, Sequence[bytes]], None]
"""Hears by which number, and under which pseudonyms, the database is about to know an erasure."""


@dataclass(frozen=True)
class OnOtherBoxes:
    """What other boxes have on record of a caller, each record with its box, in the order in which it
    happened; which boxes those are that did not leave; and why the database takes nothing from this one."""

    records: tuple[tuple[str, Record], ...]
    boxes: tuple[Box, ...]
    refused: BoxRefusedError | None


@dataclass(frozen=True)
class Asked:
    """Which other boxes are to erase a caller, how many of their records of him are in the database, all the
    pseudonyms under which any box knew him, and why the database takes nothing from this box."""

    boxes: tuple[Box, ...]
    records: int
    pseudonyms: tuple[bytes, ...]
    refused: BoxRefusedError | None


def on_record(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes], store: SqliteStore | None
) -> OnOtherBoxes:
    """What all other boxes than the one of this ledger have on record of a caller. Raises
    SharedDatabaseError."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database):
        this = membership(connection, sql, database, store)
        records = connection.execute(sql.of_caller, (list(pseudonyms), this.name)).fetchall()
        return OnOtherBoxes(tuple(with_box(records)), _others(connection, sql, this), this.refused)


def would_erase(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes], store: SqliteStore | None
) -> Asked:
    """What `erase` would come to. Raises SharedDatabaseError."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database):
        return _asked(connection, sql, membership(connection, sql, database, store), pseudonyms)


def _asked(connection: Connection, sql: Statements, this: Membership, pseudonyms: Sequence[bytes]) -> Asked:
    his = [each for (each,) in connection.execute(sql.his, (list(pseudonyms),)).fetchall()]
    counted = connection.execute(f"SELECT count(*) FROM ({sql.of_caller}) AS his", (his, this.name))  # noqa: S608
    (records,) = counted.fetchone() or (0,)
    return Asked(_others(connection, sql, this), records, tuple(his), this.refused)


def _others(connection: Connection, sql: Statements, this: Membership) -> tuple[Box, ...]:
    boxes = (Box(*row) for row in connection.execute(sql.every_box).fetchall())
    return tuple(box for box in boxes if box.name != this.name and not box.retired)


def _unnoted(_number: int, _pseudonyms: Sequence[bytes]) -> None:
    """Of whoever keeps nothing to ask again by."""


def erase(
    database: SharedDatabase,
    controller: str,
    pseudonyms: Sequence[bytes],
    note: Note = _unnoted,
    *,
    store: SqliteStore | None = None,
    sealed: Sequence[bytes] = (),
) -> Asked:
    """Have all boxes erase a caller whom this one, of which `store` is the ledger, has erased already. Raises
    as `order` does."""
    with connect(database, controller) as connection:
        return order(connection, database, controller, pseudonyms, note, done_in=store, sealed=sealed)


def order(
    connection: Connection,
    database: SharedDatabase,
    controller: str,
    pseudonyms: Sequence[bytes],
    note: Note,
    *,
    done_in: SqliteStore | None = None,
    sealed: Sequence[bytes] = (),
) -> Asked:
    """Have all boxes erase a caller, each as soon as it reaches the database; what of him is there is gone at
    once. `note` hears of the order before it holds. The box of the ledger in which it is done already counts
    as done, if the database takes it for that box. `sealed` is the caller for boxes with other keys. Raises
    SharedDatabaseError, and then it may hold or not, and what `note` raises.

    A box that is sending at this moment is waited for, and sends nothing more before it knows.
    """
    sql = Statements(controller, connection.schema)
    with translated(database), connection.transaction():
        boxes = connection.execute(sql.lock_boxes).fetchall()
        this = membership(connection, sql, database, done_in)
        asked = _asked(connection, sql, this, pseudonyms)
        his = list(asked.pseudonyms)
        (newest,) = connection.execute(sql.newest_erasure).fetchone() or (0,)  # where no box took part yet
        number = 1 + max((newest, *(erasures for _name, erasures, _retired in boxes)))
        values = (number, his, list(sealed) or None)
        connection.execute(sql.add_erasure, values if sql.sealed else values[:2])
        connection.execute(sql.count_erasure, (number,))
        connection.execute(sql.erase_caller, (his,))
        if this.name and set(his) <= set(pseudonyms):
            connection.execute(sql.applied_here, (number, this.name, number - 1))
        connection.execute(sql.done_everywhere)  # where there is no other box
        note(number, his)
    return asked
