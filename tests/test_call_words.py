"""Records in a few words, badges of callers, and the times that people type into a filter."""

from __future__ import annotations

import colorsys
import re
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from examples import PLAYED
from informativa.model import Answer, Reason, Record, RecordKind, Status
from informativa.model.errors import InformativaError
from informativa.operations.typed_period import typed_period
from informativa.views.call_words import NOTES, OUTCOMES, REASONS, badge, by_day
from informativa.views.choice_words import ANSWERS

ROME = ZoneInfo("Europe/Rome")


def test_every_code_has_a_word() -> None:
    """No list shows a code: each status, each reason and each kind of a note is named."""
    assert set(OUTCOMES) == set(Status)
    assert set(REASONS) == set(Reason)
    deliveries = {RecordKind.PHONE, RecordKind.OPERATOR, RecordKind.WEBSITE, RecordKind.CONTRACT}
    assert set(NOTES) == set(RecordKind) - deliveries
    assert set(ANSWERS) == set(Answer)


def test_a_badge_is_of_its_pseudonym_alone() -> None:
    """The same caller has the same badge everywhere, and every colour is one that the style sheet has."""
    assert badge(bytes.fromhex("00bc614e0d") + bytes(27)) == (1, "5678")
    assert badge(bytes.fromhex("0000000117") + bytes(27)) == (11, "0001")
    assert {badge(bytes([0, 0, 0, 0, number]) + bytes(27))[0] for number in range(256)} == set(range(12))


@pytest.mark.parametrize("dark", [False, True])
def test_badges_can_be_read(dark: bool) -> None:
    """Each colour of a badge has a contrast of 4.5:1 at least (WCAG 2.2, 1.4.3), in both themes."""
    place = resources.files("informativa").joinpath("views/templates/console/static/console.css")
    style = place.read_text(encoding="utf-8")
    hues = [int(hue) for hue in re.findall(r"\.hue\d+ \{ --hue: (\d+); \}", style)]
    assert hues == list(range(0, 360, 30))
    colours = re.findall(r"(?<=[ -])(?:color|background): hsl\(var\(--hue\) (\d+)% (\d+)%\)", style)
    assert len(colours) == 4
    ink, sheet = [(int(saturation), int(light)) for saturation, light in colours][2 * dark : 2 * dark + 2]
    assert min(contrast(hue, ink, sheet) for hue in hues) >= 4.5


def contrast(hue: int, *colours: tuple[int, int]) -> float:
    """Return the contrast of two colours of one hue, by WCAG."""
    low, high = sorted(luminance(hue, *colour) for colour in colours)
    return (high + 0.05) / (low + 0.05)


def luminance(hue: int, saturation: int, light: int) -> float:
    """Return the relative luminance of a colour, by WCAG."""
    parts = colorsys.hls_to_rgb(hue / 360, light / 100, saturation / 100)
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_day_is_named_once() -> None:
    """Records stand below the day on which they were put on record, in the company's zone."""

    def record(number: int, at: datetime, recorded: datetime | None = None) -> Record:
        return Record(number, replace(PLAYED, at=at, recorded=recorded))

    evening = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # half past midnight in Rome
    long_ago = datetime(2025, 1, 1, tzinfo=UTC)
    days = by_day([record(3, evening), record(2, long_ago, evening), record(1, long_ago)], ROME)
    assert [(f"{day}", [entry.number for entry in records]) for day, records in days] == [
        ("2026-11-30", [3, 2]),
        ("2025-01-01", [1]),
    ]


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("31/1/2026", "2026-01-31T00:00", "2026-02-01T00:00"),
        ("31.12.2026", "2026-12-31T00:00", "2027-01-01T00:00"),
        ("2026-01-31", "2026-01-31T00:00", "2026-02-01T00:00"),
        ("1/2026", "2026-01-01T00:00", "2026-02-01T00:00"),
        ("2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2026", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("31/1/2026 9:30", "2026-01-31T09:30", "2026-01-31T09:30"),
        ("31/1/2026, 09.30", "2026-01-31T09:30", "2026-01-31T09:30"),
        ("2026-01-31T09:30", "2026-01-31T09:30", "2026-01-31T09:30"),
        ("2026-01-31T09:30+02:00", "2026-01-31T09:30+02:00", "2026-01-31T09:30+02:00"),
        ("31/12/9999", "9999-12-31T00:00", "9999-12-31T23:59:59.999999"),
        ("9999", "9999-01-01T00:00", "9999-12-31T23:59:59.999999"),
    ],
)
def test_times_are_typed_as_people_write_them(text: str, begin: str, end: str) -> None:
    """A day, a month and a year reach to their ends; a time is a moment."""
    period = typed_period(text)
    assert period is not None
    assert (period.begin, period.end) == (datetime.fromisoformat(begin), datetime.fromisoformat(end))


@pytest.mark.parametrize(
    "text",
    ["31/2/2026", "0/2026", "13/2026", "1/13/2026", "0000", "2026 9:30", "1/2026 9:30", "31/1/2026 25:00",
     "yesterday", "31/1/26", "٣١/1/2026", "2026-1-31"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    """Nobody guesses what was meant."""
    with pytest.raises(InformativaError, match="no such day or time"):
        typed_period(text)
    assert typed_period("") is None
