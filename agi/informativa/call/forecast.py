"""The difference that another configuration makes to one caller: what he hears and is asked, before and
after. Pure, and decided by policy.py and choice_policy.py, as his calls are.

Nobody's number is known here, so nobody has a country: he hears the line's language, and his number counts
as confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from ..model import (
    ALWAYS,
    Answer,
    Caller,
    CallerHistory,
    Choice,
    Controller,
    Decision,
    Identified,
    Line,
    Notice,
    Period,
    Reason,
    Unidentified,
    Vouched,
)
from ..model.choices import NO_ANSWER_FOR_MONTHS, AnswerHistory
from ..model.frozen import dataclass
from . import choice_policy, policy

SOMEBODY = Identified("", vouched=Vouched.DIALPLAN)
NOBODY = Unidentified(Reason.WITHHELD)
_EACH_CALL = (Reason.EVERY_CALL, Reason.OTHER_COUNTRY, Reason.LEDGER_UNAVAILABLE, NOBODY.reason)


class Change(StrEnum):
    """The difference to callers in one notice or question on one line."""

    HEARS = "hears"
    """They hear it, and would not hear it now."""
    OTHER = "hears-other"
    """They hear it in another version, as a supplement only, or as a whole again."""
    NO_MORE = "hears-no-more"
    """They hear it no more."""


@dataclass(frozen=True)
class Hearing:
    """A notice, or with `asks` a question, that is played to a caller. `each_call` if it is on every call,
    and not once."""

    version: str
    reason: Reason
    seconds: float
    supplement: bool = False
    each_call: bool = False
    asks: bool = False


@dataclass(frozen=True)
class HearingDifference:
    """A notice or question of a line that a caller hears otherwise: as `before`, and `after`, `None` where he
    does not hear it. `countries` are those of the operators for whose callers alone it is."""

    notice: str
    countries: frozenset[str]
    before: Hearing | None
    after: Hearing | None

    @property
    def change(self) -> Change:
        """The kind of the difference."""
        if self.before is None:
            return Change.HEARS
        return Change.NO_MORE if self.after is None else Change.OTHER

    @property
    def hearing(self) -> Hearing:
        """The hearing after; before, where he hears nothing after."""
        hearing = self.after or self.before
        assert hearing is not None  # else it is no difference
        return hearing

    def seconds(self, callers: int, calls: int) -> float:
        """Return the seconds by which so many callers with so many calls hear more; less if negative."""
        return _seconds(self.after, callers, calls) - _seconds(self.before, callers, calls)


def _seconds(hearing: Hearing | None, callers: int, calls: int) -> float:
    if hearing is None:
        return 0.0
    return hearing.seconds * (calls if hearing.each_call else callers)


@dataclass(frozen=True)
class CallersConsent:
    """A consent that a caller granted, and that counts before: the reason why it ends, or `None`."""

    choice: str
    ends: Reason | None


@dataclass(frozen=True)
class Effect:
    """The differences for a caller by line; his consents; and the versions he knows that are taken out, each
    with its notice and whether he knows no version that stays."""

    lines: Mapping[str, Sequence[HearingDifference]]
    consents: Sequence[CallersConsent] = ()
    removed: Sequence[tuple[str, str, bool]] = ()

    def hears_again(self, notice: str) -> bool:
        """Return whether he hears a notice on some line that he would not hear now."""
        return any(
            difference.notice == notice and difference.change is Change.HEARS
            for differences in self.lines.values()
            for difference in differences
        )


@dataclass(frozen=True)
class CompanySide:
    """One company as one configuration has it."""

    controller: Controller
    lines: Mapping[str, Line]
    notices: Mapping[str, Notice]
    choices: Mapping[str, Choice]

    def periods(self) -> Iterator[Period]:
        """Iterate over the periods after which something is due again."""
        steps = (step.repeat_after for line in self.lines.values() for step in line.plan)
        answers = (period for choice in self.choices.values() for period in (choice.holds, choice.again))
        for period in (*steps, *answers, self.controller.recycled_after):
            if period is not None and period != ALWAYS:
                yield period
        if self.choices:
            yield Period(NO_ANSWER_FOR_MONTHS)


def period_marks(sides: Iterable[CompanySide], moment: datetime, now: datetime) -> str:
    """Return for each period of these sides whether it is over since a moment: 0 or 1."""
    return "".join(
        "01"[policy.is_over(moment, period, now, side.controller)]
        for side in sides
        for period in side.periods()
    )


def cutoffs(sides: Iterable[CompanySide], now: datetime) -> list[datetime]:
    """Return the moments, more or less, since which the periods of these sides are not over yet."""
    return [period.before(now, side.controller.zone) for side in sides for period in side.periods()]


def effect(
    before: CompanySide,
    after: CompanySide,
    history: CallerHistory,
    answers: AnswerHistory,
    now: datetime,
    caller: Caller = SOMEBODY,
) -> Effect:
    """Return the differences between the two for a caller with this history and these answers. Lines that
    only one of them has are left out."""
    lines = {
        number: differences
        for number, line in before.lines.items()
        if number in after.lines
        and (
            differences := _differences(
                hearings(line, history, answers, now, caller),
                hearings(after.lines[number], history, answers, now, caller),
            )
        )
    }
    return Effect(lines, _consents(before, after, history, answers, now), _removed(before, after, history))


Place = tuple[str, bool, frozenset[str]]


def hearings(
    line: Line, history: CallerHistory, answers: AnswerHistory, now: datetime, caller: Caller
) -> dict[Place, Hearing]:
    """Return what a caller hears and is asked on a line, by name, kind, and countries of the operators."""
    refused, language = line.controller.refused, line.language
    decisions = policy.play_all(line, now, language) if refused else policy.decide(line, history, caller, now)
    heard = {
        (decision.notice.id, False, step.countries): _hearing(decision)
        for step, decision in zip(line.plan, decisions, strict=True)
        if decision.play
    }
    choices = choice_policy.decide(line, answers, {}, history, caller, now, language)
    consents = 0 if refused else line.consents  # without a record of a notice nobody is asked for one
    for planned, question in zip(line.choices, choices, strict=True):
        if question.word is not None or (question.kind.personal and not consents):
            continue
        consents -= question.kind.personal
        heard[planned.choice.id, True, planned.countries] = _hearing(question.decision, planned.choice.wait)
    return heard


def _hearing(decision: Decision, wait: float | None = None) -> Hearing:
    return Hearing(
        decision.version.id,
        decision.reason,
        decision.choices[0].prompt.seconds + (wait or 0.0),
        decision.supplement,
        decision.reason in _EACH_CALL,
        wait is not None,
    )


def _differences(before: Mapping[Place, Hearing], after: Mapping[Place, Hearing]) -> list[HearingDifference]:
    differences = []
    for place in dict.fromkeys((*before, *after)):
        name, _asks, countries = place
        earlier, later = before.get(place), after.get(place)
        if _sound(earlier) != _sound(later):
            differences.append(HearingDifference(name, countries, earlier, later))
    return differences


def _sound(hearing: Hearing | None) -> object:
    """Return what a caller notices of a hearing: not the reason for it."""
    return hearing and (hearing.version, hearing.supplement, hearing.seconds, hearing.each_call)


def _consents(
    before: CompanySide, after: CompanySide, history: CallerHistory, answers: AnswerHistory, now: datetime
) -> list[CallersConsent]:
    consents = []
    for name, act in answers.acts.items():
        choice, later = before.choices.get(name), after.choices.get(name)
        if choice is None or act.word is not Answer.GRANTED:
            continue
        sides = (choice, before.controller), (later, after.controller)
        now_ended, ended = (
            Reason.CONFIGURED
            if side is None
            else choice_policy.why_ended(side, act, history, SOMEBODY, now, controller)
            for side, controller in sides
        )
        if now_ended is Reason.ALREADY_INFORMED:
            consents.append(CallersConsent(name, None if ended is Reason.ALREADY_INFORMED else ended))
    return consents


def removed_versions(before: CompanySide, after: CompanySide) -> dict[str, frozenset[str]]:
    """Return the versions that are taken out, by notice."""
    removed: dict[str, frozenset[str]] = {}
    for name, notice in before.notices.items():
        remaining = _versions(after.notices.get(name))
        if versions := _versions(notice) - remaining:
            removed[name] = versions
    return removed


def _versions(notice: Notice | None) -> frozenset[str]:
    return frozenset(version.id for version in notice.versions) if notice else frozenset()


def _removed(before: CompanySide, after: CompanySide, history: CallerHistory) -> list[tuple[str, str, bool]]:
    removed: list[tuple[str, str, bool]] = []
    for name, versions in removed_versions(before, after).items():
        if name in history:
            known = history[name].versions
            alone = not known & _versions(after.notices.get(name))
            removed.extend((name, version, alone) for version in sorted(known & versions))
    return removed
