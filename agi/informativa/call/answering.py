"""The story of one call, from Asterisk's description of it to the variables for the dialplan.

AGI environment → line → caller → pseudonym → history → decision → playback → record, committed → status on
the channel, last. After any error the notice is played rather than skipped, the call goes on, and the outcome
is put on record: in the ledger, or in the dialplan's fallback spool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from ..model import (
    CallResult,
    ChangedRecording,
    Decision,
    Ending,
    Event,
    Heard,
    Line,
    Prompt,
    Reason,
    Status,
    Unasked,
)
from ..model.errors import LedgerError, SessionError
from ..model.frozen import dataclass
from ..model.ports import CallSession, Clock, Ledger, LookupSource, Recordings
from ..model.text import Text
from . import playback
from .conversation import CLAIMS, Conversation, begin, origin_of
from .handler import CallHandler, DecidedPlan, spool_delivery

# After these endings nobody is left to hear the other notices of the plan.
_NOBODY_THERE = (Ending.HUNG_UP, Ending.CONNECTION_LOST)

# The plan's status is the one that asks most of the dialplan's attention.
_SEVERITY = (
    Status.FAILED,
    Status.FALLBACK,
    Status.PARTIAL,
    Status.PLAYED,
    Status.SKIPPED,
    Status.NOTDUE,
)


@dataclass(frozen=True)
class CallServices:
    """All that answering a call takes: the lines by every spelling, a ledger per controller, the time.

    `fallback` is played on a line that nobody configured. `lookups` are the controllers' own systems, by
    controller and notice. `recordings` are the prompts' sound files.
    """

    lines: Mapping[str, Line]
    ledgers: Mapping[str, Ledger]
    clock: Clock
    fallback: Prompt | None = None
    lookups: Mapping[str, Mapping[str, Sequence[LookupSource]]] = field(default_factory=dict)
    recordings: Recordings = field(kw_only=True)
    unanswered: Mapping[str, Text] = field(default_factory=dict)
    """The reasons why the dialplan is to answer calls, by called number."""


async def answer(session: CallSession, services: CallServices) -> CallResult:
    """Handle one call, set the dialplan's variables, and return their values.

    Raises SessionError if the variables could not be set (the dialplan then goes on to its next try).
    """
    action = session.call.options.get("action")
    result = await _ACTIONS.get(action or "", _handle)(session, services)
    variables = {
        "INFORMATIVA_RECORD": result.record,
        "INFORMATIVA_REASON": result.reason,
        "INFORMATIVA_STATUS": result.status,
    }
    before, heard = session.call.options.get("heard", ""), result.heard_records
    if before and (origin := origin_of(before)):
        heard = f"{origin} {heard}".rstrip()
    if heard != before:  # each variable costs Asterisk its time
        variables = {"__INFORMATIVA_HEARD": heard, **variables}
    if result.choices:
        variables = {"__INFORMATIVA_CHOICES": result.choices, **variables}
    await session.set_variables(variables)
    return result


async def _handle(session: CallSession, services: CallServices) -> CallResult:
    line = services.lines.get(session.call.line)
    if line is None:
        return await _unknown_line(session, services)
    conversation = begin(session.call, line)
    handler = _handler(session, conversation, services)
    plan = await handler.decide()
    results, heard = [*plan.results], [*conversation.claims]
    steps = plan.steps() if plan.choices else iter(plan.decisions)
    for step in steps:
        result = await (handler.carry_out(step) if isinstance(step, Decision) else handler.ask(step, results))
        results.append(result)
        if result.heard_records:
            heard.append(result.heard_records)
        if result.reason in _NOBODY_THERE:
            break
    if plan.choices:  # a caller who hung up is not asked any more
        for step in steps:
            if not isinstance(step, Decision):
                results.append(await handler.leave_out(step, results, Unasked.HUNG_UP_BEFORE))
    if plan.choices:
        return _with_choices(plan, results, heard, conversation)
    worst = min(results, key=_severity) if len(results) > 1 else results[0]
    return CallResult(
        worst.status,
        worst.reason,
        worst.record,
        tuple([event for result in results for event in result.events]),
        worst.error or plan.errors,
        " ".join(heard),
        conversation.doubt,
    )


def _with_choices(
    plan: DecidedPlan, results: Sequence[CallResult], heard: Sequence[str], conversation: Conversation
) -> CallResult:
    """Return the result of a call with choices: the notices' status, and the word of each choice. A caller
    who hung up in a choice has not heard the notices after it."""
    notices = [result for result in results if not result.choices]
    if len(notices) < len(plan.results) + len(plan.decisions):
        notices.append(CallResult(Status.PARTIAL, Ending.HUNG_UP))
    worst = min(notices, key=_severity)
    answered = [result.choices for result in results if result.choices]
    errors = dict.fromkeys(result.error for result in (worst, *results) if result.error)
    return CallResult(
        worst.status,
        worst.reason,
        worst.record,
        tuple([event for result in results for event in result.events]),
        " ".join(errors) or plan.errors,
        " ".join(heard[-CLAIMS:]),
        conversation.doubt,
        " ".join(answered),
        " ".join([result.unasked for result in results if result.unasked]),
    )


def _severity(result: CallResult) -> int:
    return _SEVERITY.index(result.status)


def _handler(session: CallSession, conversation: Conversation, services: CallServices) -> CallHandler:
    name = conversation.line.controller.id
    lookups = services.lookups.get(name, {})
    ledger, recordings = services.ledgers[name], services.recordings
    return CallHandler(session, conversation, ledger, lookups, services.clock, recordings)


async def _read_by_operator(session: CallSession, services: CallServices) -> CallResult:
    """Record that an operator has just read the notices of the line's plan to this caller.

    Raises SessionError where it cannot be put on record here: the dialplan then goes on to its next try.
    """
    line = services.lines.get(session.call.line)
    if line is None:
        raise SessionError("An operator read a notice on a line that is not configured.")
    try:
        conversation = begin(session.call, line)
        handler = _handler(session, conversation, services)
        result = await handler.read()
        claims = filter(None, [*conversation.claims, result.heard_records])
        return replace(result, heard_records=" ".join(claims))
    except LedgerError as error:
        raise SessionError(str(error)) from error


async def _withdraw(session: CallSession, services: CallServices) -> CallResult:
    """Tell a caller how to withdraw the consents that he granted, and put on record what he says.

    Raises SessionError where it cannot be put on record here: the dialplan then goes on to its next try.
    """
    line = services.lines.get(session.call.line)
    if line is None:
        raise SessionError("A caller wants to withdraw a consent on a line that is not configured.")
    conversation = begin(session.call, line)
    handler = _handler(session, conversation, services)
    try:
        results = await handler.withdraw()
    except LedgerError as error:
        raise SessionError(str(error)) from error
    if not results:
        claims = " ".join(conversation.claims)
        return CallResult(Status.NOTDUE, Reason.NOTHING_TO_TELL, heard_records=claims)
    return replace(
        next((result for result in results if result.status is Status.ASKED), results[-1]),
        events=tuple([event for result in results for event in result.events]),
        error=" ".join(filter(None, [result.error for result in results])),
        heard_records=" ".join([*conversation.claims, *[result.heard_records for result in results]]),
        choices=" ".join([result.choices for result in results]),
    )


_ACTIONS = {"read": _read_by_operator, "consent": _withdraw}


async def _unknown_line(session: CallSession, services: CallServices) -> CallResult:
    """Play the installation's notice on a line that nobody configured, since nothing says not to.

    The number itself is not put on record: a dialplan may have passed the caller's by mistake. Raises
    SessionError for a line of a company whose part of the configuration has mistakes.
    """
    if reason := services.unanswered.get(session.call.line):
        raise SessionError(reason)
    heard = Heard(Ending.NOT_PLAYABLE, 0, 0)
    prompt = services.fallback and await services.recordings.current("", services.fallback)
    if isinstance(prompt, ChangedRecording):
        heard = Heard(Ending.CHANGED, 0, 0)
    elif prompt is not None:
        heard = playback.judge(await session.play(prompt, ""), prompt)
    event = Event(
        at=services.clock.now(),
        call=session.call.id,
        line="",
        pseudonym=None,
        notice="",
        version="",
        language="",
        purposes=frozenset(),
        status=playback.STATUS[heard.ending],
        reason=Reason.NO_LINE,
        prompt=services.fallback.path if services.fallback else "",
        heard=heard,
        recording=prompt.recording if isinstance(prompt, Prompt) else "",
    )
    result = await spool_delivery(event, session)
    return replace(result, error=str(prompt.why)) if isinstance(prompt, ChangedRecording) else result
