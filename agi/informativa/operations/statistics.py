"""Statistics of calls, their notices and choices by hour, day and month.

They are read from the ledger's counters, never from its records, so ten million calls take as long as ten. A
purge and an erasure leave the counters as they are. Counters are kept by the hour in UTC, and an hour belongs
to the day of the controller's zone in which it begins: where a zone is half an hour off (India), so may a day
be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from ..ledgers.tally import AnswerCount, HourCount
from ..model import Answer, Asks, Choice, Controller, Ending, Line, Status, Unasked
from ..process import storage
from .day_range import DayRange

_Key = TypeVar("_Key", date, datetime)


@dataclass(frozen=True)
class DayStatistics:
    """The calls of a day in the controller's zone, or of the month that begins on it."""

    date: date
    calls: int
    """The number of calls. A call counts in the hour and on the line of its first record."""
    by_status: Mapping[Status, int]
    """The number of notices by status."""
    by_line: Mapping[str, int]
    """The number of calls by line."""
    seconds_spared: float
    """The length of the notices that were not due, in seconds."""


@dataclass(frozen=True)
class ChoiceStatistics:
    """The answers to one choice that calls on one line gave on some days."""

    choice: str
    """The name of the choice in the configuration."""
    asks: Asks | None
    """The kind of the choice; null for one that the configuration has no more."""
    purpose: str | None
    """The purpose of a consent."""
    line: str
    """The called number."""
    answers: Mapping[Answer, int]
    """The number of answers by their words."""
    unasked: Mapping[Ending, int]
    """The numbers of `not-asked` by their reasons: how the playback of the question ended."""
    left_out: Mapping[Unasked, int] = field(default_factory=dict)
    """The numbers of callers who were not to be asked, by the reason. No record says so, and no answer counts
    them."""


def answers(
    controller: Controller, choices: Iterable[Choice], first_day: date, last_day: date
) -> tuple[ChoiceStatistics, ...]:
    """Return the answers from `first_day` up to and including `last_day` in the controller's zone, by choice
    and line; `choices` are those of the configuration. Empty without answers, and without a ledger. Raises
    LedgerError."""
    period = DayRange(first_day, last_day, controller.zone)
    if not Path(controller.ledger).exists():
        return ()
    return by_choice(storage.answers(controller, period.since, period.until), choices)


def by_choice(counts: Iterable[AnswerCount], choices: Iterable[Choice] = ()) -> tuple[ChoiceStatistics, ...]:
    """Return these counts by choice and line."""
    configured = {choice.id: choice for choice in choices}
    answers_of: dict[tuple[str, str], Counter[Answer]] = defaultdict(Counter)
    endings_of: dict[tuple[str, str], Counter[Ending]] = defaultdict(Counter)
    left_out_of: dict[tuple[str, str], Counter[Unasked]] = defaultdict(Counter)
    for count in counts:
        if count.unasked is not None:
            left_out_of[count.choice, count.line][count.unasked] += count.count
            continue
        answers_of[count.choice, count.line][count.answer] += count.count
        if count.ending is not None:
            endings_of[count.choice, count.line][count.ending] += count.count
    return tuple(
        ChoiceStatistics(
            name,
            choice.asks if choice else None,
            choice.purpose or None if choice else None,
            line,
            {word: words[word] for word in Answer if words[word]},
            {ending: number for ending in Ending if (number := endings_of[name, line][ending])},
            {reason: number for reason in Unasked if (number := left_out_of[name, line][reason])},
        )
        for name, line in sorted(answers_of.keys() | left_out_of.keys())
        for words in (answers_of[name, line],)
        for choice in (configured.get(name),)
    )


def by_day(
    controller: Controller, first_day: date, last_day: date, lines: Sequence[Line] = ()
) -> tuple[DayStatistics, ...]:
    """Return the days with calls from `first_day` up to and including `last_day`, in order. Spared seconds
    are counted for those of the controller's `lines` that are given. Raises LedgerError."""
    groups = _grouped(controller, first_day, last_day, lambda at: at.astimezone(controller.zone).date())
    return tuple(day_of_counts(day, counts, lines) for day, counts in groups)


def by_hour(
    controller: Controller, on: date, lines: Sequence[Line] = ()
) -> tuple[tuple[datetime, DayStatistics], ...]:
    """Return the hours with calls of one day, each with its begin in UTC: a day of the zone may have an hour
    twice. Raises LedgerError."""
    groups = _grouped(controller, on, on, lambda at: at)
    return tuple((at, day_of_counts(on, counts, lines)) for at, counts in groups)


def _grouped(
    controller: Controller, first_day: date, last_day: date, group: Callable[[datetime], _Key]
) -> list[tuple[_Key, list[HourCount]]]:
    """Return the counts of these days, grouped by what `group` makes of the begin of their hour."""
    groups: dict[_Key, list[HourCount]] = defaultdict(list)
    period = DayRange(first_day, last_day, controller.zone)
    for count in storage.hours(controller, period.since, period.until):
        groups[group(count.at)].append(count)
    return sorted(groups.items())


def by_month(days: Iterable[DayStatistics]) -> tuple[DayStatistics, ...]:
    """Return sums by calendar month of days in order."""
    return tuple(_sum(first, month) for first, month in groupby(days, lambda day: day.date.replace(day=1)))


def informed_later(controller: Controller, since: datetime, until: datetime) -> Mapping[Status, int]:
    """Return, by status, how many notices of these times were not heard in full by callers who have heard
    them since; none without a ledger. Raises LedgerError."""
    return storage.informed_later(controller, since, until) if Path(controller.ledger).exists() else {}


def total(days: Iterable[DayStatistics]) -> DayStatistics:
    """Return the sum of all days."""
    return _sum(date.min, days)


def day_of_counts(day: date, counts: Iterable[HourCount], lines: Sequence[Line]) -> DayStatistics:
    """Return the sum of the counts of a day, or of the month that begins on it."""
    lines_by_number = {line.number: line for line in lines}
    by_status, by_line, seconds_spared = Counter[Status](), Counter[str](), 0.0
    for count in counts:
        if count.status is None:
            by_line[count.line] += count.count
            continue
        by_status[count.status] += count.count
        if count.status is Status.NOTDUE and count.line in lines_by_number:
            seconds_spared += count.count * lines_by_number[count.line].seconds(
                count.notice, count.version, count.language
            )
    return _new_day(day, by_status, by_line, seconds_spared)


def _sum(first: date, days: Iterable[DayStatistics]) -> DayStatistics:
    by_status, by_line, seconds_spared = Counter[Status](), Counter[str](), 0.0
    for day in days:
        by_status.update(day.by_status)
        by_line.update(day.by_line)
        seconds_spared += day.seconds_spared
    return _new_day(first, by_status, by_line, seconds_spared)


def _new_day(
    day: date, by_status: Mapping[Status, int], by_line: Mapping[str, int], seconds_spared: float
) -> DayStatistics:
    in_order = {status: by_status[status] for status in Status if by_status.get(status)}
    return DayStatistics(day, sum(by_line.values()), in_order, dict(sorted(by_line.items())), seconds_spared)
