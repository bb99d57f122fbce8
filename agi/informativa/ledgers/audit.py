"""Check of a ledger's records against what they committed to when they were written.

Each leaf is opened with its record as it is now. Leaves and records are counted against each other. A record
that is gone must be named by a record about records, which is a leaf itself. The caller of this module says
which hash was published for each leaf. Nothing here trusts data that can be derived.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256
from itertools import product
from typing import Any

from ..evidence import commitment
from ..evidence.commitment import NOTE_TAG, RECORD_TAG, WHAT_TAG, WHO_TAG
from ..evidence.notes import LogNote
from ..model import Event
from ..model.errors import EvidenceFormatError
from . import leaves, note_leaves, rows
from .audit_flaws import AuditedFlaw, ClosedLeaves, Flaw
from .audit_reading import UNREADABLE, page
from .loss_notes import LossNotes
from .row_texts import texts

PAGE = 256  # leaves in memory at once; more are slower, because they do not fit the processor's cache

Published = Callable[[int, int], Sequence[bytes | None]]
"""The published entries of so many leaves from an index on; `None` for those that are not published."""


@dataclass(frozen=True)
class RecordCounts:
    """The numbers of records that are unchanged (`whole`), erased, purged and lost, and of those that still
    open although a note says that they will not (`waiting`)."""

    whole: int = 0
    erased: int = 0
    purged: int = 0
    lost: int = 0
    waiting: int = 0

    def plus(self, other: RecordCounts) -> RecordCounts:
        sums = {
            column.name: getattr(self, column.name) + getattr(other, column.name) for column in fields(self)
        }
        return RecordCounts(**sums)


def leaves_of(
    connection: sqlite3.Connection,
    log: leaves.LedgerLog,
    first: int,
    end: int,
    notes: LossNotes,
    published: Published,
    sound: Callable[[Sequence[tuple[Any, ...]]], None],
) -> tuple[RecordCounts, list[AuditedFlaw], list[ClosedLeaves]]:
    """Check the leaves from index `first` up to `end`, each with its record. Records without a flaw are
    passed to `sound`, as rows of `leaves.OPENED`. Return their numbers by state, the flaws, and the leaves
    that cannot be opened. Raises sqlite3.Error, and what `published` raises."""
    states, flaws, closed = dict.fromkeys(RecordState, 0), [], list[ClosedLeaves]()
    for at in range(first, end, PAGE):
        count = min(PAGE, end - at)
        rows_by_index = {row[0] - log.first: row for row in page(connection, log.first + at, count)}
        entries = published(at, count)
        if min(rows_by_index, default=end) >= at + count:
            # The whole page is missing: its first leaf stands for all.
            flaws.append(AuditedFlaw(None, at, Flaw.DELETED))
            _add(closed, ClosedLeaves(log.origin, range(at, at + count), facts=True))
            continue
        sound_rows = []
        for index, entry in enumerate(entries, at):
            row = rows_by_index.get(index)
            if row is None:
                flaws.append(AuditedFlaw(None, index, Flaw.DELETED))
                _add(closed, ClosedLeaves(log.origin, range(index, index + 1), facts=True))
                continue
            state, row_flaws = _leaf(log.origin, index, row, entry, notes)
            if state in _GONE or _GAPS.intersection(row_flaws):
                is_facts = state in _FACTS_GONE or Flaw.DELETED in row_flaws
                _add(closed, ClosedLeaves(log.origin, range(index, index + 1), is_facts))
            if not row_flaws or (state is not RecordState.WHOLE and Flaw.DELETED not in row_flaws):
                states[state] += 1
            if row_flaws:
                number = row[1] if type(row[1]) is int else None
                flaws += [AuditedFlaw(number, index, flaw) for flaw in row_flaws]
            elif row[leaves.LEAF_COLUMNS] is not None:
                sound_rows.append(row)
        sound(sound_rows)
    return RecordCounts(**{state.value: number for state, number in states.items()}), flaws, closed


def _add(closed: list[ClosedLeaves], more: ClosedLeaves) -> None:
    """Add leaves of the same log that come after all others."""
    if closed and closed[-1].indices.stop == more.indices.start and closed[-1].facts == more.facts:
        closed[-1] = ClosedLeaves(more.log, range(closed[-1].indices.start, more.indices.stop), more.facts)
    else:
        closed.append(more)


def without_leaf(connection: sqlite3.Connection) -> Iterator[AuditedFlaw]:
    """Find records that have no leaf though they should. Raises sqlite3.Error."""
    for (number,) in connection.execute(leaves.WITHOUT):
        yield AuditedFlaw(number, None, Flaw.INSERTED)


class RecordState(StrEnum):
    """The present state of a record."""

    WHOLE = "whole"
    ERASED = "erased"
    PURGED = "purged"
    LOST = "lost"
    WAITING = "waiting"


_FACTS_GONE = {RecordState.PURGED, RecordState.LOST}
_GONE = {*_FACTS_GONE, RecordState.ERASED}
_GAPS = {Flaw.DELETED, Flaw.UNEXPLAINED}

_NAMES = [name.strip() for name in rows.COLUMNS.split(",")]
_WHOLE_NUMBERS = {"record", "at", "basis", "erased", "recorded", "supplement", "counts", "rate"}
_ALLOWED = [
    {type(None), float} if name in ("heard", "length")
    else {type(None), int} if name in _WHOLE_NUMBERS
    else {type(None), bytes} if name in ("pseudonym", "earlier")
    else {type(None), str}
    for name in _NAMES
]  # fmt: skip
_LEAF_KINDS = {(int, int, bytes, bytes, *opens) for opens in product((bytes, type(None)), repeat=4)}
_WHAT = 2
_KINDS: set[tuple[type, ...]] = set()  # allowed combinations of types that were met in records
_KINDS_OF_BOTH: set[tuple[type, ...]] = set()  # the same in leaves with their records
_MINUTE = 60_000_000  # microseconds
_AT, _RECORDED, _KEY, _KIND, _ERASED = map(_NAMES.index, ("at", "recorded", "key", "kind", "erased"))


def _leaf(
    origin: str, index: int, row: tuple[Any, ...], entry: bytes | None, notes: LossNotes
) -> tuple[RecordState, list[Flaw]]:
    """Return the state of one leaf with its record, and its flaws."""
    leaf_row, event_row = row[: leaves.LEAF_COLUMNS], row[leaves.LEAF_COLUMNS :]
    if (
        event_row[0] is not None
        and _leaf_and_record_kinds_are_right(row)
        and (entry is None or entry == RECORD_TAG + leaf_row[2] + leaf_row[3])
        and not notes.names(leaf_row[0])
        and opens(leaf_row, event_row, origin, index)
    ):
        return RecordState.WHOLE, []
    return _examine_closely(origin, index, leaf_row, event_row, entry, notes)


def _examine_closely(
    origin: str,
    index: int,
    leaf_row: Sequence[Any],
    event_row: Sequence[Any],
    entry: bytes | None,
    notes: LossNotes,
) -> tuple[RecordState, list[Flaw]]:
    """Examine a leaf that is not as most are; see `_leaf`."""
    if leaf_row[_WHAT] is None:
        return RecordState.WHOLE, list(_note_flaws(origin, index, leaf_row, event_row, entry))
    leaf = leaves.Leaf.of(leaf_row)
    assert leaf.commitments is not None
    purged = event_row[0] is None
    is_open = not purged and leaf.salt_who is not None
    waits = is_open and notes.names(leaf.leaf) and notes.may_wait(leaf.leaf)
    lost = purged and notes.is_lost(leaf.leaf)
    state = (
        RecordState.LOST
        if lost
        else RecordState.PURGED
        if purged
        else RecordState.ERASED
        if leaf.salt_who is None
        else RecordState.WHOLE
    )
    if not _is_leaf(leaf_row):
        return state, [Flaw.LEAF]
    flaws = []
    if entry is not None and entry != leaf.commitments.entry:
        flaws.append(Flaw.LEAF)
    named = lost or notes.is_purged(leaf.leaf)
    if purged and not named:
        flaws.append(Flaw.DELETED)
    elif purged and not leaf.salt_what is leaf.salt_who is leaf.binding is leaf.opening is None:
        flaws.append(Flaw.STILL_THERE)
    if not purged and named and not notes.may_wait(leaf.leaf):
        flaws.append(Flaw.STILL_THERE)
    if not purged:
        erased = notes.is_erased(leaf.leaf) and not waits
        emptied = erased and notes.is_emptied(leaf.leaf)
        if emptied and notes.may_only_rest(leaf.leaf):
            emptied = bool(event_row[_ERASED])
        flaws += _record_flaws(origin, index, leaf, event_row, erased=erased, emptied=emptied)
    waiting = waits and event_row[_KIND] not in commitment.KEPT and not flaws
    return RecordState.WAITING if waiting else state, flaws


def _note_flaws(
    origin: str, index: int, leaf: Sequence[Any], row: Sequence[Any], entry: bytes | None
) -> Iterator[Flaw]:
    """Find the flaws of a leaf that is a note, with its record. Whether the note holds, its log decides."""
    if row[0] is None:
        yield Flaw.DELETED
        return
    if tuple(map(type, leaf)) != (int, int, *[type(None)] * 6):
        yield Flaw.LEAF
    try:
        record = rows.record(row)
        if entry is not None and entry != NOTE_TAG + record.event.reference.encode():
            yield Flaw.LEAF
        note = LogNote.parse(NOTE_TAG + record.event.reference.encode(), origin, index)
        if record.event != note_leaves.event(note, record.event.at) or not _as_written(row, record.event):
            yield Flaw.ROW
    except (*UNREADABLE, EvidenceFormatError):
        yield Flaw.ROW


def opens(leaf: Sequence[Any], row: tuple[Any, ...], origin: str, index: int) -> bool:
    """Return whether a record that was not erased opens its leaf, number `index` of the log, and has only
    values that records are written with. `False` is not final: `_record_flaws` decides."""
    _leaf, number, what, who, salt_what, salt_who, binding, opening = leaf
    if salt_what is None or salt_who is None or number != row[0]:
        return False
    preimages = texts(row, binding, opening, origin, index)
    return (
        preimages is not None
        and sha256(WHAT_TAG + salt_what + preimages[0]).digest() == what
        and sha256(WHO_TAG + salt_who + preimages[1]).digest() == who
    )


def _is_leaf(row: Sequence[Any]) -> bool:
    """Return whether all values have types that a leaf is written with; SQLite itself accepts any type in any
    column. An empty binding is refused, because the commitment would leave it out as if there were none."""
    *_, binding, opening = row
    return tuple(map(type, row)) in _LEAF_KINDS and b"" not in (binding, opening)


def _record_flaws(
    origin: str, index: int, leaf: leaves.Leaf, row: Sequence[Any], *, erased: bool, emptied: bool
) -> Iterator[Flaw]:
    """Find the flaws of a record that exists. `erased` is true if a record about records says that its caller
    was erased, or the caller of a record on which it rests; `emptied` is true if it was the caller's own
    record."""
    assert leaf.commitments is not None
    try:
        record = rows.record(row)
        event = record.event
        if not _as_written(row, event):
            yield Flaw.ROW
        if leaf.salt_what is None:
            yield Flaw.UNEXPLAINED
        else:
            facts = commitment.facts(event, origin, index, record.number)
            if commitment.what(facts, leaf.salt_what) != leaf.commitments.what:
                yield Flaw.FACTS
        if leaf.salt_who is not None:
            if erased:
                yield Flaw.STILL_THERE
                return
            person = commitment.person(event, leaf.binding, leaf.opening)
            if commitment.who(person, leaf.salt_who) != leaf.commitments.who:
                yield Flaw.PERSON
            elif event.erased:
                yield Flaw.ROW
        elif not erased:
            yield Flaw.UNEXPLAINED
        elif (
            (leaf.binding, leaf.opening) != (None, None)
            or event.basis is not None
            or (emptied and not event.erased)
        ):
            yield Flaw.STILL_THERE
        elif event.erased != emptied or (emptied and not (_leads_nowhere(row, event) and _in_minutes(row))):
            yield Flaw.ROW
    except UNREADABLE:
        yield Flaw.ROW


def _leads_nowhere(row: Sequence[Any], event: Event) -> bool:
    """Return whether nothing in the record leads to a caller. This is so for each erased record, and for no
    other except records about records. A record that only rested on an erased one has lost its basis, and
    nothing else."""
    names_caller = (event.pseudonym, event.earlier, event.basis) != (None, None, None)
    leads_to_caller = names_caller or event.call or event.linked or event.reference or row[_KEY]
    return not leads_to_caller and event.kind not in commitment.KEPT


def _in_minutes(row: Sequence[Any]) -> bool:
    """Return whether its times are whole minutes, as an erasure leaves them."""
    return bool(row[_AT] % _MINUTE == (row[_RECORDED] or 0) % _MINUTE == 0)


def _kinds_are_right(row: Sequence[Any]) -> bool:
    """Return whether each value has a type of its column; SQLite itself accepts any type in any column."""
    kinds = tuple(map(type, row))
    if kinds in _KINDS:
        return True
    if not all(kind in allowed for kind, allowed in zip(kinds, _ALLOWED, strict=True)):
        return False
    _KINDS.add(kinds)
    return True


def _leaf_and_record_kinds_are_right(row: Sequence[Any]) -> bool:
    """Return the same for a leaf with its record, in one step if this combination of types was met before."""
    kinds = tuple(map(type, row))
    if kinds in _KINDS_OF_BOTH:
        return True
    if not (_is_leaf(row[: leaves.LEAF_COLUMNS]) and _kinds_are_right(row[leaves.LEAF_COLUMNS :])):
        return False
    _KINDS_OF_BOTH.add(kinds)
    return True


def _as_written(row: Sequence[Any], event: Event) -> bool:
    """Return whether these are the values that such an event is written with; an erasure deletes the key.
    Raises ValueError for text that is not valid (`audit_reading.tolerantly`)."""
    if not _kinds_are_right(row):
        return False
    "".join(value for value in row if type(value) is str).encode()
    canonical = rows.row(event)
    if row[1:] == canonical:
        return True
    actual = dict(zip(_NAMES, row, strict=True))
    written = dict(zip(_NAMES, (row[0], *canonical), strict=True))
    allowed = {"key"} if actual["key"] is None and event.erased else set()
    return all(written[name] == value for name, value in actual.items() if name not in allowed)
