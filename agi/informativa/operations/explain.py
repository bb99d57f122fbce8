"""Explanation of a decision: what would happen to a call, and by which rule. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .. import plausibility, policy
from ..caller import mask, pseudonym, recognise
from ..model import (
    Caller,
    CallerHistory,
    Decision,
    Identified,
    IncomingCall,
    Line,
    PriorDelivery,
    Prompt,
    Reason,
    Status,
    Unidentified,
    merged,
)
from .callers import pseudonyms
from .records import existing_ledger

_UNAVAILABLE = 67  # Q.931 presentation


@dataclass(frozen=True)
class RecognisedCaller:
    """A caller who can be recognised."""

    pseudonym: bytes
    country: str
    """The country of the number."""


@dataclass(frozen=True)
class PlannedPlayback:
    """A prompt that would be played."""

    prompt: Prompt
    language: str
    informs: bool
    """True if the caller counts as informed once it is heard to its end."""


@dataclass(frozen=True)
class ExplainedDecision:
    """The decision on one notice of the line's plan, and what would follow from it."""

    decision: Decision
    known: PriorDelivery | None
    """The earlier delivery of this notice to the caller; `None` where there is none."""
    playback: PlannedPlayback | None
    """The prompt; `None` where nothing would be played."""
    status: Status
    """The status if the prompt is heard to its end."""
    lookups: tuple[str, ...]
    """The ids of the look-ups that a call would ask first; an explanation does not ask them."""


@dataclass(frozen=True)
class Explanation:
    """The decisions on one call."""

    number: str | None
    """The caller's number, masked; `None` where it is withheld."""
    dialled: str
    """The called number, as it was dialled."""
    at: datetime
    line: Line
    caller: RecognisedCaller | Unidentified
    language: str
    """The language that the caller should hear."""
    decisions: tuple[ExplainedDecision, ...]

    @property
    def person(self) -> bytes | None:
        """Return the pseudonym of a caller of whom the explanation says something; `None` where it says
        nothing of anybody."""
        if isinstance(self.caller, RecognisedCaller) and any(decision.known for decision in self.decisions):
            return self.caller.pseudonym
        return None


def explain(
    line: Line,
    dialled: str,
    number: str | None,
    on: datetime | None,
    language: str,
    now: datetime,
    *,
    known: bool = True,
) -> Explanation:
    """Explain the decisions on a call from `number` (`None` to withhold it), now or at the time `on`, which
    is in the controller's zone if it names none. `language` is the one that the dialplan asks for, '' for
    none. Without `known` the caller is treated as somebody of whom nothing is on record.

    Raises LedgerError.
    """
    at = plausibility.moment(on.isoformat(), line.controller.zone) if on else now
    caller = recognise(ringing(number, dialled), line)
    refused = line.controller.refused
    history = known_to(line, caller) if known and not refused else {}
    decisions = (
        policy.play_all(line, at, Reason.LEDGER_UNAVAILABLE)
        if refused
        else policy.decide(line, history, caller, at, asked=language)
    )
    wanted_language = policy.wanted_language(line, caller, language)
    return Explanation(
        None if number is None else mask(number),
        dialled,
        at,
        line,
        _recognised(caller, line),
        wanted_language,
        tuple(_explained(decision, line, wanted_language, history) for decision in decisions),
    )


def ringing(number: str | None, dialled: str) -> IncomingCall:
    """Return a call from `number` (`None` to withhold it), as Asterisk would announce it."""
    return IncomingCall(
        id="explain",
        linked="",
        line=dialled,
        number=number or "",
        presentation=_UNAVAILABLE if number is None else 0,
        language="",
    )


def known_to(line: Line, caller: Caller) -> CallerHistory:
    """Return what the line's controller told this caller, under any of its keys. Raises LedgerError."""
    controller = line.controller
    if not isinstance(caller, Identified):
        return {}
    with existing_ledger(controller, read_only=True) as ledger:
        if ledger is None:
            return {}
        return merged(*(ledger.history(his_pseudonym) for his_pseudonym in pseudonyms(controller, caller)))


def _recognised(caller: Caller, line: Line) -> RecognisedCaller | Unidentified:
    if isinstance(caller, Unidentified):
        return caller
    return RecognisedCaller(pseudonym(caller, line.controller.key), caller.country)


def _explained(
    decision: Decision, line: Line, wanted_language: str, history: CallerHistory
) -> ExplainedDecision:
    prior = history.get(decision.notice.id)
    if not decision.play:
        return ExplainedDecision(decision, prior, None, decision.status_of_skip, ())
    live = not line.controller.refused  # else there is no ledger that would take it
    language = policy.language(wanted_language, line, decision)
    counts = live and policy.informs(language, wanted_language, line)
    return ExplainedDecision(
        decision,
        prior,
        PlannedPlayback(decision.prompts[language], language, counts),
        Status.PLAYED if live else Status.FALLBACK,
        _lookups(decision, line) if live else (),
    )


def _lookups(decision: Decision, line: Line) -> tuple[str, ...]:
    if decision.reason is Reason.EVERY_CALL:
        return ()
    return tuple(lookup.id for lookup in line.controller.lookups if lookup.notice == decision.notice.id)
