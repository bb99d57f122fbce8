"""How many calls there were and how their notices went, by day, month and year: read from the ledger's
counters, never from its records, so it takes as long for ten million as for ten.

A purge and an erasure leave the counters as they are. They are kept by the hour in UTC, and an hour belongs
to the day of the controller's zone in which it begins: where a zone is half an hour off (India), so may a day
be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from .. import storage
from ..ledgers.tally import HourCount
from ..model import Controller, Line, Status

_Key = TypeVar("_Key", date, datetime)


@dataclass(frozen=True)
class Day:
    """What a day of the controller's zone came to, or a month or year that begins on it: calls, each counted
    in the hour and on the line of its first record, and so by line; how many notices went how; and the
    seconds of those that were not due."""

    date: date
    calls: int
    by_status: Mapping[Status, int]
    by_line: Mapping[str, int]
    seconds_spared: float


def by_day(controller: Controller, since: date, until: date, lines: Sequence[Line] = ()) -> tuple[Day, ...]:
    """The days from one up to and including another on which there were calls, in order. Seconds are spared
    on those of the controller's `lines` that are given. Raises LedgerError."""
    found = _grouped(controller, since, until, lambda at: at.astimezone(controller.zone).date())
    return tuple(_day(day, counts, lines) for day, counts in found)


def by_hour(controller: Controller, on: date, lines: Sequence[Line] = ()) -> tuple[tuple[datetime, Day], ...]:
    """The hours of one day in which there were calls, each with when it began, in UTC (a day of the zone may
    have an hour twice), and what it came to. Raises LedgerError."""
    found = _grouped(controller, on, on, lambda at: at)
    return tuple((at, _day(on, counts, lines)) for at, counts in found)


def _grouped(
    controller: Controller, since: date, until: date, group: Callable[[datetime], _Key]
) -> list[tuple[_Key, list[HourCount]]]:
    """The counts of these days, by what `group` makes of the hour's begin."""
    by: dict[_Key, list[HourCount]] = defaultdict(list)
    begin, end = (
        datetime.combine(day, time(), controller.zone).astimezone(UTC)
        for day in (since, until + timedelta(days=1))
    )
    for count in storage.hours(controller, begin, end):
        by[group(count.at)].append(count)
    return sorted(by.items())


def by_month(days: Iterable[Day]) -> tuple[Day, ...]:
    """Their sums by calendar month."""
    return _summed(days, lambda day: day.replace(day=1))


def by_year(days: Iterable[Day]) -> tuple[Day, ...]:
    """Their sums by calendar year."""
    return _summed(days, lambda day: day.replace(month=1, day=1))


def total(days: Iterable[Day]) -> Day:
    """Their sum."""
    return _sum(date.min, days)


def _day(day: date, counts: Iterable[HourCount], given: Sequence[Line]) -> Day:
    lines = {line.number: line for line in given}
    by_status, by_line, spared = Counter[Status](), Counter[str](), 0.0
    for each in counts:
        if each.status is None:
            by_line[each.line] += each.count
            continue
        by_status[each.status] += each.count
        if each.status is Status.NOTDUE and each.line in lines:
            spared += each.count * lines[each.line].seconds(each.notice, each.version, each.language)
    return _made(day, by_status, by_line, spared)


def _summed(days: Iterable[Day], first: Callable[[date], date]) -> tuple[Day, ...]:
    by: dict[date, list[Day]] = defaultdict(list)
    for day in days:
        by[first(day.date)].append(day)
    return tuple(_sum(begin, of) for begin, of in sorted(by.items()))


def _sum(first: date, days: Iterable[Day]) -> Day:
    by_status, by_line, spared = Counter[Status](), Counter[str](), 0.0
    for day in days:
        by_status.update(day.by_status)
        by_line.update(day.by_line)
        spared += day.seconds_spared
    return _made(first, by_status, by_line, spared)


def _made(day: date, by_status: Mapping[Status, int], by_line: Mapping[str, int], spared: float) -> Day:
    in_order = {status: by_status[status] for status in Status if by_status.get(status)}
    return Day(day, sum(by_line.values()), in_order, dict(sorted(by_line.items())), spared)
