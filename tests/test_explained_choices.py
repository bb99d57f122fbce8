"""The choices of an explanation: whether each would be asked, and why, in values, words and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from configurations import with_choices
from examples import PLAYED
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import (
    Answer,
    Asked,
    Asks,
    Event,
    Identified,
    Line,
    Reason,
    Status,
    Step,
    Vouched,
)
from informativa.model.choices import VOUCHED_AT_LEAST
from informativa.operations.controllers import line_named
from informativa.operations.explain import Explanation, explain
from informativa.operations.explained_choices import ExplainedChoice, Outlook
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text.explain import explanation

CALLER = "+393331234567"
SIGNED = VOUCHED_AT_LEAST[Vouched.SIGNATURE]
NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def line(folder: Path) -> Line:
    """Return acme's line, which asks for a consent of whoever is recognised, whoever vouches."""
    line = line_named(load(with_choices(folder)), "0212345678")
    return with_consent(line, vouched=VOUCHED_AT_LEAST[Vouched.NOBODY])


def with_consent(line: Line, **changes: object) -> Line:
    """Return the line with another consent as its last choice."""
    *others, last = line.choices
    changed = replace(last, choice=replace(last.choice, **changes))  # type: ignore[arg-type]
    return replace(line, choices=(*others, changed))


def explained(line: Line, number: str | None = CALLER) -> Explanation:
    """Return the explanation of a call that comes now."""
    return explain(line, line.number, number, None, "", NOW)


def consent(line: Line, number: str | None = CALLER) -> ExplainedChoice:
    """Return the explanation of the consent."""
    choices = explained(line, number).choices
    assert choices is not None
    return choices[-1]


def record(line: Line, *events: Event) -> None:
    """Put events of the caller on record."""
    own = pseudonym(Identified(CALLER, "IT"), line.controller.key)
    store = SqliteStore(line.controller.ledger)
    store.append([replace(event, pseudonym=own) for event in events])
    store.close()


def answered(answer: Answer, at: datetime, purposes: str = "marketing") -> Event:
    """Return the event of a consent that was asked at that time."""
    asked = Asked("marketing", Asks.CONSENT, answer, "5=refused 4=granted", 1, 1250)
    return replace(
        PLAYED,
        at=at,
        notice="",
        version="2026-12",
        purposes=frozenset({purposes}),
        status=Status.ASKED,
        asked=asked,
    )


def test_new_caller_is_asked_everything(line: Line) -> None:
    """Each choice is asked after its notice, the consent on the record of the one that tells its purpose."""
    abroad, taping, marketing = explained(line).choices or ()
    assert [choice.outlook for choice in (abroad, taping, marketing)] == [Outlook.ASKED] * 3
    assert [choice.after for choice in (abroad, taping, marketing)] == ["country", "privacy", "privacy"]
    assert [choice.reason for choice in (abroad, marketing)] == [Reason.EVERY_CALL, Reason.NOT_ANSWERED]
    assert (marketing.rests_on, marketing.consents, abroad.rests_on, abroad.consents) == (
        "privacy",
        1,
        None,
        None,
    )
    assert [(key.key, key.answer, key.only_after_the_whole_prompt) for key in marketing.keys] == [
        ("5", Answer.REFUSED, False),
        ("4", Answer.GRANTED, True),
    ]
    assert [str(key.until)[:10] for key in marketing.keys] == ["2027-12-01", "2028-12-01"]
    assert (abroad.keys[0].until, taping.silence, marketing.silence) == (
        None,
        Answer.RECORDED,
        Answer.SILENCE,
    )


@pytest.mark.parametrize(
    ("changed", "number", "outlook"),
    [
        (lambda line: line, None, Outlook.NOT_RECOGNISED),
        (lambda line: with_consent(line, vouched=SIGNED), CALLER, Outlook.NOT_VOUCHED),
        (lambda line: replace(line, plan=line.plan[:1]), CALLER, Outlook.NOT_TOLD),
        (lambda line: replace(line, consents=0), CALLER, Outlook.ENOUGH_ASKED),
        (lambda line: replace(line, service_data_only=True), CALLER, Outlook.ASKED),
        (
            lambda line: replace(line, controller=replace(line.controller, refused=Reason.CONFIGURED)),
            CALLER,
            Outlook.NOT_ON_RECORD,
        ),
    ],
)  # fmt: skip
def test_why_it_is_not_asked(
    line: Line, changed: Callable[[Line], Line], number: str | None, outlook: Outlook
) -> None:
    """The reason is the first of the rules that a call comes to."""
    assert consent(changed(line), number).outlook is outlook


def test_no_consent_after_a_notice_that_is_left_out_by_a_setting(line: Line) -> None:
    """Whoever is not told the purposes, because only data for the service are used, is not asked either."""
    privacy = line.plan[1].notice
    version = replace(privacy.versions[0], purposes=frozenset({"service"}))
    plan = (*line.plan, Step(replace(privacy, id="quality", versions=(version,))))
    choices = tuple(replace(planned, after=3) for planned in line.choices)
    assert consent(replace(line, plan=plan, choices=choices)).outlook is Outlook.ASKED
    silent = replace(line, plan=plan, choices=choices, service_data_only=True)
    assert consent(silent).outlook is Outlook.NOT_TOLD


@pytest.mark.parametrize(
    ("answer", "days", "outlook", "until"),
    [
        (Answer.GRANTED, 20, Outlook.REMEMBERED, "2028-11-11"),
        (Answer.REFUSED, 20, Outlook.REMEMBERED, "2027-11-11"),
        (Answer.SILENCE, 20, Outlook.REMEMBERED, "2026-12-11"),
        (Answer.SILENCE, 40, Outlook.ASKED, None),
        (Answer.REFUSED, 370, Outlook.ASKED, None),
    ],
)
def test_remembered_answers(
    line: Line, answer: Answer, days: int, outlook: Outlook, until: str | None
) -> None:
    """An answer that still counts is told, with its record and the day on which it ends."""
    record(line, answered(answer, NOW - timedelta(days=days)))
    choice = consent(line)
    assert choice.outlook is outlook
    remembered = choice.remembered
    assert (remembered and str(remembered.until)[:10]) == until
    assert explained(line).disclosed_pseudonym == (
        remembered and pseudonym(Identified(CALLER), line.controller.key)
    )
    if remembered:
        assert (remembered.answer, remembered.version, remembered.record) == (answer, "2026-12", 1)


def test_consent_of_another_purpose_is_asked_anew(line: Line) -> None:
    """A consent to a purpose that the wording does not name any more is none, and it is said why."""
    record(line, answered(Answer.GRANTED, NOW - timedelta(days=20), "profiling"))
    assert (consent(line).outlook, consent(line).reason) == (Outlook.ASKED, Reason.NEW_PURPOSE)


def test_in_words_and_for_programs(line: Line) -> None:
    """A person reads each choice with its reason and its keys; a line without choices has no word of them."""
    text = "\n".join(explanation(explained(line), line, ENGLISH))
    assert "choice: sending offers (marketing) 2026-12" in text
    assert (
        "would: be asked, if the notices before it are heard to their end: no answer of this caller that"
        " still holds is on record" in text
    )
    assert (
        "key 4: granted: I consent; counts only after the whole question; would count until 2028-12-01"
        in text
    )
    assert "no key: silence: the caller pressed no key, and silence is no consent" in text
    record(line, answered(Answer.REFUSED, NOW - timedelta(days=20)))
    text = "\n".join(explanation(explained(line), line, ENGLISH))
    assert "not be asked: the caller refused his consent (version 2026-12, record 1 of 2026-11-11" in text
    italian = "\n".join(explanation(explained(line), line, language("it")))
    assert "l'interessato ha rifiutato il consenso" in italian
    facts = json.loads(document(explained(line)))
    assert facts["choices"][2]["outlook"] == "remembered"
    plain = replace(line, choices=())
    assert "choices" not in json.loads(document(explained(plain)))
    assert "choice" not in "\n".join(explanation(explained(plain), plain, ENGLISH))


def test_explanation_writes_nothing(line: Line) -> None:
    """Without a ledger there is none afterwards either."""
    explained(line)
    assert not Path(line.controller.ledger).exists()
