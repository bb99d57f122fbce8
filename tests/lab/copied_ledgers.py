"""New ledgers as copies of one that has gone through all migrations but the last: a quarter of the
work.

The last migration, and all that comes after it, is done as for any new ledger. At night, in other processes
and where a file is marked `migrated_ledgers`, each new ledger goes through all migrations.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import sqlite3
from collections.abc import Iterator
from unittest import mock

from informativa.ledgers import migrating
from informativa.ledgers.ledger_file import LedgerFile
from informativa.system import files

_NUMBERS = itertools.count()


@contextlib.contextmanager
def copied_ledgers() -> Iterator[None]:
    """Have each ledger that is created in this process meanwhile begin as a copy."""
    with mock.patch.object(LedgerFile, "_create", _create):
        yield


def _create(ledger: LedgerFile) -> None:
    """Create the file as `LedgerFile` does, but with the schema before the last migration. It appears whole:
    several threads may open it at the same moment."""
    if ledger.file.exists():
        return
    folder = ledger.file.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = folder / f".{ledger.file.name}.{os.getpid()}-{next(_NUMBERS)}"
    files.create(copy, _template(), like=folder.stat())
    try:
        with contextlib.suppress(FileExistsError):
            ledger.file.hardlink_to(copy)
    finally:
        copy.unlink()


@functools.cache
def _template() -> bytes:
    """Return the bytes of a ledger before its last migration."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for _number, sql in migrating.migrations()[:-1]:
            for statement in migrating.statements(sql):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {migrating.newest() - 1}")
        connection.execute(f"PRAGMA application_id = {migrating.APPLICATION}")
        return connection.serialize()
