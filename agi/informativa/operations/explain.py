"""Explanation of a decision: what would happen to a call, and by which rule. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from .. import model
from ..call import choice_policy, policy
from ..call.caller import mask, pseudonym, recognise
from ..model import (
    Caller,
    CallerHistory,
    Controller,
    Identified,
    IncomingCall,
    Line,
    Reason,
    Status,
    Unidentified,
    countries,
    merge_histories,
    plausibility,
)
from ..model.choices import NO_ANSWERS, AnswerHistory
from ..process.storage import answers_of, existing_ledger
from .callers import pseudonyms
from .document import OptionalSentence, Seconds, Time
from .explained_choices import ExplainedChoice, explained_choices

_UNAVAILABLE = 67  # Q.931 presentation


@dataclass(frozen=True)
class ExplainedCall:
    """A call that was not made."""

    number: Annotated[str | None, Field(serialization_alias="from")]
    """The number that the caller shows, masked; null where it is withheld."""
    to: str
    """The called number, as it was given."""
    at: Time
    """The time at which it comes."""


@dataclass(frozen=True)
class ExplainedLine:
    """The line that is called."""

    number: str
    """The called number, as the configuration has it."""
    controller: str
    """The controller's name in the configuration."""
    name: str
    """The name by which people know the controller."""
    live: bool
    """True if its calls are put on record."""
    why_not: OptionalSentence
    """The reason if it is not live."""


@dataclass(frozen=True)
class ExplainedCaller:
    """The caller, as far as his number tells."""

    recognised: bool
    """True if the number shown can be taken for one caller's."""
    reason: Reason | None
    """The reason if he is not recognised."""
    country: str | None
    """The number's country (ISO 3166)."""
    pseudonym: str | None
    """The pseudonym that records have for this caller, in hexadecimal digits."""


@dataclass(frozen=True)
class PriorDelivery:
    """The versions and purposes of a notice that a caller already got."""

    versions: tuple[str, ...]
    """The versions that were delivered."""
    purposes: tuple[str, ...]
    """The purposes of which they told."""
    record: int
    """The newest record that shows it."""
    at: Time
    """The time of that delivery."""


@dataclass(frozen=True)
class Playback:
    """A prompt that is to be played."""

    prompt: str
    """Its path without extension, as Asterisk knows it."""
    language: str
    """Its language."""
    seconds: Seconds
    """Its length."""
    informs: bool
    """True if the caller counts as informed once it was heard to its end."""


@dataclass(frozen=True)
class Decision:
    """The decision on one notice for one caller, and its reason."""

    notice: str
    """The name of the notice."""
    version: str
    """The version in force."""
    play: bool
    """True if it is to be played."""
    reason: Reason
    """The reason of the decision."""
    status: Status
    """The outcome if the prompt is heard to its end."""
    purposes: tuple[str, ...]
    """The purposes of which its prompts tell."""
    supplement: bool
    """True if only what is new since an earlier version is told."""
    known: PriorDelivery | None
    """The part of this notice that the caller already got."""
    playback: Playback | None
    """The prompt that is played."""
    lookups: tuple[str, ...]
    """The company's own systems that are asked first whether the caller knows it."""


@dataclass(frozen=True)
class Explanation:
    """The course that a call would take, and the rules behind it."""

    call: ExplainedCall
    """The call that was asked about."""
    line: ExplainedLine
    """The line that it comes to."""
    caller: ExplainedCaller
    """The caller."""
    language: str
    """The language that the caller should hear."""
    notices: tuple[Decision, ...]
    """The decisions, in the order of the line's plan."""
    choices: tuple[ExplainedChoice, ...] | None = None
    """The choices of the line's plan, in its order; only where it has some."""
    country: str | None = None
    """The country of the operators by which steps were chosen, `others` for one that the plan does not name;
    only where its steps depend on it."""

    @property
    def disclosed_pseudonym(self) -> bytes | None:
        """The pseudonym of a caller of whom the explanation tells something that is on record; `None` if it
        tells nothing of anybody."""
        known = any(decision.known for decision in self.notices)
        remembered = any(choice.remembered for choice in self.choices or ())
        if self.caller.pseudonym and (known or remembered):
            return bytes.fromhex(self.caller.pseudonym)
        return None


def explain(
    line: Line,
    dialled: str,
    number: str | None,
    on: datetime | None,
    language: str,
    now: datetime,
    *,
    use_history: bool = True,
    country: str = "",
    internal: str = "",
) -> Explanation:
    """Explain the decisions on a call from `number` (`None` to withhold it), now or at the time `on`, which
    is in the controller's zone if it names none. `language` is the one that the dialplan asks for, and
    `country` that of the operators, as it names it, '' for none; `internal` is what it says of the company's
    own telephones: the context of one's endpoint, or `yes` for its mark. Without `use_history` the caller is
    treated as somebody of whom nothing is on record.

    Raises LedgerError.
    """
    named = line.countries
    line = countries.line_for(line, country)
    at = plausibility.moment(on.isoformat(), line.controller.zone) if on else now
    caller = recognise(incoming_call(number, dialled, internal), line)
    refused = line.controller.refused
    history = history_of(caller, line) if use_history and not refused else {}
    wanted_language = policy.wanted_language(line, caller, language)
    decisions = (
        policy.play_all(line, at, wanted_language)
        if refused
        else policy.decide(line, history, caller, at, asked=language)
    )
    return Explanation(
        call=ExplainedCall(None if number is None else mask(number), dialled, at),
        line=_explained_line(line),
        caller=_explained_caller(caller, line),
        language=wanted_language,
        notices=tuple(_explained(decision, line, history) for decision in decisions),
        choices=_choices(line, caller, history, decisions, wanted_language, at, use_history=use_history),
        country=countries.matching_country(named, country) if named else None,
    )


def _choices(
    line: Line,
    caller: Caller,
    history: CallerHistory,
    decisions: Sequence[model.Decision],
    language: str,
    at: datetime,
    *,
    use_history: bool,
) -> tuple[ExplainedChoice, ...] | None:
    if not line.choices:
        return None
    answers = answers_to_choices(caller, line) if use_history and not line.controller.refused else NO_ANSWERS
    choices = choice_policy.decide(line, answers, {}, history, caller, at, language)
    return explained_choices(choices, decisions, line, caller, answers, at)


def answers_to_choices(caller: Caller, line: Line) -> AnswerHistory:
    """Return what this caller answered to choices of the line's controller. Raises LedgerError."""
    if not isinstance(caller, Identified):
        return NO_ANSWERS
    return answers_of(line.controller, pseudonyms(line.controller, caller))


def incoming_call(number: str | None, dialled: str, internal: str = "") -> IncomingCall:
    """Return a call from `number` (`None` to withhold it), as Asterisk would announce it; of one of the
    company's own telephones with its mark or the context of its endpoint."""
    return IncomingCall(
        id="explain",
        linked="",
        line=dialled,
        number=number or "",
        presentation=_UNAVAILABLE if number is None else 0,
        language="",
        options={"internal": f"{internal}:{internal}"} if internal else {},
    )


def history_of(caller: Caller, line: Line) -> CallerHistory:
    """Return what the line's controller told this caller, under any of its keys. Raises LedgerError."""
    return told_by_controller(caller, line.controller)


def told_by_controller(caller: Caller, controller: Controller) -> CallerHistory:
    """Return what a controller told this caller, under any of its keys. Raises LedgerError."""
    if not isinstance(caller, Identified):
        return {}
    with existing_ledger(controller) as ledger:
        if ledger is None:
            return {}
        return merge_histories(
            *(ledger.history(his_pseudonym) for his_pseudonym in pseudonyms(controller, caller))
        )


def _explained_line(line: Line) -> ExplainedLine:
    controller = line.controller
    return ExplainedLine(
        number=line.number,
        controller=controller.id,
        name=controller.name,
        live=not controller.refused,
        why_not=controller.refused,
    )


def _explained_caller(caller: Caller, line: Line) -> ExplainedCaller:
    if isinstance(caller, Unidentified):
        return ExplainedCaller(recognised=False, reason=caller.reason, country=None, pseudonym=None)
    return ExplainedCaller(
        recognised=True,
        reason=None,
        country=caller.country or None,
        pseudonym=pseudonym(caller, line.controller.key).hex(),
    )


def _explained(decision: model.Decision, line: Line, history: CallerHistory) -> Decision:
    live = not line.controller.refused  # else there is no ledger that would take it
    status = decision.status_of_skip
    if decision.play:
        status = Status.PLAYED if live else Status.FALLBACK
    prior = history.get(decision.notice.id)
    return Decision(
        notice=decision.notice.id,
        version=decision.version.id,
        play=decision.play,
        reason=decision.reason,
        status=status,
        purposes=tuple(sorted(decision.purposes)),
        supplement=decision.supplement,
        known=_prior_delivery(prior) if prior else None,
        playback=_playback(decision, line) if decision.play else None,
        lookups=_lookups(decision, line) if decision.is_open and live else (),
    )


def _prior_delivery(prior: model.PriorDelivery) -> PriorDelivery:
    return PriorDelivery(tuple(sorted(prior.versions)), tuple(sorted(prior.purposes)), prior.record, prior.at)


def _playback(decision: model.Decision, line: Line) -> Playback:
    first = decision.choices[0]
    informs = not line.controller.refused and first.informs
    return Playback(first.prompt.path, first.language, first.prompt.seconds, informs)


def _lookups(decision: model.Decision, line: Line) -> tuple[str, ...]:
    return tuple(lookup.id for lookup in line.controller.lookups if lookup.notice == decision.notice.id)
