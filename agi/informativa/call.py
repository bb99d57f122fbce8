"""The story of one call, from what Asterisk says to what the dialplan is told.

AGI environment → line → caller → pseudonym → standing → decision → playback → record, committed →
status on the channel, last. Whatever breaks, the notice is played rather than skipped, the call goes
on, and what happened is put on record: in the ledger, or in the dialplan's fallback spool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    Ending.NOT_PLAYABLE: Status.FAILED,
}

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
    caller = callers.recognise(session.call, line.region)
    pseudonym = _pseudonym(caller, line)
    ledger = desk.ledgers[line.controller.id]
    decisions = await _decide(line, caller, pseudonym, ledger)
    verdicts = [await _carry_out(decision, line, pseudonym, session, ledger, desk) for decision in decisions]
    return min(verdicts, key=lambda verdict: _GRAVITY.index(verdict.status))


def _pseudonym(caller: Caller, line: Line) -> bytes | None:
    if isinstance(caller, Identified):
        return callers.pseudonym(caller.number, line.controller.key)
    return None


async def _decide(line: Line, caller: Caller, pseudonym: bytes | None, ledger: Ledger) -> Sequence[Decision]:
    """The decisions for this caller. A ledger that cannot be read knows nobody, so all is played."""
    standing: Standing = {}
    try:
        if pseudonym is not None:
            standing = await ledger.standing(pseudonym)
    except LedgerError:
        return [Decision(notice, notice.current, True, Reason.LEDGER_UNAVAILABLE) for notice in line.plan]
    return policy.decide(line.plan, standing, caller)


async def _carry_out(
    decision: Decision,
    line: Line,
    pseudonym: bytes | None,
    session: CallSession,
    ledger: Ledger,
    desk: Desk,
) -> Verdict:
    """Play what is due and put it on record, before anybody is told."""
    prompt, heard = await _play(decision, line, session) if decision.play else (None, None)
    event = Event(
        at=desk.clock.now(),
        call=session.call.id,
        line=line.number,
        pseudonym=pseudonym,
        notice=decision.notice.id,
        version=decision.version.id,
        language=line.language,
        purposes=decision.version.purposes,
        status=_STATUS[heard.ending] if heard else Status.NOTDUE,
        reason=decision.reason,
        prompt=prompt.path if prompt else "",
        heard=heard,
        basis=decision.basis.record if decision.basis else None,
    )
    try:
        record = str(await ledger.append(event))
    except LedgerError:
        return await _spool(event, session)
    return Verdict(event.status, _why(event), record)


async def _play(decision: Decision, line: Line, session: CallSession) -> tuple[Prompt, Heard]:
    """Play the short notice, or the full text if the caller asks for it with the key.

    Who hears the full text to its end has heard all that the short one says, so it counts alike.
    """
    short, full = (prompts.get(line.language) for prompts in (decision.version.short, decision.version.full))
    assert short is not None  # the configuration refuses a line without a prompt in its language
    heard = playback.judge(await session.play(short, line.full_key if full else ""), short)
    if full is None or heard.ending is not Ending.KEY:
        return short, heard
    return full, playback.judge(await session.play(full, line.full_key), full)


async def _unknown_line(session: CallSession, desk: Desk) -> Verdict:
    """Nobody configured the called number: play the installation's notice, since nothing says not to."""
    if desk.fallback is None:
        return Verdict(Status.FAILED, Reason.NO_LINE)
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
        prompt=desk.fallback.path,
        heard=heard,
    )
    return await _spool(event, session)


async def _spool(event: Event, session: CallSession) -> Verdict:
    """Leave the delivery in AstDB, through the call itself: the last place that can still take it.

    The row has the form that dialplan/informativa.conf writes; it names no caller and no pseudonym.
    """
    key = f"{session.call.id}-{event.notice or 'unknown-line'}"
    kept = await session.put_database(SPOOL, key, spool_row(event))
    status = Status.FALLBACK if event.status in (Status.PLAYED, Status.PARTIAL) else event.status
    reason = event.reason if event.reason is Reason.NO_LINE else Reason.LEDGER_UNAVAILABLE
    return Verdict(status, reason, f"spool:{key}" if kept else "")


def spool_row(event: Event) -> str:
    """`at=…|line=…|prompt=…|ending=…|seconds=…`: epoch seconds, path without extension, seconds heard."""
    fields = {
        "at": f"{event.at.timestamp():.0f}",
        "line": event.line,
        "prompt": event.prompt,
        "ending": event.heard.ending if event.heard else Status.NOTDUE,
        "seconds": f"{event.heard.seconds:.0f}" if event.heard else "0",
    }
    return "|".join(f"{name}={value}" for name, value in fields.items())


def _why(event: Event) -> str:
    """The word beside the status: why it was decided so, or, where it went wrong, how it ended."""
    if event.heard is None or event.heard.ending is Ending.WHOLE:
        return event.reason
    return event.heard.ending
