"""Calls that are handled from beginning to end, with stand-ins for all that is outside."""

from __future__ import annotations

import asyncio

from doubles import MemoryLedger, ScriptedSession, ScriptedSource, SteadyRecordings, SteppingClock, version
from informativa.call.answering import CallServices, answer
from informativa.model import CallResult, Event, Line, Notice

DAILY, COUNTRY = Notice("daily", (version(),)), Notice("country", (version(),))


def services(own: Line, ledger: MemoryLedger | None = None, *sources: ScriptedSource, **more) -> CallServices:
    """One line of acme's; its own systems know of `privacy`."""
    given = {
        "clock": SteppingClock(),
        "recordings": SteadyRecordings(),
        "lookups": {"acme": {"privacy": sources}} if sources else {},
    }
    return CallServices({own.number: own}, {"acme": ledger or MemoryLedger()}, **given | more)


def handle(session: ScriptedSession, at: CallServices) -> CallResult:
    """Answer one call."""
    return asyncio.run(answer(session, at))


def events(at: CallServices) -> list[Event]:
    """Return what the ledger holds."""
    return [record.event for record in at.ledgers["acme"].records()]


def choices_of(session: ScriptedSession) -> str:
    """Return what the dialplan got of choices; '' if nothing."""
    return session.variables.get("__INFORMATIVA_CHOICES", "")
