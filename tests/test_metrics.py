"""Metrics for Prometheus: counts of what really happened, under labels that name no caller."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from choosing import answering
from doubles import line, notice, version
from examples import NOTDUE, PLAYED
from informativa.model import Answer, CallResult
from informativa.model.looks import Unusual, UnusualLooks
from informativa.model.requests import Move, PersonRequest, RequestKind, RequestStep
from informativa.process.metrics import Metrics
from lab import audio
from lab.office import Office
from lab.ports import free_port
from lab.process import until
from metrics import Idle, Samples, asked, metrics, samples_of
from torture.load import callers, crowd


def test_seconds_heard_and_spared() -> None:
    """A notice that was heard counts by what was heard, one left out by what it would have lasted."""
    own = line(notice(version("1")))
    skip = replace(NOTDUE, notice="privacy", version="1", language="it")
    text = metrics(
        (own, CallResult(PLAYED.status, PLAYED.reason, events=(PLAYED,))),
        (own, CallResult(skip.status, skip.reason, events=(skip,))),
    )
    assert samples_of(text, "informativa_heard_seconds_total") == {("acme", own.number): 9.5}
    assert samples_of(text, "informativa_spared_seconds_total") == {("acme", own.number): 10.0}
    assert samples_of(text, "informativa_playbacks_total") == {("acme", "whole", own.number): 1}
    assert samples_of(text, "informativa_answer_seconds_count") == {(): 1}
    assert samples_of(text, "informativa_ledger_usable") == {("acme",): 1, ("borealis",): 0}
    assert samples_of(text, "informativa_ledger_queue") == {("acme",): 0}


def test_line_that_is_not_configured_is_not_named() -> None:
    """It may be the caller's number, passed by mistake."""
    text = metrics((None, CallResult(PLAYED.status, "no-line", events=(replace(PLAYED, line=""),))))
    assert samples_of(text, "informativa_calls_total") == {("", "", "no-line", "PLAYED"): 1}


def test_metrics_count_answers_beside_notices() -> None:
    """An answer is counted by choice and word, the playback of its prompt as one, and no notice."""
    granted = answering(Answer.GRANTED)
    text = metrics((None, CallResult(PLAYED.status, PLAYED.reason, events=(PLAYED, granted))))
    assert samples_of(text, "informativa_choices_total") == {("granted", "marketing", "", ""): 1}
    assert sum(samples_of(text, "informativa_notices_total").values()) == 1
    assert samples_of(text, "informativa_playbacks_total") == {("", "whole", ""): 2}
    assert samples_of(text, "informativa_heard_seconds_total") == {("", ""): 9.5}


def test_metrics_count_who_was_not_asked() -> None:
    """Of each choice that is left out the reason is counted."""
    unasked = "marketing:not-vouched survey:enough-asked"
    text = metrics((None, CallResult(PLAYED.status, PLAYED.reason, unasked=unasked)))
    assert samples_of(text, "informativa_choices_unasked_total") == {
        ("marketing", "", "", "not-vouched"): 1,
        ("survey", "", "", "enough-asked"): 1,
    }


@pytest.mark.slow
def test_service_tells_what_happened(tmp_path: Path) -> None:
    """After some calls the counts are those of the ledgers, and no number of a caller is in it."""
    prompts = {}
    for name in ("it/short", "it/full", "de/short", "de/full"):
        prompts[f"{name}.wav"] = tmp_path / f"{name.replace('/', '-')}.wav"
        audio.write_wav(prompts[f"{name}.wav"], audio.synthetic(0.12, seed=1))
    office, port = Office(tmp_path / "etc", prompts), free_port()
    office.edit("  # metrics: 127.0.0.1:9464", f"  metrics: 127.0.0.1:{port}")
    office.start()
    try:
        calling = itertools.islice(callers(random.Random(1)), 120)
        calls = asyncio.run(crowd(office, calling, at_once=8))
        until(
            lambda: samples_of(asked(port), "informativa_calls_in_progress") == {(): 0},
            60,
            lambda: "Calls that are over are in progress still.",
        )
        text = asked(port)
    finally:
        office.stop()
    counted: Samples = {}
    for controller in ("acme", "borealis"):
        for record in office.records(controller):
            event = record.event
            place = (controller, event.line, event.notice, event.reason, event.status)
            counted[place] = counted.get(place, 0) + 1
    assert samples_of(text, "informativa_notices_total") == counted
    assert sum(samples_of(text, "informativa_calls_total").values()) == len(calls) == 120
    assert not [call.caller for call in calls if call.caller.removeprefix("+39") in text]


def test_port_that_is_taken_stops_no_call(tmp_path: Path) -> None:
    """Without its metrics the service still takes calls, and says what to change."""
    office = Office(tmp_path / "etc")
    office.edit("  # metrics: 127.0.0.1:9464", f"  metrics: 127.0.0.1:{office.port}")
    office.start()
    office.stop()
    assert "no metrics" in office.log_text
    assert "set service.metrics to another port" in office.log_text


def test_metrics_tell_how_many_requests_are_overdue() -> None:
    """Of three, one is closed and one late on 3 December; nothing says whose they are."""
    own, port = Metrics(Idle()), free_port()
    came = RequestStep(datetime(2026, 11, 2, tzinfo=UTC), "anna", Move.OPEN)
    closed = RequestStep(datetime(2026, 11, 3, tzinfo=UTC), "anna", Move.CLOSE, "withdrawn")
    requests = [
        PersonRequest(1, RequestKind.ACCESS, date(2026, 11, 2), (came,), b"pseudonym"),
        PersonRequest(2, RequestKind.ACCESS, date(2026, 11, 3), (came,), b"pseudonym"),
        PersonRequest(3, RequestKind.ACCESS, date(2026, 11, 2), (came, closed)),
    ]
    own.requests("acme", requests, date(2026, 12, 3))
    end = own.serve("127.0.0.1", port)
    try:
        text = asked(port)
    finally:
        end()
    assert samples_of(text, "informativa_requests_open") == {("acme",): 2}
    assert samples_of(text, "informativa_requests_overdue") == {("acme",): 1}


def test_metrics_tell_of_unusual_looks() -> None:
    """By kind, and not whose they are; 0 where there are none any more."""
    own, port = Metrics(Idle()), free_port()
    at = datetime(2026, 11, 26, tzinfo=UTC)
    own.unusual_looks("acme", [UnusualLooks(Unusual.NIGHT, name, 9, at, at) for name in ("anna", "berta")])
    end = own.serve("127.0.0.1", port)
    try:
        text = asked(port)
        own.unusual_looks("acme", ())
        later = asked(port)
    finally:
        end()
    assert samples_of(text, "informativa_unusual_looks") == {
        ("acme", "night"): 2,
        ("acme", "many-persons"): 0,
    }
    assert samples_of(later, "informativa_unusual_looks") == {
        ("acme", "night"): 0,
        ("acme", "many-persons"): 0,
    }
    assert "anna" not in text
