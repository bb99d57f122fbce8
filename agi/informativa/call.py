"""The story of one call, from what Asterisk says to what the dialplan is told.

AGI environment → line → caller → pseudonym → standing → decision → playback → record, committed →
status on the channel, last. Whatever breaks, the notice is played rather than skipped, the call goes
on, and what happened is put on record: in the ledger, or in the dialplan's fallback spool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from . import caller as callers
from . import playback, policy
from .errors import LedgerError
from .model import (
    Caller,
    Decision,
    Ending,
    Event,
    Heard,
    Identified,
    Line,
    Prompt,
    Reason,
    Standing,
    Status,
    Verdict,
)
from .ports import CallSession, Clock, Ledger

SPOOL = "informativa"  # the AstDB family that holds deliveries which no ledger could take

_STATUS = {
    Ending.WHOLE: Status.PLAYED,
    Ending.KEY: Status.PARTIAL,
    Ending.HUNG_UP: Status.PARTIAL,
    Ending.CUT_SHORT: Status.PARTIAL,
    Ending.CONNECTION_LOST: Status.PARTIAL,
    Ending.SERVICE_STOPPED: Status.PARTIAL,
    Ending.NOT_PLAYABLE: Status.FAILED,
}

# After these there is nobody to play the rest of the plan to.
_NOBODY_THERE = (Ending.HUNG_UP, Ending.CONNECTION_LOST)

# The plan's status is the one that asks most of the dialplan's attention.
_GRAVITY = (
    Status.FAILED,
    Status.FALLBACK,
    Status.PARTIAL,
    Status.PLAYED,
    Status.SKIPPED,
    Status.NOTDUE,
)


@dataclass(frozen=True)
class Desk:
    """All that answering a call takes: the lines by every spelling, a ledger per controller, the time.

    `fallback` is what to play on a line that nobody configured.
    """

    lines: Mapping[str, Line]
    ledgers: Mapping[str, Ledger]
    clock: Clock
    fallback: Prompt | None = None


async def answer(session: CallSession, desk: Desk) -> Verdict:
    """Handle one call and tell the dialplan; returns what it was told.

    Raises SessionError if the dialplan could not be told (it then goes on to its next try).
    """
    verdict = await _handle(session, desk)
    await session.set_variables(
        {
            "INFORMATIVA_RECORD": verdict.record,
            "INFORMATIVA_REASON": verdict.reason,
            "INFORMATIVA_STATUS": verdict.status,
        }
    )
    return verdict


async def _handle(session: CallSession, desk: Desk) -> Verdict:
    line = desk.lines.get(session.call.line)
    if line is None:
        return await _unknown_line(session, desk)
    caller = callers.recognise(session.call, line.region, line.callers)
    pseudonym = _pseudonym(caller, line)
    ledger = desk.ledgers[line.controller.id]
    decisions, error = await _decide(line, caller, pseudonym, ledger)
    verdicts: list[Verdict] = []
    for decision in decisions:
        verdicts.append(await _carry_out(decision, line, pseudonym, session, ledger, desk))
        if verdicts[-1].reason in _NOBODY_THERE:
            break
    gravest = min(verdicts, key=lambda verdict: _GRAVITY.index(verdict.status))
    return replace(gravest, error=gravest.error or error)


def _pseudonym(caller: Caller, line: Line) -> bytes | None:
    if isinstance(caller, Identified):
        return callers.pseudonym(caller.number, line.controller.key)
    return None


async def _decide(
    line: Line, caller: Caller, pseudonym: bytes | None, ledger: Ledger
) -> tuple[Sequence[Decision], str]:
    """The decisions for this caller. A ledger that cannot be read knows nobody, so all is played; why
    it cannot comes with them."""
    standing: Standing = {}
    try:
        if pseudonym is not None:
            standing = await ledger.standing(pseudonym)
    except LedgerError as error:
        reason = Reason.LEDGER_UNAVAILABLE
        return [Decision(notice, notice.current, True, reason) for notice in line.plan], str(error)
    return policy.decide(line.plan, standing, caller), ""


async def _carry_out(
    decision: Decision,
    line: Line,
    pseudonym: bytes | None,
    session: CallSession,
    ledger: Ledger,
    desk: Desk,
) -> Verdict:
    """Play what is due and put it on record, before anybody is told.

    A skip that cannot be put on record is not made. A call that is cancelled in the middle of its
    prompt, because the service must stop, is put on record as far as it is known.
    """
    event = Event(
        at=desk.clock.now(),
        call=session.call.id,
        line=line.number,
        pseudonym=pseudonym,
        notice=decision.notice.id,
        version=decision.version.id,
        language=line.language,
        purposes=decision.version.purposes,
        status=Status.NOTDUE,
        reason=decision.reason,
        basis=decision.basis.record if decision.basis else None,
    )
    if decision.play:
        prompt = decision.version.short[line.language]
        try:
            prompt, heard = await _play(decision, line, session)
        except asyncio.CancelledError:
            stopped = Heard(Ending.SERVICE_STOPPED, 0.0, prompt.seconds)
            await _record(_played(event, prompt, stopped, desk), ledger, session)
            raise
        event = _played(event, prompt, heard, desk)
    verdict = await _record(event, ledger, session)
    if verdict.error and not decision.play:
        unproven = replace(decision, play=True, reason=Reason.LEDGER_UNAVAILABLE)
        return await _carry_out(unproven, line, pseudonym, session, ledger, desk)
    return verdict


def _played(event: Event, prompt: Prompt, heard: Heard, desk: Desk) -> Event:
    """`event` with what was played; a delivery's time is its end."""
    return replace(event, at=desk.clock.now(), status=_STATUS[heard.ending], prompt=prompt.path, heard=heard)


async def _record(event: Event, ledger: Ledger, session: CallSession) -> Verdict:
    """Commit, and say what the dialplan may be told. A delivery that the ledger does not take is spooled."""
    try:
        return Verdict(event.status, _why(event), str(await ledger.append(event)))
    except LedgerError as error:
        if event.heard is None:
            return Verdict(event.status, Reason.LEDGER_UNAVAILABLE, error=str(error))
        return replace(await _spool(event, session), error=str(error))


async def _play(decision: Decision, line: Line, session: CallSession) -> tuple[Prompt, Heard]:
    """Play the short notice, or the full text if the caller asks for it with the key; what was heard last.

    Who hears the full text to its end has heard all that the short one says, so it counts alike.
    """
    short = decision.version.short[line.language]  # the configuration refuses a line without one
    full = decision.version.full.get(line.language)
    heard = playback.judge(await session.play(short, line.full_key if full else ""), short)
    if full is None or heard.ending is not Ending.KEY:
        return short, heard
    return full, playback.judge(await session.play(full, line.full_key), full)


async def _unknown_line(session: CallSession, desk: Desk) -> Verdict:
    """Nobody configured the called number: play the installation's notice, since nothing says not to.

    The number itself is not put on record: a dialplan may have passed the caller's by mistake.
    """
    heard = Heard(Ending.NOT_PLAYABLE, 0.0, 0.0)
    if desk.fallback is not None:
        heard = playback.judge(await session.play(desk.fallback, ""), desk.fallback)
    event = Event(
        at=desk.clock.now(),
        call=session.call.id,
        line="",
        pseudonym=None,
        notice="",
        version="",
        language="",
        purposes=frozenset(),
        status=_STATUS[heard.ending],
        reason=Reason.NO_LINE,
        prompt=desk.fallback.path if desk.fallback else "",
        heard=heard,
    )
    return await _spool(event, session)


async def _spool(event: Event, session: CallSession) -> Verdict:
    """Leave the delivery in AstDB, through the call itself: the last place that can still take it.

    The row has the form that dialplan/informativa.conf writes; it names no caller and no pseudonym.
    """
    key = f"{session.call.id}-{event.at.timestamp() * 1_000_000:.0f}"
    kept = await session.put_database(SPOOL, key, spool_row(event))
    status = Status.FALLBACK if event.status in (Status.PLAYED, Status.PARTIAL) else event.status
    reason = event.reason if event.reason is Reason.NO_LINE else Reason.LEDGER_UNAVAILABLE
    return Verdict(status, reason, f"spool:{key}" if kept else "")


def spool_row(event: Event) -> str:
    """`at=…|line=…|prompt=…|ending=…|seconds=…`: epoch seconds, path without extension, seconds heard."""
    heard = event.heard
    assert heard is not None  # what was not played is not spooled
    fields = {
        "at": f"{event.at.timestamp():.0f}",
        "line": event.line,
        "prompt": event.prompt,
        "ending": heard.ending,
        "seconds": f"{heard.seconds:.0f}",
    }
    return "|".join(f"{name}={value}" for name, value in fields.items())


def _why(event: Event) -> str:
    """The word beside the status: why it was decided so, or, where it went wrong, how it ended."""
    if event.heard is None or event.heard.ending is Ending.WHOLE:
        return event.reason
    return event.heard.ending
