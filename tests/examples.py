"""Events as calls leave them in ledgers, of one moment and two callers: what most tests record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from informativa.model import Ending, Event, Heard, Reason, Status

AT = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)
ONE, OTHER = b"1" * 32, b"2" * 32
PLAYED = Event(
    at=AT,
    call="1700000000.1",
    line="+390212345678",
    pseudonym=ONE,
    notice="privacy",
    version="1",
    language="it",
    purposes=frozenset({"service", "billing"}),
    status=Status.PLAYED,
    reason=Reason.NOT_INFORMED,
    prompt="/p/it/short",
    heard=Heard.in_seconds(Ending.WHOLE, 9.5, 9.5),
)
PARTIAL = replace(PLAYED, status=Status.PARTIAL, heard=Heard.in_seconds(Ending.KEY, 2.25, 9.5, "#"))
NOTDUE = replace(PLAYED, status=Status.NOTDUE, reason=Reason.ALREADY_INFORMED, prompt="", heard=None, basis=1)
UNIDENTIFIED = replace(PLAYED, pseudonym=None, reason=Reason.WITHHELD)
