"""The leaves that a ledger's records about records name: what was purged, erased and lost.

A record about records of version 1 names its rows of `leaf` in words (`references.leaves_text`). A note names
leaves by the origin of their log; those of an erasure are in its private list (evidence/erased_leaves.py).
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ..evidence.erased_leaves import ErasedLeaves, LeafPlace, PrivateLists
from ..evidence.log_folder import LogFolder
from ..evidence.notes import ErasureNote, LogNote, LostNote, PurgeNote, RuleNote
from ..evidence.purging import LARGEST_STEP, before
from ..model import RecordKind
from ..model.errors import EvidenceError
from . import leaves, note_leaves, references, rows
from .audit_flaws import AuditedFlaw, Flaw
from .audit_reading import UNREADABLE, tolerantly

_TAKEN = (RecordKind.PURGE, RecordKind.ERASURE, RecordKind.LOST)  # in the order of `LossNotes`


@dataclass(frozen=True)
class LossNotes:
    """The leaves that records about records name, as rows of `leaf`: the purged, the erased and the lost,
    each as sorted ranges. Of the erased, `emptied` are those that were the caller's own records, `resting`
    those that rest on such a record; one may be both, of two callers. `last` is the number of the last purged
    record, and `before` the time (microseconds since 1970) before which all purged records happened, both 0
    if none was purged. Leaves in `by_notes` may still open, since a note comes before what it says is done.
    By the rules callers may have forgotten what happened before the time `forgotten` (microseconds since
    1970), although its record is kept. `flaws` are those of these records about records."""

    purged: tuple[range, ...]
    erased: tuple[range, ...]
    lost: tuple[range, ...]
    flaws: tuple[AuditedFlaw, ...]
    last: int = 0
    before: int = 0
    emptied: tuple[range, ...] = ()
    by_notes: tuple[range, ...] = ()
    forgotten: int = 0
    resting: tuple[range, ...] = ()

    def is_purged(self, leaf: int) -> bool:
        return _within(self.purged, leaf)

    def is_lost(self, leaf: int) -> bool:
        return _within(self.lost, leaf)

    def is_erased(self, leaf: int) -> bool:
        return _within(self.erased, leaf)

    def is_emptied(self, leaf: int) -> bool:
        return _within(self.emptied, leaf)

    def may_only_rest(self, leaf: int) -> bool:
        """Return whether the leaf rests on an erased caller's, and his own erasure may still wait."""
        return _within(self.resting, leaf) and self.may_wait(leaf)

    def may_wait(self, leaf: int) -> bool:
        """Return whether a note names the leaf, so that it may still open."""
        return _within(self.by_notes, leaf)

    def names(self, leaf: int) -> bool:
        """Return whether any note names the leaf."""
        return bool(
            (self.purged and _within(self.purged, leaf))
            or (self.erased and _within(self.erased, leaf))
            or (self.lost and _within(self.lost, leaf))
        )


@dataclass(frozen=True)
class NamedLeaves:
    """The rows of `leaf` that a record about records names: of the purged or lost records or of the erased
    caller's own, and of those that rested on his."""

    own: tuple[range, ...] = ()
    resting: tuple[range, ...] = ()

    @property
    def all(self) -> tuple[range, ...]:
        """All rows."""
        return self.own + self.resting


def named_by(note: LogNote, logs: Sequence[leaves.LedgerLog], lists: PrivateLists | None) -> NamedLeaves:
    """Return the rows that a note names in these logs of a ledger. An erasure whose private list is missing,
    or is not the one of the note, names none; nor does any without `lists`."""
    match note.content:
        case PurgeNote(of=origin, below=below):
            return NamedLeaves(tuple(_rows(logs, origin, 0, below)))
        case LostNote(of=origin, first=first, end=end):
            return NamedLeaves(tuple(_rows(logs, origin, first, end)))
        case ErasureNote():
            erased = read_list(note, logs, lists) if lists else None
            if erased is not None:
                return NamedLeaves(rows_of_places(logs, erased.erased), rows_of_places(logs, erased.resting))
    return NamedLeaves()


def read_list(note: LogNote, logs: Sequence[leaves.LedgerLog], lists: PrivateLists) -> ErasedLeaves | None:
    """Return the private list of an erasure; `None` if it is missing or is not the one of the note."""
    epoch = next((log.epoch for log in logs if log.origin == note.log), None)
    try:
        data = lists.private_list(epoch, note.index) if epoch is not None else None
        erased = ErasedLeaves.parse(data) if data is not None else None
        if erased is not None:
            erased.check(note)
    except EvidenceError:
        return None
    return erased


def read_loss_notes(
    connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog], folder: LogFolder
) -> LossNotes:
    """Read the records about records of all logs of the ledger. `folder` has the private lists. Raises
    sqlite3.Error."""
    ranges: dict[RecordKind, list[range]] = {kind: [] for kind in _TAKEN}
    flaws, emptied, resting, by_notes = [], list[range](), list[range](), list[range]()
    last_purged = purged_before = 0
    with tolerantly(connection):
        notes = connection.execute(leaves.NOTES, (0,)).fetchall()
    for *row, leaf, is_note in notes:
        log = next((log for log in reversed(logs) if log.first <= leaf), None)  # an earlier one may be empty
        number, index = int(row[0]), leaf - (log.first if log else 0)
        try:
            event = rows.record(row).event
            if is_note:
                note = note_leaves.read_entry(log, leaf, event.reference).note if log else None
                if note is None:
                    continue  # the check of its leaf reports it
                named = named_by(note, logs, folder)
                by_notes += named.all
                if isinstance(note.content, PurgeNote) and named.own:
                    last = connection.execute(leaves.LAST_RECORD, (named.own[0].start, named.own[0].stop))
                    last_purged = max(last_purged, last.fetchone()[0] or 0)
                    latest = note.content.cutoff + LARGEST_STEP  # by our clock, when a witness's decided
                    purged_before = max(purged_before, rows.microseconds(latest))
            else:
                own, resting_on_own = references.indices(event.reference)
                named = NamedLeaves(tuple(own), tuple(resting_on_own))
                if event.kind is RecordKind.PURGE:
                    _first, number_of_last, before_time = references.purged(event.reference)
                    last_purged = max(last_purged, number_of_last)
                    purged_before = max(purged_before, before_time)
        except UNREADABLE:
            flaws.append(AuditedFlaw(number, index, Flaw.ROW))
            continue
        if any(leaf_range.stop > leaf or len(leaf_range) == 0 for leaf_range in named.all):
            flaws.append(AuditedFlaw(number, index, Flaw.FALSE_NOTE))
        ranges[event.kind] += named.all
        if event.kind is RecordKind.ERASURE:
            emptied += named.own
            resting += named.resting
    purged, erased, lost = (_merge(ranges[kind]) for kind in _TAKEN)
    return LossNotes(
        purged,
        erased,
        lost,
        tuple(flaws),
        last_purged,
        purged_before,
        _merge(emptied),
        _merge(by_notes),
        _forgotten(connection, logs),
        _merge(resting),
    )


def ranges_by_note(
    connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog], folder: LogFolder
) -> list[tuple[int, tuple[range, ...]]]:
    """Return the rows of `leaf` that each purge and each loss names, with the note's own row. Notes that
    cannot be read name none. Raises sqlite3.Error."""
    named = []
    with tolerantly(connection):
        notes = connection.execute(leaves.NOTES, (0,)).fetchall()
    for *row, leaf, is_note in notes:
        log = next((log for log in reversed(logs) if log.first <= leaf), logs[0])
        with suppress(*UNREADABLE, EvidenceError):
            event = rows.record(row).event
            if event.kind is RecordKind.ERASURE:
                continue
            if is_note:
                note = note_leaves.read_entry(log, leaf, event.reference).note
                named.append((leaf, named_by(note, logs, folder).all if note else ()))
            else:
                named.append((leaf, tuple(references.indices(event.reference)[0])))
    return named


def within_rows(ranges: Iterable[range], first: int, end: int) -> tuple[range, ...]:
    """Return the part of ranges from row `first` to before row `end`, sorted, each row once."""
    parts = (range(max(part.start, first), min(part.stop, end)) for part in ranges)
    return _merge(part for part in parts if part)


def _forgotten(connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog]) -> int:
    """Return the time before which callers may have forgotten everything: by the shortest retention that any
    rule ever said, and by the notes of purges."""
    now = datetime.now(UTC)
    times = [0]
    for content in (note.content for log in logs for note in note_leaves.backwards(connection, log)):
        if isinstance(content, RuleNote) and (cutoff := before(content, now)):
            times.append(rows.microseconds(cutoff))
        elif isinstance(content, PurgeNote):
            times.append(rows.microseconds(content.cutoff))
    return max(times)


def _rows(logs: Sequence[leaves.LedgerLog], origin: str, first: int, end: int) -> Iterator[range]:
    """Yield the rows of `leaf` of a log's leaves from index `first` to before `end`, those that the ledger
    has: of a log that another one follows it may lack the last ones."""
    for log in logs:
        if log.origin == origin and first < min(end, log.size):
            yield range(log.first + first, log.first + min(end, log.size))


def rows_of_places(logs: Sequence[leaves.LedgerLog], places: Iterable[LeafPlace]) -> tuple[range, ...]:
    """Return the rows of leaves in a private list, of which some may be not in the ledger any more."""
    known = {log.origin: log for log in logs}
    present = (place for place in places if place.origin in known and place.index < known[place.origin].size)
    indices = (known[place.origin].first + place.index for place in present)
    return ranges_of(indices)


def places_of_rows(logs: Sequence[leaves.LedgerLog], leaf_rows: Iterable[int]) -> Iterator[LeafPlace]:
    """Yield the places of rows of `leaf`, each in its log."""
    for row in leaf_rows:
        log = next(log for log in reversed(logs) if log.first <= row)
        yield LeafPlace(log.origin, row - log.first)


def ranges_of(leaf_rows: Iterable[int]) -> tuple[range, ...]:
    """Return rows as sorted ranges."""
    return _merge(range(row, row + 1) for row in leaf_rows)


def _within(ranges: Sequence[range], index: int) -> bool:
    position = bisect_right(ranges, index, key=lambda leaf_range: leaf_range.start) - 1
    return position >= 0 and index in ranges[position]


def _merge(ranges: Iterable[range]) -> tuple[range, ...]:
    """Sort the ranges, and join those that touch or overlap."""
    merged: list[range] = []
    for leaf_range in sorted(ranges, key=lambda leaf_range: leaf_range.start):
        if merged and leaf_range.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, leaf_range.stop))
        else:
            merged.append(leaf_range)
    return tuple(merged)
