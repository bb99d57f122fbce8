"""The decision which choices are asked, and which key counts as an answer. Pure.

The rules of each kind are in `model.choices.KINDS`; the law is GDPR 4(11), 7 (consent), art. 24-bis(5) DL
83/2012 (the operator's country). Silence is never consent, and a key that grants counts only after all was
heard that it grants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..model import (
    INTERNAL_CALLER,
    Answer,
    Asked,
    Caller,
    CallerHistory,
    CallResult,
    Choice,
    Controller,
    Decision,
    Ending,
    Event,
    Identified,
    Line,
    Period,
    PlannedChoice,
    Reason,
    Status,
    Unasked,
    Unidentified,
)
from ..model.choices import (
    ACTS,
    AFTER_ALL,
    KINDS,
    NO_ANSWER_FOR_MONTHS,
    WITHDRAWAL,
    AnswerHistory,
    ChoiceKind,
    StandingAnswer,
)
from ..model.frozen import dataclass
from . import policy

SETTLED_SECONDS = 0.3
"""From the beginning of the wait: a key before may have been pressed in the last of the prompt, because
Asterisk reports a key when it is let go."""
_TOLD = {Answer.EARLY: Answer.UNCLEAR}
_HEARD = (Status.PLAYED, Status.NOTDUE)


@dataclass(frozen=True)
class ChoiceDecision:
    """A decision about one choice: the word of an answer that still counts or, if it is to be asked, `None`
    and the `decision` to play its prompt. It has its turn `after` so many notices. A `withdrawal` tells the
    caller how to withdraw what he granted. `unasked` is why this caller is not to be asked at all."""

    choice: Choice
    decision: Decision
    word: Answer | None = None
    after: int = 0
    withdrawal: bool = False
    unasked: Unasked | None = None

    @property
    def kind(self) -> ChoiceKind:
        """The rules by which it is asked."""
        return WITHDRAWAL if self.withdrawal else KINDS[self.choice.asks]

    @property
    def keys(self) -> Mapping[str, Answer]:
        """The answers by their keys. The key that refuses a consent withdraws it, too."""
        if self.withdrawal:
            return {self.choice.keys[Answer.REFUSED]: Answer.WITHDRAWN}
        return {key: option for option, key in self.choice.keys.items()}

    @property
    def options(self) -> str:
        """The options as a record has them: `5=refused 4=granted`."""
        return " ".join(f"{key}={option}" for key, option in self.keys.items())


def decide(
    line: Line,
    answers: AnswerHistory,
    in_call: Mapping[str, Answer],
    history: CallerHistory,
    caller: Caller,
    now: datetime,
    language: str,
) -> list[ChoiceDecision]:
    """Return one decision for each choice of the line's plan, in its order.

    `answers` are the caller's, `in_call` those that he gave earlier in this conversation, by choice.
    """
    languages = (language, *line.fallback, line.language)
    return [
        _decide(planned, line, answers, in_call, history, caller, now, languages) for planned in line.choices
    ]


def _decide(
    planned: PlannedChoice,
    line: Line,
    answers: AnswerHistory,
    in_call: Mapping[str, Answer],
    history: CallerHistory,
    caller: Caller,
    now: datetime,
    languages: Sequence[str],
) -> ChoiceDecision:
    choice = planned.choice
    reason, word, unasked = Reason.EVERY_CALL, in_call.get(choice.id), None
    act = answers.acts.get(choice.id)
    if word is Answer.GRANTED and act is not None and act.word is not Answer.GRANTED:
        word = act.word  # he has withdrawn it since
    if word is None and (KINDS[choice.asks].personal or caller is INTERNAL_CALLER):
        unasked = not_to_be_asked(choice, caller)
        if unasked is not None:
            word = Answer.NOT_ASKED
        else:
            assert isinstance(caller, Identified)
            reason, word = _remembered(choice, answers, history, caller, now, line)
    version = choice.wording.current(now)
    decision = Decision(
        choice.wording, version, word is None, reason, version.short, languages, version.purposes
    )
    return ChoiceDecision(choice, decision, word, planned.after, unasked=unasked)


def not_to_be_asked(choice: Choice, caller: Caller) -> Unasked | None:
    """Return why a consent is not to be asked of this caller, whatever he knows; `None` if it may be."""
    if isinstance(caller, Unidentified):
        return Unasked(caller.reason)
    return None if caller.vouched in choice.vouched else Unasked.NOT_VOUCHED


def _remembered(
    choice: Choice,
    answers: AnswerHistory,
    history: CallerHistory,
    caller: Identified,
    now: datetime,
    line: Line,
) -> tuple[Reason, Answer | None]:
    """Return the word of an answer that still counts, or `None`, with the reason why he is asked."""
    act, none = answers.acts.get(choice.id), answers.none.get(choice.id)
    reason, controller = Reason.NOT_ANSWERED, line.controller
    if act is not None:
        reason = why_ended(choice, act, history, caller, now, controller)
        if reason is Reason.ALREADY_INFORMED:
            return reason, act.word
    if none is not None and not _is_over(none, _period(choice, none.word), now, controller):
        return reason, none.word
    return reason, None


def remembered_until(choice: Choice, answer: StandingAnswer, controller: Controller) -> datetime | None:
    """Return when an answer counts no more, if nothing ends it before: another act, a changed wording, a
    number that changed hands. `None` for a consent whose choice does not say how long it holds."""
    period = _period(choice, answer.word)
    return None if period is None else period.after(answer.at, controller.zone)


def _period(choice: Choice, word: Answer) -> Period | None:
    """Return the time for which an answer is remembered."""
    if word is Answer.GRANTED:
        return choice.holds
    return choice.again if is_act(word) else Period(NO_ANSWER_FOR_MONTHS)


def why_ended(
    choice: Choice,
    act: StandingAnswer,
    history: CallerHistory,
    caller: Identified,
    now: datetime,
    controller: Controller,
) -> Reason:
    """Return why an act counts no more; `ALREADY_INFORMED` if it does."""
    if history and policy.is_recycled(history, caller, now, controller):
        return Reason.RECYCLED
    return end_of_act(choice, act, now, controller)


def end_of_act(choice: Choice, act: StandingAnswer, now: datetime, controller: Controller) -> Reason:
    """Return the same as `why_ended`, of a caller whose number is still his."""
    wording = choice.wording
    if _is_over(act, _period(choice, act.word), now, controller):
        return Reason.PERIOD_OVER
    if act.word is not Answer.GRANTED:
        return Reason.ALREADY_INFORMED
    current = wording.current(now)
    if act.purposes != current.purposes:
        return Reason.NEW_PURPOSE
    newest = policy.newest_of(wording, (act.version,))
    if newest is not current and policy.material_since(wording, current, newest):
        return Reason.MATERIAL_CHANGE
    return Reason.ALREADY_INFORMED


def _is_over(answer: StandingAnswer, period: Period | None, now: datetime, controller: Controller) -> bool:
    """Return whether the period from an answer is over, or there is none. An answer may be some
    minutes ahead, where a clock was set back."""
    if period is None:
        return True
    at = min(answer.at, now) if answer.at - now <= AFTER_ALL else answer.at
    return policy.is_over(at, period, now, controller)


def withdrawals(line: Line, answers: AnswerHistory, now: datetime, language: str) -> list[ChoiceDecision]:
    """Return the decisions to tell a caller how to withdraw each consent that he granted. Nobody need vouch
    for his number: what is withdrawn takes nothing from anybody."""
    languages = (language, *line.fallback, line.language)
    decisions = []
    for choice in line.revocable:
        act = answers.acts.get(choice.id)
        if act is None or act.word is not Answer.GRANTED:
            continue
        version = choice.wording.current(now)
        decision = Decision(
            choice.wording, version, True, Reason.EVERY_CALL, version.withdraw, languages, version.purposes
        )
        decisions.append(ChoiceDecision(choice, decision, withdrawal=True))
    return decisions


def basis(asked: ChoiceDecision, results: Sequence[CallResult]) -> int | None:
    """Return the record that told the purpose of a consent to this caller, by the results of the notices of
    this call so far; `None` if there is none, or if a notice that was due did not reach him to its end. Then
    he is not asked."""
    record: int | None = None
    for result in results:
        if result.choices:
            continue
        if result.status not in _HEARD or not result.record.isdecimal():
            return None
        for event in result.events:
            if asked.choice.purpose in event.purposes:
                record = int(result.record) if event.informs else event.basis
    return record


def consents_asked(results: Sequence[CallResult]) -> int:
    """Return the number of consents that were asked in this call so far."""
    return sum(asks_for_consent(event) for result in results for event in result.events)


def asks_for_consent(event: Event) -> bool:
    """Return whether an event is of a consent that was asked for, and not of how one is withdrawn."""
    asked = event.asked
    return asked is not None and event.status is Status.ASKED and f"={Answer.GRANTED}" in asked.options


def is_unused_withdrawal(asked: Asked) -> bool:
    """Return whether a caller was told how to withdraw, and did not: then nothing changed."""
    return asked.options.endswith(f"={Answer.WITHDRAWN}") and asked.answer is not Answer.WITHDRAWN


def answer_in_prompt(asked: ChoiceDecision, key: str) -> Answer:
    """Return the answer that a key means which ended the prompt."""
    return _answer(asked, key, may_grant=False)


def answer_in_wait(asked: ChoiceDecision, key: str, ending: Ending, seconds: float) -> Answer:
    """Return the answer that a key means, '' for none, which came so many seconds into the wait after a
    prompt that ended so. Who did not hear all of the question has said nothing by his silence."""
    if not key:
        return Answer.SILENCE if ending is Ending.WHOLE else Answer.NOT_ASKED
    return _answer(asked, key, may_grant=ending is Ending.WHOLE and seconds >= SETTLED_SECONDS)


def _answer(asked: ChoiceDecision, key: str, *, may_grant: bool) -> Answer:
    option = asked.keys.get(key, Answer.UNCLEAR)
    return Answer.EARLY if option is asked.kind.grants and not may_grant else option


def word_for_dialplan(choice: Choice, answer: Answer) -> Answer:
    """Return the word that the dialplan gets: silence means what the company says that it means."""
    return choice.silence if answer is Answer.SILENCE else _TOLD.get(answer, answer)


def is_act(answer: Answer) -> bool:
    """Return whether the caller has said something that stands until he says something else."""
    return answer in ACTS
