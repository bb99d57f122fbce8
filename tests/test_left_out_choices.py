"""Choices of a call that are not asked, or are asked later: in which order, in which wording, and what the
ledger counts of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from choosing import CONSENT, EU, NO, PRIVACY, WITHDRAW, YES, choice, planned, pressed, wording
from doubles import (
    MISSING,
    SHORT,
    BrokenLedger,
    MemoryLedger,
    ScriptedSession,
    SteppingClock,
    hung_up,
    incoming,
    key,
    line,
)
from handling import COUNTRY, DAILY, choices_of, events, handle, services
from informativa.ledgers.sqlite import SqliteLedger
from informativa.model import (
    ALWAYS,
    Answer,
    Asks,
    Choice,
    Keys,
    Notice,
    Period,
    PlannedChoice,
    Reason,
    Status,
    Step,
    Unasked,
)
from informativa.operations import statistics

COMING = datetime(2027, 1, 1, tzinfo=UTC)


def changing(asks: Asks) -> Choice:
    """Build a choice whose wording changes next year."""
    present = choice(asks)
    first = present.wording.versions[0]
    second = wording("coming", *first.purposes, number="2")
    return replace(present, wording=Notice(present.id, (first, replace(second, starts=COMING))))


def test_choice_between_notices_keeps_its_place_behind_one_that_is_left_out() -> None:
    """Of three notices the first is known: the choice after the second is still asked before the third."""
    ledger = MemoryLedger()
    handle(ScriptedSession(), services(line(Step(PRIVACY)), ledger))
    own = line(
        Step(PRIVACY),
        Step(COUNTRY, ALWAYS),
        Step(DAILY, ALWAYS),
        choices=(PlannedChoice(choice(Asks.OPERATOR), 2),),
    )
    session = ScriptedSession(incoming(id="1700000009.1", linked="1700000009.1"))
    handle(session, services(own, ledger))
    assert [path for path, _keys in session.played] == [SHORT.path, "/prompts/it/abroad", SHORT.path]


def test_wording_of_the_day_is_asked_with_and_without_a_ledger() -> None:
    """What comes next year is neither asked, nor told of a withdrawal, this year."""
    own = planned(changing(Asks.OPERATOR))
    for ledger in (MemoryLedger(), BrokenLedger(writable=True)):
        session, at = ScriptedSession(presses=[pressed(EU)]), services(own, ledger)
        handle(session, at)
        assert session.played[-1][0] == "/prompts/it/abroad"
        assert (events(at)[-1].version, events(at)[-1].basis) == ("1", None)
    ledger, consent = MemoryLedger(), planned(changing(Asks.CONSENT))
    handle(ScriptedSession(presses=[pressed(YES)]), services(consent, ledger))
    session, at = ScriptedSession(incoming(options={"action": "consent"})), services(consent, ledger)
    handle(session, at)
    assert session.played == [(WITHDRAW.path, NO)]
    assert events(at)[-1].version == "1"


def test_consent_of_whoever_had_the_number_before_is_nobodys() -> None:
    """GDPR art. 5(1)(d): of a number that nobody called from for a year the consent does not count either,
    although it would hold for two; its caller is asked."""
    own, ledger = planned(CONSENT), MemoryLedger()
    own = replace(own, controller=replace(own.controller, recycled_after=Period(12)))
    handle(ScriptedSession(presses=[pressed(YES)]), services(own, ledger))
    later = SteppingClock(datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(days=400))
    session = ScriptedSession(incoming(id="1700000009.1", linked="1700000009.1"), presses=[pressed(NO)])
    at = services(own, ledger, clock=later)
    handle(session, at)
    assert choices_of(session) == "marketing:refused"
    assert [event.reason for event in events(at)[-2:]] == [Reason.RECYCLED, Reason.RECYCLED]


def test_key_of_the_notice_that_comes_twice_is_no_answer() -> None:
    """A key that ended the notice, again within half a second of the question, came twice: the question is
    played anew; the next one is an answer."""
    own = planned(choice(Asks.OPERATOR, keys={Answer.EU: "2"}), keys=Keys(skip="2"))
    session = ScriptedSession(playbacks=[key("2", 3.0), key("2", 0.4), key("2", 0.4)])
    handle(session, services(own))
    assert [path for path, _keys in session.played][-2:] == ["/prompts/it/abroad"] * 2
    assert choices_of(session) == "abroad:eu"


def test_known_answer_of_who_hangs_up_is_counted_nowhere() -> None:
    """Who answered before and hangs up in the notice of this call is no caller who was not asked."""
    own, ledger = planned(CONSENT, plan=(Step(PRIVACY, ALWAYS),)), MemoryLedger()
    handle(ScriptedSession(presses=[pressed(YES)]), services(own, ledger))
    session = ScriptedSession(incoming(id="1700000009.1", linked="1700000009.1"), playbacks=[hung_up(2)])
    result = handle(session, services(own, ledger))
    assert (result.status, result.unasked, result.choices) == (Status.PARTIAL, "", "marketing:not-asked")
    assert ledger.unasked == {}


def test_ledger_that_took_no_notice_is_not_asked_to_count() -> None:
    """Where the notice could only be spooled, the result says that nothing is on record, and the ledger does
    not count who was not asked: the call would wait in vain."""
    ledger = BrokenLedger(readable=True)
    result = handle(ScriptedSession(), services(planned(CONSENT), ledger))
    assert (result.status, result.unasked) == (Status.FALLBACK, "marketing:not-on-record")
    assert ledger.unasked == {}


def test_who_is_not_asked_is_counted_on_the_day_of_the_call(tmp_path: Path) -> None:
    """The ledger counts by days: the day is the call's."""
    own = planned(CONSENT)
    own = replace(own, controller=replace(own.controller, ledger=str(tmp_path / "acme.sqlite3")))
    with closing(SqliteLedger(own.controller.ledger)) as ledger:
        handle(ScriptedSession(incoming("")), services(own, ledger))  # type: ignore[arg-type]
    day = SteppingClock().now().date()
    for first, expected in ((day, [{Unasked.WITHHELD: 1}]), (day + timedelta(days=1), [])):
        answers = statistics.answers(own.controller, (), first, first)
        assert [choice.left_out for choice in answers] == expected


def test_withdrawal_whose_prompt_is_missing_was_not_told() -> None:
    """Of two consents the prompt of one is missing: the status is of the one that was told. Where it is
    missing of all, nobody was asked."""
    own, ledger = planned(CONSENT, choice(Asks.CONSENT, "survey"), consents=2), MemoryLedger()
    handle(ScriptedSession(presses=[pressed(YES)] * 2), services(own, ledger))
    call = incoming(options={"action": "consent"})
    for playbacks, status, choices in (
        ([MISSING, MISSING], Status.NOTASKED, "marketing:not-asked survey:not-asked"),
        ([MISSING, key(NO, 1.0)], Status.ASKED, "marketing:not-asked survey:withdrawn"),
    ):
        result = handle(ScriptedSession(call, playbacks=playbacks), services(own, ledger))
        assert (result.status, result.reason, result.choices) == (status, Reason.EVERY_CALL, choices)
