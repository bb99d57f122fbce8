"""Whether the derived history (`standing`) says what the records say, and nothing more.

Most of it is compared by one statement. What that cannot explain, callers who were told twice or whose key
was changed, is derived anew from their records, by what derives it when they are written.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ..model import Event, Reason, Record
from . import rows
from .migrating import statements
from .transaction import SqliteTransaction

_INFORMS = """
event.pseudonym IS NOT NULL AND NOT event.erased AND event.counts
AND (event.status IN ('PLAYED', 'INFORMED') OR (event.status = 'SKIPPED' AND event.ending IS NOT NULL))
"""
# Where a row is all that its record says, and no record says more, there is nothing to look into.
_DOUBTFUL = f"""
SELECT pseudonym FROM standing WHERE NOT EXISTS (
    SELECT 1 FROM event WHERE event.record = standing.record AND event.pseudonym = standing.pseudonym
    AND event.notice = standing.notice AND event.version = standing.version
    AND event.purposes = standing.purposes AND event.at = standing.at
    AND standing.whole IS event.at AND standing.seen IS NULL AND NOT event.supplement AND {_INFORMS}
)
UNION
SELECT event.pseudonym FROM event LEFT JOIN standing ON standing.pseudonym = event.pseudonym
AND standing.notice = event.notice AND standing.version = event.version
WHERE {_INFORMS} AND (
    standing.record IS NULL OR standing.record < event.record OR event.supplement
    OR event.purposes <> standing.purposes OR event.at > standing.at
)
"""  # noqa: S608  # our own names
_HISTORY = "SELECT pseudonym, notice, version, purposes, record, at, whole, seen FROM standing"
_ROWS = f"{_HISTORY} WHERE pseudonym IN doubtful"
_OWNERS = """
SELECT DISTINCT standing.pseudonym, event.pseudonym FROM standing JOIN event ON event.record = standing.record
WHERE standing.pseudonym IN doubtful AND event.pseudonym IS NOT NULL AND event.pseudonym <> standing.pseudonym
"""
_EVENTS = f"SELECT {rows.COLUMNS} FROM event WHERE pseudonym IN doubtful ORDER BY record"  # noqa: S608

Known = dict[tuple[str, str], tuple[Any, ...]]
"""By notice and version: purposes, record, at, whole, seen."""


@dataclass(frozen=True)
class ForgedHistory:
    """What a caller is said to know of one version of a notice, and by which record, which is not so."""

    record: int
    notice: str
    version: str


def forged(connection: sqlite3.Connection, *, purged: bool) -> list[ForgedHistory]:
    """The rows of the history that the records do not bear out. Where records were `purged`, a time at which
    a caller was seen may be that of one that is gone. Raises sqlite3.Error."""
    connection.execute("CREATE TEMP TABLE doubtful (pseudonym BLOB PRIMARY KEY)")
    try:
        connection.execute(f"INSERT INTO doubtful {_DOUBTFUL}")
        moved = connection.execute(_OWNERS).fetchall()
        connection.executemany("INSERT OR IGNORE INTO doubtful VALUES (?)", [(owner,) for _, owner in moved])
        actual: dict[bytes, Known] = defaultdict(dict)
        for pseudonym, notice, version, *rest in connection.execute(_ROWS):
            actual[pseudonym][notice, version] = tuple(rest)
        events = [rows.record(row) for row in connection.execute(_EVENTS)]
    finally:
        connection.execute("DROP TABLE doubtful")
    derived, seen = _derived(events, moved)
    return sorted(
        (
            ForgedHistory(told[1], notice, version)
            for pseudonym in actual.keys() | derived.keys()
            for (notice, version), told in _differing(
                actual[pseudonym], derived[pseudonym], seen[pseudonym], purged=purged
            )
        ),
        key=lambda each: each.record,
    )


def _differing(
    actual: Known, derived: Known, seen: dict[str, set[int]], *, purged: bool
) -> Iterator[tuple[tuple[str, str], tuple[Any, ...]]]:
    """The rows that are not as they should be, or missing."""
    for key in actual.keys() | derived.keys():
        there, should = actual.get(key), derived.get(key)
        if there is None or should is None:
            yield key, there or should or ()
        elif there[:-1] != should[:-1] or not (
            there[-1] in (should[-1], *seen[key[0]]) or (purged and there[-1] is not None)
        ):
            yield key, there


def _derived(
    records: Iterable[Record], moved: Iterable[tuple[bytes, bytes]]
) -> tuple[dict[bytes, Known], dict[bytes, dict[str, set[int]]]]:
    """What the records make of the history, by pseudonym; and when a caller who knew a notice was seen."""
    now = {old: new for new, old in moved}
    known: dict[bytes, Known] = defaultdict(dict)
    seen: dict[bytes, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        folder = resources.files(__package__) / "migrations"
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            for statement in statements(file.read_text(encoding="utf-8")):
                memory.execute(statement)
        memory.execute("PRAGMA foreign_keys = OFF")
        transaction = SqliteTransaction(memory)
        for record in records:
            event = record.event
            assert event.pseudonym is not None  # by the statement
            _put(memory, record)
            transaction.remember(event, record.number)
            if event.reason is Reason.ALREADY_INFORMED:
                seen[now.get(event.pseudonym, event.pseudonym)][event.notice].add(rows.microseconds(event.at))
        for old, new in now.items():
            transaction.rekey(old, new)
        for pseudonym, notice, version, *rest in memory.execute(_HISTORY):
            known[pseudonym][notice, version] = tuple(rest)
    return known, seen


def _put(memory: sqlite3.Connection, record: Record) -> None:
    """The record itself, with which a history is joined."""
    event: Event = record.event
    memory.execute(rows.APPEND, rows.row(event))
    memory.execute("UPDATE event SET record = ? WHERE record = last_insert_rowid()", (record.number,))
