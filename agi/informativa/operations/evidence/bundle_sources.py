"""Records of a bundle in the ledger, each with its leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ...evidence.log_folder import LogFolder
from ...ledgers import leaves, named_holes, own_logs
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Record
from ..day_range import DayRange
from .audited_notes import judged
from .bundle_holes import LedgerNotes
from .receipt_maker import OpenedLeaf, ReceiptMaker

PAGE = 2048  # rows of `leaf` that are read in one turn

Progress = Callable[[int, int], object]
"""A function that is called with the number of leaves read and of all leaves."""


class LedgerRecords:
    """Records in a ledger, and the `origin` of its newest log. They are read in small turns, so that no call
    waits. Raises LedgerError."""

    def __init__(
        self, controller: Controller, store: SqliteStore, period: DayRange, progress: Progress | None
    ) -> None:
        self.maker = ReceiptMaker.of_ledger(controller, store)
        log = store.log()
        self.origin, self._end = log.origin, log.next
        self._store, self._period, self._progress = store, period, progress

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        """Yield the records of the period, each with its leaf, in the order of the log."""
        for start in range(0, self._end, PAGE):
            stop = min(start + PAGE, self._end)
            yield from self._store.leaves_of_period(start, stop, self._period.since, self._period.until)
            if self._progress:
                self._progress(stop, self._end)

    def notes(self) -> LedgerNotes:
        """Return the notes, and what they are about."""
        folder = LogFolder(Path(self._store.file))
        with self._store.connected() as connection:
            logs = leaves.logs(connection)
            read = own_logs.read_for_audit(connection, folder, ())
            naming = named_holes.naming_notes(connection, logs, folder, read)
            closed = named_holes.closed_leaves(connection, logs)
        return LedgerNotes(logs, closed, naming, judged(read, folder, ()))

    def record_of(self, leaf: int) -> Iterator[tuple[OpenedLeaf, Record]]:
        """Yield the record about records in a row of `leaf`, if it is from after the period."""
        yield from self._store.leaves_of_period(leaf, leaf + 1, self._period.until)

    def unopenable(self, first: int, last: int) -> int:
        """Count the leaves from `first` to `last` that cannot be opened any more."""
        return self._store.count_closed(first, last)
