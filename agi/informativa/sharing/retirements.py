"""Boxes that left for good, and those that took their places: what a ledger and the database know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.note import Verifier
from ..evidence.note_values import NoteSource
from ..evidence.notes import ReplacesNote, RetiresNote
from ..ledgers import boxes, replacements
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from ..model.errors import EvidenceError
from .connection import Connection, translated
from .erasure_statements import ErasureStatements
from .proof_statements import ProofStatements
from .rows import Statements

log = structlog.get_logger("informativa")


@dataclass(frozen=True)
class OtherLedger:
    """The ledger of another box as the database knows it: its records are there up to `record`; whether it
    left for good, and the box that took its place."""

    box: str
    record: int
    identity: bytes
    retired: bool
    successor: str | None

    @property
    def key(self) -> tuple[str, bytes]:
        """The name and the identity."""
        return self.box, bytes(self.identity)


class Retirements:
    """The retirements of other boxes, as one ledger knows them. Raises LedgerError and
    SharedDatabaseError."""

    def __init__(
        self,
        store: SqliteStore,
        connection: Connection,
        database: SharedDatabase,
        company: int,
        controller: str,
    ) -> None:
        self._store, self._connection, self._database = store, connection, database
        self._company, self._controller = company, controller

    def compare(self, ledgers: Sequence[OtherLedger]) -> None:
        """Remember which other boxes left for good, and which took their places; and tell again what only
        this ledger still knows: a standby took over without it. Nobody takes a retirement back. A place that
        this box took is noted in its log, and a retirement that was typed on it."""
        known, here = boxes.retired(self._store), boxes.retired_here(self._store)
        new = [
            (*ledger.key, ledger.successor)
            for ledger in ledgers
            if ledger.retired and (ledger.key not in known or (ledger.successor and not known[ledger.key]))
        ]
        if new:
            boxes.store_retired(self._store, new)
        if lost := [ledger for ledger in ledgers if _is_lost(ledger, known)]:
            sql = Statements(self._company)
            with translated(self._database):
                for ledger in lost:
                    self._connection.execute(sql.retire_again, (known[ledger.key], *ledger.key))
                ErasureStatements(self._company).settle_retired(self._connection)
            log.warning(
                "boxes were retired again, of which the shared database did not know it any more",
                controller=self._controller,
                boxes=[ledger.box for ledger in lost],
            )
        for ledger in ledgers:
            if self._database.box in (ledger.successor, known.get(ledger.key)):
                self.note(ledger, NoteSource.SERVICE)
            elif ledger.key in here and ledger.successor is None:
                self.note_retirement(ledger, NoteSource.SERVICE)

    def note(self, ledger: OtherLedger, by: NoteSource) -> int | None:
        """Note in this box's log, once, that it took the place of another, and after which of its records.
        Return the number of the record of that."""
        number = replacements.noted(self._store, *ledger.key)
        if number is not None:
            return number
        content = ReplacesNote(ledger.box, ledger.record, self._ends(ledger.box))
        return replacements.note(self._store, ledger.key, content, datetime.now(UTC), by)

    def note_retirement(self, ledger: OtherLedger, by: NoteSource) -> int:
        """Note in this box's log, once, that another left for good, and after which of its records. Return
        the number of the record of that."""
        number = replacements.noted(self._store, *ledger.key, RetiresNote)
        if number is not None:
            return number
        content = RetiresNote(ledger.box, ledger.record, self._ends(ledger.box))
        return replacements.note(self._store, ledger.key, content, datetime.now(UTC), by)

    def _ends(self, box: str) -> tuple[Checkpoint, ...]:
        """Return the newest tree of a box's log that is there and was signed, unless it is of a log of this
        ledger, which then has that tree itself."""
        sql, own = ProofStatements(self._company), {log.origin for log in self._store.logs()}
        with translated(self._database):
            logs = self._connection.execute(sql.logs).fetchall()
            for name, epoch, origin, _first, key in reversed(logs):
                row = None
                if name == box and origin not in own:
                    row = self._connection.execute(sql.newest, (box, epoch)).fetchone()
                if row is not None:
                    try:
                        return (open_checkpoint(row[0].encode(), [Verifier.parse(key)]).checkpoint,)
                    except EvidenceError:
                        return ()
        return ()


def _is_lost(ledger: OtherLedger, known: dict[tuple[str, bytes], str | None]) -> bool:
    if ledger.key not in known:
        return False
    return not ledger.retired or (known[ledger.key] is not None and ledger.successor is None)
