"""Check that a call could be decided and recorded in a ledger, without leaving a trace."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

from . import write_lock
from .ledger_file import LedgerFile, translated
from .transaction import SqliteTransaction

# More than fits this connection's cache, so that it is written to the disk before it is undone.
_BYTES = 1 << 16


def try_writing(ledger: Path) -> None:
    """Decide and record a call in the ledger, and undo it; if there is no ledger yet, write into its folder.
    Nothing is created or changed. Done as the user who runs this.

    Raises LedgerError if it cannot be written.
    """
    with translated(ledger):
        if not ledger.exists() or (ledger.is_file() and not ledger.stat().st_size):
            _try_folder(ledger.parent)
            return
    file = LedgerFile(str(ledger), create=False)
    try:
        with file.connected() as connection:
            connection.execute("PRAGMA cache_size = 4")
            write_lock.take(connection)
            try:
                connection.execute("CREATE TABLE written (content BLOB)")
                connection.execute("INSERT INTO written VALUES (zeroblob(?))", (_BYTES,))
                SqliteTransaction(connection).dry_run()
            finally:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
    finally:
        file.close()


def _try_folder(folder: Path) -> None:
    """Write as much into a file without a name, which leaves nothing."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(_BYTES))
        file.flush()
        os.fsync(file.fileno())
