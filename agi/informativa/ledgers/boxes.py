"""Exchange of a ledger with those of other boxes: reading what it sends, and storing what it receives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Any

from ..model import Answer, Record
from ..model.choices import AFTER_ALL, KINDS
from . import leaves, rows
from .sqlite import SqliteStore

_EVIDENCE = """
leaf.leaf, leaf.who, leaf.salt_what, leaf.salt_who, leaf.binding, leaf.opening,
CASE WHEN leaf.leaf >= 0 THEN 2 END, CASE WHEN leaf.leaf >= 0 THEN 0 END
"""
# The place of an answer among others: that of its row of `answer`, also where a new key moved that. Where a
# later answer of this ledger took the row, the place that it has alone will do.
_ROW_OF_ANSWER = """
FROM answer WHERE record = event.record AND box = '' AND pseudonym IN (
    SELECT event.pseudonym UNION SELECT pseudonym FROM event AS later WHERE later.earlier = event.pseudonym
)
"""
_LIVE_WITHDRAWAL = "asked LIKE '% withdrawn %' AND coalesce(recorded, at) = at"
_RANK = f"at + (asked NOT LIKE '% granted %') * {AFTER_ALL // timedelta(microseconds=1)}"
_IS_REMEMBERED = f"""
pseudonym IS NOT NULL AND NOT erased AND asked NOT LIKE '% {Answer.NOT_ASKED} %' AND ({
    " OR ".join(f"asked LIKE '% {asks} %'" for asks, kind in KINDS.items() if kind.personal)
})
"""
_ANSWER = f"""
asked, CASE WHEN asked IS NOT NULL AND {_IS_REMEMBERED} THEN
    coalesce((SELECT rank {_ROW_OF_ANSWER}), {_RANK}) END AS rank,
CASE WHEN asked IS NOT NULL AND {_IS_REMEMBERED} THEN
    coalesce((SELECT withdrawal {_ROW_OF_ANSWER}), CASE WHEN {_LIVE_WITHDRAWAL} THEN {_RANK} ELSE 0 END)
END AS withdrawal
"""


def _pages(condition: str) -> str:
    return f"""
SELECT {", ".join(f"event.{name.strip()}" for name in rows.SHARED_COLUMNS.split(","))}, informs, {_EVIDENCE},
       asked, rank, withdrawal
FROM (
    SELECT {rows.SHARED_COLUMNS}, ({rows.INFORMS}) AS informs, {_ANSWER} FROM event
    WHERE {condition} ORDER BY record LIMIT ?
) AS event LEFT JOIN leaf ON {leaves.of("event.record")} ORDER BY event.record
"""  # noqa: S608  # our own names


_PAGE = _pages("record > ?")
_REFUSALS = _pages("record > ? AND (asked LIKE '% refused %' OR asked LIKE '% withdrawn %')")
_ANSWERS = f"""
SELECT record, {_ANSWER} FROM event
WHERE record > ? AND record <= ? AND asked IS NOT NULL ORDER BY record LIMIT ?
"""  # noqa: S608  # our own names
_PROOFS = f"""
SELECT event.record, {_EVIDENCE}
FROM leaf LEFT JOIN event ON event.record = leaf.record WHERE leaf.leaf >= ? ORDER BY leaf.leaf LIMIT ?
"""  # noqa: S608  # our own names
_WHOSE = f"""
SELECT event.pseudonym FROM event LEFT JOIN leaf ON {leaves.of("event.record")}
WHERE event.record = ? AND event.pseudonym IS NOT NULL AND coalesce(leaf.who = ?, true)
"""  # noqa: S608  # our own names
# The rows of `number_use` do not say which box they are from.
_LEARNT = """
WITH existing (name, record) AS (SELECT key, value FROM json_each(?))
SELECT pseudonym FROM elsewhere JOIN existing ON name = box AND elsewhere.record <= existing.record
UNION SELECT pseudonym FROM answer JOIN existing ON name = box AND answer.record <= existing.record
UNION SELECT pseudonym FROM number_use
WHERE NOT EXISTS (SELECT 1 FROM elsewhere WHERE elsewhere.pseudonym = number_use.pseudonym)
AND NOT EXISTS (SELECT 1 FROM answer WHERE answer.pseudonym = number_use.pseudonym AND box <> '')
EXCEPT SELECT pseudonym FROM event WHERE pseudonym IS NOT NULL
"""
_LEARNT_PAGE = 10_000  # callers
_NUMBERS_PAGE = 20_000
_RETIRED = "SELECT name, identity, successor FROM retired_box"
_RETIRED_HERE = "SELECT name, identity FROM retired_box WHERE left_by = 0 AND successor IS NULL"
_RETIRE = """
INSERT INTO retired_box (name, identity, successor, left_by) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    successor = coalesce(successor, excluded.successor), left_by = coalesce(left_by, excluded.left_by)
"""
# A row without an identity is of the first ledger of that name that is heard of.
_IDENTIFIED = "UPDATE OR IGNORE box SET identity = ?2 WHERE name = ?1 AND identity = x''"
_LOWER_CURSORS = """
UPDATE box SET record = min(record, ?), answers = min(answers, ?) WHERE name = ? AND identity = ?
"""
_CURSORS = """
INSERT INTO box (name, identity, record, answers) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET record = excluded.record, answers = excluded.answers
"""
Existing = Mapping[tuple[str, bytes], tuple[int, int]]
"""The ledgers in the database, by the box's name and the ledger's identity: the number of the last record
there, and of the one up to which the answers are."""
_ALL_RECEIVED = "SELECT name, identity, record, answers FROM box"
_RECEIVED = f"{_ALL_RECEIVED} WHERE name = ?"


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
    """Return the identity of this ledger; `None` if none was drawn yet: one that is only read gets none."""
    with store.connected() as connection:
        row = connection.execute("SELECT identity FROM identity").fetchone()
        return None if row is None else bytes(row[0])


def page(store: SqliteStore, after: int, count: int) -> list[tuple[Any, ...]]:
    """Return up to `count` records after the number `after`, in order. Each row has `rows.SHARED_COLUMNS`; a
    flag that its caller is informed by it; and its leaf, the commitment `who`, both salts, the binding, and
    whether it is migrated: all NULL if it has no leaf yet; and what the caller was asked and answered, its
    rank and the rank of the last withdrawal before it, the two NULL where it is remembered of nobody."""
    with store.connected() as connection:
        return connection.execute(_PAGE, (after, count)).fetchall()


def refusals(store: SqliteStore, after: int, count: int) -> list[tuple[Any, ...]]:
    """Return records as `page` does, but only those by which callers refused or withdrew a consent."""
    with store.connected() as connection:
        return connection.execute(_REFUSALS, (after, count)).fetchall()


def answers(store: SqliteStore, after: int, upto: int, count: int) -> list[tuple[Any, ...]]:
    """Return up to `count` records of choices after the number `after`, up to the number `upto`, in order.
    Each row has the record, and the same columns of the answer as in `page`."""
    with store.connected() as connection:
        return connection.execute(_ANSWERS, (after, upto, count)).fetchall()


def proofs(store: SqliteStore, leaf: int, count: int) -> list[tuple[Any, ...]]:
    """Return up to `count` leaves from `leaf` on, in order. Each row has the record, NULL if it was deleted,
    and the same columns of the leaf as in `page`."""
    with store.connected() as connection:
        return connection.execute(_PROOFS, (leaf, count)).fetchall()


@dataclass(frozen=True)
class Received:
    """The numbers of the last record that was received of each ledger of another box, and of the one up to
    which the answers of its records were; by the box's name and the ledger's identity, which is empty for
    what was received before identities counted."""

    by_ledger: Mapping[tuple[str, bytes], tuple[int, int]]

    def of(self, name: str, identity: bytes) -> tuple[int, int]:
        """Return both numbers of a ledger, 0 where nothing was received."""
        unidentified = self.by_ledger.get((name, b""), (0, 0))
        return self.by_ledger.get((name, identity), unidentified)


def received(store: SqliteStore, names: Iterable[str] | None = None) -> Received:
    """Return how far the records of these boxes were received here; those of all boxes for `None`."""
    with store.connected() as connection:
        if names is None:
            rows_of_boxes = connection.execute(_ALL_RECEIVED).fetchall()
        else:
            rows_of_boxes = [row for name in names for row in connection.execute(_RECEIVED, (name,))]
    return Received(
        {(name, bytes(identity)): (record, answers) for name, identity, record, answers in rows_of_boxes}
    )


def receive_again(store: SqliteStore, existing: Existing) -> None:
    """Forget that records of other boxes were received, but for those in the database now."""
    by_name = {name: numbers for (name, _identity), numbers in existing.items()}
    with store.transaction(), store.connected() as connection:
        for name, identity in connection.execute("SELECT name, identity FROM box").fetchall():
            numbers = existing.get((name, bytes(identity))) if identity else by_name.get(name)
            connection.execute(_LOWER_CURSORS, (*(numbers or (0, 0)), name, identity))


def retired(store: SqliteStore) -> dict[tuple[str, bytes], str | None]:
    """Return the other boxes of which this ledger knows that they left for good, by name and identity, each
    with the box that took its place, if any."""
    with store.connected() as connection:
        rows_of_boxes = connection.execute(_RETIRED).fetchall()
    return {(name, bytes(identity)): successor for name, identity, successor in rows_of_boxes}


def store_retired(
    store: SqliteStore, boxes: Iterable[tuple[str, bytes, str | None]], *, here: bool = False
) -> None:
    """Store that other boxes left for good: the name and the identity of each, and the box that took its
    place, if any. `here` is true if that was typed on this box, whose log then has to note it."""
    with store.transaction(), store.connected() as connection:
        connection.executemany(_RETIRE, [(*box, 0 if here else None) for box in boxes])


def retired_here(store: SqliteStore) -> set[tuple[str, bytes]]:
    """Return the other boxes, by name and identity, whose retirement this ledger's log has still to note."""
    with store.connected() as connection:
        rows_of_boxes = connection.execute(_RETIRED_HERE).fetchall()
    return {(name, bytes(identity)) for name, identity in rows_of_boxes}


@dataclass(frozen=True)
class ReceivedPage:
    """Records of another box, of the ledger with this identity; the number of the last record of it that was
    received with them, and of the last one whose answers were."""

    box: str
    identity: bytes
    records: Sequence[Record]
    upto: int
    answers_upto: int


def take_in(store: SqliteStore, pages: Sequence[ReceivedPage], *, alone: bool = False) -> None:
    """Store what records of other boxes say of their callers, and how far they were received, all or nothing.
    They are stored in the order of their pseudonyms, in which they lie in the ledger. `alone` is true if no
    calls wait."""
    records = [(record.event.pseudonym or b"", page.box, record) for page in pages for record in page.records]
    with store.transaction() if alone else store.turn() as transaction, store.connected() as connection:
        for _pseudonym, box, record in sorted(records, key=itemgetter(0)):
            transaction.learn(box, record)
        for page in pages:
            connection.execute(_IDENTIFIED, (page.box, page.identity))
            connection.execute(_CURSORS, (page.box, page.identity, page.upto, page.answers_upto))


def learn(store: SqliteStore, records: Iterable[tuple[str, Record]]) -> None:
    """Store what records of other boxes, each with its box, say of their callers, whatever was received
    before."""
    with store.turn() as transaction:
        for box, record in records:
            transaction.learn(box, record)


def pseudonyms_of(store: SqliteStore, records: Iterable[Sequence[Any]]) -> set[bytes]:
    """Return the pseudonyms of the callers of these records, without records that lead to nobody. Each has
    its number and the commitment `who` of its leaf: a record with another commitment is another one. Where
    either has none, the number decides."""
    with store.connected() as connection:
        pseudonym_rows = (connection.execute(_WHOSE, tuple(record)).fetchone() for record in records)
        return {pseudonym for (pseudonym,) in filter(None, pseudonym_rows)}


def existing_records(store: SqliteStore, existing: Existing) -> dict[str, int]:
    """Return, by the names of boxes, the number of the last record in the database of the ledgers of which
    this one has received records."""
    records: dict[str, int] = {}
    for name, identity in received(store).by_ledger:
        for (existing_name, existing_identity), (record, _answers) in existing.items():
            if existing_name == name and identity in (b"", existing_identity):
                records[name] = max(record, records.get(name, 0))
    return records


def learnt_of(store: SqliteStore, records: Mapping[str, int]) -> Iterator[list[bytes]]:
    """Return, page by page, all callers whom this ledger knows from other boxes only, and from a record of
    one of these boxes, up to a number. Reads the whole ledger."""
    with store.connected() as connection:
        cursor = connection.execute(_LEARNT, (json.dumps(dict(records)),))
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
