"""Documents for programs, which hold what is there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from informativa.model import Ending, Event, Heard, Reason, RecordKind, Status
from informativa.model import Record as Found
from informativa.model.errors import ConfigError, ConfigProblem, LedgerError
from informativa.model.text import Text
from informativa.operations.problems import Failure
from informativa.operations.record_document import Record, RecordLine
from informativa.views.documents import document

AT = datetime(2026, 11, 25, 10, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
EVENT = Event(
    call="1795600000.1",
    line="+390212345678",
    notice="privacy",
    version="2026-11",
    language="it",
    purposes=frozenset({"service", "marketing"}),
    kind=RecordKind.PHONE,
    at=AT,
    status=Status.PLAYED,
    reason=Reason.NOT_INFORMED,
    pseudonym=bytes(32),
    heard=Heard.in_seconds(Ending.WHOLE, 17.43219, 17.5, ""),
)


def test_record_has_one_shape() -> None:
    """Times have their offset, several are a list in order, nothing is null."""
    facts = json.loads(document(RecordLine.of(Found(7, EVENT), "acme"), indent=None))
    assert (facts["schema"], facts["number"], facts["controller"]) == (1, 7, "acme")
    assert (facts["at"], facts["recorded"]) == ("2026-11-25T10:30:00.123+01:00",) * 2
    assert (facts["purposes"], facts["caller"]) == (["marketing", "service"], "00" * 32)
    assert facts["heard"] == {"seconds": 17.432, "length": 17.5, "ending": "whole", "key": None}
    nothing = {"rests_on", "reference", "recording"}
    assert {name: facts[name] for name in nothing} == dict.fromkeys(nothing)


def test_record_of_nobody() -> None:
    """A caller that cannot be recognised has no pseudonym; a delivery by other means was not heard."""
    event = replace(EVENT, pseudonym=None, heard=None, at=datetime(2026, 1, 1, tzinfo=UTC))
    record = Record.of(Found(1, event), "acme")
    assert (record.caller, record.heard) == (None, None)


def test_failure_tells_each_problem() -> None:
    """An error is told with its code, its place, what is wrong and, apart, what to do."""
    text = Text("{value} is not a time", "write 5 years", value="'x'")
    failure = Failure.of(ConfigError([ConfigProblem("a.yaml", 3, "controllers.acme.retention", text)]))
    assert json.loads(document(failure))["problems"] == [
        {
            "code": "configuration",
            "file": "a.yaml",
            "line": 3,
            "key": "controllers.acme.retention",
            "message": "'x' is not a time",
            "remedy": "write 5 years",
        }
    ]
    (problem,) = json.loads(document(Failure.of(LedgerError("It is full.", "Make room."))))["problems"]
    assert (problem["code"], problem["file"], problem["message"], problem["remedy"]) == (
        "ledger",
        None,
        "It is full.",
        "Make room.",
    )
