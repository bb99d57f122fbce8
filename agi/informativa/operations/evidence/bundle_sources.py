"""Sources of a bundle's records, each with its leaf: the ledger of this box, or the shared database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...evidence.log_folder import LogFolder
from ...evidence.notes import NoteKind
from ...ledgers import leaves, loss_notes, note_leaves
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Event, Record
from ..day_range import DayRange
from .receipt_maker import OpenedLeaf, ReceiptMaker

if TYPE_CHECKING:  # its driver is there only where boxes share a database
    from ...sharing.proof_reader import ProofReader

PAGE = 2048  # rows of `leaf` that are read in one turn

Progress = Callable[[int, int], object]
"""A function that is called with the number of leaves read and of all leaves."""


class BoxRecords(Protocol):
    """Records of one box. Raises LedgerError, SharedDatabaseError."""

    box: str
    """The name of the box; '' if the bundle has this one alone."""
    origin: str
    """The name of its newest log; '' if none is known."""
    maker: ReceiptMaker
    entered: bool
    """`True` if all its records have a leaf by now."""

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        """Yield the records of the period, each with its leaf, in the order of the log."""

    def notes_on(self, first: int, last: int) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        """Yield the records from after the period that note an erasure or a purge of leaves from `first` to
        `last`."""

    def unopenable(self, first: int, last: int) -> int:
        """Count the leaves from `first` to `last` that cannot be opened any more."""


class LedgerRecords(BoxRecords):
    """Records in this box's ledger. They are read in small turns, so that no call waits."""

    def __init__(
        self, controller: Controller, store: SqliteStore, period: DayRange, progress: Progress | None
    ) -> None:
        self.box, self.maker = "", ReceiptMaker.of_ledger(controller, store)
        log = store.log()
        self.origin, self._end, self.entered = log.origin, log.next, log.entered == log.old
        self._store, self._period, self._progress = store, period, progress

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for start in range(0, self._end, PAGE):
            stop = min(start + PAGE, self._end)
            yield from self._store.leaves_of_period(start, stop, self._period.since, self._period.until)
            if self._progress:
                self._progress(stop, self._end)

    def notes_on(self, first: int, last: int) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        texts = [leaf for leaf, event in self._store.notes() if _names(event, first, last)]
        for leaf in sorted([*texts, *self._notes_on(first, last)]):
            yield from self._store.leaves_of_period(leaf, leaf + 1, self._period.until)

    def _notes_on(self, first: int, last: int) -> Iterator[int]:
        """Yield the rows of `leaf` of notes that name leaves from `first` to `last`. A purge names all that
        those before it did, and counts for the others alone."""
        folder, purged = LogFolder(Path(self._store.file)), dict[int, int]()
        with self._store.connected() as connection:
            logs = leaves.logs(connection)
            for log in logs:
                for note in reversed(list(note_leaves.backwards(connection, log))):
                    for named in loss_notes.named_by(note, logs, folder).all:
                        start = named.start
                        if note.kind is NoteKind.PURGE:
                            start = max(start, purged.get(start, 0))
                            purged[named.start] = max(named.stop, start)
                        if max(start, first) < min(named.stop, last + 1):
                            yield log.first + note.index
                            break

    def unopenable(self, first: int, last: int) -> int:
        return self._store.count_closed(first, last)


class SharedRecords(BoxRecords):
    """Records that one box has sent to the shared database."""

    entered = True

    def __init__(self, maker: ReceiptMaker, reader: ProofReader, box: str, period: DayRange) -> None:
        self.box, self.maker, self.origin = box, maker, maker.origin
        self._reader, self._period = reader, period

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for provable in self._reader.of_period(self.box, self._period.since, self._period.until):
            yield provable.leaf, provable.record

    def notes_on(self, first: int, last: int) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for provable in self._reader.notes(self.box, self._period.until):
            if _names(provable.record.event, first, last):
                yield provable.leaf, provable.record

    def unopenable(self, first: int, last: int) -> int:
        return last + 1 - first - self._reader.leaves(self.box, first, last) if last >= 0 else 0


def _names(note: Event, first: int, last: int) -> bool:
    """Return whether a record about records names a leaf from `first` to `last`."""
    try:
        ranges, _resting = leaves.indices(note.reference)
    except ValueError:
        return False  # an audit reports it as forged
    return any(named.start <= last and first < named.stop for named in ranges)
