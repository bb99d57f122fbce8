"""The ledger that a backup replaces, as far as it can be read: what it says that was deleted."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..evidence.notes import LogNote
from ..model.errors import LedgerError
from .sqlite import SqliteStore

_IS_OPEN = "SELECT 1 FROM leaf WHERE leaf = ? AND what = ? AND who = ? AND salt_who IS NOT NULL"


@dataclass
class ReplacedLedger:
    """The statements of the ledger in whose place a backup comes. `removals` are its records about records of
    version 1, as text by their row of `leaf`; `notes` those of version 2; `erased` the row, the commitments
    and whether it was his own of each record whose caller is erased."""

    removals: dict[int, str] = field(default_factory=dict)
    notes: list[LogNote] = field(default_factory=list)
    erased: list[tuple[int, bytes, bytes, bool]] = field(default_factory=list)

    @classmethod
    def read(cls, ledger: Path) -> ReplacedLedger:
        """Read as much of it as can be read, which may be nothing."""
        replaced = cls()
        with (
            contextlib.suppress(LedgerError, OSError),
            contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store,
        ):
            for read in (cls._read_removals, cls._read_notes):
                with contextlib.suppress(LedgerError, OSError):
                    read(replaced, store)
        return replaced

    def _read_removals(self, store: SqliteStore) -> None:
        self.removals = {leaf: f"{event.kind} {event.reference}" for leaf, event in store.notes()}

    def _read_notes(self, store: SqliteStore) -> None:
        self.notes, self.erased = store.log_notes(), store.erased()

    def closed_since(self, connection: sqlite3.Connection) -> Iterator[tuple[int, bool]]:
        """Yield the rows of `leaf` of another state of the ledger that are open there and erased here, each
        with whether the record was the erased caller's own. Raises sqlite3.Error."""
        for row, what, who, is_own in self.erased:
            if connection.execute(_IS_OPEN, (row, what, who)).fetchone():
                yield row, bool(is_own)
