"""Whether a ledger still says what its records committed to when they were written, and nothing else.

Each leaf is opened from its record as it is now; leaves and records are counted against each other; what is
gone must be named by a record about records, which is a leaf itself. Whether the leaves are those that were
published is for the caller, who gives what hash each should have. Nothing here trusts what can be derived.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256
from itertools import product
from typing import Any

from ..evidence import commitment
from ..model import Event, RecordKind
from . import leaves, rows
from .audit_reading import UNREADABLE, page, tolerantly
from .row_texts import texts

PAGE = 256  # leaves that are held in memory; more are slower, for they leave the cache of the processor

Published = Callable[[int, int], Sequence[bytes | None]]
"""The published entries of so many leaves from an index on; `None` for those that are not published."""


class Flaw(StrEnum):
    """What is wrong with a record."""

    FACTS = "facts-altered"  # what stays of it is not what it committed to
    PERSON = "person-altered"  # who it was about is not
    ROW = "row-altered"  # a value that no record is written with
    LEAF = "leaf-altered"  # its leaf is not the one that was published, or not as leaves are written
    DELETED = "deleted"  # it is gone, and no record says why
    INSERTED = "inserted"  # it never had a leaf
    UNEXPLAINED = "unexplained"  # it cannot be opened, and no record says why
    STILL_THERE = "still-there"  # a record says that it is gone
    FALSE_NOTE = "false-note"  # a record about records names what it cannot
    TRUNCATED = "truncated"  # it was published, and the ledger ends before it


@dataclass(frozen=True, order=True)
class Found:
    """A flaw, the number of the record in the ledger (0: it is not known), and the index of its leaf in the
    log; `None` where it has none."""

    record: int
    flaw: Flaw
    leaf: int | None = None


@dataclass(frozen=True)
class Gone:
    """What records about records name, by rows of `leaf`: the purged, the erased and the lost, as ranges in
    order; `emptied` are those of the erased that were the caller's own, and did not only rest on them. `last`
    is the number of the last record that was purged, and `before` the time, in microseconds, before which all
    of them were; 0 where none was."""

    purged: tuple[range, ...]
    erased: tuple[range, ...]
    lost: tuple[range, ...]
    found: tuple[Found, ...]
    last: int = 0
    before: int = 0
    emptied: tuple[range, ...] = ()

    def is_purged(self, leaf: int) -> bool:
        return _within(self.purged, leaf)

    def is_lost(self, leaf: int) -> bool:
        return _within(self.lost, leaf)

    def is_erased(self, leaf: int) -> bool:
        return _within(self.erased, leaf)

    def names(self, leaf: int) -> bool:
        """Whether any of them does."""
        return bool(
            (self.purged and _within(self.purged, leaf))
            or (self.erased and _within(self.erased, leaf))
            or (self.lost and _within(self.lost, leaf))
        )


@dataclass(frozen=True)
class Counted:
    """What became of how many records: those that are as they were written, and those that are gone."""

    whole: int = 0
    erased: int = 0
    purged: int = 0
    lost: int = 0

    def plus(self, other: Counted) -> Counted:
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return Counted(**sums)


_TAKEN = (RecordKind.PURGE, RecordKind.ERASURE, RecordKind.LOST)  # in the order of `Gone`


def gone(connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog]) -> Gone:
    """What the ledger itself says is gone, of all its logs. Raises sqlite3.Error."""
    ranges: dict[RecordKind, list[range]] = {kind: [] for kind in _TAKEN}
    found, emptied, last, before = [], list[range](), 0, 0
    with tolerantly(connection):
        notes = connection.execute(leaves.NOTES, (0,)).fetchall()
    for *row, leaf in notes:
        number, index = int(row[0]), leaf - max((log.first for log in logs if log.first <= leaf), default=0)
        try:
            event = rows.record(row).event
            own, resting = leaves.indices(event.reference)
            if event.kind is RecordKind.PURGE:
                _first, number_of_last, time = rows.purged(event.reference)
                last, before = max(last, number_of_last), max(before, time)
        except UNREADABLE:
            found.append(Found(number, Flaw.ROW, index))
            continue
        named = [*own, *resting]
        if any(each.stop > leaf or len(each) == 0 for each in named):
            found.append(Found(number, Flaw.FALSE_NOTE, index))
        ranges[event.kind] += named
        emptied += own if event.kind is RecordKind.ERASURE else []
    purged, erased, lost = (_merged(ranges[kind]) for kind in _TAKEN)
    return Gone(purged, erased, lost, tuple(found), last, before, _merged(emptied))


def leaves_of(
    connection: sqlite3.Connection,
    log: leaves.LedgerLog,
    first: int,
    end: int,
    gone: Gone,
    published: Published,
    sound: Callable[[Sequence[tuple[Any, ...]]], None],
) -> tuple[Counted, list[Found]]:
    """Look at the leaves from index `first` up to `end`, each with its record; the rows of records that are
    there and with which nothing is wrong are given to `sound`, as of `leaves.OPENED`. Raises
    sqlite3.Error, and what `published` raises."""
    states, found = dict.fromkeys(State, 0), []
    for at in range(first, end, PAGE):
        count = min(PAGE, end - at)
        there = {row[0] - log.first: row for row in page(connection, log.first + at, count)}
        entries = published(at, count)
        if min(there, default=end) >= at + count:  # nothing at all is left of it: the first stands for all
            found.append(Found(0, Flaw.DELETED, at))
            continue
        right = []
        for index, entry in enumerate(entries, at):
            row = there.get(index)
            if row is None:
                found.append(Found(0, Flaw.DELETED, index))
                continue
            state, flaws = _leaf(log.origin, index, row, entry, gone)
            if not flaws or state is not State.WHOLE:
                states[state] += 1
            if flaws:
                number = row[1] if type(row[1]) is int else 0
                found += [Found(number, flaw, index) for flaw in flaws]
            elif row[leaves.LEAF_COLUMNS] is not None:
                right.append(row)
        sound(right)
    return Counted(**{state.value: number for state, number in states.items()}), found


def without_leaf(connection: sqlite3.Connection, log: leaves.LedgerLog) -> Iterator[Found]:
    """Records that were put in without one. Raises sqlite3.Error."""
    given = {"old": log.old, "entered": log.entered}
    for (number,) in connection.execute(leaves.WITHOUT, given):
        yield Found(number, Flaw.INSERTED)


class State(StrEnum):
    """What became of a record."""

    WHOLE = "whole"
    ERASED = "erased"
    PURGED = "purged"
    LOST = "lost"


_NAMES = [name.strip() for name in rows.COLUMNS.split(",")]
_WHOLE_NUMBERS = {"record", "at", "basis", "erased", "recorded", "supplement", "counts", "rate"}
_ALLOWED = [
    {type(None), float} if name in ("heard", "length")
    else {type(None), int} if name in _WHOLE_NUMBERS
    else {type(None), bytes} if name in ("pseudonym", "earlier")
    else {type(None), str}
    for name in _NAMES
]  # fmt: skip
_LEAF_KINDS = {(int, int, bytes, bytes, *opening, int) for opening in product((bytes, type(None)), repeat=3)}
_KINDS: set[tuple[type, ...]] = set()  # those that were met and are allowed, of records
_KINDS_OF_BOTH: set[tuple[type, ...]] = set()  # the same of leaves with their records
_MINUTE = 60_000_000  # microseconds
_AT, _RECORDED, _KEY = map(_NAMES.index, ("at", "recorded", "key"))


def _leaf(
    origin: str, index: int, row: tuple[Any, ...], entry: bytes | None, gone: Gone
) -> tuple[State, list[Flaw]]:
    """One leaf with its record: what became of it, and what is wrong with it."""
    leaf_row, event_row = row[: leaves.LEAF_COLUMNS], row[leaves.LEAF_COLUMNS :]
    if (
        event_row[0] is not None
        and _both_kinds_are_right(row)
        and (entry is None or entry == commitment.RECORD_TAG + leaf_row[2] + leaf_row[3])
        and not gone.names(leaf_row[0])
        and opens(leaf_row, event_row, origin, index)
    ):
        return State.WHOLE, []
    return _closely(origin, index, leaf_row, event_row, entry, gone)


def _closely(
    origin: str,
    index: int,
    leaf_row: Sequence[Any],
    event_row: Sequence[Any],
    entry: bytes | None,
    gone: Gone,
) -> tuple[State, list[Flaw]]:
    """The same for one that is not as most are."""
    leaf = leaves.Leaf.of(leaf_row)
    purged = event_row[0] is None
    lost = purged and bool(gone.lost) and gone.is_lost(leaf.leaf)
    state = State.PURGED if purged else State.ERASED if leaf.salt_who is None else State.WHOLE
    state = State.LOST if lost else state
    if not _is_leaf(leaf_row):
        return state, [Flaw.LEAF]
    flaws = []
    if entry is not None and entry != leaf.commitments.entry:
        flaws.append(Flaw.LEAF)
    erased = bool(gone.erased) and gone.is_erased(leaf.leaf)
    named = lost or (bool(gone.purged) and gone.is_purged(leaf.leaf))
    if purged and not named:
        flaws.append(Flaw.DELETED)
    elif named and not (purged and leaf.salt_what is leaf.salt_who is leaf.binding is None):
        flaws.append(Flaw.STILL_THERE)
    if not purged:
        emptied = erased and _within(gone.emptied, leaf.leaf)
        flaws += _opened(origin, index, leaf, event_row, erased=erased, emptied=emptied)
    return state, flaws


def opens(leaf: Sequence[Any], row: tuple[Any, ...], origin: str, index: int) -> bool:
    """Whether a record that was not erased opens its leaf, `index` of the log, and has no value that no
    record is written with. What is false may be right all the same."""
    _leaf, number, what, who, salt_what, salt_who, binding, migrated = leaf
    if salt_what is None or salt_who is None or number != row[0]:
        return False
    if migrated and not row[2] and row[4] is None:  # as one that was erased
        return False
    found = texts(row, binding, origin, index, migrated=migrated)
    return (
        found is not None
        and sha256(commitment.WHAT_TAG + salt_what + found[0]).digest() == what
        and sha256(commitment.WHO_TAG + salt_who + found[1]).digest() == who
    )


def _is_leaf(row: Sequence[Any]) -> bool:
    """Whether these are the kinds of values that a leaf is written with; SQLite itself holds any to any. An
    empty binding would be left out of the commitment like none."""
    return tuple(map(type, row)) in _LEAF_KINDS and row[-1] in (0, 1) and row[-2] != b""


def _opened(
    origin: str, index: int, leaf: leaves.Leaf, row: Sequence[Any], *, erased: bool, emptied: bool
) -> Iterator[Flaw]:
    """What is wrong with a record that is there; `erased` is whether a record says that its caller was, or
    another one on whom it rests, and `emptied` that it was its own."""
    try:
        record = rows.record(row)
        event = record.event
        if not _as_written(row, event, migrated=leaf.migrated):
            yield Flaw.ROW
        if leaf.salt_what is None:
            yield Flaw.UNEXPLAINED
        else:
            facts = commitment.facts(event, origin, index, record.number, migrated=leaf.migrated)
            if commitment.what(facts, leaf.salt_what) != leaf.commitments.what:
                yield Flaw.FACTS
        if leaf.salt_who is not None:
            if erased:
                yield Flaw.STILL_THERE
                return
            if commitment.who(commitment.person(event, leaf.binding), leaf.salt_who) != leaf.commitments.who:
                yield Flaw.PERSON
            elif event.erased != (leaf.migrated and _leads_nowhere(row, event)):
                yield Flaw.ROW
        elif not erased:
            yield Flaw.UNEXPLAINED
        elif leaf.binding is not None or event.basis is not None or (emptied and not event.erased):
            yield Flaw.STILL_THERE
        elif event.erased != emptied or (emptied and not (_leads_nowhere(row, event) and _in_minutes(row))):
            yield Flaw.ROW
    except UNREADABLE:
        yield Flaw.ROW


def _leads_nowhere(row: Sequence[Any], event: Event) -> bool:
    """Whether nothing is left that leads to a caller. So is each record that was erased, and no other one but
    those about records: of what rested on an erased one, the basis alone is gone."""
    known = (event.pseudonym, event.earlier, event.basis) != (None, None, None)
    leads = known or event.call or event.linked or event.reference or row[_KEY]
    return not leads and event.kind not in commitment.ABOUT_RECORDS


def _in_minutes(row: Sequence[Any]) -> bool:
    """Whether its times are as exact as an erasure leaves them."""
    return bool(row[_AT] % _MINUTE == (row[_RECORDED] or 0) % _MINUTE == 0)


def _kinds_are_right(row: Sequence[Any]) -> bool:
    """Whether each value is of the kind of its column; SQLite itself holds any to any."""
    kinds = tuple(map(type, row))
    if kinds in _KINDS:
        return True
    if not all(kind in allowed for kind, allowed in zip(kinds, _ALLOWED, strict=True)):
        return False
    _KINDS.add(kinds)
    return True


def _both_kinds_are_right(row: Sequence[Any]) -> bool:
    """The same of a leaf with its record, at one look where such a pair was met before."""
    if row[leaves.LEAF_COLUMNS - 1] not in (0, 1):
        return False
    kinds = tuple(map(type, row))
    if kinds in _KINDS_OF_BOTH:
        return True
    if not (_is_leaf(row[: leaves.LEAF_COLUMNS]) and _kinds_are_right(row[leaves.LEAF_COLUMNS :])):
        return False
    _KINDS_OF_BOTH.add(kinds)
    return True


def _as_written(row: Sequence[Any], event: Event, *, migrated: bool) -> bool:
    """Whether these are the values that such an event is written with. Earlier forms of a ledger had seconds
    instead of samples and one time for both; an erasure takes the key. Raises ValueError for what stands as
    text, and is none (`audit_reading.tolerantly`)."""
    if not _kinds_are_right(row):
        return False
    "".join(value for value in row if type(value) is str).encode()
    canonical = rows.row(event)
    if row[1:] == canonical:
        return True
    given = dict(zip(_NAMES, row, strict=True))
    written = dict(zip(_NAMES, (row[0], *canonical), strict=True))
    allowed = {"recorded"} if migrated and given["recorded"] is None else set()
    if migrated and given["rate"] is None and given["ending"] is not None:
        allowed |= {"heard", "length", "rate"}
    allowed |= {"key"} if given["key"] is None and event.erased else set()
    return all(written[name] == value for name, value in given.items() if name not in allowed)


def _within(ranges: Sequence[range], index: int) -> bool:
    at = bisect_right(ranges, index, key=lambda each: each.start) - 1
    return at >= 0 and index in ranges[at]


def _merged(ranges: Iterable[range]) -> tuple[range, ...]:
    """In order, and no two of them touch."""
    found: list[range] = []
    for each in sorted(ranges, key=lambda each: each.start):
        if found and each.start <= found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, each.stop))
        else:
            found.append(each)
    return tuple(found)
