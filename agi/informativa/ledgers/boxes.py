"""A ledger's dealings with those of other boxes: what it sends of itself, and what it takes in of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from ..model import Record
from . import leaves, rows
from .sqlite import SqliteStore

_EVIDENCE = "leaf.leaf, leaf.who, leaf.salt_what, leaf.salt_who, leaf.binding, leaf.migrated"
_PAGE = f"""
SELECT event.*, {_EVIDENCE}
FROM (
    SELECT {rows.COLUMNS}, ({rows.INFORMS}) FROM event WHERE record > ? ORDER BY record LIMIT ?
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
_CURSOR = "INSERT INTO box (name, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record"


def identity(store: SqliteStore) -> bytes:
    """Of this ledger, whatever its file is called: 16 bytes, drawn once. A copy of it has the same."""
    with store.transaction(), store.connected() as connection:
        found = connection.execute("SELECT identity FROM identity").fetchone()
        if found is None:
            found = (os.urandom(16),)
            connection.execute("INSERT INTO identity VALUES (?)", found)
        drawn: bytes = found[0]
        return drawn


def drawn_identity(store: SqliteStore) -> bytes | None:
    """The same, where it was drawn already: a ledger that is read only gets none."""
    with store.connected() as connection:
        row = connection.execute("SELECT identity FROM identity").fetchone()
        return None if row is None else bytes(row[0])


def page(store: SqliteStore, after: int, count: int) -> list[tuple[Any, ...]]:
    """Up to so many records after a number, in order, as rows of `rows.COLUMNS`, each with whether its caller
    is informed by it, and with its leaf, the commitment `who`, both salts, the binding, and whether it is
    migrated: all NULL where it has no leaf yet."""
    with store.connected() as connection:
        return connection.execute(_PAGE, (after, count)).fetchall()


def proofs(store: SqliteStore, leaf: int, count: int) -> list[tuple[Any, ...]]:
    """Up to so many leaves from one on, in order: the record, NULL where that is gone, when it was put on
    record (microseconds since 1970), and the same as in `page`."""
    with store.connected() as connection:
        return connection.execute(_PROOFS, (leaf, count)).fetchall()


def received(store: SqliteStore) -> dict[str, int]:
    """Up to which record those of each other box are here."""
    with store.connected() as connection:
        return dict(connection.execute("SELECT name, record FROM box").fetchall())


def take_in(store: SqliteStore, box: str, found: Iterable[Record], upto: int, *, alone: bool = False) -> None:
    """What records of another box say of their callers, up to that number, all or nothing. In the order in
    which they lie in the ledger, for it is not the order in which they came; `alone` where no calls wait."""
    with store.transaction() if alone else store.turn() as transaction, store.connected() as connection:
        for record in sorted(found, key=lambda each: each.event.pseudonym or b""):
            transaction.learn(box, record)
        connection.execute(_CURSOR, (box, upto))


def pseudonyms_of(store: SqliteStore, records: Iterable[int]) -> set[bytes]:
    """Whom these records of this ledger are about, as far as they lead to anybody."""
    with store.connected() as connection:
        whose = (connection.execute(_WHOSE, (record,)).fetchone() for record in records)
        return {pseudonym for (pseudonym,) in filter(None, whose)}


def learnt_of(store: SqliteStore) -> Iterator[list[bytes]]:
    """All callers of whom this ledger knows by other boxes alone, page by page. Reads the whole ledger."""
    with store.connected() as connection:
        cursor = connection.execute(_LEARNT)
        while page := cursor.fetchmany(_LEARNT_PAGE):
            yield [pseudonym for (pseudonym,) in page]


def erased(store: SqliteStore) -> list[int]:
    """The records that lead to nobody any more. Reads the whole ledger."""
    with store.connected() as connection:
        return [number for (number,) in connection.execute("SELECT record FROM event WHERE erased")]


def records_of(store: SqliteStore, which: Iterable[range]) -> list[int]:
    """The records that have these rows of `leaf`."""
    with store.connected() as connection:
        found = (connection.execute(leaves.RECORDS, (each.start, each.stop)).fetchall() for each in which)
        return [number for page in found for (number,) in page]
