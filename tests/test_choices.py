"""Choices: which are asked, which key counts, what is recorded of them, and what the dialplan gets.

The table of kinds is `model.choices.KINDS`; a call goes through `answering.answer`, with stand-ins for what
is outside.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from choosing import (
    CONSENT,
    EU,
    HUMAN,
    NETWORK,
    NO,
    PRIVACY,
    QUESTION,
    RECORDED,
    UNRECORDED,
    WITHDRAW,
    YES,
    choice,
    planned,
    pressed,
    wording,
)
from doubles import (
    LOST,
    MISSING,
    SHORT,
    BrokenLedger,
    CountingLedger,
    MemoryLedger,
    ScriptedSession,
    SteadyRecordings,
    SteppingClock,
    hung_up,
    incoming,
    key,
    line,
    notice,
    version,
)
from evidence.ledger import audited, forged, signed
from handling import COUNTRY, choices_of, events, handle, services
from informativa.asterisk.agi_session import AgiSession
from informativa.call import agi
from informativa.ledgers.sqlite import SqliteLedger
from informativa.model import (
    ALWAYS,
    Answer,
    Asks,
    CallResult,
    Ending,
    KeyPress,
    Line,
    PlannedChoice,
    Reason,
    Status,
    Step,
    Unasked,
    Version,
    Vouched,
)
from informativa.model.choices import VOUCHED_AT_LEAST, StandingAnswer, merge_answers, placed
from informativa.model.errors import LedgerError, SessionError


def asked(session: ScriptedSession, own: Line, at: MemoryLedger | None = None) -> CallResult:
    """Handle one call."""
    return handle(session, services(own, at))


@pytest.mark.parametrize(
    ("asks", "presses", "word", "waits"),
    [
        (Asks.CONSENT, [pressed(YES)], "granted", 1),
        (Asks.CONSENT, [pressed(NO)], "refused", 1),
        (Asks.CONSENT, [], "silence", 1),
        (Asks.CONSENT, [pressed(YES, 0.29)], "silence", 2),  # asked again, and then nothing
        (Asks.CONSENT, [pressed(YES, 0.29), pressed(YES, 0.29)], "unclear", 2),
        (Asks.CONSENT, [pressed(YES, 0.3)], "granted", 1),
        (Asks.CONSENT, [pressed(NO, 0.0)], "refused", 1),
        (Asks.CONSENT, [pressed("9"), pressed(YES)], "granted", 2),
        (Asks.CONSENT, [pressed("9"), pressed("8")], "unclear", 2),
        (Asks.CONSENT, [KeyPress("", 0.5, hung_up=True)], "hung-up", 1),
        (Asks.OPERATOR, [pressed(EU, 0.0)], "eu", 1),
        (Asks.OPERATOR, [], "silence", 1),
        (Asks.HUMAN, [pressed(HUMAN)], "human", 1),
        (Asks.RECORDING, [pressed(UNRECORDED)], "not-recorded", 1),
        (Asks.RECORDING, [pressed(RECORDED, 0.3)], "recorded", 1),
        (Asks.RECORDING, [pressed(RECORDED, 0.29)], "silence", 2),
        (Asks.RECORDING, [pressed(RECORDED, 0.29), pressed(RECORDED, 0.29)], "unclear", 2),
    ],
)
def test_key_in_the_wait(asks: Asks, presses: list[KeyPress], word: str, waits: int) -> None:
    """After the whole prompt a key counts; one that grants only from 0.3 seconds into the wait on; silence
    asks nobody again, and a key that is no answer does, once."""
    own = choice(asks)
    session = ScriptedSession(presses=presses)
    asked(session, planned(own))
    assert choices_of(session) == f"{own.id}:{word}"
    assert len(session.waits) == waits


@pytest.mark.parametrize(
    ("asks", "digit", "word", "plays"),
    [
        (Asks.CONSENT, NO, "refused", 1),
        (Asks.CONSENT, YES, "silence", 2),  # too early: asked again, and then nothing
        (Asks.OPERATOR, EU, "eu", 1),
        (Asks.HUMAN, HUMAN, "human", 1),
        (Asks.RECORDING, UNRECORDED, "not-recorded", 1),
        (Asks.RECORDING, RECORDED, "silence", 2),
    ],
)
def test_key_in_the_prompt(asks: Asks, digit: str, word: str, plays: int) -> None:
    """A key that takes nothing from the caller counts in the prompt; one that grants never does (I2)."""
    own = choice(asks)
    session = ScriptedSession(playbacks=[whole_notice(), key(digit, 7.9)])
    asked(session, planned(own))
    assert choices_of(session) == f"{own.id}:{word}"
    assert [path for path, _keys in session.played] == [SHORT.path] + [f"/prompts/it/{own.id}"] * plays


def whole_notice():
    """Return what Asterisk reports of the notice, heard whole."""
    from doubles import heard_whole

    return heard_whole(SHORT)


def test_prompt_that_was_cut_short_grants_nothing() -> None:
    """A grant counts after a prompt that ended whole, not after one that Asterisk cut off (I2)."""
    cut = replace(hung_up(4), result=0, alive=True)
    session = ScriptedSession(playbacks=[whole_notice(), cut, cut], presses=[pressed(YES), pressed(YES)])
    asked(session, planned(CONSENT))
    assert choices_of(session) == "marketing:unclear"


def test_silence_after_a_question_that_was_not_heard_means_nothing() -> None:
    """Where a company has set that silence means `recorded`, only who heard the whole question, and the right
    one, is silent: else he was not asked."""
    own = planned(choice(Asks.RECORDING, silence=Answer.RECORDED))
    cut = replace(hung_up(4), result=0, alive=True)
    exchanged = services(own, recordings=SteadyRecordings({"/prompts/it/recording": 4}))
    for playbacks, at, word in (
        ([whole_notice()], services(own), "recorded"),
        ([whole_notice(), cut], services(own), "not-asked"),
        ([whole_notice()], exchanged, "not-asked"),
    ):
        session = ScriptedSession(playbacks=playbacks)
        handle(session, at)
        assert choices_of(session) == f"recording:{word}"


def test_doubled_key_starts_the_next_prompt_anew_once() -> None:
    """The key before, again within half a second of a prompt, came twice: the prompt is played anew, at no
    try's cost, and only once."""
    first, second = choice(Asks.CONSENT, "first"), choice(Asks.OPERATOR, "second", keys={Answer.EU: NO})
    session = ScriptedSession(
        playbacks=[whole_notice(), key(NO, 3.0), key(NO, 0.4)], presses=[KeyPress("", 4.0)]
    )
    asked(session, planned(first, second))
    assert choices_of(session) == "first:refused second:silence"
    again = ScriptedSession(playbacks=[whole_notice(), key(NO, 3.0), key(NO, 0.4), key(NO, 0.4)])
    asked(again, planned(first, second))
    assert choices_of(again) == "first:refused second:eu"


@pytest.mark.parametrize(
    ("playback", "status", "ending"),
    [(MISSING, Status.NOTASKED, Ending.NOT_PLAYABLE), (LOST, Status.ASKED, Ending.CONNECTION_LOST)],
)
def test_prompt_that_was_not_heard(playback, status: Status, ending: Ending) -> None:
    """A choice whose prompt is missing was not asked, and that is on record; one whose call broke off has no
    answer."""
    at = services(planned(CONSENT))
    session = ScriptedSession(playbacks=[whole_notice(), playback])
    handle(session, at)
    record = events(at)[-1]
    assert (record.status, record.heard and record.heard.ending) == (status, ending)


def test_record_of_a_consent() -> None:
    """A record of a consent has its wording, key, second, basis, and the sound that was heard (L16)."""
    at = services(planned(CONSENT))
    handle(ScriptedSession(presses=[pressed(YES, 1.25)]), at)
    notice_event, record = events(at)
    assert record.asked is not None
    assert (record.asked.answer, record.asked.options) == (Answer.GRANTED, "5=refused 4=granted")
    assert (record.asked.tries, record.asked.waited) == (1, 1250)
    assert (record.notice, record.version, record.purposes) == ("", "1", frozenset({"marketing"}))
    assert (record.status, record.reason, record.basis) == (Status.ASKED, Reason.NOT_ANSWERED, 1)
    assert record.heard is not None
    assert (record.heard.ending, record.heard.key) == (Ending.WHOLE, YES)
    assert record.recording
    assert record.pseudonym == notice_event.pseudonym is not None
    assert record.binding is not None
    assert not record.informs


def test_status_is_the_notices() -> None:
    """INFORMATIVA_STATUS says what became of the notices, whatever became of choices; the choices stand
    before it, in the order of the plan."""
    eu = choice(Asks.OPERATOR)
    session = ScriptedSession(presses=[pressed(EU), pressed(NO)])
    result = asked(session, planned(eu, CONSENT))
    assert (result.status, result.reason) == (Status.PLAYED, Reason.NOT_INFORMED)
    assert list(session.variables)[-1] == "INFORMATIVA_STATUS"
    assert choices_of(session) == "abroad:eu marketing:refused"


def test_who_hangs_up_in_a_choice_has_not_heard_the_notices_after_it() -> None:
    """A hang-up ends the plan: what is not reached was not asked, and the notices are PARTIAL."""
    eu = choice(Asks.OPERATOR)
    own = line(
        Step(COUNTRY, ALWAYS), Step(PRIVACY), choices=(PlannedChoice(eu, 1), PlannedChoice(CONSENT, 2))
    )
    session = ScriptedSession(presses=[KeyPress("", 0.2, hung_up=True)])
    result = asked(session, own)
    assert (result.status, result.reason) == (Status.PARTIAL, Ending.HUNG_UP)
    assert choices_of(session) == "abroad:hung-up marketing:not-asked"
    assert [path for path, _keys in session.played] == [SHORT.path, "/prompts/it/abroad"]


def test_remembered_answers() -> None:
    """A grant is told without asking for as long as it holds, a refusal for twelve months, and no answer for
    one; then the caller is asked again."""
    for presses, word, days in (
        ([pressed(YES)], "granted", 731),
        ([pressed(NO)], "refused", 365),
        ([], "silence", 30),
    ):
        ledger = MemoryLedger()
        own = planned(CONSENT)
        asked(ScriptedSession(presses=presses), own, ledger)
        for later, times in ((days - 1, 0), (days + 1, 1)):
            session = ScriptedSession(presses=[pressed(NO)])
            clock = SteppingClock(datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(days=later))
            handle(session, services(own, ledger, clock=clock))
            assert len(session.waits) == times, (word, later)
            assert choices_of(session) == f"marketing:{'refused' if times else word}"


@pytest.mark.parametrize(
    ("versions", "waits"),
    [
        ((wording("m", "marketing"), wording("m", "marketing", number="2")), 0),
        ((wording("m", "marketing"), wording("m", "marketing", number="2", material=True)), 1),
        ((wording("m", "marketing"), wording("m", "profiling", number="2")), 1),
    ],
)
def test_consent_ends_with_its_wording(versions: tuple[Version, ...], waits: int) -> None:
    """Another wording leaves a consent as it is; a material one, or one with another purpose, ends it."""
    ledger = MemoryLedger()
    asked(ScriptedSession(presses=[pressed(YES)]), planned(CONSENT), ledger)
    privacy = notice(version("1", "service", "marketing", "profiling"))
    later = choice(Asks.CONSENT, "marketing", *versions, purpose=next(iter(versions[-1].purposes)))
    session = ScriptedSession()
    asked(session, planned(later, plan=(Step(privacy),)), ledger)
    assert len(session.waits) == waits


def test_nobody_unrecognised_is_asked_for_consent() -> None:
    """Who withholds his number, or whose number nobody vouches for as the choice asks, is not asked; a choice
    that the law gives to all is."""
    strict = choice(Asks.CONSENT, vouched=VOUCHED_AT_LEAST[Vouched.NETWORK])
    for call, own in ((incoming(""), CONSENT), (incoming(), strict)):
        session = ScriptedSession(call)
        asked(session, planned(own, choice(Asks.OPERATOR)))
        assert choices_of(session) == "marketing:not-asked abroad:silence"
    session = ScriptedSession(incoming(presentation=NETWORK), presses=[pressed(YES)])
    asked(session, planned(strict))
    assert choices_of(session) == "marketing:granted"


@pytest.mark.parametrize("playback", [hung_up(3), key("1", 3)])
def test_no_consent_after_a_notice_that_was_not_heard(playback) -> None:
    """A consent rests on the notice that tells its purpose: who did not hear that to its end is not asked."""
    quiet = planned(CONSENT, plan=(Step(notice(version("1", "service", "marketing", full=False))),))
    session = ScriptedSession(playbacks=[playback, playback])
    asked(session, quiet)
    assert choices_of(session) in ("marketing:not-asked", "")
    assert not session.waits


LEFT_OUT = [
    ({"call": incoming("")}, {}, [Unasked.WITHHELD]),
    ({}, {"vouched": frozenset({Vouched.SIGNATURE})}, [Unasked.NOT_VOUCHED]),
    ({"playbacks": [MISSING]}, {}, [Unasked.NOT_TOLD]),
    ({"playbacks": [hung_up(2)]}, {}, [Unasked.HUNG_UP_BEFORE]),
    ({"presses": [pressed(YES)]}, {}, []),
]


@pytest.mark.parametrize(("script", "more", "expected"), LEFT_OUT)
def test_who_was_not_asked_is_counted_by_why(
    script: dict[str, Any], more: dict[str, object], expected: list[Unasked]
) -> None:
    """Of a caller who is not asked for consent there is no record; the ledger counts him, and the result has
    the reason for the metrics."""
    ledger = MemoryLedger()
    result = asked(ScriptedSession(**script), planned(replace(CONSENT, **more)), ledger)
    assert result.unasked == " ".join(f"marketing:{reason}" for reason in expected)
    assert ledger.unasked == {("+390212345678", "marketing", reason): 1 for reason in expected}


def test_second_consent_of_a_call_is_counted() -> None:
    """A consent over the line's limit is counted as one, and no more once its answer is known."""
    ledger = MemoryLedger()
    result = asked(ScriptedSession(), planned(CONSENT, choice(Asks.CONSENT, "survey")), ledger)
    assert (result.choices, result.unasked) == ("marketing:silence survey:not-asked", "survey:enough-asked")


def test_without_a_ledger_who_was_not_asked_costs_no_wait() -> None:
    """Where the ledger cannot be used the result says so, and it is not tried once more."""
    session = ScriptedSession()
    result = handle(session, services(planned(CONSENT), BrokenLedger()))
    assert result.unasked == "marketing:not-on-record"


def test_who_could_not_be_counted_is_in_the_result_all_the_same() -> None:
    """With the ledger's error; the notice stays on record."""
    ledger = CountingLedger()
    asked(ScriptedSession(playbacks=[MISSING]), planned(CONSENT), ledger)
    slow = CountingLedger()
    slow.slow_from = ledger.asked
    result = asked(ScriptedSession(playbacks=[MISSING]), planned(CONSENT), slow)
    assert (result.unasked, result.choices) == ("marketing:not-told", "marketing:not-asked")
    assert result.error == "The ledger did not answer within 5 s."
    assert len(list(slow.records())) == 1


def test_one_consent_a_call() -> None:
    """At most `consents` consents are asked in a call, in the plan's order; of other kinds every one."""
    first, second = choice(Asks.CONSENT, "first"), choice(Asks.CONSENT, "second")
    eu, human = choice(Asks.OPERATOR), choice(Asks.HUMAN)
    for most, words in ((1, "first:refused second:not-asked"), (2, "first:refused second:refused")):
        session = ScriptedSession(presses=[pressed(NO)] * 2)
        asked(session, planned(first, second, eu, human, consents=most))
        assert choices_of(session) == f"{words} abroad:silence human:silence"


def test_once_a_conversation() -> None:
    """After a transfer nobody is asked again what the record of this conversation has; a claim of another
    conversation is believed of nobody."""
    ledger, own = MemoryLedger(), planned(choice(Asks.OPERATOR))
    first = ScriptedSession(presses=[pressed(EU)])
    result = asked(first, own, ledger)
    claims = {"heard": result.heard_records}
    assert result.heard_records == "privacy:1 abroad:2"
    again = ScriptedSession(incoming(id="1700000000.2", options=claims))
    asked(again, own, ledger)
    assert (choices_of(again), again.waits) == ("abroad:eu", [])
    forged = ScriptedSession(incoming(id="1700000000.3", linked="1700000000.3", options=claims))
    asked(forged, own, ledger)
    assert (choices_of(forged), len(forged.waits)) == ("abroad:silence", 1)


def test_silence_about_recording_means_what_the_company_says() -> None:
    """The dialplan gets the word that the company chose for silence; the record says that it was silence."""
    for word in (Answer.RECORDED, Answer.NOT_RECORDED):
        at = services(planned(choice(Asks.RECORDING, silence=word)))
        session = ScriptedSession()
        handle(session, at)
        assert choices_of(session) == f"recording:{word}"
        last = events(at)[-1].asked
        assert last is not None
        assert last.answer is Answer.SILENCE


def test_without_a_ledger_only_what_the_law_gives_is_asked() -> None:
    """With a ledger that cannot be used no consent is asked; any other choice is obeyed, and the log says
    that it is not on record."""
    eu = choice(Asks.OPERATOR)
    session = ScriptedSession(presses=[pressed(EU)])
    result = asked(session, planned(eu, CONSENT), BrokenLedger())
    assert choices_of(session) == "abroad:eu marketing:not-asked"
    assert "choice-unrecorded" in result.error


class FullLedger(MemoryLedger):
    """A ledger that takes no answer with this word."""

    def __init__(self, word: Answer) -> None:
        super().__init__()
        self._word = word

    async def transact(self, work):
        """Refuse it."""
        result = await super().transact(work)
        if any(event.asked and event.asked.answer is self._word for event in self._transaction.events):
            raise LedgerError("The disk is full.")
        return result


def test_consent_that_is_not_on_record_is_void() -> None:
    """A yes that the ledger does not take is no consent."""
    session = ScriptedSession(presses=[pressed(YES)])
    result = asked(session, planned(CONSENT), FullLedger(Answer.GRANTED))
    assert choices_of(session) == "marketing:not-asked"
    assert result.error == "choice-unrecorded: The disk is full."


@pytest.mark.parametrize(
    ("digit", "at", "word"),
    [
        (RECORDED, MemoryLedger(), "recorded"),
        (RECORDED, FullLedger(Answer.RECORDED), "not-recorded"),
        (RECORDED, BrokenLedger(), "not-recorded"),
        (UNRECORDED, FullLedger(Answer.NOT_RECORDED), "not-recorded"),
    ],
)
def test_recording_that_nobody_could_prove(digit: str, at: MemoryLedger, word: str) -> None:
    """A yes to the recording counts only on record; a no is obeyed in any case (decision 23)."""
    session = ScriptedSession(presses=[pressed(digit)])
    asked(session, planned(choice(Asks.RECORDING, silence=Answer.NOT_RECORDED)), at)
    assert choices_of(session) == f"recording:{word}"


def test_yes_to_the_recording_is_for_the_conversation() -> None:
    """After a transfer the dialplan gets the same word unasked; the next call asks anew. The record says
    `recorded` only where a key was pressed, also where silence would mean it."""
    ledger, own = MemoryLedger(), planned(choice(Asks.RECORDING, silence=Answer.NOT_RECORDED))
    first = ScriptedSession(presses=[pressed(RECORDED)])
    asked(first, own, ledger)
    claims = {"heard": first.variables["__INFORMATIVA_HEARD"]}
    transferred = ScriptedSession(incoming(options=claims))
    asked(transferred, own, ledger)
    assert (choices_of(transferred), transferred.waits) == ("recording:recorded", [])
    later = ScriptedSession(incoming(id="1700000009.1", linked="1700000009.1"))
    asked(later, own, ledger)
    assert choices_of(later) == "recording:not-recorded"
    words = [record.event.asked.answer for record in ledger.records() if record.event.asked]
    assert words == [Answer.RECORDED, Answer.SILENCE]


def test_exchanged_prompt_grants_nothing() -> None:
    """Where the recording was exchanged while it was played, nobody knows what was said: a yes is void, a no
    counts."""
    for digit, word in ((YES, "not-asked"), (NO, "refused")):
        recordings = SteadyRecordings({"/prompts/it/marketing": 4})
        session = ScriptedSession(presses=[pressed(digit)])
        handle(session, services(planned(CONSENT), recordings=recordings))
        assert choices_of(session) == f"marketing:{word}"


def test_withdrawal_is_one_key() -> None:
    """Who granted is told how to withdraw and withdraws by one key, in the prompt too; then he is asked for a
    year no more, and a second call finds nothing to withdraw."""
    ledger, own = MemoryLedger(), planned(CONSENT)
    asked(ScriptedSession(presses=[pressed(YES)]), own, ledger)
    call = incoming(options={"action": "consent"})
    session = ScriptedSession(call, playbacks=[key(NO, 1.0)])
    result = asked(session, own, ledger)
    assert (result.status, choices_of(session)) == (Status.ASKED, "marketing:withdrawn")
    assert session.played == [(WITHDRAW.path, NO)]
    later = ScriptedSession(incoming(id="1700000009.1", linked="1700000009.1"))
    asked(later, own, ledger)
    assert (choices_of(later), later.waits) == ("marketing:withdrawn", [])
    again = ScriptedSession(call)
    assert asked(again, own, ledger).reason == Reason.NOTHING_TO_TELL


def test_who_hangs_up_is_told_of_no_other_consent() -> None:
    """Of two that he granted he hears one begin; what is recorded names the record."""
    ledger, own = MemoryLedger(), planned(CONSENT, choice(Asks.CONSENT, "survey"), consents=2)
    asked(ScriptedSession(presses=[pressed(YES)] * 2), own, ledger)
    call = incoming(options={"action": "consent"})
    session = ScriptedSession(call, playbacks=[hung_up(1)])
    result = asked(session, own, ledger)
    assert [path for path, _keys in session.played] == [WITHDRAW.path]
    assert (result.record, result.choices) == ("4", "marketing:hung-up")
    assert list(ledger.records())[-1].number == 4


def test_silence_withdraws_nothing() -> None:
    """Who hears how to withdraw and presses nothing keeps his consent."""
    ledger, own = MemoryLedger(), planned(CONSENT)
    asked(ScriptedSession(presses=[pressed(YES)]), own, ledger)
    asked(ScriptedSession(incoming(options={"action": "consent"})), own, ledger)
    later = ScriptedSession(incoming(id="1700000009.1", linked="1700000009.1"))
    asked(later, own, ledger)
    assert choices_of(later) == "marketing:granted"


def test_withdrawal_that_is_not_on_record_is_told_to_nobody() -> None:
    """The dialplan is not told of a withdrawal that the ledger did not take, for at the next call the consent
    would hold again: it goes on to its next try."""
    ledger, own = FullLedger(Answer.WITHDRAWN), planned(CONSENT)
    asked(ScriptedSession(presses=[pressed(YES)]), own, ledger)
    session = ScriptedSession(incoming(options={"action": "consent"}), playbacks=[key(NO, 1.0)])
    with pytest.raises(SessionError, match="full"):
        asked(session, own, ledger)
    assert session.variables == {}


def test_result_of_many_transfers_fits_into_a_command() -> None:
    """A caller who was put through often, on a line with long names and many choices, gets his variables:
    the channel has the last 30 records, and Asterisk takes a line of 2047 bytes."""
    claims = " ".join(f"{'n' * 31}{number % 10}:{10**9 + number}" for number in range(30))
    own = planned(*(choice(Asks.HUMAN, f"{'h' * 31}{digit}") for digit in "123456"))
    session = ScriptedSession(incoming(options={"heard": claims}))
    asked(session, own)
    heard = session.variables["__INFORMATIVA_HEARD"].split(" ")
    assert len(heard) == 30
    assert heard[-1].startswith("h")
    assert agi.command("EXEC", "MSet", ",".join(f"{k}={v}" for k, v in session.variables.items()))


def test_order_of_answers() -> None:
    """A no within ten minutes before a yes wins over it, as clocks differ; a later yes wins over an older no;
    two of the same time are ordered by record."""
    noon = datetime(2026, 12, 1, 12, tzinfo=UTC)

    def answer(word: Answer, minutes: float, record: int = 1) -> StandingAnswer:
        at = noon + timedelta(minutes=minutes)
        return placed(StandingAnswer(word, "1", frozenset(), at, record), None, live=True)

    no, yes = answer(Answer.REFUSED, 0), answer(Answer.GRANTED, 10)
    assert max(no, yes, key=lambda one: one.order) is no
    assert max(no, answer(Answer.GRANTED, 10.1), key=lambda one: one.order).word is Answer.GRANTED
    first, second = answer(Answer.REFUSED, 0, 1), answer(Answer.REFUSED, 0, 2)
    assert max(first, second, key=lambda one: one.order) is second
    assert merge_answers().acts == {}


def test_answer_alone_follows_its_caller_to_a_new_key(tmp_path: Path) -> None:
    """A caller of whom nothing but an answer is left under the earlier key is moved all the same, and not
    asked again."""
    ledger = tmp_path / "acme.sqlite3"
    own, opened = planned(CONSENT), SqliteLedger(str(ledger))
    handle(ScriptedSession(presses=[pressed(YES)]), services(own, opened))  # type: ignore[arg-type]
    forged(ledger, "DELETE FROM standing")
    new = replace(own.controller, key=b"n" * 32, old_keys=(own.controller.key,))
    session = ScriptedSession()
    handle(session, services(replace(own, controller=new), opened))  # type: ignore[arg-type]
    opened.close()
    assert (choices_of(session), session.waits) == ("marketing:granted", [])
    with closing(sqlite3.connect(ledger)) as connection:
        (moved,) = connection.execute("SELECT pseudonym FROM answer").fetchall()
        (later,) = connection.execute("SELECT pseudonym FROM event WHERE record = 3").fetchall()
    assert moved == later
    signed(ledger)
    assert audited(ledger).is_sound


def test_key_in_a_prompt_that_was_exchanged_is_no_second_question() -> None:
    """Who pressed a key that takes nothing from him is not asked again in another language, and the admin is
    told that the recording was exchanged."""
    two = {
        "it": replace(QUESTION, path="/prompts/it/abroad"),
        "en": replace(QUESTION, path="/prompts/en/abroad"),
    }
    version = replace(wording("abroad"), short=two)
    own = planned(choice(Asks.OPERATOR, "abroad", version), fallback=("en",))
    session = ScriptedSession(presses=[pressed(EU)])
    recordings = SteadyRecordings({"/prompts/it/abroad": 4})
    result = handle(session, services(own, recordings=recordings))
    assert (choices_of(session), len(session.waits)) == ("abroad:eu", 1)
    assert result.error == "/prompts/it/abroad was exchanged"


def test_nothing_to_withdraw_leaves_what_was_heard() -> None:
    """Who has nothing to withdraw keeps the claims of the call: after a transfer nothing is told again."""
    claims = {"action": "consent", "heard": "privacy:1 abroad:2"}
    result = asked(ScriptedSession(incoming(options=claims)), planned(CONSENT))
    assert result.heard_records == "privacy:1 abroad:2"


def test_withdrawal_counts_in_the_same_conversation() -> None:
    """What was granted in this conversation and withdrawn since is withdrawn; who heard how to withdraw and
    did not has granted it still."""
    for keys, word in (([key(NO, 1.0)], "withdrawn"), ([], "granted")):
        ledger, own = MemoryLedger(), planned(CONSENT)
        granted = asked(ScriptedSession(presses=[pressed(YES)]), own, ledger)
        claims = granted.heard_records
        event = asked(
            ScriptedSession(incoming(options={"action": "consent", "heard": claims}), playbacks=keys),
            own,
            ledger,
        )
        for heard in (claims, event.heard_records):
            session = ScriptedSession(incoming(id="1700000000.9", options={"heard": heard}))
            asked(session, own, ledger)
            assert choices_of(session) == f"marketing:{word}"


def test_one_consent_a_conversation() -> None:
    """After a transfer the consents that were asked before count."""
    first, second = choice(Asks.CONSENT, "first"), choice(Asks.CONSENT, "second")
    ledger, own = MemoryLedger(), planned(first, second)
    result = asked(ScriptedSession(presses=[pressed(NO)]), own, ledger)
    again = ScriptedSession(incoming(id="1700000000.2", options={"heard": result.heard_records}))
    asked(again, own, ledger)
    assert (choices_of(again), again.waits) == ("first:refused second:not-asked", [])


def test_key_before_a_hang_up_counts() -> None:
    """Who presses a key and hangs up at once has pressed it: both come in one packet."""
    replies = agi.ReplyReader()
    replies.unasked(b"HANGUP\n")

    async def exchange(_command: bytes, _seconds: float) -> agi.Reply:
        return agi.Reply(200, ord(NO))

    press = asyncio.run(AgiSession(incoming(), replies, exchange).key(4))
    assert (press.key, press.hung_up) == (NO, False)
