"""Membership of a ledger: it is the one that the database knows by this box's name, or it is refused.

A name is for people: two machines may have one, and a copy of a ledger may go on elsewhere. What is marked,
left out or trusted goes by the identity of the ledger (16 random bytes) and by its newest record there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import BoxRefusedError
from ..ledgers import boxes
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from ..text import Text
from . import rows as shared_rows
from .connection import Connection
from .rows import Statements

COMPARED = [shared_rows.COLUMNS.index(name) for name in ("record", "at", "status", "reason", "erased")]
"""Where the columns are that tell one record from another."""
_MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True)
class BoxRow:
    """A box as the database knows it: up to which record its records are there, up to which erasure there
    are and were applied, and before which leaf all proofs are there."""

    identity: bytes
    record: int
    erasures: int
    applied: int
    retired: bool
    proven: int


@dataclass(frozen=True)
class Membership:
    """By which name the records of this ledger are there, '' where none are; and why the database takes
    nothing from it, `None` where it does."""

    name: str
    refused: BoxRefusedError | None = None


def look_up(connection: Connection, sql: Statements, database: SharedDatabase) -> BoxRow | None:
    """The box of our name; `None` where none has it yet."""
    row = connection.execute(sql.box, (database.box,)).fetchone()
    return None if row is None else BoxRow(*row)


def membership(
    connection: Connection, sql: Statements, database: SharedDatabase, store: SqliteStore | None
) -> Membership:
    """Look up the membership of this ledger, `None` for one that is not there yet. Raises LedgerError."""
    row = look_up(connection, sql, database)
    if row is None:
        return Membership("")
    try:
        require_identity(database, row, None if store is None else boxes.drawn_identity(store))
        if store is not None:
            require_same_ledger(connection, sql, database, store, row.record)
    except BoxRefusedError as error:
        return Membership("", error)
    return Membership(database.box)


def require_identity(database: SharedDatabase, row: BoxRow | None, identity: bytes | None) -> BoxRow:
    """The row, which is of this ledger. Raises BoxRefusedError."""
    if row is None or row.identity != identity:
        raise refused(
            database,
            Text(
                "another machine, or an earlier ledger of this one, has the name {box} there",
                "Give this one a name of its own (shared.box), and load the configuration anew.",
            ),
        )
    return row


def require_same_ledger(
    connection: Connection, sql: Statements, database: SharedDatabase, store: SqliteStore, sent: int
) -> None:
    """Refuse a ledger of which the database has other records under our name, up to the record `sent`: a
    backup was put back since, or a copy of the ledger went on elsewhere. Raises BoxRefusedError."""
    last = connection.execute(sql.last, (database.box,)).fetchone()
    own = boxes.page(store, last[0] - 1, 1) if last else []
    if last and own and own[0][0] == last[0]:
        same = same_record([own[0][at] for at in COMPARED], last)
    else:  # it was purged, on either side
        same = sent <= store.newest()
    if not same:
        raise refused(
            database,
            Text(
                "what is there under the name {box} is not of this ledger: a backup was put back, or two"
                " machines have one ledger",
                "Give it another name (shared.box), under which its records are sent once more, and"
                " retire the old name: informativa boxes retire {box}",
            ),
        )


def refused(database: SharedDatabase, why: Text, **more: object) -> BoxRefusedError:
    """Make the error with what `why` says, and the advice in it."""
    why = why.format(box=database.box, **more)
    said = Text("The shared database {database} takes nothing from this box: {why}.")
    return BoxRefusedError(said.format(database=database.name, why=why.statement), why.advice)


def same_record(own: Sequence[Any], there: Sequence[Any]) -> bool:
    """Compare two rows of COMPARED: they are one record, though an erasure may have come to one and not to
    the other."""
    (number, at, status, reason, erased), (its, its_at, its_status, its_reason, its_erased) = own, there
    if erased or its_erased:
        at, its_at = at - at % _MINUTE, its_at - its_at % _MINUTE
    return (number, at, status, reason) == (its, its_at, its_status, its_reason)
