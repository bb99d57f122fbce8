"""Requests to other boxes to erase a caller, kept in the ledger of the box that asks until all have done it.

The shared database may lose a request: its primary fails, and a standby takes over that had not received the
last transactions. Then the request is made again from what is kept here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from ..evidence.erased_leaves import LeafPlace
from . import rows
from .sqlite import SqliteStore

HELD = timedelta(seconds=60)  # in which a command asks by itself; after that the service does
_KEPT = "SELECT request, erasure, held, pseudonyms, sealed, places FROM erasure_request ORDER BY request"
_KEEP = """
INSERT INTO erasure_request (request, erasure, held, pseudonyms, sealed, places) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET erasure = excluded.erasure, pseudonyms = excluded.pseudonyms
"""
_ORDERED = "UPDATE erasure_request SET erasure = ?, pseudonyms = ?, places = ? WHERE request = ?"
_PLACES = "SELECT places FROM erasure_request WHERE request = ?"
# Numbers grow. If a number is given a second time, the request that had it was lost with the earlier server.
_OVERTAKEN = "UPDATE erasure_request SET erasure = NULL, held = 0 WHERE erasure >= ?"
_LOST = "UPDATE erasure_request SET erasure = NULL, held = 0 WHERE request = ?"
_THROUGH = "UPDATE erasure_request SET pseudonyms = '', sealed = '', places = '' WHERE request = ?"
_FORGET = "DELETE FROM erasure_request WHERE request = ?"


class Standing(Enum):
    """The action that a request needs."""

    WAITING = auto()
    """Nothing: some boxes have still to carry it out, or a command is just ordering it."""
    UNKNOWN = auto()
    """The database has no such order, or has lost it: it is to be ordered."""
    COMPLETED = auto()
    """All boxes have carried it out: the request is to be deleted."""


@dataclass(frozen=True)
class ErasureRequest:
    """One request. `number` is its number in the shared database, `None` if it must still be made; until
    `until` a command makes it. `pseudonyms` are all those of the caller, empty when all boxes have erased
    him; `sealed` is the caller encrypted for boxes that know him by other keys (sharing/sealed_caller.py).
    `places` are his leaves in the logs of other boxes, as they were when it was ordered."""

    id: int
    number: int | None
    until: datetime
    pseudonyms: tuple[bytes, ...]
    sealed: tuple[bytes, ...] = ()
    places: tuple[LeafPlace, ...] = ()

    def command_asks(self, now: datetime) -> bool:
        """Return whether a command makes the request itself. `False` if the clock was set back meanwhile:
        then nobody would make it for long."""
        return now < self.until <= now + HELD

    def standing(
        self, now: datetime, newest: int, applied: int, ordered_pseudonyms: set[bytes] | None
    ) -> Standing:
        """Return the action by the number of the newest erasure in the database, the one up to which all
        boxes that are not retired applied them, and the pseudonyms of the order with this request's number,
        `None` where there is none.

        There is none where all boxes applied it, or where it was lost. Where a server that lost it gave its
        number to another, this box saw that order before it was deleted, or placed it itself, and then
        removed the number from this request.
        """
        if not self.pseudonyms:
            return Standing.COMPLETED
        if self.number is None:
            return Standing.WAITING if self.command_asks(now) else Standing.UNKNOWN
        if self.number > newest or (
            ordered_pseudonyms is not None and not ordered_pseudonyms.issuperset(self.pseudonyms)
        ):
            return Standing.UNKNOWN
        if applied >= self.number:
            return Standing.COMPLETED
        return Standing.UNKNOWN if ordered_pseudonyms is None else Standing.WAITING


def new(now: datetime, sealed: Sequence[bytes] = ()) -> ErasureRequest:
    """Create a request that a command makes by itself."""
    return ErasureRequest(int.from_bytes(os.urandom(8), "big") >> 1, None, now + HELD, (), tuple(sealed))


def for_service(pseudonyms: Sequence[bytes]) -> ErasureRequest:
    """Create a request that the service makes."""
    return replace(new(datetime.fromtimestamp(0, UTC)), pseudonyms=tuple(pseudonyms))


def store_request(connection: sqlite3.Connection, request: ErasureRequest) -> None:
    """Store a request, within the caller's transaction. If it is stored already, its number and pseudonyms
    are replaced."""
    until_microseconds, texts = (
        rows.microseconds(request.until),
        map(_text, (request.pseudonyms, request.sealed)),
    )
    values = request.id, request.number, until_microseconds, *texts, _lines(request.places)
    connection.execute(_KEEP, values)


def stored_requests(store: SqliteStore) -> list[ErasureRequest]:
    """Return all stored requests."""
    with store.connected() as connection:
        request_rows = connection.execute(_KEPT).fetchall()
    return [
        ErasureRequest(
            request,
            number,
            rows.moment(held_until),
            _values(pseudonyms),
            _values(sealed),
            tuple(_places(places)),
        )
        for request, number, held_until, pseudonyms, sealed, places in request_rows
    ]


def store_order(
    store: SqliteStore,
    request: int,
    number: int,
    pseudonyms: Sequence[bytes],
    places: Iterable[LeafPlace] = (),
) -> None:
    """Store the number that the shared database is about to give a request, and the pseudonyms in it; and the
    caller's leaves in other boxes' logs, besides those of an order that was lost. This
    comes before the database commits: if the program ends in between, no other request's number stands here,
    and a number that the database does not have counts as lost."""
    with store.transaction(), store.connected() as connection:
        connection.execute(_OVERTAKEN, (number,))
        (stored,) = connection.execute(_PLACES, (request,)).fetchone() or ("",)
        lines = _lines((*_places(stored), *places))
        connection.execute(_ORDERED, (number, _text(pseudonyms), lines, request))


def mark_lost(store: SqliteStore, requests: Iterable[ErasureRequest]) -> None:
    """Mark these requests as unknown to the shared database."""
    _execute_for(store, _LOST, requests)


def mark_done(store: SqliteStore, requests: Iterable[ErasureRequest]) -> None:
    """Mark these requests as done by all boxes, and delete the caller from them."""
    _execute_for(store, _THROUGH, requests)


def forget(store: SqliteStore, requests: Iterable[ErasureRequest]) -> None:
    """Delete these requests."""
    _execute_for(store, _FORGET, requests)


def _execute_for(store: SqliteStore, statement: str, requests: Iterable[ErasureRequest]) -> None:
    if ids := [(request.id,) for request in requests]:
        with store.transaction(), store.connected() as connection:
            connection.executemany(statement, ids)


def _text(values: Iterable[bytes]) -> str:
    return " ".join(sorted(value.hex() for value in set(values)))


def _lines(places: Iterable[LeafPlace]) -> str:
    return "\n".join(sorted({f"{place.origin} {place.index}" for place in places}))


def _places(text: str) -> Iterator[LeafPlace]:
    for line in text.splitlines():
        origin, _, index = line.rpartition(" ")
        yield LeafPlace(origin, int(index))


def _values(text: str) -> tuple[bytes, ...]:
    return tuple(map(bytes.fromhex, text.split()))
