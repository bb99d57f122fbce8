"""Replacement of a box that broke: the database says first which box took its place, and after which of its
records that one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..evidence.note_values import NoteSource
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from .administration import RegisteredBox
from .connection import connect, translated
from .erasure_statements import ErasureStatements
from .retirements import OtherLedger, Retirements
from .rows import Statements

SILENCE_SECONDS = 10.0  # of a server that hangs; somebody waits for the answer


def copies(database: SharedDatabase, controller: str, box: str, successor: str) -> int:
    """Return the number of records that are there under both names, as those of one ledger. Raises
    SharedDatabaseError."""
    database = database.of(controller)
    with connect(database, controller, silence=SILENCE_SECONDS) as connection, translated(database):
        sql = Statements(connection.company)
        (count,) = connection.execute(sql.copies, (box, successor)).fetchone() or (0,)
        return int(count)


def replace(
    database: SharedDatabase, controller: str, box: RegisteredBox, successor: RegisteredBox
) -> int | None:
    """Retire a box whose place another takes. Return the number of its last record there, after which the
    other goes on; `None` if either has changed: it left, or another took the place before. Raises
    SharedDatabaseError."""
    database = database.of(controller)
    values = {
        "box": box.name,
        "identity": box.identity,
        "successor": successor.name,
        "new_identity": successor.identity,
    }
    with connect(database, controller, silence=SILENCE_SECONDS) as connection, translated(database):
        sql, run = Statements(connection.company), connection.execute
        with connection.transaction():
            row = run(sql.replace, values).fetchone()
            ErasureStatements(connection.company).settle_retired(connection)
        return None if row is None else int(row[0])


def note(database: SharedDatabase, controller: str, store: SqliteStore, box: RegisteredBox) -> int | None:
    """Note in the log of this box's ledger that it took the place of a box. Return the number of the record.
    Raises LedgerError and SharedDatabaseError."""
    with _retirements(database, controller, store) as retirements:
        ledger = OtherLedger(box.name, box.record, box.identity, retired=True, successor=database.box)
        return retirements.note(ledger, NoteSource.COMMAND)


def note_retirement(database: SharedDatabase, controller: str, store: SqliteStore, box: RegisteredBox) -> int:
    """Note in the log of this box's ledger that another left for good. Return the number of the record.
    Raises LedgerError and SharedDatabaseError."""
    with _retirements(database, controller, store) as retirements:
        ledger = OtherLedger(box.name, box.record, box.identity, retired=True, successor=None)
        return retirements.note_retirement(ledger, NoteSource.COMMAND)


@contextmanager
def _retirements(database: SharedDatabase, controller: str, store: SqliteStore) -> Iterator[Retirements]:
    database = database.of(controller)
    with connect(database, controller, silence=SILENCE_SECONDS) as connection:
        yield Retirements(store, connection, database, connection.company, controller)
