"""Consents that are put on record elsewhere than by key, withdrawn, and what stands of a caller."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import refused, run
from consenting import CALLER, NOW, act, answered_by_key, ask_for_consents, company, printed
from informativa.model import Action, Answer, Controller, Period, Reason, RecordKind, Status
from informativa.model.errors import InformativaError
from informativa.operations import access_log, consents
from informativa.operations.consents import CallerConsents
from informativa.operations.typed_caller import Typed, by_customer
from informativa.process import storage
from informativa.views.messages import ENGLISH
from informativa.views.text.consents import end_of

HERE = ("--controller", "acme")
GRANTED, REFUSED, WITHDRAWN = Answer.GRANTED, Answer.REFUSED, Answer.WITHDRAWN


@pytest.fixture
def file(folder: Path) -> Path:
    """Return the configuration of a company that asks for consents."""
    return ask_for_consents(folder)


def day(text: str) -> datetime:
    """Return a day, or a time, as somebody types it."""
    return datetime.fromisoformat(text)


def of_caller(file: Path, owner: Controller, typed: Typed = CALLER) -> CallerConsents:
    """Return what is on record of a caller's consents."""
    known = consents.consents(company(file)[0], owner.id)
    return consents.of_caller(owner, known, typed.caller, NOW)


def test_act_elsewhere_is_a_record_of_the_version_of_then(file: Path) -> None:
    """A grant on a website is a record of its own, with the wording and purposes of that day, and holds."""
    result = act(file, GRANTED, day("2026-05-01T10:00"))
    _configuration, owner, _choice = company(file)
    with closing(storage.store(owner, read_only=True)) as ledger:
        event = ledger.record(result.act.record).event
    assert (event.status, event.kind, event.reference) == (Status.REPORTED, RecordKind.WEBSITE, "form 7")
    assert event.asked is not None
    assert (event.asked.answer, event.asked.options, event.asked.tries, event.asked.waited) == (
        GRANTED,
        "",
        0,
        0,
    )
    assert (event.notice, event.version, event.purposes) == ("", "1", {"marketing"})
    assert (event.at.isoformat(), event.recorded) == ("2026-05-01T08:00:00+00:00", NOW)
    assert not event.informs
    assert result.stands
    assert result.standing.counts
    assert result.standing.until.isoformat() == "2028-05-01T10:00:00+02:00"


def test_record_is_proven_as_every_other(file: Path) -> None:
    """A refusal that somebody makes a grant of afterwards is found by an audit."""
    act(file, REFUSED, kind=RecordKind.OPERATOR)
    _configuration, owner, _choice = company(file)
    assert run("evidence", "checkpoint", *HERE, "-c", file).returncode == 0
    assert run("evidence", "audit", *HERE, "-c", file).returncode == 0
    with closing(sqlite3.connect(owner.ledger)) as ledger, ledger:
        ledger.execute("UPDATE event SET asked = replace(asked, 'refused', 'granted')")
    assert run("evidence", "audit", *HERE, "-c", file).returncode == 1


@pytest.mark.parametrize(
    ("answer", "kind", "on", "reference", "code", "sentence"),
    [
        (
            GRANTED,
            RecordKind.OPERATOR,
            None,
            "ticket 7",
            "operator-grants",
            "an operator may record a refusal",
        ),
        (GRANTED, RecordKind.WEBSITE, "2026-11-26", "form 7", "day-refused", "still to come"),
        (GRANTED, RecordKind.WEBSITE, "2026-02-28", "form 7", "day-refused", "not yet in force"),
        (WITHDRAWN, RecordKind.WEBSITE, "2020-02-28", "form 7", "day-refused", "past the retention"),
        (GRANTED, RecordKind.CONTRACT, "1990-02-28", "form 7", "day-refused", "the first law"),
        (GRANTED, RecordKind.WEBSITE, None, " ", "reference-refused", "the reference is empty"),
        (REFUSED, RecordKind.OPERATOR, None, "", "reference-refused", "the reference is empty"),
        (WITHDRAWN, RecordKind.WEBSITE, None, "", "reference-refused", "the reference is empty"),
        (GRANTED, RecordKind.WEBSITE, None, "x" * 201, "reference-refused", "longer than 200"),
        (WITHDRAWN, RecordKind.OPERATOR, None, "call 3331234567", "reference-refused", "telephone number"),
    ],
)
def test_what_cannot_be_is_not_recorded(
    file: Path, answer: Answer, kind: RecordKind, on: str | None, reference: str, code: str, sentence: str
) -> None:
    """A grant that an operator heard, a day on which it cannot have been, and a reference that leads to
    nothing are refused, each with the argument at fault; nothing is recorded."""
    with pytest.raises(InformativaError, match=sentence) as caught:
        act(file, answer, on and day(on), kind, reference=reference)
    assert caught.value.code == code
    assert not Path(company(file)[1].ledger).exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "--choice", "abroad"), "The choice abroad is no consent"),
        (("export", "--choice", "marketng"), "Did you mean marketing?"),
        (("import", "x.csv", "--choice", "marketing", "--by", "operator"), "operator"),
    ],
)
def test_command_lines_that_are_refused(file: Path, words: tuple[str, ...], message: str) -> None:
    """Each names what is wrong with it, and records nothing."""
    assert message in refused("consent", *words, *HERE, "-c", file)
    assert not Path(company(file)[1].ledger).exists()


def test_operator_withdraws_without_a_paper(file: Path) -> None:
    """To withdraw is as easy as to give: an operator needs no ticket."""
    act(file, GRANTED, day("2026-10-01"))
    result = act(file, WITHDRAWN, kind=RecordKind.OPERATOR, reference="")
    assert (result.stands, result.standing.answer, result.act.reference) == (True, WITHDRAWN, None)


def test_grant_older_than_a_withdrawal_does_not_count(file: Path) -> None:
    """It is on record all the same, and the answer says which record stands instead."""
    act(file, WITHDRAWN, day("2026-10-02"))
    late = act(file, GRANTED, day("2026-10-01"))
    assert (late.act.record, late.stands, late.standing.record, late.standing.answer) == (
        3,
        False,
        2,
        WITHDRAWN,
    )


def test_withdrawal_wins_over_a_grant_of_the_same_minutes(file: Path) -> None:
    """Clocks differ: a grant up to ten minutes after a withdrawal changes nothing, a later one does."""
    act(file, WITHDRAWN, day("2026-10-02T10:00"))
    assert not act(file, GRANTED, day("2026-10-02T10:10")).stands
    assert act(file, GRANTED, day("2026-10-02T10:11")).stands


def test_grant_past_its_time_says_so(file: Path) -> None:
    """A grant of long ago is on record, and nobody is told that it holds."""
    result = act(file, GRANTED, day("2026-05-01"), now=datetime(2028, 6, 1, tzinfo=UTC))
    assert (result.stands, result.standing.counts, result.standing.ended) == (True, False, Reason.PERIOD_OVER)
    assert end_of(result.standing, UTC, ENGLISH) == "counts no more: its time is over"


def test_caller_known_by_an_earlier_key_has_one_answer(file: Path) -> None:
    """A withdrawal under a new key ends what was granted under the old one, in every list."""
    act(file, GRANTED, day("2026-10-01"))
    _configuration, owner, choice = company(file)
    rotated = replace(owner, key=b"n" * 32, old_keys=(owner.key,), ledger=owner.ledger)
    event_before = consents.record_act(rotated, choice, CALLER, WITHDRAWN, RecordKind.OPERATOR, "", None, NOW)
    with closing(storage.store(rotated, read_only=True)) as ledger, ledger.connected() as connection:
        words = connection.execute("SELECT word FROM answer").fetchall()
    assert (event_before.standing.answer, words) == (WITHDRAWN, [("withdrawn",)])


def test_caller_is_shown_with_all_that_stands(file: Path) -> None:
    """Each consent has its last act, since and until when, by which record, version and key, and where to
    withdraw; what came before is below, the unanswered too."""
    _configuration, owner, _choice = company(file)
    with closing(storage.store(owner)) as ledger:
        ledger.append(
            [
                answered_by_key(owner, Answer.SILENCE, "", NOW - timedelta(days=9)),
                answered_by_key(owner, GRANTED, "4", NOW - timedelta(days=7)),
                answered_by_key(owner, GRANTED, "4", NOW - timedelta(days=7), "+393330000000"),
            ]
        )
    shown = of_caller(file, owner)
    marketing, profiling = shown.standing
    assert (marketing.choice, marketing.answer, marketing.counts) == ("marketing", GRANTED, True)
    assert (marketing.record, marketing.version, marketing.key, marketing.waited) == (3, "2", "4", 1.25)
    assert (marketing.since, marketing.withdraw_at) == (NOW - timedelta(days=7), "+390212345678")
    assert marketing.until == datetime(2028, 11, 18, 12, tzinfo=UTC)
    assert end_of(marketing, owner.zone, ENGLISH) == "holds until 2028-11-18"
    assert (profiling.answer, profiling.counts) == (None, False)
    assert [(entry.record, entry.answer, entry.key) for entry in shown.acts] == [
        (2, Answer.SILENCE, None),
        (3, GRANTED, "4"),
    ]


def test_number_of_somebody_else_now_grants_nothing(file: Path) -> None:
    """Where nobody called for so long that the number may have changed hands, a grant counts no more."""
    _configuration, owner, _choice = company(file)
    recycling = replace(owner, recycled_after=Period(days=30))
    with closing(storage.store(owner)) as ledger:
        event = replace(answered_by_key(owner, GRANTED, "4", NOW - timedelta(days=40)), asked=None)
        event = replace(event, status=Status.PLAYED, notice="privacy")
        ledger.append([event, answered_by_key(owner, GRANTED, "4", NOW - timedelta(days=40))])
    at_acme = of_caller(file, recycling)
    assert (at_acme.standing[0].counts, at_acme.standing[0].ended) == (False, Reason.RECYCLED)
    at_acme = of_caller(file, owner)
    assert at_acme.standing[0].counts


def test_consent_that_is_no_more_configured_is_shown_and_counts_for_nothing(file: Path) -> None:
    """What a caller once granted is personal data, whatever the company asks for today."""
    act(file, GRANTED)
    (standing,) = consents.of_caller(company(file)[1], {}, CALLER.caller, NOW).standing
    assert (standing.choice, standing.answer, standing.counts, standing.ended) == (
        "marketing",
        GRANTED,
        False,
        Reason.CONFIGURED,
    )


def test_every_command_is_in_the_access_log(file: Path, tmp_path: Path) -> None:
    """L24: to export, import and try an import leaves an entry each."""
    rows = tmp_path / "answers.csv"
    rows.write_text("number,answer,at,reference\n+393330000001,granted,2026-10-01,F1\n")
    act(file, GRANTED)
    for words in (
        ("export", "--choice", "marketing", "--answer", "granted"),
        ("import", str(rows), "--choice", "marketing", "--by", "website", "--dry-run"),
        ("import", str(rows), "--choice", "marketing", "--by", "website", "--yes"),
    ):
        printed(file, *words, *HERE)
    entries = access_log.page(company(file)[1]).entries
    assert [
        (entry.action, entry.caller is not None, entry.record, entry.detail) for entry in entries[::-1]
    ] == [
        (Action.EXPORT, False, None, "consents choice=marketing answer=granted"),
        (Action.RECORD_CONSENT, False, None, "trial of an import choice=marketing"),
        (Action.RECORD_CONSENT, False, None, "import choice=marketing"),
    ]


def test_customers_are_known_by_their_number(file: Path) -> None:
    """A customer number stands for a caller as a telephone number does."""
    act(file, GRANTED, typed=by_customer("4711"))
    assert of_caller(file, company(file)[1], by_customer("4711")).standing[0].answer is GRANTED
