"""Looks at persons' data, and those among them that are unusual: at many persons within an hour, or at night.

Nothing unusual is forbidden: it is named, so that somebody asks. A command at night that takes records of
nobody in particular is scheduled work (cron), which would be named every day until nobody asks any more."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from .frozen import dataclass
from .words import Action

SHELL = "shell:"
"""The beginning of the account name in an entry about a command on the machine."""
MANY_PERSONS = 30  # different ones within an hour, by one account
HOUR = timedelta(hours=1)
NIGHT_BEGINS, NIGHT_ENDS = time(22), time(6)  # in the company's zone
AT_PERSONS = frozenset(
    {
        Action.SEARCH,
        Action.OPEN_CALLER,
        Action.OPEN_RECORD,
        Action.LISTEN,
        Action.LETTER,
        Action.RECEIPT,
        Action.EXPORT,
        Action.BUNDLE,
    }
)
"""Actions by which somebody sees persons' data."""


class Unusual(StrEnum):
    """The way in which looks are unusual."""

    MANY_PERSONS = "many-persons"
    NIGHT = "night"


@dataclass(frozen=True)
class PersonLook:
    """One entry of the access log: when, by which account, which action. `person` tells persons apart: a
    pseudonym, or a record of which no pseudonym is known; '' for nobody in particular."""

    at: datetime
    account: str
    action: Action | str
    person: str


@dataclass(frozen=True)
class UnusualLooks:
    """Looks of one account that are unusual in one way: how many looks by night, or how many persons within
    an hour at most; the first and the last of these looks."""

    kind: Unusual
    account: str
    count: int
    first: datetime
    last: datetime


def unusual_looks(looks: Iterable[PersonLook], zone: tzinfo) -> tuple[UnusualLooks, ...]:
    """Return what is unusual among looks, by account."""
    by_account: dict[str, list[PersonLook]] = defaultdict(list)
    for look in sorted(looks, key=lambda look: look.at):
        if look.action in AT_PERSONS:
            by_account[look.account].append(look)
    results = []
    for account, of_account in sorted(by_account.items()):
        night = [
            look.at
            for look in of_account
            if (look.person or not account.startswith(SHELL)) and _is_night(look.at.astimezone(zone).time())
        ]
        if night:
            results.append(UnusualLooks(Unusual.NIGHT, account, len(night), night[0], night[-1]))
        count, hour = _busiest_hour(of_account)
        if count >= MANY_PERSONS:
            results.append(UnusualLooks(Unusual.MANY_PERSONS, account, count, hour[0], hour[-1]))
    return tuple(results)


def _is_night(at: time) -> bool:
    return at >= NIGHT_BEGINS or at < NIGHT_ENDS


def _busiest_hour(looks: Iterable[PersonLook]) -> tuple[int, tuple[datetime, ...]]:
    """Return the most persons at whom looks in order of time are within an hour, and the times of these
    looks."""
    window: deque[PersonLook] = deque()
    persons: Counter[str] = Counter()
    most, times = 0, tuple[datetime, ...]()
    for look in looks:
        if not look.person:
            continue
        window.append(look)
        persons[look.person] += 1
        while look.at - window[0].at >= HOUR:
            earliest = window.popleft().person
            persons[earliest] -= 1
            if not persons[earliest]:
                del persons[earliest]
        if len(persons) > most:
            most, times = len(persons), tuple(entry.at for entry in window)
    return most, times
