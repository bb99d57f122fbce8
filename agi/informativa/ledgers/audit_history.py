"""Whether the derived history (`standing`) says what the records say, and nothing more.

Most of it is compared by one statement. What that cannot explain, callers who were told twice or whose key
was changed, is derived anew from their records, by what derives it when they are written.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from ..model import Reason, Record
from . import rows
from .audit import Gone
from .audit_reading import UNREADABLE, tolerantly
from .migrating import migrations, statements
from .transaction import SqliteTransaction

# Where a row is all that its record says, and no record says more, there is nothing to look into.
_DOUBTFUL = f"""
SELECT pseudonym FROM standing WHERE NOT EXISTS (
    SELECT 1 FROM event WHERE event.record = standing.record AND event.pseudonym = standing.pseudonym
    AND event.notice = standing.notice AND event.version = standing.version
    AND event.purposes = standing.purposes AND event.at = standing.at
    AND standing.whole IS event.at AND standing.moved IN (0, 1) AND NOT event.supplement AND {rows.INFORMS}
)
UNION
SELECT event.pseudonym FROM event LEFT JOIN standing ON standing.pseudonym = event.pseudonym
AND standing.notice = event.notice AND standing.version = event.version
WHERE {rows.INFORMS} AND (
    standing.record IS NULL OR standing.record < event.record OR event.supplement
    OR event.purposes <> standing.purposes OR event.at > standing.at OR event.reason = 'recycled'
    OR EXISTS (
        SELECT 1 FROM standing AS other WHERE other.pseudonym = event.pseudonym
        AND other.notice = event.notice AND other.record < event.record
        AND other.whole > coalesce(event.recorded, event.at)
    )
)
UNION
SELECT pseudonym FROM event WHERE earlier IS NOT NULL AND pseudonym IS NOT NULL
"""  # noqa: S608  # our own names
# When somebody called who knew a notice, and none of his records says so. Sorted and merged, not held.
_UNSEEN = """
SELECT pseudonym FROM (
    SELECT pseudonym, notice, version FROM standing WHERE seen IS NOT NULL
    EXCEPT
    SELECT standing.pseudonym, standing.notice, standing.version FROM event CROSS JOIN standing
    ON standing.pseudonym = event.pseudonym AND standing.notice = event.notice AND standing.seen = event.at
    WHERE event.reason = 'already-informed'
    ORDER BY 1, 2, 3
)
"""
_SEEN = "SELECT 1 FROM standing WHERE seen IS NOT NULL LIMIT 1"
# Of records from before there was a log it is not said that their caller's key was changed: what is known of
# him under his new pseudonym, and what that rests on, says so.
_MOVED = """
SELECT standing.pseudonym, event.pseudonym FROM standing JOIN event ON event.record = standing.record
WHERE standing.pseudonym IN doubtful AND event.record <= :old
AND event.pseudonym IS NOT NULL AND event.pseudonym <> standing.pseudonym
AND standing.pseudonym IN (SELECT pseudonym FROM event)
UNION
SELECT later.pseudonym, event.pseudonym FROM event AS later JOIN event ON event.record = later.basis
WHERE later.record <= :old AND later.pseudonym IN doubtful AND later.reason <> 'same-call'
AND event.pseudonym IS NOT NULL AND event.pseudonym <> later.pseudonym
"""
_LINKED = """
INSERT OR IGNORE INTO doubtful
SELECT earlier FROM event WHERE earlier IS NOT NULL AND pseudonym IN doubtful
UNION
SELECT pseudonym FROM event WHERE earlier IN doubtful AND pseudonym IS NOT NULL
"""
_HISTORY = "SELECT pseudonym, notice, version, purposes, record, at, whole, seen, moved FROM standing"
# Without its record a row that was moved tells nobody anything (rows.STANDING).
_ROWS = f"""
{_HISTORY} WHERE pseudonym IN doubtful
AND (NOT moved OR record > :last OR EXISTS (SELECT 1 FROM event WHERE event.record = standing.record))
"""  # noqa: S608
_EVENTS = f"SELECT {rows.COLUMNS} FROM event WHERE pseudonym IN doubtful ORDER BY record"  # noqa: S608

KnownVersions = dict[tuple[str, str], tuple[Any, ...]]
"""By notice and version: purposes, record, at, whole, seen, moved."""


@dataclass(frozen=True)
class ForgedHistory:
    """What a caller is said to know of one version of a notice, and by which record, which is not so."""

    record: int
    notice: str
    version: str


def forged(connection: sqlite3.Connection, gone: Gone, old: int) -> list[ForgedHistory]:
    """The rows of the history that the records do not bear out. Where records were purged a caller may be
    said to know less than what he was told by those that are left, and never more. Records up to `old` are
    from before there was a log. Raises sqlite3.Error."""
    with tolerantly(connection):
        connection.execute("CREATE TEMP TABLE doubtful (pseudonym BLOB PRIMARY KEY)")
        try:
            connection.execute(f"INSERT INTO doubtful {_DOUBTFUL}")
            if connection.execute(_SEEN).fetchone():
                connection.execute(f"INSERT OR IGNORE INTO doubtful {_UNSEEN}")
            moved = _linked(connection, old)
            actual: dict[bytes, KnownVersions] = defaultdict(dict)
            for pseudonym, notice, version, *rest in connection.execute(_ROWS, {"last": gone.last}):
                actual[pseudonym][notice, version] = tuple(rest)
            derived, seen, own = _derived(_readable(connection), moved, old)
        finally:
            connection.execute("DROP TABLE doubtful")
    found = set()
    for pseudonym in actual.keys() | derived.keys():
        for key in actual[pseudonym].keys() | derived[pseudonym].keys():
            there, should = actual[pseudonym].get(key), derived[pseudonym].get(key)
            alone = should is not None and own.get(should[1]) == (should[0], should[3])
            if not _borne_out(there, should, seen[pseudonym][key[0]], gone, alone=alone):
                number = (there or should or (0, 0))[1]
                found.add(ForgedHistory(number if type(number) is int else 0, *map(str, key)))
    return sorted(found, key=lambda each: (each.record, each.notice, each.version))


def _linked(connection: sqlite3.Connection, old: int) -> dict[bytes, bytes]:
    """Look into all that these callers were known by, too; which pseudonym another one of a record from
    before there was a log became."""
    moved: dict[bytes, bytes] = {}
    before = -1
    while before != (before := connection.execute("SELECT count(*) FROM doubtful").fetchone()[0]):
        connection.execute(_LINKED)
        if old:
            found = connection.execute(_MOVED, {"old": old}).fetchall()
            now = [pair for pair in found if all(type(each) is bytes for each in pair)]
            connection.executemany("INSERT OR IGNORE INTO doubtful VALUES (?)", [(was,) for _, was in now])
            moved = {was: new for new, was in now}
    return moved


def _readable(connection: sqlite3.Connection) -> Iterator[Record]:
    """Their records; one that cannot be read, or whose pseudonym is empty, is found elsewhere."""
    for row in connection.execute(_EVENTS):
        try:
            record = rows.record(row)
            rows.row(record.event)
        except UNREADABLE:
            continue
        if record.event.pseudonym is not None:
            yield record


def _borne_out(
    there: tuple[Any, ...] | None,
    should: tuple[Any, ...] | None,
    seen: set[int],
    gone: Gone,
    *,
    alone: bool,
) -> bool:
    """Whether a row of the history is as the records would have it, or, after a purge, says less: of what was
    gathered from several records, of which not one `alone` says all."""
    if there is None or should is None:
        return there is None and (should is None or gone.last > should[1])
    purposes, record, at, whole, last_seen, moved = there
    if (record, at) != should[1:3] or moved not in (should[5], 1):  # where it need not, a look-up may ask
        return False
    if purposes != should[0] and (alone or not gone.last or not _less(purposes, should[0])):
        return False
    if whole != should[3] and (
        not gone.last or (alone and whole is not None) or not _earlier(whole, should[3])
    ):
        return False
    if last_seen is None or last_seen == should[4]:
        return last_seen == should[4] or bool(gone.last)
    return last_seen in seen or (type(last_seen) is int and last_seen < gone.before)


def _less(purposes: object, should: str) -> bool:
    if not isinstance(purposes, str):
        return False
    named = rows.word_set(purposes)
    return rows.words(named) == purposes and named <= rows.word_set(should)


def _earlier(whole: object, should: int | None) -> bool:
    return whole is None or (type(whole) is int and should is not None and whole <= should)


def _derived(
    records: Iterator[Record], moved: Mapping[bytes, bytes], old: int
) -> tuple[dict[bytes, KnownVersions], dict[bytes, dict[str, set[int]]], dict[int, tuple[str, int | None]]]:
    """What the records make of the history, by pseudonym; when a caller who knew a notice was seen; and what
    each record says itself: purposes, and when the whole was told."""
    known: dict[bytes, KnownVersions] = defaultdict(dict)
    own: dict[int, tuple[str, int | None]] = {}
    whose: dict[int, bytes] = {}
    seen: dict[bytes, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        for _, sql in migrations():
            for statement in statements(sql):
                memory.execute(statement)
        memory.execute("PRAGMA foreign_keys = OFF")
        memory.execute("DROP TRIGGER event_tally")  # nobody asks for its counters
        transaction = SqliteTransaction(memory)
        for record in records:
            event = record.event
            assert event.pseudonym is not None  # of those that are readable
            whose[record.number] = event.pseudonym
            if record.number <= old:
                event = replace(event, pseudonym=_now(event.pseudonym, moved))
            try:
                memory.execute(rows.APPEND, (record.number, *rows.row(event)))
            except (sqlite3.Error, UnicodeEncodeError):  # found elsewhere
                continue
            transaction.remember(event, record.number)
            if event.informs:
                whole = None if event.supplement else rows.microseconds(event.at)
                own[record.number] = rows.words(event.purposes), whole
            if event.earlier is not None:
                for notice, times in seen.pop(event.earlier, {}).items():
                    seen[event.pseudonym][notice] |= times  # type: ignore[index]  # it has one
            if event.reason is Reason.ALREADY_INFORMED:
                seen[event.pseudonym][event.notice].add(rows.microseconds(event.at))  # type: ignore[index]
        for pseudonym, notice, version, *rest, _moved in memory.execute(_HISTORY):
            known[pseudonym][notice, version] = (*rest, whose[rest[1]] != pseudonym)
    return known, seen, own


def _now(pseudonym: bytes, moved: Mapping[bytes, bytes]) -> bytes:
    """What it became in the end."""
    met = {pseudonym}
    while (pseudonym := moved.get(pseudonym, pseudonym)) not in met:
        met.add(pseudonym)
    return pseudonym
