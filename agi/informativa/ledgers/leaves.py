"""The leaves of a ledger's log as rows of SQLite: the statements, and how records about records name them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..evidence.commitment import Commitments
from ..evidence.origin import origin
from ..frozen import dataclass
from . import rows

if TYPE_CHECKING:  # with it comes OpenSSL, which a call has no use for
    from ..evidence.checkpoint import Checkpoint

LOG = """
SELECT epoch, origin, first, (SELECT coalesce(max(leaf) + 1, log.first) FROM leaf), old, entered
FROM log ORDER BY epoch DESC LIMIT 1
"""
RECORDED = """
SELECT coalesce(recorded, at) FROM leaf JOIN event USING (record) WHERE leaf >= ? ORDER BY leaf LIMIT 1
"""
EPOCHS = """
SELECT epoch, origin, first,
    coalesce(lead(first) OVER (ORDER BY epoch), max((SELECT max(leaf) + 1 FROM leaf), first), first),
    old, entered
FROM log ORDER BY epoch
"""


def of(record: str) -> str:
    """That a leaf is a record's, as SQL: by its number, or by the index of leaves that have another."""
    return (
        f"((leaf.leaf = {record} - 1 AND leaf.record = {record})"
        f" OR (leaf.record = {record} AND leaf.record <> leaf.leaf + 1))"
    )


BEGIN = "INSERT INTO log (epoch, origin, first, old, entered) VALUES (?, ?, ?, ?, ?)"
_COLUMNS = "leaf, record, what, who, salt_what, salt_who, binding, migrated"
OF_RECORD = f"SELECT {_COLUMNS} FROM leaf WHERE {of('?1')}"  # noqa: S608  # our own names
# Each leaf with its record, which is all NULL where it is gone.
_EVENT = ", ".join(f"event.{name.strip()}" for name in rows.COLUMNS.split(","))
OPENED = f"""
SELECT {", ".join(f"leaf.{name}" for name in _COLUMNS.split(", "))}, {_EVENT}
FROM leaf LEFT JOIN event ON event.record = leaf.record WHERE leaf.leaf >= ? ORDER BY leaf.leaf LIMIT ?
"""  # noqa: S608  # our own names
LEAF_COLUMNS = 8
OF_PERIOD = f"""
SELECT {", ".join(f"leaf.{name}" for name in _COLUMNS.split(", "))}, {_EVENT}
FROM leaf CROSS JOIN event ON event.record = leaf.record
WHERE leaf.leaf >= ? AND leaf.leaf < ? AND event.at >= ? AND event.at < ? ORDER BY leaf.leaf
"""  # noqa: S608  # our own names
GONE = "SELECT count(*) FROM leaf WHERE leaf >= ? AND leaf <= ? AND salt_what IS NULL"
# Records that should have a leaf: all but those that wait for theirs.
WITHOUT = f"""
SELECT record FROM event WHERE (record > :old OR record <= :entered)
AND NOT EXISTS (SELECT 1 FROM leaf WHERE {of("event.record")}) ORDER BY record
"""  # noqa: S608  # our own names
NOTES = f"""
SELECT {_EVENT}, leaf.leaf FROM leaf CROSS JOIN event ON event.record = leaf.record
WHERE leaf.leaf >= ? AND event.kind IN ('purge', 'erasure', 'lost') ORDER BY leaf.leaf
"""  # noqa: S608  # our own names
# What a backup still has of leaves that are gone since, from one on and before another.
RECORDS = "SELECT record FROM leaf WHERE leaf >= ? AND leaf < ?"
ERASE_AGAIN = (
    f"DELETE FROM standing WHERE pseudonym IN (SELECT pseudonym FROM event WHERE record IN ({RECORDS}))",  # noqa: S608  # our own names
    f"{rows.ERASE} WHERE record IN ({RECORDS}) AND NOT erased",
)
LEAVE_AGAIN = f"UPDATE event SET basis = NULL WHERE record IN ({RECORDS})"  # noqa: S608  # our own names
CLOSE_AGAIN = "UPDATE leaf SET salt_who = NULL, binding = NULL WHERE leaf >= ? AND leaf < ?"
# How the log says that it begins which follows another.
FIRST = "SELECT reference FROM leaf JOIN event USING (record) WHERE leaf = ? AND kind = 'new-log'"
# The first record that is from after, and the last that is from before there was a log.
BOUNDS = """
SELECT min(CASE WHEN migrated THEN NULL ELSE record END), max(CASE WHEN migrated THEN record END), count(*)
FROM leaf WHERE typeof(record) = 'integer'
"""
ENTERED = "UPDATE log SET entered = ?"
ENTRIES = "SELECT what, who FROM leaf WHERE leaf >= ? ORDER BY leaf LIMIT ?"
# By SQLite the one after the last, where its number is NULL.
APPEND = """
INSERT INTO leaf (leaf, record, what, who, salt_what, salt_who, binding, migrated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
TAKE_BACK = "DELETE FROM leaf WHERE leaf = ?"  # what was not the next one, before anybody sees it
PURGE = f"""
UPDATE leaf SET salt_what = NULL, salt_who = NULL, binding = NULL WHERE {of("?1")} RETURNING leaf
"""  # noqa: S608  # our own names
# From before there were leaves.
MISSING = f"""
SELECT {rows.COLUMNS} FROM event
WHERE record > ? AND record <= ? AND NOT EXISTS (SELECT 1 FROM leaf WHERE {of("event.record")})
ORDER BY record LIMIT ?
"""  # noqa: S608  # our own names


AND = "; "
_LEAVES = "; leaves "
_RESTING = ", and resting on them "
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")


@dataclass(frozen=True)
class LedgerLog:
    """The newest log of a ledger. `first` and `next` are rows of `leaf`: that of its leaf 0, and the one that
    the next record gets. Of the records up to `old`, which are from before there was a log, those up to
    `entered` have their leaf."""

    epoch: int
    origin: str
    first: int
    next: int
    old: int
    entered: int

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self.next - self.first


@dataclass(frozen=True)
class Leaf:
    """One row of `leaf`: which leaf of which record, what the record committed to, and what opens that. A
    salt is `None` where the record was purged or its caller erased, the binding also where nobody knew the
    caller's number. A `migrated` record is from before there was a log."""

    leaf: int
    record: int
    commitments: Commitments
    salt_what: bytes | None
    salt_who: bytes | None
    binding: bytes | None
    migrated: bool

    @property
    def who(self) -> bytes:
        """The commitment to what leads to the caller."""
        return self.commitments.who

    @classmethod
    def of(cls, row: Sequence[Any]) -> Leaf:
        """From the columns of OF_RECORD."""
        leaf, record, what, who, salt_what, salt_who, binding, migrated = row
        return cls(leaf, record, Commitments(what, who), salt_what, salt_who, binding, bool(migrated))


def log(connection: sqlite3.Connection) -> LedgerLog:
    """As of now, or of the transaction. Raises sqlite3.Error."""
    found = connection.execute(LOG).fetchone()
    if found is None:
        raise sqlite3.DatabaseError("its records are in no log")
    return LedgerLog(*found)


def logs(connection: sqlite3.Connection) -> list[LedgerLog]:
    """All that there ever were, the newest last."""
    return [LedgerLog(*row) for row in connection.execute(EPOCHS)]


def leaf(connection: sqlite3.Connection, record: int) -> Leaf | None:
    """That of a record; `None` where it has none yet, or there never was such a record."""
    row = connection.execute(OF_RECORD, (record,)).fetchone()
    return Leaf.of(row) if row else None


def named(leaves: Iterable[int], resting: Iterable[int] = ()) -> str:
    """What a record about records says of their leaves, and of those that rested on them: `; leaves 0-63 70,
    and resting on them 71`, nothing where they had none. They are counted through all logs of a ledger."""
    own, others = _ranges(leaves), _ranges(resting)
    return (f"{_LEAVES}{own}" if own else "") + (f"{_RESTING}{others}" if others else "")


def begin_another(connection: sqlite3.Connection, last: LedgerLog) -> LedgerLog:
    """Go on in a log of the next epoch, within a transaction. Raises sqlite3.Error."""
    epoch = last.epoch + 1
    name = origin(last.origin.rpartition("/")[0], epoch)
    connection.execute(BEGIN, (epoch, name, last.next, last.old, last.entered))
    return log(connection)


def follows(last: Checkpoint) -> str:
    """What the first record of a log says of one that ended before it: its last checkpoint; of several, with
    `AND` between."""
    return f"after {last.size} records of {last.origin}, root {last.root.hex()}"


def before(reference: str, end: int) -> str:
    """The same without the leaves from a row of `leaf` on."""
    kept = (
        (row for each in ranges for row in range(each.start, min(each.stop, end)))
        for ranges in indices(reference)
    )
    return reference.partition(_LEAVES)[0] + named(*kept)


def indices(reference: str) -> tuple[list[range], list[range]]:
    """The leaves that `named` named, and those that rested on them. Raises ValueError for another text."""
    own, _, resting = reference.partition(_LEAVES)[2].partition(_RESTING)
    return _parsed(own), _parsed(resting)


def _ranges(numbers: Iterable[int]) -> str:
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return " ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


def _parsed(listed: str) -> list[range]:
    found = []
    for each in listed.split():
        bounds = _RANGE.fullmatch(each)
        if not bounds:
            raise ValueError(f"{each!r} names no leaves")
        found.append(range(int(bounds[1]), int(bounds[2] or bounds[1]) + 1))
    return found
