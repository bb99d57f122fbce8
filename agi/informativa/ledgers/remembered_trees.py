"""The last signed tree of each log, as the ledger itself remembers it. A folder of the log that was deleted,
or is another one, contradicts it."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

_READ = "SELECT key, size, root FROM signed WHERE epoch = ?"
_WRITE = "INSERT OR REPLACE INTO signed (epoch, key, size, root) VALUES (?, ?, ?, ?)"


class RememberedTree(NamedTuple):
    """A tree of `size` leaves with that root (32 bytes), signed by the log's key (a vkey)."""

    key: str
    size: int
    root: bytes


def read(connection: sqlite3.Connection, epoch: int) -> RememberedTree | None:
    """Return the last tree of a log of which the ledger knows that it was signed. Raises sqlite3.Error, also
    for values that no tree has."""
    row = connection.execute(_READ, (epoch,)).fetchone()
    if row is None:
        return None
    if tuple(map(type, row)) != (str, int, bytes):
        raise sqlite3.DatabaseError("what was signed is not as it was written")
    return RememberedTree(*row)


def write(connection: sqlite3.Connection, epoch: int, tree: RememberedTree) -> None:
    """Remember a signed tree, within a transaction. Raises sqlite3.Error."""
    connection.execute(_WRITE, (epoch, *tree))
