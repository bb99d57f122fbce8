"""Exchange of a ledger with those of other boxes: reading what it sends, and storing what it receives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from ..model import Record
from . import leaves, rows
from .sqlite import SqliteStore

_EVIDENCE = f"""
leaf.leaf, leaf.who, leaf.salt_what, leaf.salt_who, leaf.binding, leaf.opening, {leaves.VERSION},
leaf.migrated
"""
_PAGE = f"""
SELECT event.*, {_EVIDENCE}
FROM (
    SELECT {rows.SHARED_COLUMNS}, ({rows.INFORMS}) FROM event WHERE record > ? ORDER BY record LIMIT ?
) AS event LEFT JOIN leaf ON {leaves.of("event.record")} ORDER BY event.record
"""  # noqa: S608  # our own names
_PROOFS = f"""
SELECT event.record, coalesce(event.recorded, event.at), {_EVIDENCE}
FROM leaf LEFT JOIN event ON event.record = leaf.record WHERE leaf.leaf >= ? ORDER BY leaf.leaf LIMIT ?
"""  # noqa: S608  # our own names
_WHOSE = "SELECT pseudonym FROM event WHERE record = ? AND pseudonym IS NOT NULL"
_LEARNT = """
SELECT pseudonym FROM elsewhere UNION SELECT pseudonym FROM number_use
EXCEPT SELECT pseudonym FROM event WHERE pseudonym IS NOT NULL
"""
_LEARNT_PAGE = 10_000  # callers
_NUMBERS_PAGE = 20_000
_CURSOR = "INSERT INTO box (name, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record"


def identity(store: SqliteStore) -> bytes:
    """Return the identity of this ledger, whatever its file is called: 16 random bytes, drawn once. A copy
    has the same."""
    with store.transaction(), store.connected() as connection:
        row = connection.execute("SELECT identity FROM identity").fetchone()
        if row is None:
            row = (os.urandom(16),)
            connection.execute("INSERT INTO identity VALUES (?)", row)
        drawn: bytes = row[0]
        return drawn


def drawn_identity(store: SqliteStore) -> bytes | None:
    """Return the same, or `None` if none was drawn yet: a ledger that is only read gets none."""
    with store.connected() as connection:
        row = connection.execute("SELECT identity FROM identity").fetchone()
        return None if row is None else bytes(row[0])


def page(store: SqliteStore, after: int, count: int) -> list[tuple[Any, ...]]:
    """Return up to `count` records after the number `after`, in order. Each row has `rows.SHARED_COLUMNS`; a
    flag that its caller is informed by it; and its leaf, the commitment `who`, both salts, the binding, and
    whether it is migrated: all NULL if it has no leaf yet."""
    with store.connected() as connection:
        return connection.execute(_PAGE, (after, count)).fetchall()


def proofs(store: SqliteStore, leaf: int, count: int) -> list[tuple[Any, ...]]:
    """Return up to `count` leaves from `leaf` on, in order. Each row has the record, NULL if it was deleted;
    the time at which it was recorded (microseconds since 1970); and the same columns of the leaf as in
    `page`."""
    with store.connected() as connection:
        return connection.execute(_PROOFS, (leaf, count)).fetchall()


def received(store: SqliteStore) -> dict[str, int]:
    """Return, by the name of each other box, the number of its last record that was received here."""
    with store.connected() as connection:
        return dict(connection.execute("SELECT name, record FROM box").fetchall())


def take_in(
    store: SqliteStore, box: str, records: Iterable[Record], upto: int, *, alone: bool = False
) -> None:
    """Store what records of another box say of their callers, and `upto` as the number of the last one
    received, all or nothing. The records are stored in the order of their pseudonyms, in which they lie in
    the ledger. `alone` is true if no calls wait."""
    with store.transaction() if alone else store.turn() as transaction, store.connected() as connection:
        for record in sorted(records, key=lambda record: record.event.pseudonym or b""):
            transaction.learn(box, record)
        connection.execute(_CURSOR, (box, upto))


def pseudonyms_of(store: SqliteStore, records: Iterable[int]) -> set[bytes]:
    """Return the pseudonyms of the callers of these records, without records that lead to nobody."""
    with store.connected() as connection:
        pseudonym_rows = (connection.execute(_WHOSE, (record,)).fetchone() for record in records)
        return {pseudonym for (pseudonym,) in filter(None, pseudonym_rows)}


def learnt_of(store: SqliteStore) -> Iterator[list[bytes]]:
    """Return, page by page, all callers whom this ledger knows from other boxes only. Reads the whole
    ledger."""
    with store.connected() as connection:
        cursor = connection.execute(_LEARNT)
        while page := cursor.fetchmany(_LEARNT_PAGE):
            yield [pseudonym for (pseudonym,) in page]


def erased(store: SqliteStore) -> list[int]:
    """Return the numbers of the records that were erased. Reads the whole ledger."""
    with store.connected() as connection:
        return [number for (number,) in connection.execute("SELECT record FROM event WHERE erased")]


def purged_by(store: SqliteStore, text: str) -> Iterator[list[int]]:
    """Yield, in pages, the numbers of the records that a note of a purge names, which has this text, and no
    note before it."""
    from ..evidence.notes import PurgeNote  # and with it cryptography, which calls do not need
    from . import note_leaves

    with store.connected() as connection:
        logs = leaves.logs(connection)
        notes = [note for log in logs for note in reversed([*note_leaves.backwards(connection, log)])]
    named: dict[str, int] = {}
    for note in notes:
        purge = note.content
        if not isinstance(purge, PurgeNote):
            continue
        if note.text != text:
            named[purge.of] = max(named.get(purge.of, 0), purge.below)
            continue
        for log in (log for log in logs if log.origin == purge.of):
            first, end = log.first + named.get(purge.of, 0), log.first + purge.below
            for at in range(first, end, _NUMBERS_PAGE):
                yield records_of(store, [range(at, min(at + _NUMBERS_PAGE, end))])
        return


def records_of(store: SqliteStore, leaf_ranges: Iterable[range]) -> list[int]:
    """Return the numbers of the records that have these rows of `leaf`."""
    with store.connected() as connection:
        pages = (
            connection.execute(leaves.RECORDS, (leaf_range.start, leaf_range.stop)).fetchall()
            for leaf_range in leaf_ranges
        )
        return [number for page in pages for (number,) in page]
