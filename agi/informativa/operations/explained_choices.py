"""Explanation of the choices of a line for one caller: whether each would be asked, and why. Pure.

It goes through the plan as a call would in which every notice is heard to its end. A call asks by the same
rules (call/choice_policy.py, and `CallHandler.ask`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .. import model
from ..call.choice_policy import ChoiceDecision, remembered_until, word_for_dialplan
from ..model import Answer, Asks, Caller, Controller, Line, Reason, Status, Unidentified
from ..model.choices import AnswerHistory, StandingAnswer
from .document import Seconds, Time


class Outlook(StrEnum):
    """The prospect of a choice in a call."""

    ASKED = "asked"
    REMEMBERED = "remembered"  # his answer of another day still counts
    NOT_RECOGNISED = "not-recognised"  # a consent is somebody's, and nobody knows whose call it is
    NOT_VOUCHED = "not-vouched"  # nobody confirms the number whom the choice asks for
    NOT_TOLD = "not-told"  # no notice before it tells its purpose, or one of them is left out
    ENOUGH_ASKED = "enough-asked"  # as many consents are asked in this call as the line allows
    NOT_ON_RECORD = "not-on-record"  # the company is not live, and a consent without a record is void


@dataclass(frozen=True)
class RememberedAnswer:
    """An answer that the caller gave in another call."""

    answer: Answer
    """His answer."""
    version: str
    """The version of the wording that he answered."""
    record: int
    """The record of it."""
    at: Time
    """The time at which he gave it."""
    until: Time | None
    """The time from which it counts no more, if nothing ends it before."""


@dataclass(frozen=True)
class ExplainedKey:
    """A key that the caller may press."""

    key: str
    """The key."""
    answer: Answer
    """Its meaning."""
    only_after_the_whole_prompt: bool
    """True if it counts only after the question was heard to its end; else it counts whenever it comes."""
    until: Time | None
    """The time until which the answer would be remembered; null where it is for this conversation."""


@dataclass(frozen=True)
class ExplainedChoice:
    """The prospect of one choice, and its reason."""

    choice: str
    """The name of the choice."""
    asks: Asks
    """The kind of choice: what the caller is asked."""
    version: str
    """The version of its wording that is in force."""
    after: str | None
    """The notice that it follows in the plan; null where it comes before all."""
    outlook: Outlook
    """The prospect: `asked`, or why not."""
    reason: Reason | None
    """The reason for which it is asked, or for which the caller is not recognised; else null."""
    remembered: RememberedAnswer | None
    """The last answer of this caller, where it is what decides."""
    consents: int | None
    """The number of consents that a call on this line is asked for at most; null for other choices."""
    rests_on: str | None
    """The notice that tells the purpose of a consent, on whose record the consent rests."""
    keys: tuple[ExplainedKey, ...]
    """The keys, in the order in which the prompt tells them."""
    silence: Answer
    """The word that the dialplan gets if no key is pressed."""
    prompt: str
    """The path of the question without extension, as Asterisk knows it."""
    language: str
    """Its language."""
    seconds: Seconds
    """Its length."""


def explained_choices(
    choices: Sequence[ChoiceDecision],
    notices: Sequence[model.Decision],
    line: Line,
    caller: Caller,
    answers: AnswerHistory,
    at: datetime,
) -> tuple[ExplainedChoice, ...]:
    """Explain the decisions about choices, in the order of the plan, by those about the notices."""
    return tuple(_explained(choices, notices, line, caller, answers, at))


def _explained(
    choices: Sequence[ChoiceDecision],
    notices: Sequence[model.Decision],
    line: Line,
    caller: Caller,
    answers: AnswerHistory,
    at: datetime,
) -> Iterator[ExplainedChoice]:
    consents = 0
    for decision in choices:
        before, personal = notices[: decision.after], decision.kind.personal
        rests_on = told_by(decision.choice.purpose, before) if personal else None
        outlook = _outlook(decision, line, caller, rests_on, consents)
        consents += personal and outlook is Outlook.ASKED
        first = decision.decision.choices[0]
        reason = decision.decision.reason if outlook is Outlook.ASKED else None
        if outlook is Outlook.NOT_RECOGNISED and isinstance(caller, Unidentified):
            reason = caller.reason
        yield ExplainedChoice(
            choice=decision.choice.id,
            asks=decision.choice.asks,
            version=decision.decision.version.id,
            after=before[-1].notice.id if before else None,
            outlook=outlook,
            reason=reason,
            remembered=_remembered(decision, answers, line.controller)
            if outlook is Outlook.REMEMBERED
            else None,
            consents=line.consents if personal else None,
            rests_on=rests_on,
            keys=tuple(_keys(decision, line.controller, at)),
            silence=word_for_dialplan(decision.choice, Answer.SILENCE),
            prompt=first.prompt.path,
            language=first.language,
            seconds=first.prompt.seconds,
        )


def _outlook(
    decision: ChoiceDecision, line: Line, caller: Caller, rests_on: str | None, consents: int
) -> Outlook:
    """Return whether a choice would be asked, in the order in which a call finds out."""
    if not decision.kind.personal:
        return Outlook.ASKED
    if line.controller.refused:
        return Outlook.NOT_ON_RECORD
    if isinstance(caller, Unidentified):
        return Outlook.NOT_RECOGNISED
    if caller.vouched not in decision.choice.vouched:
        return Outlook.NOT_VOUCHED
    if decision.word is not None:
        return Outlook.REMEMBERED
    if rests_on is None:
        return Outlook.NOT_TOLD
    return Outlook.ENOUGH_ASKED if consents >= line.consents else Outlook.ASKED


def told_by(purpose: str, notices: Sequence[model.Decision]) -> str | None:
    """Return the notice that tells a purpose, if these notices are heard to their end; `None` if none does,
    or if one of them is left out though it is due. `choice_policy.basis` says the same of their results."""
    notice = None
    for decision in notices:
        if not decision.play and decision.status_of_skip is not Status.NOTDUE:
            return None
        purposes = decision.purposes
        if decision.play and not decision.supplement:
            purposes = decision.version.purposes
        counts = not decision.play or decision.choices[0].informs or decision.basis is not None
        if purpose in purposes:
            notice = decision.notice.id if counts else None
    return notice


def _remembered(
    decision: ChoiceDecision, answers: AnswerHistory, controller: Controller
) -> RememberedAnswer | None:
    choice = decision.choice
    for answer in (answers.acts.get(choice.id), answers.none.get(choice.id)):
        if answer is not None and answer.word is decision.word:
            until = remembered_until(choice, answer, controller)
            return RememberedAnswer(answer.word, answer.version, answer.record, answer.at, until)
    return None


def _keys(decision: ChoiceDecision, controller: Controller, at: datetime) -> Iterator[ExplainedKey]:
    version = decision.decision.version
    for key, answer in decision.keys.items():
        until = None
        if decision.kind.personal:
            given = StandingAnswer(answer, version.id, version.purposes, at, 0)
            until = remembered_until(decision.choice, given, controller)
        yield ExplainedKey(key, answer, answer is decision.kind.grants, until)
