"""Ledgers of many records, made fast: with their leaves, as calls would have written them, or from before."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from unittest import mock

from informativa.call.caller import pseudonym
from informativa.evidence.commitment import bind
from informativa.ledgers import rows
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.transaction import SqliteTransaction
from informativa.model import Controller, Ending, Event, Heard, Identified, Reason, Status, Vouched

from . import rivals
from .figures import same


def fill(controller: Controller, records: int) -> None:
    """Fill a ledger as calls would, but in long transactions; the history, which the records say, is written
    at the end and in the order of its keys, so that it takes a minute and not an hour."""
    events = (event(controller, number) for number in range(1, records + 1))
    with contextlib.closing(SqliteStore(controller.ledger, log=controller.log)) as store:
        with store.connected() as connection:
            connection.execute("PRAGMA synchronous = OFF")
            with mock.patch.object(SqliteTransaction, "_remember_notice", _nothing):
                while some := list(itertools.islice(events, 5000)):
                    store.append(some)
            with store.transaction():
                connection.execute(_HISTORY)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        same("records that the ledger has", records, store.count())


def _nothing(*_: object) -> None:
    """Stand in for a function and keep no memory of ten million calls, as a `Mock` would."""


_HISTORY = f"""
INSERT INTO standing (pseudonym, notice, version, purposes, record, at, whole, moved)
SELECT pseudonym, notice, version, purposes, record, at, at, 0
FROM event WHERE {rows.INFORMS} ORDER BY pseudonym
"""


def event(controller: Controller, number: int, *, bound: bool = True) -> Event:
    """Return the event of the record of that number: an odd one of a caller who hears the notice, the next
    one of his second call."""
    caller = Identified(rivals.number((number - 1) // 2))
    at = _BEGUN + timedelta(milliseconds=100 * number)
    played = bool(number % 2)
    return Event(
        at=at,
        call=f"1700000000.{number}",
        line=rivals.LINE,
        pseudonym=pseudonym(caller, controller.key),
        notice="privacy",
        version="2026-11",
        language="it",
        purposes=frozenset({"service"}),
        status=Status.PLAYED if played else Status.NOTDUE,
        reason=Reason.NOT_INFORMED if played else Reason.ALREADY_INFORMED,
        prompt="/etc/informativa/prompts/it/short" if played else "",
        heard=Heard(Ending.WHOLE, 139_200, 139_200) if played else None,
        basis=None if played else number - 1,
        linked=f"1700000000.{number}",
        recorded=at,
        vouched=Vouched.NOBODY,
        recording="0123456789abcdef" * 4 if played else "",
        binding=bind(caller, controller.key) if bound else None,
    )


_BEGUN = datetime.now(UTC) - timedelta(days=30)
