"""Sources of a bundle's records, each with its leaf: the ledger of this box, or the shared database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...evidence.erased_leaves import PrivateLists
from ...evidence.log_folder import LogFolder
from ...evidence.note_standing import NoteStanding, standings
from ...evidence.notes import NoteKind
from ...evidence.read_log import ReadLog
from ...ledgers import leaves, loss_notes, named_holes, note_leaves, own_logs
from ...ledgers.leaves import LedgerLog
from ...ledgers.named_holes import NoteRow
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Record
from ..day_range import DayRange
from .audited_notes import judged
from .bundle_holes import BoxNotes, elsewhere_of
from .receipt_maker import OpenedLeaf, ReceiptMaker, RecordWithoutReceipt
from .receipts import makers_of_boxes

if TYPE_CHECKING:  # its driver is there only where boxes share a database
    from ...sharing.administration import RegisteredBox
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

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        """Yield the records of the period, each with its leaf, in the order of the log."""

    def notes(self) -> BoxNotes:
        """Return its notes, and what they are about."""

    def record_of(self, leaf: int) -> Iterator[tuple[OpenedLeaf, Record]]:
        """Yield the record about records in a row of `leaf`, if it is from after the period."""

    def unopenable(self, first: int, last: int) -> int:
        """Count the leaves from `first` to `last` that cannot be opened any more."""


class LedgerRecords(BoxRecords):
    """Records in this box's ledger. They are read in small turns, so that no call waits."""

    def __init__(
        self, controller: Controller, store: SqliteStore, period: DayRange, progress: Progress | None
    ) -> None:
        self.box, self.maker = "", ReceiptMaker.of_ledger(controller, store)
        log = store.log()
        self.origin, self._end = log.origin, log.next
        self._store, self._period, self._progress = store, period, progress

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for start in range(0, self._end, PAGE):
            stop = min(start + PAGE, self._end)
            yield from self._store.leaves_of_period(start, stop, self._period.since, self._period.until)
            if self._progress:
                self._progress(stop, self._end)

    def notes(self) -> BoxNotes:
        folder = LogFolder(Path(self._store.file))
        with self._store.connected() as connection:
            logs = leaves.logs(connection)
            read = own_logs.read_for_audit(connection, folder, ())
            naming = named_holes.naming_notes(connection, logs, folder, read)
            closed = named_holes.closed_leaves(connection, logs)
        return BoxNotes(logs, closed, naming, judged(read, folder, ()))

    def record_of(self, leaf: int) -> Iterator[tuple[OpenedLeaf, Record]]:
        yield from self._store.leaves_of_period(leaf, leaf + 1, self._period.until)

    def unopenable(self, first: int, last: int) -> int:
        return self._store.count_closed(first, last)


class SharedRecords(BoxRecords):
    """Records that one box has sent to the shared database. `lists` has the private lists of its erasures; it
    `has_all` of them if it is this box. `others` are the records of all boxes, of which some may have erased
    callers of this one after it left for good; they are empty for one that is there."""

    def __init__(
        self,
        maker: ReceiptMaker,
        reader: ProofReader,
        box: str,
        period: DayRange,
        lists: PrivateLists,
        *,
        has_all: bool = False,
        others: Sequence[SharedRecords] = (),
    ) -> None:
        self.box, self.maker, self.origin = box, maker, maker.origin
        self._reader, self._period = reader, period
        self._lists, self._has_all, self._others = lists, has_all, others

    def of_period(self) -> Iterator[tuple[OpenedLeaf | None, Record]]:
        for provable in self._reader.of_period(self.box, self._period.since, self._period.until):
            yield provable.leaf, provable.record

    def notes(self) -> BoxNotes:
        """Nobody puts an approval into the log of a box that left for good: those in others' logs count."""
        own = self.own_notes
        if not self._others:
            return own
        own = replace(own, standings=self.standings_among(other.signed_logs for other in self._others))
        elsewhere = [
            erasure
            for other in self._others
            if other is not self
            for erasure in elsewhere_of(other.own_notes, own.standings, own.standings)
        ]
        return replace(own, elsewhere=elsewhere)

    def standings_among(self, others: Iterable[Mapping[str, ReadLog]]) -> dict[str, tuple[NoteStanding, ...]]:
        """Return the standings of the notes of its own logs, by log, where approvals in the logs of `others`
        count."""
        logs = {origin: log for other in others for origin, log in other.items()}
        judged_notes = _judged({**logs, **self.signed_logs})
        return {origin: judged_notes[origin] for origin in self.signed_logs}

    @cached_property
    def own_notes(self) -> BoxNotes:
        """The notes of its own logs. Only what stands in its signed trees counts. When a witness first signed
        something, the database does not tell: it has not all checkpoints, and the newest is signed again and
        again."""
        proven, logs, read = self._reader.proven(self.box), self._ledger_logs, self.signed_logs
        return BoxNotes(
            logs,
            named_holes.closed_of(self._reader.closed(self.box, proven), logs),
            named_holes.naming_of(self._note_rows, logs, self._lists, read),
            _judged(read),
            unlisted=() if self._has_all else frozenset(self._unlisted()),
            of_database=True,
        )

    @cached_property
    def _ledger_logs(self) -> list[LedgerLog]:
        end, ledger_logs = self._reader.proven(self.box), list[LedgerLog]()
        for log in reversed(self.maker.logs):
            ledger_logs.insert(0, LedgerLog(log.epoch, log.origin, log.first, max(end, log.first)))
            end = log.first
        return ledger_logs

    @cached_property
    def signed_logs(self) -> dict[str, ReadLog]:
        """Its logs with their notes, as far as it signed them, by origin."""
        read = dict[str, ReadLog]()
        for ledger_log in self._ledger_logs:
            signed = self.maker.newest(ledger_log.epoch)
            if signed is not None:
                entries = [
                    note_leaves.read_entry(ledger_log, row.leaf, row.event.reference)
                    for row in self._note_rows
                    if row.is_note and ledger_log.first <= row.leaf < ledger_log.next
                ]
                tree = signed.checkpoint
                read[ledger_log.origin] = ReadLog(signed.key, tree.size, tree.root, entries)
        return read

    def _unlisted(self) -> Iterator[tuple[str, int]]:
        """Yield the places of the notes of erasures that have no list which is theirs."""
        for log in self.signed_logs.values():
            for note in (entry.note for entry in log.entries):
                if (
                    note
                    and note.kind is NoteKind.ERASURE
                    and loss_notes.read_list(note, self._ledger_logs, self._lists) is None
                ):
                    yield note.log, note.index

    @cached_property
    def _note_rows(self) -> list[NoteRow]:
        """Its records about records that are in its signed trees. Raises EvidenceError if one is not what was
        signed."""
        return [
            NoteRow(
                record.event,
                leaf.leaf,
                isinstance(self.maker.make(record, leaf), RecordWithoutReceipt),
            )
            for leaf, record in self._notes.values()
            if self.maker.is_signed(leaf)
        ]

    def record_of(self, leaf: int) -> Iterator[tuple[OpenedLeaf, Record]]:
        if leaf in self._notes and self._notes[leaf][1].event.at >= self._period.until:
            yield self._notes[leaf]

    @cached_property
    def _notes(self) -> dict[int, tuple[OpenedLeaf, Record]]:
        """Its records about records that have a leaf, by its number, in order."""
        with_leaf = [
            (provable.leaf, provable.record)
            for provable in self._reader.notes(self.box)
            if provable.leaf is not None
        ]
        return {
            leaf.leaf: (leaf, record) for leaf, record in sorted(with_leaf, key=lambda item: item[0].leaf)
        }

    def unopenable(self, first: int, last: int) -> int:
        return last + 1 - first - self._reader.leaves(self.box, first, last) if last >= 0 else 0


def _judged(read: Mapping[str, ReadLog]) -> dict[str, tuple[NoteStanding, ...]]:
    return standings(read, (), lambda _origin, _size, _witnesses, latest: latest)


def records_of_boxes(
    controller: Controller, reader: ProofReader, boxes: Iterable[RegisteredBox], period: DayRange, this: str
) -> list[SharedRecords]:
    """Return the records of boxes in the shared database, of which one is `this`."""
    from ...sharing.shared_lists import SharedLists

    maker_of, sources = makers_of_boxes(controller, reader), list[SharedRecords]()
    for box in boxes:
        maker, is_this = maker_of(box.name), box.name == this
        firsts = {log.epoch: log.first for log in maker.logs}
        shared_lists = SharedLists(reader.lists(box.name), firsts, (controller.key, *controller.old_keys))
        lists = LogFolder(Path(controller.ledger)) if is_this else shared_lists
        others = sources if box.retired else ()  # all of them, once they are complete
        sources.append(SharedRecords(maker, reader, box.name, period, lists, has_all=is_this, others=others))
    return sources
