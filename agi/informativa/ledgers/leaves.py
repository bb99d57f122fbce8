"""The leaves of a ledger's log, and its logs, as rows of SQLite: the statements, and both directions of the
mapping."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from ..evidence.commitment import NOTE_TAG, Commitments
from ..evidence.origin import origin
from ..model.frozen import dataclass
from . import rows

# A leaf that was signed is never given again, not even where it was deleted.
LOG = """
SELECT epoch, origin, first, max(
    coalesce((SELECT max(leaf) + 1 FROM leaf), first),
    first + coalesce((SELECT size FROM signed WHERE signed.epoch = log.epoch), 0)
)
FROM log ORDER BY epoch DESC LIMIT 1
"""
RECORDED = """
SELECT coalesce(recorded, at) FROM leaf JOIN event USING (record) WHERE leaf >= ? ORDER BY leaf LIMIT 1
"""
EPOCHS = """
SELECT epoch, origin, first,
    coalesce(lead(first) OVER (ORDER BY epoch), max((SELECT max(leaf) + 1 FROM leaf), first), first)
FROM log ORDER BY epoch
"""


def of(record: str) -> str:
    """Return the SQL condition that a leaf belongs to a record: by its number, or by the index of leaves with
    another number."""
    return (
        f"((leaf.leaf = {record} - 1 AND leaf.record = {record})"
        f" OR (leaf.record = {record} AND leaf.record <> leaf.leaf + 1))"
    )


BEGIN = "INSERT INTO log (epoch, origin, first) VALUES (?, ?, ?)"
COLUMNS = """
leaf.leaf, leaf.record, leaf.what, leaf.who, leaf.salt_what, leaf.salt_who, leaf.binding, leaf.opening
"""
LEAF_COLUMNS = 8
OF_RECORD = f"SELECT {COLUMNS} FROM leaf WHERE {of('?1')}"  # noqa: S608  # our own names
# Each leaf with its record, whose columns are all NULL if it was deleted.
_EVENT = ", ".join(f"event.{name.strip()}" for name in rows.COLUMNS.split(","))
OPENED = f"""
SELECT {COLUMNS}, {_EVENT}
FROM leaf LEFT JOIN event ON event.record = leaf.record WHERE leaf.leaf >= ? ORDER BY leaf.leaf LIMIT ?
"""  # noqa: S608  # our own names
OF_PERIOD = f"""
SELECT {COLUMNS}, {_EVENT}
FROM leaf CROSS JOIN event ON event.record = leaf.record
WHERE leaf.leaf >= ? AND leaf.leaf < ? AND event.at >= ? AND event.at < ? ORDER BY leaf.leaf
"""  # noqa: S608  # our own names
GONE = """
SELECT count(*) FROM leaf WHERE leaf >= ? AND leaf <= ? AND salt_what IS NULL AND what IS NOT NULL
"""
# Records that lack a leaf.
WITHOUT = f"""
SELECT record FROM event WHERE NOT EXISTS (SELECT 1 FROM leaf WHERE {of("event.record")}) ORDER BY record
"""  # noqa: S608  # our own names
NOTES = f"""
SELECT {_EVENT}, leaf.leaf, leaf.what IS NULL FROM leaf CROSS JOIN event ON event.record = leaf.record
WHERE leaf.leaf >= ? AND event.kind IN ('purge', 'erasure', 'lost') ORDER BY leaf.leaf
"""  # noqa: S608  # our own names
# The notes of a log, the newest first; by the index `leaf_note`. Here and below references are bytes, since
# one that somebody wrote into the file may be no valid text (`references.as_text`).
NOTES_BACKWARDS = """
SELECT leaf, (SELECT CAST(reference AS BLOB) FROM event WHERE event.record = leaf.record)
FROM leaf WHERE what IS NULL AND leaf >= ? AND leaf < ? ORDER BY leaf DESC
"""
# The newest note, and the newest log.
NEWEST_NOTE = """
SELECT coalesce((SELECT max(leaf) FROM leaf WHERE what IS NULL), -1), (SELECT max(epoch) FROM log)
"""
# The leaves that cannot be opened, as ranges: their facts, or only whom they are about.
CLOSED_RANGES = """
SELECT min(leaf), max(leaf) + 1, facts FROM (
    SELECT leaf, facts, leaf - row_number() OVER (PARTITION BY facts ORDER BY leaf) AS block FROM (
        SELECT leaf, salt_who, salt_what IS NULL OR event.record IS NULL AS facts
        FROM leaf LEFT JOIN event USING (record) WHERE what IS NOT NULL
    ) WHERE facts OR salt_who IS NULL
) GROUP BY facts, block ORDER BY 1
"""
# How many leaves are purged or lost, and how many erased; and the records that name the lost ones.
CLOSED = """
SELECT coalesce(sum(salt_what IS NULL), 0), coalesce(sum(salt_what IS NOT NULL AND salt_who IS NULL), 0)
FROM leaf WHERE what IS NOT NULL
"""
LOST = """
SELECT CAST(reference AS BLOB) FROM leaf JOIN event USING (record) WHERE kind = 'lost' AND what IS NOT NULL
"""
# Leaves of which the person is erased, and not the rest, and whether the record was the person's own.
ERASED = """
SELECT leaf.leaf, leaf.what, leaf.who, event.erased FROM leaf JOIN event USING (record)
WHERE leaf.salt_who IS NULL AND leaf.salt_what IS NOT NULL ORDER BY leaf.leaf
"""
# Records that a purge by prefix deletes, from a leaf on and below another; and the first of those that were
# recorded since a time.
_DELETABLE = f"""
FROM leaf CROSS JOIN event ON event.record = leaf.record
WHERE leaf.salt_what IS NOT NULL AND leaf.leaf < ? AND {rows.DELETABLE}
"""
DELETABLE = f"""
SELECT leaf.leaf, leaf.record {_DELETABLE} AND (leaf.leaf, leaf.record) > (?, ?) ORDER BY leaf.leaf LIMIT ?
"""  # our own names
COUNT_DELETABLE = f"SELECT count(*) {_DELETABLE} AND leaf.leaf >= ?"  # our own names
RECORDED_SINCE = f"""
SELECT leaf.leaf FROM leaf CROSS JOIN event ON event.record = leaf.record
WHERE leaf.leaf >= ? AND leaf.leaf < ? AND coalesce(event.recorded, event.at) >= ? AND {rows.DELETABLE}
ORDER BY leaf.leaf LIMIT 1
"""  # noqa: S608  # our own names
_NAMING_CALLER = "SELECT 1 FROM leaf WHERE leaf >= ? AND leaf < ? AND salt_who IS NOT NULL LIMIT 1"
# Records that have leaves in a range.
RECORDS = "SELECT record FROM leaf WHERE leaf >= ? AND leaf < ?"
LAST_RECORD = "SELECT max(record) FROM leaf WHERE leaf >= ? AND leaf < ?"
NEWEST_RECORD = "SELECT CAST(record AS INTEGER) FROM leaf ORDER BY leaf DESC LIMIT 1"
# The first record of a log that follows another: its text, and whether it is a note.
FIRST = """
SELECT CAST(reference AS BLOB), what IS NULL FROM leaf JOIN event USING (record)
WHERE leaf = ? AND kind = 'new-log'
"""
# The same with its time.
FIRST_OF_LOG = """
SELECT CAST(reference AS BLOB), coalesce(recorded, at) FROM leaf JOIN event USING (record)
WHERE leaf = ? AND kind = 'new-log' AND what IS NOT NULL
"""
# How often the clock went back by more than a time between two records that follow one another, and the first
# record after that.
STEPS_BACK = """
SELECT count(*), min(record) FROM (
    SELECT leaf.record, recorded AS now, lag(recorded) OVER (ORDER BY leaf.leaf) AS before
    FROM leaf CROSS JOIN event ON event.record = leaf.record
    WHERE typeof(recorded) = 'integer'
) WHERE now < before - ?
"""
COUNT = "SELECT count(*) FROM leaf WHERE typeof(record) = 'integer'"  # with a record
ENTRIES = """
SELECT what, who,
    CASE WHEN what IS NULL THEN (SELECT reference FROM event WHERE event.record = leaf.record) END
FROM leaf WHERE leaf >= ? ORDER BY leaf LIMIT ?
"""
# If the number is NULL, SQLite takes the one after the last.
APPEND = """
INSERT INTO leaf (leaf, record, what, who, salt_what, salt_who, binding, opening)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
TAKE_BACK = "DELETE FROM leaf WHERE leaf = ?"  # a leaf that got a wrong number, within its transaction
PURGE = f"""
UPDATE leaf SET salt_what = NULL, salt_who = NULL, binding = NULL, opening = NULL
WHERE {of("?1")} RETURNING leaf
"""  # noqa: S608  # our own names


@dataclass(frozen=True)
class LedgerLog:
    """The newest log of a ledger. `first` and `next` are rows of `leaf`: that of its leaf 0, and the one that
    the next record gets."""

    epoch: int
    origin: str
    first: int
    next: int

    @property
    def size(self) -> int:
        """The number of its leaves."""
        return self.next - self.first


@dataclass(frozen=True)
class Leaf:
    """One row of `leaf`: the leaf, its record, the record's commitments, and the values that open them. A
    salt is `None` if the record was purged or its caller erased; the binding is `None` also if the caller's
    number was not known, and so is `opening`, which identifies the binding's key. A note, which is
    its own entry (evidence/notes.py), has neither commitments nor anything that opens them."""

    leaf: int
    record: int
    commitments: Commitments | None
    salt_what: bytes | None
    salt_who: bytes | None
    binding: bytes | None
    opening: bytes | None

    @property
    def who(self) -> bytes:
        """The commitment to what leads to the caller."""
        assert self.commitments is not None  # it is no note
        return self.commitments.who

    @property
    def is_note(self) -> bool:
        """`True` for a note."""
        return self.commitments is None

    @classmethod
    def of(cls, row: Sequence[Any]) -> Leaf:
        """Build a leaf from COLUMNS."""
        leaf, record, what, who, salt_what, salt_who, binding, opening = row
        commitments = None if what is None else Commitments(what, who)
        return cls(leaf, record, commitments, salt_what, salt_who, binding, opening)


def entry(what: bytes | None, who: bytes | None, note: str | None) -> bytes:
    """Return the entry of a row of ENTRIES. Raises sqlite3.Error for a note whose text is gone."""
    if what is not None and who is not None:
        return Commitments(what, who).entry
    if note is None:
        raise sqlite3.DatabaseError("the text of a note is gone")
    return NOTE_TAG + note.encode()


def log(connection: sqlite3.Connection) -> LedgerLog:
    """Read the newest log as it is now, or in this transaction. Raises sqlite3.Error."""
    row = connection.execute(LOG).fetchone()
    if row is None:
        raise sqlite3.DatabaseError("its records are in no log")
    return LedgerLog(*row)


def logs(connection: sqlite3.Connection) -> list[LedgerLog]:
    """Read all logs that there ever were, the newest last."""
    return [LedgerLog(*row) for row in connection.execute(EPOCHS)]


def has_record(connection: sqlite3.Connection, number: int) -> bool:
    """Return whether there is a record with that number."""
    return connection.execute("SELECT 1 FROM event WHERE record = ?", (number,)).fetchone() is not None


def newest_record(connection: sqlite3.Connection) -> int:
    """Return the number of the record with the newest leaf, which may be gone; 0 without any leaf."""
    row = connection.execute(NEWEST_RECORD).fetchone()
    return row[0] if row else 0


def leaf(connection: sqlite3.Connection, record: int) -> Leaf | None:
    """Read the leaf of a record; `None` if it has none yet, or there never was such a record."""
    row = connection.execute(OF_RECORD, (record,)).fetchone()
    return Leaf.of(row) if row else None


def deletable(connection: sqlite3.Connection, leaf_range: range) -> list[int]:
    """Return the records with leaves in these rows of `leaf` that a purge by prefix deletes."""
    parameters = (leaf_range.stop, leaf_range.start, 0, -1)  # no record has the number 0
    return [number for (_leaf, number) in connection.execute(DELETABLE, parameters)]


def names_anybody(connection: sqlite3.Connection, leaf_range: range) -> bool:
    """Return whether any of these rows of `leaf` can be opened to what leads to a caller."""
    return connection.execute(_NAMING_CALLER, (leaf_range.start, leaf_range.stop)).fetchone() is not None


def begin_another(connection: sqlite3.Connection, last: LedgerLog) -> LedgerLog:
    """Begin the log of the next epoch, within a transaction, and return it. Raises sqlite3.Error."""
    connection.execute(BEGIN, (last.epoch + 1, next_origin(last), last.next))
    return log(connection)


def next_origin(last: LedgerLog) -> str:
    """Return the origin of the log of the next epoch."""
    name = last.origin.rpartition("/")[0]  # by `encoding` each script would load base64
    return origin(name, last.epoch + 1)
