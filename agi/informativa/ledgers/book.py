"""A SQLite ledger within one transaction: what calls read and write. Errors are `sqlite3`'s own."""

from __future__ import annotations

import sqlite3

from ..model import Event, Known, Record, Standing
from . import rows


class SqliteBook:
    """The `Book` over one connection, whose owner begins and ends the transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def standing(self, pseudonym: bytes) -> Standing:
        known: dict[str, Known] = {}
        for notice, version, purposes, record, at in self._connection.execute(rows.STANDING, (pseudonym,)):
            one = Known(frozenset({version}), rows.word_set(purposes), record, rows.moment(at))
            known[notice] = one.merged(known[notice]) if notice in known else one
        return known

    def rekey(self, old: bytes, new: bytes) -> None:
        """What the new pseudonym knew itself it keeps."""
        self._connection.execute(rows.REKEY, (new, old))
        self._connection.execute(rows.FORGET, (old,))

    def record(self, number: int) -> Record | None:
        found = self._connection.execute(rows.RECORD, (number,)).fetchone()
        return rows.record(found) if found else None

    def append(self, event: Event) -> int:
        record = self._connection.execute(rows.APPEND, rows.row(event)).lastrowid
        assert record is not None  # an INSERT that did not raise has a row
        if event.pseudonym is not None and event.informs:
            self._inform(event, Known(frozenset({event.version}), event.purposes, record, event.at))
        return record

    def append_new(self, event: Event) -> bool:
        """Record an imported event unless it was imported before; whether it was new."""
        new = self._connection.execute(rows.KEEP_DIGEST, (rows.digest(event),)).rowcount == 1
        if new:
            self.append(event)
        return new

    def forget(self, pseudonym: bytes) -> None:
        """Know nothing of this caller any more."""
        self._connection.execute(rows.FORGET, (pseudonym,))

    def _inform(self, event: Event, known: Known) -> None:
        """What a version told is all that its deliveries told: a supplement, say, and later the whole."""
        for notice, version, purposes, record, at in self._connection.execute(
            rows.STANDING, (event.pseudonym,)
        ):
            if (notice, version) == (event.notice, event.version):
                before = Known(known.versions, rows.word_set(purposes), record, rows.moment(at))
                known = known.merged(before)
        self._connection.execute(rows.INFORM, rows.informs(event, known))
