"""Records of one caller without a search of the whole ledger, for a process that is asked for callers again
and again.

An index in the ledger would cost each call. Here three bytes of each record's pseudonym stand in memory, in
blocks of records, and only the blocks in which those of the caller stand are read. A new record has a higher
number than all before it, and no record's pseudonym is ever changed to another's, so each time only new
records are read besides.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import NamedTuple

from ..model import Record
from . import rows
from .sqlite import SqliteStore

MOST_LEDGERS = 4  # whose callers are remembered: the last ones that somebody asked for
BLOCK = 1024  # records
_PREFIX = 3  # bytes of a pseudonym: hardly a block has those of another caller
_NEWEST = "SELECT record, at FROM event ORDER BY record DESC LIMIT 1"
_AT = "SELECT at FROM event WHERE record = ?"
_FROM = f"""
SELECT record, substr(pseudonym, 1, {_PREFIX}) FROM event
WHERE record BETWEEN ? AND ? AND pseudonym IS NOT NULL ORDER BY record
"""  # noqa: S608  # our own names
_OF_CALLER = f"""
SELECT {rows.COLUMNS} FROM event WHERE record BETWEEN ? AND ? AND pseudonym = ? ORDER BY record
"""  # noqa: S608  # our own names


class _Block(NamedTuple):
    """Records with a caller, at most BLOCK: the first and the last number, and the beginnings of their
    pseudonyms."""

    first: int
    last: int
    prefixes: bytes


class RememberedCallers:
    """The callers of some ledgers, for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ledgers: dict[Path, _LedgerCallers] = {}

    def of_caller(self, store: SqliteStore, pseudonym: bytes) -> list[Record]:
        """Return all records of one caller, in order, as `SqliteStore.of_caller` does. Reads the whole ledger
        at the first time. Raises LedgerError."""
        with self._lock:
            callers = self._ledgers.pop(store.file, None) or _LedgerCallers()
            self._ledgers[store.file] = callers
            if len(self._ledgers) > MOST_LEDGERS:
                del self._ledgers[next(iter(self._ledgers))]
        with store.connected() as connection:
            return callers.of_caller(connection, pseudonym)


class _LedgerCallers:
    """The callers of all records of one ledger, up to its newest record when it was read last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: tuple[int, int] | None = None  # record, and its time
        self._blocks: list[_Block] = []

    def of_caller(self, connection: sqlite3.Connection, pseudonym: bytes) -> list[Record]:
        """Return all records of one caller, in order. Raises sqlite3.Error."""
        prefix = pseudonym[:_PREFIX]
        with self._lock:
            self._read(connection)
            blocks = [block for block in self._blocks if prefix in block.prefixes]
        return [
            rows.record(row)
            for block in blocks
            for row in connection.execute(_OF_CALLER, (block.first, block.last, pseudonym))
        ]

    def _read(self, connection: sqlite3.Connection) -> None:
        """Read the new records, and the last block again if it is not full; all, if the ledger is another one
        now."""
        newest = connection.execute(_NEWEST).fetchone() or (0, 0)
        if self._newest is not None:
            last, at = self._newest
            if connection.execute(_AT, (last,)).fetchone() != (at,):  # or it was purged, or erased
                self._blocks = []
        if self._blocks and len(self._blocks[-1].prefixes) < BLOCK * _PREFIX:
            self._blocks.pop()
        first = self._blocks[-1].last + 1 if self._blocks else 0
        self._newest = newest
        cursor = connection.execute(_FROM, (first, newest[0]))
        while batch := cursor.fetchmany(BLOCK):
            numbers, prefixes = zip(*batch, strict=True)
            self._blocks.append(_Block(numbers[0], numbers[-1], b"".join(prefixes)))
