"""GDPR art. 5(2): only what can have happened is put on record."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import notice, version
from informativa.model import Period, Version
from informativa.model.plausibility import (
    Implausible,
    ReferenceFault,
    evidence,
    moment,
    reference_fault,
    version_told,
)

ROME = ZoneInfo("Europe/Rome")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def rome(*parts: int) -> datetime:
    """A time in Rome."""
    return datetime(*parts, tzinfo=ROME)  # type: ignore[misc,arg-type]


# Replaced by 2 at nobody knows when; 3 since June the first, 4 since noon of September the first, 5 to come.
PRIVACY = notice(
    version("1"),
    version("2"),
    version("3", starts=rome(2026, 6, 1)),
    version("4", starts=rome(2026, 9, 1, 12)),
    version("5", starts=rome(2027, 1, 1)),
)
DATED = notice(version("1", starts=rome(2026, 6, 1)))


@pytest.mark.parametrize(
    ("named", "at", "expected"),
    [
        ("", "1997-05-07", Implausible.TOO_EARLY),
        ("1", "1900-01-01", Implausible.TOO_EARLY),
        ("1", "0001-01-01", Implausible.TOO_EARLY),
        ("1", "9999-12-31T23:59-10:00", Implausible.TO_COME),
        ("", "1997-05-09", "2"),
        ("1", "2026-05-31", "1"),
        ("1", "2026-06-01", Implausible.NO_MORE),
        ("2", "2026-05-31", "2"),
        ("2", "2026-06-01", Implausible.NO_MORE),
        ("2", "2026-11-24", Implausible.NO_MORE),
        ("3", "2026-05-31", Implausible.NOT_YET),
        ("3", "2026-06-01", "3"),
        ("", "2026-06-01", "3"),
        ("3", "2026-09-01", "3"),
        ("3", "2026-09-01T18:00", "3"),
        ("3", "2026-09-02", Implausible.NO_MORE),
        ("4", "2026-08-31", Implausible.NOT_YET),
        ("4", "2026-09-01", "4"),
        ("4", "2026-11-24", "4"),
        ("5", "2026-11-24", Implausible.NOT_YET),
        ("5", "2027-01-01", Implausible.TO_COME),
        ("", "2026-11-25", Implausible.TO_COME),
        ("", "2026-11-24T13:00", "4"),
        ("", "2026-11-24T13:01", Implausible.TO_COME),
        ("6", "2026-11-24", Implausible.NO_VERSION),
        ("6", "2026-11-25", Implausible.TO_COME),
    ],
)
def test_l19_version_was_in_force(named: str, at: str, expected: str) -> None:
    """GDPR art. 5(2): a version is told on days on which it was in force, whole days in the controller's time
    zone."""
    answer = version_told(PRIVACY, named, moment(at, ROME), NOON, None, ROME)
    assert (answer.id if isinstance(answer, Version) else answer) == expected


def test_version_that_starts_was_not_told_before() -> None:
    """Before the first version of all is in force nobody can have been told anything."""
    assert version_told(DATED, "", rome(2026, 5, 31), NOON, None, ROME) is Implausible.NOT_YET
    assert version_told(DATED, "", rome(2026, 6, 1), NOON, None, ROME) is DATED.versions[0]


def test_replaced_without_a_date() -> None:
    """A version that was replaced on an unknown day counts as replaced before today."""
    plain = notice(version("1"), version("2"))
    assert version_told(plain, "1", rome(2026, 11, 23, 23, 59), NOON, None, ROME) is plain.versions[0]
    assert version_told(plain, "1", rome(2026, 11, 24), NOON, None, ROME) is Implausible.NO_MORE


def test_today_begins_at_midnight_of_the_controller() -> None:
    """Between midnight and 2 in Rome, where it is still yesterday in UTC, today can be put on record."""
    night = datetime(2026, 11, 24, 23, 1, tzinfo=UTC)
    assert isinstance(version_told(PRIVACY, "", moment("2026-11-25", ROME), night, None, ROME), Version)
    assert version_told(PRIVACY, "", moment("2026-11-25", UTC), night, None, UTC) is Implausible.TO_COME


def test_past_retention() -> None:
    """A record that would have to be deleted at once is refused: by the calendar, five years to the hour."""
    years = Period(60)
    assert (
        version_told(DATED, "", rome(2021, 11, 24, 12, 59), NOON, years, ROME) is Implausible.PAST_RETENTION
    )
    assert isinstance(version_told(PRIVACY, "2", rome(2021, 11, 24, 13), NOON, years, ROME), Version)


@given(st.dates(date(1997, 5, 9), date(2026, 11, 24)), st.sampled_from(["1", "2", "3", "4", "5"]))
def test_the_version_in_force_is_always_possible_and_a_named_one_only_then(day: date, named: str) -> None:
    """On every day the version in force was told; and another only if it was in force on that day as well."""
    at = datetime.combine(day, time(), ROME)
    current = version_told(PRIVACY, "", at, NOON, None, ROME)
    assert isinstance(current, Version)
    assert current is PRIVACY.current(at)
    other = version_told(PRIVACY, named, at, NOON, None, ROME)
    if isinstance(other, Version) and other is not current:
        assert (other.id, current.id) in {("1", "2"), ("4", "3")}
    if named == current.id:
        assert other is current


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        ("", ReferenceFault.NONE),
        (" \t\r\n\u00a0\u200b", ReferenceFault.NONE),
        ("form 77", None),
        ("contract 2026/17", None),
        ("x" * 200, None),
        ("x" * 201, ReferenceFault.LONG),
        ("form 77 of 333-123-4567", ReferenceFault.NUMBER),
        ("form\t333\n1234567", ReferenceFault.NUMBER),
    ],
)
def test_reference_leads_to_evidence(reference: str, fault: ReferenceFault | None) -> None:
    """A reference is there, on one line, and no number stands in it."""
    assert reference_fault(evidence(reference)) is fault


def test_reference_is_kept_on_one_line_and_in_print() -> None:
    """Characters that would move a terminal's cursor or begin a line are removed."""
    assert evidence(" form\x1b[31m 77\r\n of  May ") == "form [31m 77 of May"
