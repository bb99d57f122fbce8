"""The schema of a ledger (`schema.sql`): check that a database is a ledger of this version, and create its
tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from ..evidence.origin import log_folder, origin
from ..model.errors import LedgerEmptyError, LedgerError
from ..model.text import Text
from . import leaves, write_lock

APPLICATION = 0x696E666F  # PRAGMA application_id: “info”
VERSION = 1  # PRAGMA user_version


def require_ours(connection: sqlite3.Connection, file: Path, *, create: bool) -> None:
    """Check, before anything is written, that a database is a ledger of this version. Raises LedgerError if
    it is not, and LedgerEmptyError if it is empty and `create` is false."""
    connection.execute("BEGIN")  # read one state: another process may create the tables meanwhile
    try:
        _require_ours(connection, file, create=create)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _require_ours(connection: sqlite3.Connection, file: Path, *, create: bool) -> None:
    application = _pragma(connection, "application_id")
    if application == APPLICATION:
        require_version(connection, file)
        return
    if application or of(connection) or connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise LedgerError(
            Text("{file} is a database of another program, not a ledger. Nothing was changed.", file=file),
            Text("Give the controller's setting `ledger:` a file of its own."),
        )
    if not create:
        raise LedgerEmptyError(
            Text(
                "The ledger {file} is empty: nothing was recorded yet, or what was recorded is gone.",
                file=file,
            ),
            Text("If there was one, put it back: the service begins a new one in it when it starts."),
        )


def require_version(connection: sqlite3.Connection, file: Path) -> None:
    """Raise LedgerError if a ledger has another schema than this program's."""
    if of(connection) != VERSION:
        raise LedgerError(
            Text("The ledger {file} was written by another version of informativa.", file=file),
            Text("Use that version."),
        )


def create(connection: sqlite3.Connection, file: Path, log: str) -> None:
    """Create the tables of a ledger that has none, in one transaction. Its first log is named `log`."""
    if of(connection):
        return
    write_lock.take(connection)
    try:
        if not of(connection):  # another process may have created them meanwhile
            for statement in statements(_sql()):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            epoch = _next_epoch(file)
            connection.execute(leaves.BEGIN, (epoch, origin(log, epoch), 0))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _next_epoch(file: Path) -> int:
    """Return the first epoch, or the one after the logs that an earlier ledger left here: what it signed must
    not be taken back."""
    epochs = [int(folder.name) for folder in log_folder(file).glob("[1-9]*") if folder.name.isdecimal()]
    return max(epochs, default=0) + 1


def of(connection: sqlite3.Connection) -> int:
    """Return the version of a ledger's schema, 0 while it is being created."""
    return _pragma(connection, "user_version")


@cache
def empty() -> bytes:
    """Return the image of a database that has the tables and nothing else: for
    `sqlite3.Connection.deserialize`, which takes a twentieth of the time."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in statements(_sql()):
            connection.execute(statement)
        return connection.serialize()


def _sql() -> str:
    # Not by importlib.resources: a script would load a reader of ZIP files for it.
    return Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def statements(sql: str) -> Iterator[str]:
    """Split a script, of lines that end statements, because `executescript` would end the transaction that
    they belong to."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    number: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return number
