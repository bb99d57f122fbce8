"""What would happen to a call, and by which rule. Touches nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .. import plausibility, policy, storage
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

_UNAVAILABLE = 67  # Q.931 presentation


@dataclass(frozen=True)
class RecognisedCaller:
    """A caller who can be recognised: by which pseudonym, and in which country his number is."""

    pseudonym: bytes
    country: str


@dataclass(frozen=True)
class PlannedPlayback:
    """A prompt that would be played, in a language; `informs` is whether the caller counts as informed once
    it was heard to its end."""

    prompt: Prompt
    language: str
    informs: bool


@dataclass(frozen=True)
class ExplainedDecision:
    """What would be done with one notice of the line's plan, by a decision.

    `known` is what the caller already got of it, `playback` is `None` where nothing would be played. `status`
    is how it would go where all of that is heard. `lookups` are the controller's own systems that a call
    would ask first; nobody asks them here.
    """

    decision: Decision
    known: PriorDelivery | None
    playback: PlannedPlayback | None
    status: Status
    lookups: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """What would happen to a call from `number`, which is masked (`None` where it is withheld), to the line
    as it was `dialled`; `language` is the one that the caller should hear."""

    number: str | None
    dialled: str
    at: datetime
    line: Line
    caller: RecognisedCaller | Unidentified
    language: str
    decisions: tuple[ExplainedDecision, ...]

    @property
    def person(self) -> bytes | None:
        """The pseudonym of a caller of whom it says something; `None` where it says nothing of anybody."""
        if isinstance(self.caller, RecognisedCaller) and any(one.known for one in self.decisions):
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
    """The decisions on a call from `number` (`None` to withhold it), now or `on` that time, which is of the
    controller's zone if it has none. `language` is what the dialplan asks for, '' for nothing. Unless what is
    `known` of the caller counts, he is taken for somebody of whom nothing is on record.

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
    wanted = policy.wanted_language(line, caller, language)
    return Explanation(
        None if number is None else mask(number),
        dialled,
        at,
        line,
        _recognised(caller, line),
        wanted,
        tuple(_explained(decision, line, wanted, history) for decision in decisions),
    )


def ringing(number: str | None, dialled: str) -> IncomingCall:
    """A call from `number` (`None` to withhold it), as Asterisk would announce it."""
    return IncomingCall(
        id="explain",
        linked="",
        line=dialled,
        number=number or "",
        presentation=_UNAVAILABLE if number is None else 0,
        language="",
    )


def known_to(line: Line, caller: Caller) -> CallerHistory:
    """What the line's controller told this caller, under any of its keys. Raises LedgerError."""
    controller = line.controller
    if not isinstance(caller, Identified) or not Path(controller.ledger).exists():
        return {}
    with closing(storage.store(controller, read_only=True)) as ledger:
        return merged(*(ledger.history(each) for each in pseudonyms(controller, caller)))


def _recognised(caller: Caller, line: Line) -> RecognisedCaller | Unidentified:
    if isinstance(caller, Unidentified):
        return caller
    return RecognisedCaller(pseudonym(caller, line.controller.key), caller.country)


def _explained(decision: Decision, line: Line, wanted: str, history: CallerHistory) -> ExplainedDecision:
    known = history.get(decision.notice.id)
    if not decision.play:
        return ExplainedDecision(decision, known, None, decision.status_of_skip, ())
    live = not line.controller.refused  # else there is no ledger that would take it
    language = policy.language(wanted, line, decision)
    counts = live and policy.informs(language, wanted, line)
    return ExplainedDecision(
        decision,
        known,
        PlannedPlayback(decision.prompts[language], language, counts),
        Status.PLAYED if live else Status.FALLBACK,
        _lookups(decision, line) if live else (),
    )


def _lookups(decision: Decision, line: Line) -> tuple[str, ...]:
    if decision.reason is Reason.EVERY_CALL:
        return ()
    return tuple(each.id for each in line.controller.lookups if each.notice == decision.notice.id)
