"""Unusual looks at persons' data, and the entries of the access log about a time."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from informativa.ledgers.access_entries import PAGE, AccessFilter, LoggedAccess
from informativa.ledgers.access_log import AccessLog
from informativa.model import Action
from informativa.model.looks import PersonLook, Unusual, UnusualLooks, unusual_looks

ROME = ZoneInfo("Europe/Rome")
NOON = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)


def look(
    minutes: float, person: str, account: str = "anna", action: Action = Action.OPEN_CALLER
) -> PersonLook:
    """A look so many minutes after noon in Rome, of 26 November 2026."""
    return PersonLook(NOON + timedelta(minutes=minutes), account, action, person)


def test_thirty_persons_within_an_hour_are_many() -> None:
    """Twenty-nine are not, nor is one person who is looked at thirty times, nor thirty of two accounts, nor
    thirty in an hour and a second."""
    many = [look(2 * n, f"{n}") for n in range(30)]
    assert unusual_looks(many, ROME) == (
        UnusualLooks(Unusual.MANY_PERSONS, "anna", 30, NOON, NOON + timedelta(minutes=58)),
    )
    assert unusual_looks(many[:29], ROME) == ()
    assert unusual_looks([look(2 * n, "1") for n in range(30)], ROME) == ()
    assert unusual_looks([*many[:15], *(look(2 * n, f"{n}", "berta") for n in range(15, 30))], ROME) == ()
    assert unusual_looks([*many[:29], look(60, "29")], ROME) == ()
    assert unusual_looks([*many[:29], look(59.99, "29")], ROME) != ()


def test_the_busiest_hour_is_named() -> None:
    """Whatever is looked at before and after it; looks at nobody in particular are none."""
    looks = [look(-300, "a"), *(look(n / 2, f"{n}") for n in range(31)), look(300, "b"), look(1, "")]
    (unusual,) = unusual_looks(looks, ROME)
    assert (unusual.count, unusual.first, unusual.last) == (31, NOON, NOON + timedelta(minutes=15))


@pytest.mark.parametrize(
    ("at", "unusual"),
    [
        ("2026-11-26T21:59:59+01:00", False),
        ("2026-11-26T22:00:00+01:00", True),
        ("2026-11-27T05:59:59+01:00", True),
        ("2026-11-27T06:00:00+01:00", False),
        ("2026-07-01T20:30:00+00:00", True),
    ],
)
def test_night_is_that_of_the_company(at: str, unusual: bool) -> None:
    """From ten in the evening until six, by the company's clock, in summer, too."""
    moment = datetime.fromisoformat(at)
    looks = unusual_looks([PersonLook(moment, "anna", Action.EXPORT, "")], ROME)
    assert looks == ((UnusualLooks(Unusual.NIGHT, "anna", 1, moment, moment),) if unusual else ())


def test_scheduled_exports_are_not_unusual() -> None:
    """A command at night that takes a file of all callers is scheduled work; one that looks at a person is
    not, and neither is an export in the console."""
    night = NOON + timedelta(hours=12)
    exports = (Action.EXPORT, Action.BUNDLE, Action.SEARCH)
    assert unusual_looks([PersonLook(night, "shell:root", action, "") for action in exports], ROME) == ()
    for account, person in (("shell:root", "a"), ("anna", "")):
        (unusual,) = unusual_looks([PersonLook(night, account, Action.EXPORT, person)], ROME)
        assert (unusual.kind, unusual.account, unusual.count) == (Unusual.NIGHT, account, 1)


def test_who_logs_in_at_night_looks_at_nobody() -> None:
    """Only actions by which persons' data are seen are unusual."""
    night = NOON + timedelta(hours=12)
    actions = (Action.LOGIN, Action.LOGOUT, Action.ACCESS_LOG, Action.AUDIT, Action.PURGE)
    assert unusual_looks([PersonLook(night, "anna", action, "") for action in actions], ROME) == ()


def filled(folder: Path) -> AccessLog:
    """Return a log with an entry an hour for ten days; at entry 121 the clock is set back by half a day."""
    log = AccessLog(folder / "ledger.db")
    for number in range(240):
        at = NOON + timedelta(hours=number - (12 if number >= 120 else 0))
        log.add(LoggedAccess(at, "anna", Action.OPEN_RECORD, record=number + 1))
    return log


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("since", "until", "numbers"),
    [
        (0, 3, [3, 2, 1]),
        (226, None, [240, 239]),
        (110, 112, [124, 123, 112, 111]),
        (500, None, []),
        (None, -1, []),
    ],
)
def test_entries_of_a_time_are_found(
    tmp_path: Path, since: int | None, until: int | None, numbers: list[int]
) -> None:
    """By bisection, with a day to spare for a clock that was set back."""
    begin, end = (None if hours is None else NOON + timedelta(hours=hours) for hours in (since, until))
    entries = filled(tmp_path).page(None, 50, AccessFilter(since=begin, until=end))
    assert [entry.number for entry in entries] == numbers


def test_ends_of_the_calendar_are_times(tmp_path: Path) -> None:
    """From the first moment to the last all entries are found."""
    all_entries = AccessFilter(since=datetime.min.replace(tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC))
    assert [entry.number for entry in filled(tmp_path).page(None, 2, all_entries)] == [240, 239]


def test_a_page_of_the_access_log_reads_between_two_numbers(tmp_path: Path) -> None:
    """By the table's own key, and sorts nothing."""
    with sqlite3.connect(filled(tmp_path).file) as connection:
        query = PAGE.format(conditions=" AND at >= 0 AND account = 'anna'")
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", (1, 9, 50))]
    assert plan == ["SEARCH access USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]


def test_persons_are_told_apart() -> None:
    """By pseudonym, else by record; an erased person is nobody else, and an export is of nobody in
    particular."""
    entry = LoggedAccess(NOON, "anna", Action.OPEN_RECORD, number=7)
    assert entry.person == ""
    persons = {"pseudonym": b"\xab" * 2, "record": 3, "erased": True}
    expected = {"pseudonym": "abab", "record": "record 3", "erased": "entry 7"}
    for name, value in persons.items():
        assert (
            LoggedAccess(NOON, "anna", Action.OPEN_RECORD, number=7, **{name: value}).person == expected[name]
        )
