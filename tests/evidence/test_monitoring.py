"""A monitor's decisions about a log as a whole: literal cases of a stale view, silence, and few leaves."""

from __future__ import annotations

from datetime import date

import pytest

from evidence.monitored import NOW, SIGNER, WITNESS, ServedLog
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.log_following import fresh_at, open_cosigned
from informativa.evidence.monitoring import behind, day_of_few_leaves, grown, is_still, remembered
from informativa.evidence.policy import Policy

DAY = 86_400
WEEK = 7 * DAY


@pytest.mark.parametrize(
    ("fresh", "still"),
    [(None, True), (NOW, False), (NOW - 7200, False), (NOW - 7201, True), (NOW + 60, False)],
)
def test_still_is_more_than_two_hours(fresh: int | None, still: bool) -> None:
    """A log stands still two hours after its newest cosignature, or where there is none."""
    assert is_still(fresh, NOW) is still


@pytest.mark.parametrize(
    ("published", "signed", "size"),
    [
        (100, [], None),
        (100, [(NOW - 600, 100)], None),
        (100, [(NOW - 600, 101)], 101),
        (100, [(NOW - 599, 101)], None),
        (100, [(NOW - 900, 101), (NOW - 5, 150)], 101),
        (160, [(NOW - 900, 101), (NOW - 5, 150)], None),
    ],
)
def test_behind_is_ten_minutes(published: int, signed: list[tuple[int, int]], size: int | None) -> None:
    """Less is published than was signed ten minutes ago."""
    assert behind(published, signed, NOW) == size


def test_a_witness_that_signs_each_minute_hides_no_stale_view() -> None:
    """Its last signature is always young, but what it signed ten minutes ago is remembered."""
    signed: tuple[tuple[int, int], ...] = ()
    for minute in range(15):
        at = NOW + 60 * minute
        signed = remembered(signed, (at - 1, 100 + minute), at)
        assert (behind(100, signed, at) is not None) == (minute >= 11)
    assert len(signed) <= 12


def test_a_checkpoint_signed_anew_keeps_its_first_time() -> None:
    """Boxes have the unchanged checkpoint signed hourly: that it is ten minutes old stays known."""
    signed = remembered([(NOW - 3600, 101)], (NOW - 30, 101), NOW)
    assert behind(100, signed, NOW) == 101


def test_the_older_of_two_that_are_needed_counts() -> None:
    """Where all of two witnesses must sign, a log is as fresh as the older of the two signatures."""
    other = WitnessSigner("other.example", bytes([5]) * 32)
    log = ServedLog(None)  # type: ignore[arg-type]  # nothing is published
    log.records(2)
    text = log.checkpoint().text
    note = log.signed(NOW) + other.cosign(text, NOW - 5000).line.encode()
    lines = f"log {SIGNER.verifier}\nwitness a {WITNESS.verifier}\nwitness b {other.verifier}\n"
    times = {"all": NOW - 5000, "any": NOW, "1": NOW, "2": NOW - 5000}
    for enough, at in times.items():
        policy = Policy.parse(f"{lines}group g {enough} a b\nquorum g\n".encode())
        assert fresh_at(policy, open_cosigned(policy, SIGNER.verifier, note)) == at
    policy = Policy.parse(f"{lines}group g all a b\nquorum g\n".encode())
    assert fresh_at(policy, open_cosigned(policy, SIGNER.verifier, log.signed(NOW))) is None


def weekly(*counts: int, last: int, now: int) -> dict[str, int]:
    """The growth of the same weekday in the weeks before yesterday, the oldest first, and of yesterday."""
    yesterday = date.fromtimestamp(now).toordinal() - 1
    days = {
        date.fromordinal(yesterday - 7 * (len(counts) - week)).isoformat(): count
        for week, count in enumerate(counts)
    }
    return days | {date.fromordinal(yesterday).isoformat(): last}


@pytest.mark.parametrize(
    ("counts", "last", "hint"),
    [
        ((60,) * 8, 19, True),
        ((60,) * 8, 20, False),
        ((60,) * 7, 0, False),
        ((49,) * 8, 0, False),
        ((50,) * 8, 0, True),
        ((60,) * 7 + (-1,), 0, False),
        ((60,) + (60,) * 7 + (-1,), 0, True),
        ((60,) * 8, -1, False),
        ((0, 0, 0, 60, 60, 60, 60, 60), 5, True),
    ],
)
def test_few(counts: tuple[int, ...], last: int, hint: bool) -> None:
    """Under a third of the median of eight same weekdays, if 50 or more; unknown days do not count."""
    assert (day_of_few_leaves(weekly(*counts, last=last, now=NOW), NOW) is not None) is hint


def test_growth_of_days_that_were_not_watched_is_unknown() -> None:
    """The first day and days with a gap of more than two hours say nothing; others count their leaves."""
    days = grown({}, None, NOW, 1_000_000)
    assert days == {"2026-11-18": -1}
    at = NOW
    for _ in range(24):
        days, at = grown(days, at, at + 3600, 10), at + 3600
    assert days == {"2026-11-18": -1, "2026-11-19": 120}
    assert grown(days, at, at + 7201, 500) == {"2026-11-18": -1, "2026-11-19": -1}
    assert grown(days, at, at - 60, 5)["2026-11-19"] == -1


def test_growth_is_forgotten_after_seventeen_weeks() -> None:
    """The memory does not grow without end."""
    days, at = grown({}, None, NOW, 0), NOW
    for _ in range(200 * 12):
        days, at = grown(days, at, at + 7200, 1), at + 7200
    assert len(days) == 120
