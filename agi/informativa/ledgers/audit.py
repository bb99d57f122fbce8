"""Whether a ledger still says what its records committed to when they were written, and nothing else.

Each leaf is opened from its record as it is now; leaves and records are counted against each other; what is
gone must be named by a record about records, which is a leaf itself. Whether the leaves are those that were
published is for the caller, who gives what hash each should have. Nothing here trusts what can be derived.
"""

from __future__ import annotations

import contextlib
import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..evidence import commitment
from ..evidence.tree import leaf_hash
from ..model import Event, RecordKind
from . import leaves, rows

PAGE = 2048  # leaves that are held in memory

Published = Callable[[int, int], Sequence[bytes]]
"""The published hashes of so many leaves from an index on; as many as there are."""


class Flaw(StrEnum):
    """What is wrong with a record."""

    FACTS = "facts-altered"  # what stays of it is not what it committed to
    PERSON = "person-altered"  # who it was about is not
    ROW = "row-altered"  # a value that no record is written with
    LEAF = "leaf-altered"  # its leaf is not the one that was published
    DELETED = "deleted"  # it is gone, and no record says why
    INSERTED = "inserted"  # it never had a leaf
    MOVED = "moved"  # its leaf is another record's, or lies elsewhere
    UNEXPLAINED = "unexplained"  # it cannot be opened, and no record says why
    STILL_THERE = "still-there"  # a record says that it is gone
    FALSE_NOTE = "false-note"  # a record about records names what it cannot
    TRUNCATED = "truncated"  # it was published, and the ledger ends before it
    HISTORY = "history-forged"  # what its caller is said to know is not what his records say


@dataclass(frozen=True, order=True)
class Found:
    """A flaw, the number of the record in the ledger, and the index of its leaf in the log; `None` where it
    has none."""

    record: int
    flaw: Flaw
    leaf: int | None = None


@dataclass(frozen=True)
class Gone:
    """What records about records name, by the index of leaves: the purged, the erased and the lost, as ranges
    in order."""

    purged: tuple[range, ...]
    erased: tuple[range, ...]
    lost: tuple[range, ...]
    found: tuple[Found, ...]

    def is_purged(self, index: int) -> bool:
        return _within(self.purged, index)

    def is_lost(self, index: int) -> bool:
        return _within(self.lost, index)

    def is_erased(self, index: int) -> bool:
        return _within(self.erased, index)


@dataclass(frozen=True)
class Counted:
    """How many leaves were looked at, and what became of their records."""

    whole: int = 0
    erased: int = 0
    purged: int = 0
    lost: int = 0

    def plus(self, other: Counted) -> Counted:
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return Counted(**sums)


def gone(connection: sqlite3.Connection, log: leaves.LedgerLog) -> Gone:
    """What the ledger itself says is gone. Raises sqlite3.Error."""
    ranges: dict[RecordKind, list[range]] = {
        RecordKind.PURGE: [],
        RecordKind.ERASURE: [],
        RecordKind.LOST: [],
    }
    found = []
    for *row, leaf in connection.execute(leaves.NOTES, (log.first,)):
        number, index = int(row[0]), leaf - log.first
        try:
            record = rows.record(row)
            named = leaves.indices(record.event.reference)
        except (ValueError, TypeError):
            found.append(Found(number, Flaw.ROW, index))
            continue
        if any(each.start < 0 or each.stop > index or len(each) == 0 for each in named):
            found.append(Found(number, Flaw.FALSE_NOTE, index))
        ranges[record.event.kind] += named
    return Gone(
        _merged(ranges[RecordKind.PURGE]),
        _merged(ranges[RecordKind.ERASURE]),
        _merged(ranges[RecordKind.LOST]),
        tuple(found),
    )


def leaves_of(
    connection: sqlite3.Connection,
    log: leaves.LedgerLog,
    first: int,
    end: int,
    gone: Gone,
    published: Published,
) -> tuple[Counted, list[Found]]:
    """Look at the leaves from index `first` up to `end`, each with its record. Raises sqlite3.Error, and what
    `published` raises."""
    counted, found = Counted(), []
    for at in range(first, end, PAGE):
        count = min(PAGE, end - at)
        page = connection.execute(leaves.OPENED, (log.first + at, count)).fetchall()
        hashes = published(at, count)
        there = {row[0] - log.first: row for row in page}
        for index in range(at, at + count):
            known = hashes[index - at] if index - at < len(hashes) else None
            state, flaws = _leaf(log.origin, index, there.get(index), known, gone)
            counted = counted.plus(state)
            found += flaws
    return counted, found


def without_leaf(connection: sqlite3.Connection, log: leaves.LedgerLog) -> Iterator[Found]:
    """Records that were put in without one. Raises sqlite3.Error."""
    given = {"old": log.old, "entered": log.entered}
    for (number,) in connection.execute(leaves.WITHOUT, given):
        yield Found(number, Flaw.INSERTED)


_NAMES = [name.strip() for name in rows.COLUMNS.split(",")]
_WHOLE, _ERASED = Counted(whole=1), Counted(erased=1)
_PURGED, _LOST = Counted(purged=1), Counted(lost=1)


def _leaf(
    origin: str, index: int, row: Sequence[Any] | None, known: bytes | None, gone: Gone
) -> tuple[Counted, list[Found]]:
    """One leaf with its record: what became of it, and what is wrong with it."""
    if row is None:
        return Counted(), [Found(0, Flaw.DELETED, index)]
    leaf = leaves.Leaf.of(row[: leaves.LEAF_COLUMNS])
    event_row = row[leaves.LEAF_COLUMNS :]
    flaws = []
    if known is not None and known != leaf_hash(leaf.commitments.entry):
        flaws.append(Flaw.LEAF)
    state = _WHOLE
    if event_row[0] is None:
        state = _LOST if gone.is_lost(index) else _PURGED
        if state is _PURGED and not gone.is_purged(index):
            flaws.append(Flaw.DELETED)
        elif leaf.salt_what is not None or leaf.salt_who is not None:
            flaws.append(Flaw.STILL_THERE)
    else:
        if gone.is_purged(index) or gone.is_lost(index):
            flaws.append(Flaw.STILL_THERE)
        if leaf.salt_who is None:
            state = _ERASED
        flaws += _opened(origin, index, leaf, event_row, gone)
    return state, [Found(leaf.record, flaw, index) for flaw in flaws]


def _opened(origin: str, index: int, leaf: leaves.Leaf, row: Sequence[Any], gone: Gone) -> Iterator[Flaw]:
    """What is wrong with a record that is there."""
    try:
        record = rows.record(row)
        event = record.event
        if not _as_written(row, event):
            yield Flaw.ROW
    except (ValueError, TypeError, AttributeError, OverflowError, ZeroDivisionError):
        yield Flaw.ROW
        return
    if leaf.salt_what is None:
        yield Flaw.UNEXPLAINED
    else:
        facts = commitment.facts(event, origin, index, record.number, migrated=leaf.migrated)
        if commitment.what(facts, leaf.salt_what) != leaf.commitments.what:
            yield Flaw.FACTS
    erased = gone.is_erased(index)
    if leaf.salt_who is None:
        if not erased:
            yield Flaw.UNEXPLAINED
    elif erased:
        yield Flaw.STILL_THERE
    elif commitment.who(commitment.person(event, leaf.binding), leaf.salt_who) != leaf.commitments.who:
        yield Flaw.PERSON


def _as_written(row: Sequence[Any], event: Event) -> bool:
    """Whether these are the values that such an event is written with. Earlier forms of a ledger had seconds
    instead of samples and one time for both; an erasure takes the key."""
    canonical = rows.row(event)
    if row[1:] == canonical:
        return True
    given = dict(zip(_NAMES, row, strict=True))
    written = dict(zip(_NAMES, (row[0], *canonical), strict=True))
    allowed = {"recorded"} if given["recorded"] is None else set()
    allowed |= {"heard", "length", "rate"} if given["rate"] is None else set()
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


@contextlib.contextmanager
def reading(ledger: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own, within one transaction: one state of the ledger. Raises sqlite3.Error."""
    # With nobody's log beside it SQLite would make one, unless told that the file does not change.
    alone = "" if ledger.with_name(f"{ledger.name}-wal").exists() else "&immutable=1"
    uri = f"{ledger.absolute().as_uri()}?mode=ro{alone}"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        yield connection
