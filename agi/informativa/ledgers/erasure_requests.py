"""Erasures that this box asks the others for, kept in its ledger until it has seen that all have done them.

The database where boxes meet may lose one: its primary dies, and a standby takes over that had not got the
last moment. What is kept here is asked for again then.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from . import rows
from .sqlite import SqliteStore

HELD = timedelta(seconds=60)  # for a command to ask by itself; the service does it after that
_KEEP = """
INSERT INTO erasure_request (request, erasure, held, pseudonyms, sealed) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET erasure = excluded.erasure, pseudonyms = excluded.pseudonyms
"""
_ORDERED = "UPDATE erasure_request SET erasure = ?, pseudonyms = ? WHERE request = ?"
# Numbers grow: what has one that is given once more was lost with the server that gave it first.
_OVERTAKEN = "UPDATE erasure_request SET erasure = NULL WHERE erasure >= ?"
_LOST = "UPDATE erasure_request SET erasure = NULL, held = 0 WHERE request = ?"
_THROUGH = "UPDATE erasure_request SET pseudonyms = '', sealed = '' WHERE request = ?"
_FORGET = "DELETE FROM erasure_request WHERE request = ?"


@dataclass(frozen=True)
class Request:
    """One of them: by which number the database knows it, `None` where it is to be asked, and until when a
    command does that; all pseudonyms of the caller, none where all boxes have erased him; and the caller
    `sealed` for boxes that know him by other keys (sharing/sealed_caller.py)."""

    id: int
    number: int | None
    until: datetime
    pseudonyms: tuple[bytes, ...]
    sealed: tuple[bytes, ...] = ()

    def held(self, now: datetime) -> bool:
        """Whether a command asks. Not where the clock went back meanwhile: nobody would for long."""
        return now < self.until <= now + HELD


def new(now: datetime, sealed: Sequence[bytes] = ()) -> Request:
    """One of a command that asks by itself."""
    return Request(int.from_bytes(os.urandom(8), "big") >> 1, None, now + HELD, (), tuple(sealed))


def keep(connection: sqlite3.Connection, request: Request) -> None:
    """Within the caller's transaction. One that is there already has more pseudonyms now."""
    until, texts = rows.microseconds(request.until), map(_text, (request.pseudonyms, request.sealed))
    connection.execute(_KEEP, (request.id, request.number, until, *texts))


def kept(store: SqliteStore) -> list[Request]:
    """All that there are."""
    return [
        Request(request, number, rows.moment(held), _values(pseudonyms), _values(sealed))
        for request, number, held, pseudonyms, sealed in store.erasure_requests()
    ]


def ordered(store: SqliteStore, request: int, number: int, pseudonyms: Sequence[bytes]) -> None:
    """By which number the database is about to know one, and under which pseudonyms. Before it is so, that
    nothing which ends in between leaves another's number here: what the database then has not got is lost."""
    with store.transaction(), store.connected() as connection:
        connection.execute(_OVERTAKEN, (number,))
        connection.execute(_ORDERED, (number, _text(pseudonyms), request))


def lost(store: SqliteStore, requests: Iterable[Request]) -> None:
    """The database does not know these, or no more."""
    _each(store, _LOST, requests)


def through(store: SqliteStore, requests: Iterable[Request]) -> None:
    """All boxes have done these: whom is not kept any more."""
    _each(store, _THROUGH, requests)


def forget(store: SqliteStore, requests: Iterable[Request]) -> None:
    """Nothing is left of these."""
    _each(store, _FORGET, requests)


def _each(store: SqliteStore, statement: str, requests: Iterable[Request]) -> None:
    if given := [(each.id,) for each in requests]:
        with store.transaction(), store.connected() as connection:
            connection.executemany(statement, given)


def _text(values: Iterable[bytes]) -> str:
    return " ".join(sorted(value.hex() for value in set(values)))


def _values(text: str) -> tuple[bytes, ...]:
    return tuple(map(bytes.fromhex, text.split()))
