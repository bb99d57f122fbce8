"""One caller on all boxes: their records of him, and the order to erase him."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..ledgers.sqlite import SqliteStore
from ..model import Record, SharedDatabase
from ..model.errors import BoxRefusedError
from .administration import RegisteredBox
from .connection import Connection, connect, translated
from .membership import Membership, membership
from .reading import with_box
from .rows import Statements

Note = Callable[[int, Sequence[bytes]], None]
"""A callback that gets the number and the pseudonyms of an erasure before the database has it."""


@dataclass(frozen=True)
class OnOtherBoxes:
    """The records that other boxes have of a caller, each with its box, in the order in which they happened;
    the boxes that are not retired; and the reason why the database takes nothing from this box, if any."""

    records: tuple[tuple[str, Record], ...]
    boxes: tuple[RegisteredBox, ...]
    refused: BoxRefusedError | None


@dataclass(frozen=True)
class Asked:
    """The other boxes that are to erase a caller, the number of their records of him in the database, all the
    pseudonyms under which any box knew him, and the reason why the database takes nothing from this box, if
    any."""

    boxes: tuple[RegisteredBox, ...]
    records: int
    pseudonyms: tuple[bytes, ...]
    refused: BoxRefusedError | None


def on_record(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes], store: SqliteStore | None
) -> OnOtherBoxes:
    """Return the records that all boxes but the one of this ledger have of a caller. Raises
    SharedDatabaseError."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database):
        this = membership(connection, sql, database, store)
        records = connection.execute(sql.of_caller, (list(pseudonyms), this.name)).fetchall()
        return OnOtherBoxes(tuple(with_box(records)), _others(connection, sql, this), this.refused)


def would_erase(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes], store: SqliteStore | None
) -> Asked:
    """Return the result that `erase` would have. Raises SharedDatabaseError."""
    sql = Statements(controller)
    with connect(database, controller) as connection, translated(database):
        return _collect(connection, sql, membership(connection, sql, database, store), pseudonyms)


def _collect(connection: Connection, sql: Statements, this: Membership, pseudonyms: Sequence[bytes]) -> Asked:
    all_pseudonyms = [
        pseudonym for (pseudonym,) in connection.execute(sql.his, (list(pseudonyms),)).fetchall()
    ]
    cursor = connection.execute(f"SELECT count(*) FROM ({sql.of_caller}) AS his", (all_pseudonyms, this.name))  # noqa: S608
    (records,) = cursor.fetchone() or (0,)
    return Asked(_others(connection, sql, this), records, tuple(all_pseudonyms), this.refused)


def _others(connection: Connection, sql: Statements, this: Membership) -> tuple[RegisteredBox, ...]:
    boxes = (RegisteredBox(*row) for row in connection.execute(sql.every_box).fetchall())
    return tuple(box for box in boxes if box.name != this.name and not box.retired)


def _no_note(_number: int, _pseudonyms: Sequence[bytes]) -> None:
    """Do nothing: the callback of a caller who stores no request."""


def erase(
    database: SharedDatabase,
    controller: str,
    pseudonyms: Sequence[bytes],
    note: Note = _no_note,
    *,
    store: SqliteStore | None = None,
    sealed: Sequence[bytes] = (),
) -> Asked:
    """Order all boxes to erase a caller whom this one, of which `store` is the ledger, has erased already.
    Raises like `order`."""
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
    """Order all boxes to erase a caller, each as soon as it reaches the database; his records there are
    erased at once. `note` is called before the order is valid. The box of the ledger `done_in` counts as
    done, if the database takes it for that box. `sealed` is the caller for boxes with other keys. Raises
    SharedDatabaseError, after which the order may be valid or not, and any exception of `note`.

    A box that is sending at this moment is waited for, and sends nothing more before it has read the order.
    """
    sql = Statements(controller, connection.schema)
    with translated(database), connection.transaction():
        boxes = connection.execute(sql.lock_boxes).fetchall()
        this = membership(connection, sql, database, done_in)
        asked = _collect(connection, sql, this, pseudonyms)
        all_pseudonyms = list(asked.pseudonyms)
        (newest,) = connection.execute(sql.newest_erasure).fetchone() or (0,)  # where no box took part yet
        number = 1 + max((newest, *(erasures for _name, erasures, _retired in boxes)))
        values = (number, all_pseudonyms, list(sealed) or None)
        connection.execute(sql.add_erasure, values if sql.sealed else values[:2])
        connection.execute(sql.count_erasure, (number,))
        connection.execute(sql.erase_caller, (all_pseudonyms,))
        if this.name and set(all_pseudonyms) <= set(pseudonyms):
            connection.execute(sql.applied_here, (number, this.name, number - 1))
        connection.execute(sql.done_everywhere)  # where there is no other box
        note(number, all_pseudonyms)
    return asked
