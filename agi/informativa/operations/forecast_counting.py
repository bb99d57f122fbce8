"""The sums of a forecast: the differences for each state of callers, times those who are in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..call import forecast
from ..call.forecast import CompanySide, Effect, HearingDifference
from ..ledgers.caller_states import CallerStates, PeriodMarks
from ..model import CallerHistory, Reason
from ..model.choices import NO_ANSWERS, AnswerHistory
from ..process import storage

STATES = 20_000  # of which the effect is remembered
PERIOD = timedelta(days=30)
_READING = 20  # percent of the progress for calls

Progress = Callable[[int, int], None]
"""Called with the part that is done, and the whole."""

Key = tuple[str, str, frozenset[str], bool, forecast.Change, Reason, str, bool, bool, float]


@dataclass
class HearingSum:
    """The callers on record and the calls of one difference on one line, and the seconds of those calls."""

    callers: int = 0
    calls: int = 0
    seconds: float = 0.0


@dataclass
class Sums:
    """The sums of one company. `hearings` are by line and difference (`key`), `consents` by choice and the
    reason of their end, `removed` by notice and version: callers, of whom alone, of whom hear again. `calls`
    are by line, since the time `since`."""

    hearings: dict[Key, HearingSum] = field(default_factory=lambda: defaultdict(HearingSum))
    consents: Counter[tuple[str, Reason | None]] = field(default_factory=Counter)
    removed: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    callers: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    since: datetime | None = None

    def add_callers(self, effect: Effect, callers: int) -> None:
        """Add callers on record, on each line that they might ring."""
        self.callers += callers
        for line, differences in effect.lines.items():
            for difference in differences:
                self.hearings[key(line, difference)].callers += callers
        for consent in effect.consents:
            self.consents[consent.choice, consent.ends] += callers
        for notice, version, alone in effect.removed:
            known, of_them_alone, hear = self.removed.get((notice, version), (0, 0, 0))
            self.removed[notice, version] = (
                known + callers,
                of_them_alone + alone * callers,
                hear + effect.hears_again(notice) * callers,
            )

    def add_calls(self, effect: Effect, line: str, callers: int, calls: int) -> None:
        """Add the calls of so many callers on a line."""
        self.calls[line] += calls
        for difference in effect.lines.get(line, ()):
            hearing = self.hearings[key(line, difference)]
            hearing.calls += calls if difference.hearing.each_call else callers
            hearing.seconds += difference.seconds(callers, calls)


def key(line: str, difference: HearingDifference) -> Key:
    """Return the values by which differences are summed up, in the order in which they are shown."""
    hearing = difference.hearing
    return (
        line,
        difference.notice,
        difference.countries,
        hearing.asks,
        difference.change,
        hearing.reason,
        hearing.version,
        hearing.supplement,
        hearing.each_call,
        hearing.seconds,
    )


def sums(before: CompanySide, after: CompanySide, now: datetime, at: datetime, progress: Progress) -> Sums:
    """Count the differences for all callers of a company, and for its calls of the last 30 days, if both are
    decided for the time `at`. Raises LedgerError."""
    total = Sums()
    strangers = forecast.effect(before, after, {}, NO_ANSWERS, at)
    unrecognised = forecast.effect(before, after, {}, NO_ANSWERS, at, forecast.NOBODY)
    for line in after.lines:  # what new callers hear is told even where nobody has called yet
        total.add_calls(strangers, line, 0, 0)
    sides = before, after

    def marks(moment: datetime) -> str:
        return forecast.period_marks(sides, moment, at)

    def decide(history: CallerHistory, answers: AnswerHistory) -> Effect:
        return forecast.effect(before, after, history, answers, at)

    period_marks = PeriodMarks(marks, forecast.cutoffs(sides, at), at)
    with storage.caller_states(before.controller, period_marks, at) as states:
        if states is None:
            return total
        calls = states.read_calls(now - PERIOD, lambda done, size: progress(_READING * done, 100 * size))
        total.since = calls.since
        for effect, by_line in ((strangers, calls.new), (unrecognised, calls.unrecognised)):
            for line, number in by_line.items():
                total.add_calls(effect, line, number, number)
        _add_known(total, states, decide, {"": strangers}, progress)
    return total


def _add_known(
    total: Sums,
    states: CallerStates,
    decide: Callable[[CallerHistory, AnswerHistory], Effect],
    effects: dict[str, Effect],
    progress: Progress,
) -> None:
    """Add all callers on record, and the calls of those who had rung before. `effects` are by state."""

    def show(done: int, total_work: int) -> None:
        progress(_READING * total_work + (100 - _READING) * done, 100 * total_work)

    for page in states.pages(show):
        if len(effects) > STATES:
            effects = {"": effects[""]}
        for count in page:
            if count.state not in effects:
                effects[count.state] = decide(*states.history(count.pseudonym))
            effect = effects[count.state]
            if count.line:
                total.add_calls(effect, count.line, count.callers, count.calls)
            else:
                total.add_callers(effect, count.callers)


def most_frequent(ends: Mapping[Reason | None, int]) -> Reason | None:
    """Return the reason of most ends; `None` if there is none."""
    reasons = {reason: count for reason, count in ends.items() if reason is not None}
    return max(reasons, key=lambda reason: (reasons[reason], reason), default=None)
