"""Consents that are put on record elsewhere than by key, withdrawn, and shown."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import refused, run
from consenting import CALLER, NOW, NUMBER, act, answered_by_key, ask_for_consents, company, printed
from informativa.model import Action, Answer, Period, Reason, RecordKind, Status
from informativa.model.errors import InformativaError
from informativa.operations import access_log, consents
from informativa.operations.typed_caller import by_customer
from informativa.process import storage
from informativa.views.messages import ENGLISH, language
from informativa.views.text import consents as text

ITALIAN = language("it")
HERE = ("--controller", "acme")
GRANTED, REFUSED, WITHDRAWN = Answer.GRANTED, Answer.REFUSED, Answer.WITHDRAWN


@pytest.fixture
def file(folder: Path) -> Path:
    """Return the configuration of a company that asks for consents."""
    return ask_for_consents(folder)


def day(text: str) -> datetime:
    """Return a day, or a time, as somebody types it."""
    return datetime.fromisoformat(text)


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
    assert list(text.recorded(result, owner, ENGLISH)) == [
        "Record 2: +39…67, marketing, version 1: granted, on a website on 2026-05-01.",
        "Holds until 2028-05-01.",
    ]


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
        (
            ("record", "abroad", NUMBER, "--by", "website", "--reference", "x"),
            "The choice abroad is no consent",
        ),
        (("withdraw", "abroad", NUMBER, "--by", "operator"), "The choice abroad is no consent"),
        (("record", "marketng", NUMBER, "--by", "website", "--reference", "x"), "Did you mean marketing?"),
        (("record", "marketing", "--by", "website", "--reference", "x"), "Name the caller by NUMBER"),
        (("record", "marketing", NUMBER, "--by", "website"), "--reference"),
        (("record", "marketing", NUMBER, "--by", "phone", "--reference", "x"), "phone"),
        (("record", "marketing", NUMBER, "--by", "operator", "--reference", "x"), "no grant"),
        (("export", "--choice", "abroad"), "The choice abroad is no consent"),
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
    _configuration, owner, _choice = company(file)
    assert (late.act.record, late.stands, late.standing.record, late.standing.answer) == (
        3,
        False,
        2,
        WITHDRAWN,
    )
    assert list(text.recorded(late, owner, ENGLISH))[1] == (
        "It changes nothing, for record 2 of 2026-10-02 00:00 CEST says: withdrawn."
    )
    assert "Non cambia nulla" in list(text.recorded(late, owner, ITALIAN))[1]


def test_withdrawal_wins_over_a_grant_of_the_same_minutes(file: Path) -> None:
    """Clocks differ: a grant up to ten minutes after a withdrawal changes nothing, a later one does."""
    act(file, WITHDRAWN, day("2026-10-02T10:00"))
    assert not act(file, GRANTED, day("2026-10-02T10:10")).stands
    assert act(file, GRANTED, day("2026-10-02T10:11")).stands


def test_grant_past_its_time_says_so(file: Path) -> None:
    """A grant of long ago is on record, and nobody is told that it holds."""
    result = act(file, GRANTED, day("2026-05-01"), now=datetime(2028, 6, 1, tzinfo=UTC))
    assert (result.stands, result.standing.counts, result.standing.ended) == (True, False, Reason.PERIOD_OVER)
    assert list(text.recorded(result, company(file)[1], ENGLISH))[1] == "Counts no more: its time is over."


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
    shown = json.loads(printed(file, "show", NUMBER, *HERE, "--json"))
    (at_acme,) = shown["controllers"]
    marketing, profiling = at_acme["standing"]
    facts = [
        marketing[name] for name in ("choice", "answer", "counts", "record", "version", "key", "withdraw_at")
    ]
    assert facts == ["marketing", "granted", True, 3, "2", "4", "+390212345678"]
    assert (marketing["since"], marketing["until"]) == (
        "2026-11-18T12:00:00.000+00:00",
        "2028-11-18T13:00:00.000+01:00",
    )
    assert ("answer" in profiling, profiling["counts"]) == (False, False)
    assert [(entry["record"], entry["answer"], entry["key"]) for entry in at_acme["acts"]] == [
        (2, "silence", None),
        (3, "granted", "4"),
    ]
    lines = printed(file, "show", NUMBER, *HERE).splitlines()
    assert lines[1].startswith("    marketing: granted, since 2026-11-18 13:00 CET, record 3, version 2, ")
    assert "key 4, after 1.2 s, holds until 2028-11-18, to withdraw: +390212345678" in lines[1]
    assert lines[2] == "    profiling: nothing on record"


def test_number_of_somebody_else_now_grants_nothing(file: Path) -> None:
    """Where nobody called for so long that the number may have changed hands, a grant counts no more."""
    configuration, owner, _choice = company(file)
    recycling = replace(owner, recycled_after=Period(days=30))
    with closing(storage.store(owner)) as ledger:
        event = replace(answered_by_key(owner, GRANTED, "4", NOW - timedelta(days=40)), asked=None)
        event = replace(event, status=Status.PLAYED, notice="privacy")
        ledger.append([event, answered_by_key(owner, GRANTED, "4", NOW - timedelta(days=40))])
    (at_acme,) = consents.show([recycling], configuration, CALLER, NOW).controllers
    assert (at_acme.standing[0].counts, at_acme.standing[0].ended) == (False, Reason.RECYCLED)
    (at_acme,) = consents.show([owner], configuration, CALLER, NOW).controllers
    assert at_acme.standing[0].counts


def test_consent_that_is_no_more_configured_is_shown_and_counts_for_nothing(file: Path) -> None:
    """What a caller once granted is personal data, whatever the company asks for today."""
    configuration, owner, _choice = company(file)
    act(file, GRANTED)
    without = replace(configuration, choices={})
    (at_acme,) = consents.show([owner], without, CALLER, NOW).controllers
    (standing,) = at_acme.standing
    assert (standing.choice, standing.answer, standing.counts, standing.ended) == (
        "marketing",
        GRANTED,
        False,
        Reason.CONFIGURED,
    )


def test_every_command_is_in_the_access_log(file: Path, tmp_path: Path) -> None:
    """L24: to record, withdraw, look, export, import and try an import leaves an entry each, with the caller
    where there is one on record."""
    rows = tmp_path / "answers.csv"
    rows.write_text("number,answer,at,reference\n+393330000001,granted,2026-10-01,F1\n")
    for words in (
        ("record", "marketing", NUMBER, "--by", "contract", "--reference", "K/7", "--at", "2026-10-01"),
        ("withdraw", "marketing", NUMBER, "--by", "operator", "--reference", "ticket 4"),
        ("show", NUMBER),
        ("show", "+393339999999"),
        ("export", "--choice", "marketing", "--answer", "granted"),
        ("import", str(rows), "--choice", "marketing", "--by", "website", "--dry-run"),
        ("import", str(rows), "--choice", "marketing", "--by", "website", "--yes"),
    ):
        printed(file, *words, *HERE)
    entries = access_log.page(company(file)[1]).entries
    assert [
        (entry.action, entry.caller is not None, entry.record, entry.detail) for entry in entries[::-1]
    ] == [
        (Action.RECORD_CONSENT, True, 2, None),
        (Action.RECORD_CONSENT, True, 3, None),
        (Action.OPEN_CALLER, True, None, "consents"),
        (Action.OPEN_CALLER, False, None, "consents"),
        (Action.EXPORT, False, None, "consents choice=marketing answer=granted"),
        (Action.RECORD_CONSENT, False, None, "trial of an import choice=marketing"),
        (Action.RECORD_CONSENT, False, None, "import choice=marketing"),
    ]


def test_customers_are_known_by_their_number(file: Path) -> None:
    """A customer number stands for a caller as a telephone number does."""
    act(file, GRANTED, typed=by_customer("4711"))
    shown = json.loads(printed(file, "show", "--customer", "4711", *HERE, "--json"))
    assert shown["controllers"][0]["standing"][0]["answer"] == "granted"
