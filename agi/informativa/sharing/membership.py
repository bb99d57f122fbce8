"""Membership of a ledger: it is the one that the database knows by this box's name, or it is refused.

A name is for people: two machines may have one, and a copy of a ledger may go on elsewhere. So records are
marked, left out or trusted by the identity of the ledger (16 random bytes) and by its newest record there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ledgers import boxes
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from ..model.errors import BoxRefusedError
from ..model.text import Text
from . import rows as shared_rows
from .connection import Connection
from .rows import Statements

COMPARED = [shared_rows.COLUMNS.index(name) for name in ("record", "at", "status", "reason", "erased")]
"""The positions of the columns by which two records are compared."""
_MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True)
class About:
    """The report of a box about itself, for comparison with others: the program's version, fingerprints of
    the company's keys, and a digest of the settings that decide about its callers."""

    program: str = ""
    keys: str = ""
    configuration: str = ""


@dataclass(frozen=True)
class LedgerRow:
    """A ledger of a box as the database knows it: its records are there up to `record`, there are erasures up
    to `erasures`, of which those up to `applied` were applied, and the proofs of all leaves before `proven`
    are there, and all answers of records up to `answered`."""

    identity: bytes
    record: int
    erasures: int
    applied: int
    retired: bool
    proven: int
    answered: int


@dataclass(frozen=True)
class Membership:
    """The name under which the records of this ledger are there, '' where none are; and the reason why the
    database takes nothing from it, `None` where it does."""

    name: str
    refused: BoxRefusedError | None = None


def look_up(connection: Connection, sql: Statements, database: SharedDatabase) -> LedgerRow | None:
    """Return the ledger of the box of our name; `None` where none has it yet."""
    row = connection.execute(sql.ledger, (database.box,)).fetchone()
    return None if row is None else LedgerRow(*row)


def membership(
    connection: Connection, sql: Statements, database: SharedDatabase, store: SqliteStore | None
) -> Membership:
    """Return the membership of this box with the ledger `store`, `None` where that was not created yet.
    Raises LedgerError."""
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


def require_identity(database: SharedDatabase, row: LedgerRow | None, identity: bytes | None) -> LedgerRow:
    """Return the row, after a check that it is of this ledger. Raises BoxRefusedError."""
    if row is None:
        raise refused(
            database,
            Text(
                "it has nothing of the company that {box} may see: {box} serves it no more, or a standby took"
                " over without it",
                "It is tried again by itself. Which companies it serves says: informativa shared serve",
            ),
        )
    if row.identity != identity:
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
    local_rows = boxes.page(store, last[0] - 1, 1) if last else []
    if last and local_rows and local_rows[0][0] == last[0]:
        same = same_record([local_rows[0][at] for at in COMPARED], last)
    else:  # it was purged, on either side
        same = sent <= store.newest()
    if not same:
        raise refused(
            database,
            Text(
                "what is there under the name {box} is not of this ledger: a backup was put back, or two"
                " machines have one ledger",
                "Give it another name (shared.box), under which its records are sent once more, and"
                " say that it takes the place of the old one: informativa boxes replace {box} NEW",
            ),
        )


def refused(database: SharedDatabase, reason: Text, **arguments: object) -> BoxRefusedError:
    """Return the error for a reason, with the advice in it."""
    reason = reason.format(box=database.box, **arguments)
    refusal = Text("The shared database {database} takes nothing from this box: {why}.")
    return BoxRefusedError(refusal.format(database=database.name, why=reason.statement), reason.advice)


def same_record(local: Sequence[Any], remote: Sequence[Any]) -> bool:
    """Return whether two rows of COMPARED are one record, though an erasure may have come to one and not to
    the other."""
    (
        (number, at, status, reason, erased),
        (their_number, their_at, their_status, their_reason, their_erased),
    ) = local, remote
    if erased or their_erased:
        at, their_at = at - at % _MINUTE, their_at - their_at % _MINUTE
    return (number, at, status, reason) == (their_number, their_at, their_status, their_reason)
