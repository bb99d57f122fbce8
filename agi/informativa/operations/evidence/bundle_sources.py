"""Where a bundle has the records of a box from, each with its leaf: this box's ledger, or the database where
boxes meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from ...ledgers.leaves import indices
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Event, Record
from .period import Period
from .receipt_maker import OpenedLeaf, ReceiptMaker

if TYPE_CHECKING:  # its driver is there only where boxes share a database
    from ...sharing.proof_reader import ProofReader

PAGE = 2048  # rows of `leaf` that are looked at in one turn

Progress = Callable[[int, int], object]
"""Called with how many leaves were looked at, and how many there are; or boxes, where there are several."""


class BoxRecords(Protocol):
    """Those of one box, '' for this one alone. Raises LedgerError, SharedDatabaseError."""

    box: str
    origin: str
    """What its newest log is called; '' where nothing is known of one."""
    maker: ReceiptMaker
    entered: bool
    """Whether all its records have a leaf by now."""

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        """Each with its leaf, in the order of the log."""

    def notes_on(self, first: int, last: int) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        """The records from after the period which say what became of leaves between these."""

    def gone(self, first: int, last: int) -> int:
        """How many of the leaves between these nothing opens any more."""


class LedgerRecords(BoxRecords):
    """Those of this box's ledger: read in small turns, for which no call waits."""

    def __init__(
        self, controller: Controller, store: SqliteStore, period: Period, progress: Progress | None
    ) -> None:
        self.box, self.maker = "", ReceiptMaker.of_ledger(controller, store)
        log = store.log()
        self.origin, self._end, self.entered = log.origin, log.next, log.entered == log.old
        self._store, self._period, self._progress = store, period, progress

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for at in range(0, self._end, PAGE):
            before = min(at + PAGE, self._end)
            yield from self._store.opened(at, before, self._period.since, self._period.until)
            if self._progress:
                self._progress(before, self._end)

    def notes_on(self, first: int, last: int) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for leaf, event in list(self._store.notes()):
            if event.at >= self._period.until and _names(event, first, last):
                yield from self._store.opened(leaf, leaf + 1)

    def gone(self, first: int, last: int) -> int:
        return self._store.gone(first, last)


class SharedRecords(BoxRecords):
    """Those of one box in the database: what it has sent."""

    entered = True

    def __init__(self, maker: ReceiptMaker, reader: ProofReader, box: str, period: Period) -> None:
        self.box, self.maker, self.origin = box, maker, maker.origin
        self._reader, self._period = reader, period

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for each in self._reader.of_period(self.box, self._period.since, self._period.until):
            yield each.leaf, each.record

    def notes_on(self, first: int, last: int) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for each in self._reader.notes(self.box, self._period.until):
            if _names(each.record.event, first, last):
                yield each.leaf, each.record

    def gone(self, first: int, last: int) -> int:
        return last + 1 - first - self._reader.leaves(self.box, first, last) if last >= 0 else 0


def _names(note: Event, first: int, last: int) -> bool:
    """Whether a record about records names a leaf between these."""
    try:
        own, _resting = indices(note.reference)
    except ValueError:
        return False  # an audit says that it is forged
    return any(each.start <= last and first < each.stop for each in own)
