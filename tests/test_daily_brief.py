"""The three questions of a company's day, and their answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from examples import PARTIAL, PLAYED
from informativa.ledgers.following import informed_later
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Ending, Heard, Status
from informativa.model.text import Text
from informativa.operations.daily_brief import (
    BriefAnswer,
    Light,
    deadline_answer,
    fault_answers,
    informed_answer,
)
from informativa.operations.request_register import OpenRequests
from informativa.operations.statistics import DayStatistics

TODAY = date(2026, 11, 30)
FAILED = replace(PLAYED, status=Status.FAILED, heard=Heard.in_seconds(Ending.NOT_PLAYABLE, 0, 9.5))


@pytest.mark.parametrize(
    ("by_status", "light", "sentence", "status"),
    [
        ({}, "good", "Yes: no notice that was due is missing.", None),
        ({"PLAYED": 3, "NOTDUE": 4}, "good", "Yes: no notice that was due is missing.", None),
        (
            {"PARTIAL": 1},
            "open",
            "Not yet: 1 notice was not heard in full. It stays due until it is heard.",
            "PARTIAL",
        ),
        (
            {"PARTIAL": 2},
            "open",
            "Not yet: 2 notices were not heard in full. They stay due until they are heard.",
            "PARTIAL",
        ),
        (
            {"PARTIAL": 2, "FAILED": 1},
            "bad",
            "No: 1 notice could not be played. It stays due until it is heard.",
            "FAILED",
        ),
    ],
)
def test_whether_everybody_was_told(
    by_status: dict[str, int], light: str, sentence: str, status: str | None
) -> None:
    """What failed counts more than what was not heard to its end, and the answer leads to these calls."""
    counts = {Status(name): count for name, count in by_status.items()}
    answer = informed_answer(DayStatistics(TODAY, 9, counts, {"+39021": 9}, 0.0), {})
    assert (answer.light, str(answer.text), answer.status) == (light, sentence, status)


def test_nothing_is_yes_that_nobody_knows() -> None:
    """Without calls the question stays open, and without records the answer is that nobody knows."""
    assert informed_answer(DayStatistics(TODAY, 0, {}, {}, 0.0), {}).light == "calm"
    assert informed_answer(None, {}).light == "bad"


def test_whoever_rang_again_and_heard_it_was_told(tmp_path: Path) -> None:
    """Of three callers who hung up one has heard the notice since, and another one another notice; whose
    playback failed has, too. Whoever heard it before is not meant, and nobody of another day is."""
    at = datetime(2026, 11, 30, 9, tzinfo=UTC)
    calls = [(PLAYED, 5), (PARTIAL, 1), (PARTIAL, 2), (PARTIAL, 3), (FAILED, 4), (PARTIAL, 5), (PLAYED, 1)]
    calls += [(replace(PLAYED, notice="recording"), 2), (PLAYED, 4)]
    events = [
        replace(event, pseudonym=bytes([caller]) * 32, call=f"17.{number}", at=at + timedelta(minutes=number))
        for number, (event, caller) in enumerate(calls)
    ]
    store = SqliteStore(str(tmp_path / "acme.sqlite3"))
    store.append(events)
    store.close()
    day = timedelta(days=1)
    later = informed_later(str(tmp_path / "acme.sqlite3"), at, at + day)
    assert later == {Status.PARTIAL: 1, Status.FAILED: 1}
    assert informed_later(str(tmp_path / "acme.sqlite3"), at + day, at + 2 * day) == {}
    counts = {Status.PARTIAL: 4, Status.FAILED: 1, Status.PLAYED: 4}
    answer = informed_answer(DayStatistics(TODAY, 9, counts, {}, 0.0), later)
    assert (
        str(answer.text) == "Not yet: 3 notices were not heard in full. They stay due until they are heard."
    )


def test_the_worst_fault_comes_first() -> None:
    """A fault stands before what somebody should look at; without either no fault is known."""
    look, fault = BriefAnswer(Light.OPEN, Text("look")), BriefAnswer(Light.BAD, Text("fault"))
    assert [str(answer.text) for answer in fault_answers([look, fault])] == ["fault", "look"]
    assert [answer.light for answer in fault_answers([])] == ["good"]


@pytest.mark.parametrize(
    ("requests", "light", "sentence"),
    [
        (None, "good", "Nothing: no person's request is open."),
        (
            OpenRequests(2, 0, date(2026, 12, 8)),
            "good",
            "2 persons' requests are open, the first due on 2026-12-08.",
        ),
        (
            OpenRequests(1, 0, date(2026, 12, 7)),
            "open",
            "1 person's request is open: it is due on 2026-12-07.",
        ),
        (
            OpenRequests(3, 1, date(2026, 11, 29)),
            "bad",
            "1 person's request is overdue: it was due on 2026-11-29.",
        ),
    ],
)
def test_what_is_due(requests: OpenRequests | None, light: str, sentence: str) -> None:
    """A request that is due within a week is to be looked at, and one that is overdue is a fault."""
    answer = deadline_answer(requests, TODAY)
    assert (answer.light, str(answer.text), answer.page) == (light, sentence, "requests")
