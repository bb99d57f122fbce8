"""Decisions of a monitor about a log as a whole: a stale view, a silent witness, a day with few leaves. Pure.

All times are in POSIX seconds, days are those of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median

STILL_SECONDS = 2 * 3600
BEHIND_SECONDS = 600
GAP_SECONDS = 2 * 3600  # between two looks: longer, and nobody knows on which day leaves came
WEEKS, LEAST_MEDIAN, SHARE = 8, 50, 3
_DAYS = 7 * (WEEKS * 2 + 1)  # for which growth is remembered
UNKNOWN = -1  # leaves of a day that was not watched from its beginning to its end

Signed = tuple[int, int]
"""A time, and the size of the checkpoint that a witness signed then."""


def is_still(fresh_at: int | None, now: int) -> bool:
    """Return whether the newest cosignature is too old, or there is none."""
    return fresh_at is None or now - fresh_at > STILL_SECONDS


def remembered(signed: Sequence[Signed], last: Signed, now: int) -> tuple[Signed, ...]:
    """Return what a witness signed, with its last checkpoint, as far as `behind` needs it: all of the last
    ten minutes, and the largest from before."""
    first_times = {size: at for at, size in sorted([*signed, last], reverse=True)}
    times = sorted((at, size) for size, at in first_times.items())
    old = [signature for signature in times if now - signature[0] >= BEHIND_SECONDS]
    largest = [max(old, key=lambda signature: signature[1])] if old else []
    return (*largest, *times[len(old) :])


def behind(published: int, signed: Sequence[Signed], now: int) -> int | None:
    """Return the size that was signed at least ten minutes ago and is larger than what is published; `None`
    if there is none."""
    sizes = [size for at, size in signed if now - at >= BEHIND_SECONDS and size > published]
    return max(sizes, default=None)


Growth = Mapping[str, int]
"""The number of new leaves by day (ISO 8601), or `UNKNOWN`."""


def grown(growth: Growth, before: int | None, now: int, leaves: int) -> dict[str, int]:
    """Return the growth with the leaves that came between the look before (`None` for the first one) and
    now. Days between two looks that lie far apart are unknown, and so is the first one."""
    today = _day(now)
    days = dict(growth)
    if before is None or not 0 <= now - before <= GAP_SECONDS:
        first = today if before is None else min(_day(before), today)
        first = max(first, today - timedelta(_DAYS))
        for number in range((today - first).days + 1):
            days[(first + timedelta(number)).isoformat()] = UNKNOWN
    elif days.get(today.isoformat()) != UNKNOWN:
        days[today.isoformat()] = days.get(today.isoformat(), 0) + leaves
    oldest = (today - timedelta(_DAYS)).isoformat()
    return {day: count for day, count in sorted(days.items()) if day >= oldest}


def day_of_few_leaves(growth: Growth, now: int) -> tuple[date, int, int] | None:
    """Return yesterday, its number of new leaves and the median of the eight same weekdays before, if the
    number is under a third of that and the median 50 or more."""
    yesterday = _day(now) - timedelta(1)
    leaves = growth.get(yesterday.isoformat(), UNKNOWN)
    weekdays = [
        count
        for week in range(1, 2 * WEEKS + 1)
        if (count := growth.get((yesterday - timedelta(7 * week)).isoformat(), UNKNOWN)) != UNKNOWN
    ][:WEEKS]
    if leaves == UNKNOWN or len(weekdays) < WEEKS:
        return None
    usual = median(weekdays)
    return (yesterday, leaves, int(usual)) if usual >= LEAST_MEDIAN and leaves * SHARE < usual else None


def _day(now: int) -> date:
    return datetime.fromtimestamp(now, UTC).date()
