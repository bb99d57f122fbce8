"""The story of a call, over a simulated session and a ledger in memory."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from doubles import (
    CALLER,
    FULL,
    LOST,
    MISSING,
    SHORT,
    SUPPLEMENT,
    BrokenLedger,
    MemoryLedger,
    ScriptedSession,
    ScriptedSource,
    SteadyRecordings,
    SteppingClock,
    heard_whole,
    hung_up,
    incoming,
    key,
    line,
    notice,
    recording_of,
    version,
)
from informativa.call.answering import CallServices, answer
from informativa.model import (
    ALWAYS,
    CallResult,
    Ending,
    Event,
    Heard,
    Identified,
    IncomingCall,
    Keys,
    Line,
    Notice,
    Period,
    Playback,
    Prompt,
    Reason,
    RecordKind,
    ReportedDelivery,
    Status,
    Step,
    Vouched,
)
from informativa.model.errors import LedgerSlowError, SessionError, SessionLostError


def services(ledger: MemoryLedger | None = None, **more) -> CallServices:
    """Two companies, one line each; `ledger` is the first one's."""
    acme, borealis = line(), line(controller="borealis", number="+493012345678")
    return CallServices(
        lines={acme.number: acme, "0212345678": acme, borealis.number: borealis},
        ledgers={"acme": ledger or MemoryLedger(), "borealis": MemoryLedger()},
        clock=SteppingClock(),
        **{"recordings": SteadyRecordings()} | more,
    )


def handle(session: ScriptedSession, at: CallServices) -> CallResult:
    """Answer one call."""
    return asyncio.run(answer(session, at))


def events(at: CallServices, controller: str = "acme") -> list[Event]:
    """Return what a ledger holds."""
    return [record.event for record in at.ledgers[controller].records()]


def test_first_call_plays_and_the_second_does_not() -> None:
    """A first caller hears the notice, the same caller again does not, and both are on record."""
    at, first, second = services(), ScriptedSession(), ScriptedSession(incoming(line="0212345678"))
    handle(first, at)
    handle(second, at)
    assert first.played == [(SHORT.path, "1")]
    assert first.variables == {
        "__INFORMATIVA_HEARD": "privacy:1",
        "INFORMATIVA_RECORD": "1",
        "INFORMATIVA_REASON": "not-informed",
        "INFORMATIVA_STATUS": "PLAYED",
    }
    assert second.played == []
    assert second.variables == {
        "INFORMATIVA_RECORD": "2",
        "INFORMATIVA_REASON": "already-informed",
        "INFORMATIVA_STATUS": "NOTDUE",
    }
    played, notdue = events(at)
    assert played.heard is not None
    assert (played.status, played.heard.ending, played.heard.seconds) == (Status.PLAYED, Ending.WHOLE, 10.0)
    assert (notdue.status, notdue.heard, notdue.basis) == (Status.NOTDUE, None, 1)
    assert played.pseudonym == notdue.pseudonym != None  # noqa: E711


def test_status_is_set_last() -> None:
    """The dialplan tests the status, so all else is set before it."""
    session = ScriptedSession()
    handle(session, services())
    assert list(session.variables)[-1] == "INFORMATIVA_STATUS"


def test_i3_status_only_after_the_record() -> None:
    """I3: when the status is handed over, the record is in the ledger."""
    at = services()
    counts: list[int] = []

    class Watching(ScriptedSession):
        async def set_variables(self, _variables) -> None:
            counts.append(len(events(at)))

    handle(Watching(), at)
    assert counts == [1]


@pytest.mark.parametrize("number", ["", "unknown", "1" * 40, "letters"])
def test_i1_unidentified_caller_hears_it_every_time(number: str) -> None:
    """I1: who cannot be recognised hears the notice at each call, recorded without a pseudonym."""
    at = services()
    for _ in range(2):
        session = ScriptedSession(incoming(number))
        assert handle(session, at).status is Status.PLAYED
        assert session.played
    assert [event.pseudonym for event in events(at)] == [None, None]


@pytest.mark.parametrize(
    ("playback", "status", "reason"),
    [
        (hung_up(2.5), Status.PARTIAL, "hung-up"),
        (hung_up(10), Status.PARTIAL, "hung-up"),
        (MISSING, Status.FAILED, "not-playable"),
        (LOST, Status.PARTIAL, "connection-lost"),
    ],
)
def test_i2_incomplete_delivery_stays_due(playback, status, reason) -> None:
    """I2: whatever is less than whole has its own status and word, and the next call plays again."""
    at = services()
    result = handle(ScriptedSession(playbacks=[playback]), at)
    assert (result.status, result.reason) == (status, reason)
    again = ScriptedSession()
    assert handle(again, at).status is Status.PLAYED
    assert again.played


def test_key_plays_the_full_text_and_that_informs() -> None:
    """Who asks for the full text and hears it to its end has heard the notice."""
    at = services()
    session = ScriptedSession(playbacks=[key("1", 3), heard_whole(FULL)])
    assert handle(session, at).status is Status.PLAYED
    assert [path for path, _ in session.played] == [SHORT.path, FULL.path]
    assert events(at)[0].prompt == FULL.path
    assert handle(ScriptedSession(), at).status is Status.NOTDUE


@pytest.mark.parametrize("playback", [hung_up(5), key("1", 5), MISSING])
def test_i2_full_text_that_was_not_heard_out_does_not_inform(playback) -> None:
    """I2: the short notice was cut for the full text, so only the whole full text counts."""
    at = services()
    assert handle(ScriptedSession(playbacks=[key("1", 3), playback]), at).status is not Status.PLAYED
    assert handle(ScriptedSession(), at).status is Status.PLAYED


def test_no_key_stops_a_notice_without_a_full_text() -> None:
    """Where there is no full text, no key is listened to."""
    own = line(notice(version(full=False)))
    session = ScriptedSession()
    handle(
        session,
        CallServices(
            {own.number: own}, {"acme": MemoryLedger()}, SteppingClock(), recordings=SteadyRecordings()
        ),
    )
    assert session.played == [(SHORT.path, "")]


def test_i6_another_company_knows_nothing() -> None:
    """I6: a caller who heard one controller's notice hears the other's, under another pseudonym."""
    at = services()
    handle(ScriptedSession(), at)
    result = handle(ScriptedSession(incoming(line="+493012345678")), at)
    assert result.status is Status.PLAYED
    assert events(at)[0].pseudonym != events(at, "borealis")[0].pseudonym


@pytest.mark.parametrize(
    ("ledger", "status"),
    [(BrokenLedger(), "FALLBACK"), (BrokenLedger(readable=True), "FALLBACK")],
)
def test_i4_broken_ledger_plays_and_leaves_a_row_in_the_spool(ledger, status) -> None:
    """I4: a ledger that fails neither drops nor skips: the notice plays and AstDB gets the proof."""
    session = ScriptedSession()
    result = handle(session, services(ledger))
    assert session.played
    assert (result.status, result.reason) == (status, "ledger-unavailable")
    ((where, row),) = session.database.items()
    assert result.record == f"spool:{where.removeprefix('informativa/')}"
    assert result.error
    assert re.fullmatch(
        r"at=\d+\|line=\+390212345678\|prompt=/prompts/it/short\|why=(ledger-unavailable|not-informed)\|ending=whole\|seconds=10"
        rf"\|recording={recording_of(SHORT)}",
        row,
    )


def test_i1_a_skip_that_cannot_be_recorded_is_not_made() -> None:
    """I1: a known caller hears the notice again while the ledger takes nothing, and AstDB has the proof."""
    ledger = BrokenLedger(readable=True, writable=True)
    at = services(ledger)
    handle(ScriptedSession(), at)
    ledger.transaction.writable = False
    session = ScriptedSession()
    result = handle(session, at)
    assert (result.status, result.reason) == (Status.FALLBACK, "ledger-unavailable")
    assert session.played
    assert len(session.database) == 1


def test_each_delivery_has_a_row_of_its_own_in_the_spool() -> None:
    """Two deliveries in one call, as after a transfer, do not overwrite each other's proof."""
    session, at = ScriptedSession(), services(BrokenLedger())
    assert handle(session, at).record != handle(session, at).record
    assert len(session.database) == 2


def test_plan_ends_when_nobody_is_there() -> None:
    """After a hang-up nothing is recorded of notices that never began."""
    own = line(notice(), Notice("country", (version(),)))
    ledger = MemoryLedger()
    session = ScriptedSession(playbacks=[hung_up(2)])
    handle(
        session,
        CallServices({own.number: own}, {"acme": ledger}, SteppingClock(), recordings=SteadyRecordings()),
    )
    assert [record.event.notice for record in ledger.records()] == ["privacy"]


def test_every_notice_of_a_plan_is_decided_and_recorded() -> None:
    """A plan of two notices plays both, in order, and the status is the gravest of them."""
    own = line(notice(), Notice("country", (version(),)))
    ledger = MemoryLedger()
    session = ScriptedSession(playbacks=[heard_whole(SHORT), MISSING])
    result = handle(
        session,
        CallServices({own.number: own}, {"acme": ledger}, SteppingClock(), recordings=SteadyRecordings()),
    )
    assert [(r.event.notice, r.event.status) for r in ledger.records()] == [
        ("privacy", Status.PLAYED),
        ("country", Status.FAILED),
    ]
    assert result.status is Status.FAILED


def test_call_cut_off_by_a_stop_is_on_record() -> None:
    """A call that is cancelled in the middle of its prompt leaves an attempt that informs nobody."""
    at = services()

    class Endless(ScriptedSession):
        async def play(self, _prompt, _keys, **_more):
            await asyncio.Event().wait()

    async def story() -> None:
        call = asyncio.create_task(answer(Endless(), at))
        await asyncio.sleep(0)
        while not call.done():
            call.cancel()
            await asyncio.sleep(0)
        assert call.cancelled()

    asyncio.run(story())
    (event,) = events(at)
    assert event.heard is not None
    assert (event.status, event.heard.ending) == (Status.PARTIAL, Ending.SERVICE_STOPPED)


def test_ledger_that_comes_back_is_used_again() -> None:
    """A ledger that could not be read and can be written still records what it decided without it."""
    at = services(BrokenLedger(writable=True))
    assert handle(ScriptedSession(), at).status is Status.PLAYED
    assert events(at)[0].reason == "ledger-unavailable"


def test_i4_ledger_that_is_too_slow_is_waited_for_once() -> None:
    """I4: a call of several notices waits once for a ledger that does not answer, and spools them all."""

    class Slow(MemoryLedger):
        asked = 0

        async def transact(self, work: object) -> object:
            self.asked += 1
            raise LedgerSlowError("The ledger did not answer within 5 s.")

    slow, own = Slow(), line(notice(), Notice("country", (version(),)))
    session = ScriptedSession()
    result = handle(
        session,
        CallServices({own.number: own}, {"acme": slow}, SteppingClock(), recordings=SteadyRecordings()),
    )
    assert (slow.asked, len(session.played), len(session.database)) == (1, 2, 2)
    assert (result.status, result.error) == (Status.FALLBACK, "The ledger did not answer within 5 s.")


def test_unknown_line_plays_the_fallback_prompt() -> None:
    """I1: nothing says that this caller need not hear it, so a line nobody configured plays too."""
    session = ScriptedSession(incoming(line="0299999999"))
    result = handle(session, services(fallback=SHORT))
    assert session.played == [(SHORT.path, "")]
    assert (result.status, result.reason) == (Status.FALLBACK, "no-line")
    assert "prompt=/prompts/it/short|why=no-line|ending=whole" in next(iter(session.database.values()))


def test_unknown_line_without_fallback_prompt_fails() -> None:
    """Without a prompt to play, the dialplan is told that and why, and the spool keeps it."""
    session = ScriptedSession(incoming(line="0299999999"))
    result = handle(session, services())
    assert (result.status, result.reason) == (Status.FAILED, "no-line")
    assert session.variables["INFORMATIVA_STATUS"] == "FAILED"
    assert "line=|prompt=|why=no-line|ending=not-playable" in next(iter(session.database.values()))


def test_lost_asterisk_is_recorded_and_told_to_nobody() -> None:
    """When Asterisk dies during the notice, the attempt is on record and the session ends in an error."""
    at = services()
    with pytest.raises(SessionLostError):
        handle(ScriptedSession(playbacks=[LOST], connected=False), at)
    (event,) = events(at)
    assert event.heard is not None
    assert event.heard.ending is Ending.CONNECTION_LOST


def test_i5_no_number_in_anything_that_outlives_the_call() -> None:
    """I5: neither records nor spool rows nor variables hold the caller's number."""
    at, session = services(), ScriptedSession()
    handle(session, at)
    broken = ScriptedSession()
    handle(broken, services(BrokenLedger()))
    stored = f"{events(at)} {session.variables} {broken.variables} {broken.database}"
    assert CALLER[3:] not in stored


GERMAN, FRENCH = (Prompt(f"/prompts/{language}/short", SHORT.lengths) for language in ("de", "fr"))


def one_line(own: Line) -> tuple[CallServices, MemoryLedger]:
    """Call services with one line."""
    ledger = MemoryLedger()
    return CallServices(
        {own.number: own}, {"acme": ledger}, SteppingClock(), recordings=SteadyRecordings()
    ), ledger


@pytest.mark.parametrize(
    ("number", "asked", "played", "language"),
    [
        (CALLER, "", SHORT, ""),
        ("+493012345678", "", GERMAN, ""),
        ("+33142685300", "", GERMAN, "fr"),
        (CALLER, "de", GERMAN, ""),
        (CALLER, "sl", GERMAN, "sl"),
        ("unknown", "", SHORT, ""),
    ],
    ids=["line", "country", "country-without-prompt", "dialplan", "dialplan-without-prompt", "unidentified"],
)
def test_language(number: str, asked: str, played: Prompt, language: str) -> None:
    """The dialplan's language, the country's, the line's; a missing one plays the fallback and says so."""
    texts = replace(version(), short={"it": SHORT, "de": GERMAN})
    own = line(notice(texts), languages={"DE": "de", "FR": "fr"}, fallback=("de",))
    at, ledger = one_line(own)
    session = ScriptedSession(incoming(number, options={"language": asked}))
    handle(session, at)
    assert session.played[0][0] == played.path
    (record,) = ledger.records()
    assert (record.event.language, record.event.wanted) == (played.path.split("/")[2], language)


def test_prompt_that_cannot_be_played_falls_back_to_another_language() -> None:
    """When the prompt of one language is broken, the caller hears the next, and the record says so."""
    texts = replace(version(), short={"it": SHORT, "de": GERMAN})
    at, ledger = one_line(line(notice(texts), fallback=("de",)))
    session = ScriptedSession(incoming(options={"language": "it"}), playbacks=[MISSING])
    assert handle(session, at).status is Status.PLAYED
    (record,) = ledger.records()
    assert (record.event.language, record.event.wanted) == ("de", "it")


@pytest.mark.parametrize(
    ("pressed", "informs", "heard", "status"),
    [
        ([key("2", 3)], False, ["short", "short"], Status.PLAYED),
        ([key("2", 3), key("1", 2)], False, ["short", "short", "full"], Status.PLAYED),
        ([key("1", 3), key("2", 9)], False, ["short", "full", "short"], Status.PLAYED),
        ([key("9", 3)], False, ["short"], Status.PARTIAL),
        ([key("9", 3)], True, ["short"], Status.SKIPPED),
        ([key("1", 3), key("9", 9)], True, ["short", "full"], Status.SKIPPED),
        ([key("1", 3), key("1", 9)], True, ["short", "full"], Status.PARTIAL),
        ([key("2", 1)] * 9, False, ["short"] * 5, Status.PARTIAL),
    ],
)
def test_keys(pressed, informs: bool, heard: list[str], status: Status) -> None:
    """Repeat, full text and skip do what they say, not without end; a skip informs only where it may."""
    at, ledger = one_line(line(keys=Keys(repeat="2", skip="9", skip_informs=informs)))
    session = ScriptedSession(playbacks=list(pressed))
    assert handle(session, at).status is status
    assert [path.rpartition("/")[2] for path, _ in session.played] == heard
    assert {keys for _, keys in session.played} == {"129"}
    (record,) = ledger.records()
    assert record.event.informs == (status is not Status.PARTIAL)


@pytest.mark.parametrize("number", [CALLER, "unknown"])
def test_transfer_does_not_play_again(number: str) -> None:
    """What was heard in this call is not played after a transfer, on the strength of the record alone."""
    at, ledger = one_line(line(Step(notice(), ALWAYS)))
    first = ScriptedSession(incoming(number))
    handle(first, at)
    claim = {"heard": first.variables["__INFORMATIVA_HEARD"]}
    again = ScriptedSession(incoming(number, options=claim))
    assert handle(again, at).reason == "same-call"
    assert "__INFORMATIVA_HEARD" not in again.variables  # it has that already
    other = ScriptedSession(incoming(number, options=claim, linked="1700000000.9"))
    assert handle(other, at).status is Status.PLAYED
    for forged in (
        "privacy:2",
        "privacy:99",
        "privacy:x",
        "country:1",
        "privacy",
        ":",
        "privacy:" + "9" * 30,
    ):
        session = ScriptedSession(incoming(number, options={"heard": forged}))
        assert handle(session, at).status is Status.PLAYED, forged
    assert [record.event.basis for record in ledger.records()][:2] == [None, 1]


@pytest.mark.parametrize("number", [CALLER, "unknown"])
def test_call_that_comes_back_by_sip_is_the_same_conversation(number: str) -> None:
    """What was heard before a call left and came back counts by the conversation that its channel names, and
    so on after it is put through; the records say which conversation that is."""
    at, ledger = one_line(line(Step(notice(), ALWAYS)))
    handle(ScriptedSession(incoming(number)), at)
    carried = {"heard": "@1700000000.1 privacy:1"}
    back = ScriptedSession(incoming(number, id="1700000005.7", linked="1700000005.7", options=carried))
    assert handle(back, at).reason == "same-call"
    assert "__INFORMATIVA_HEARD" not in back.variables
    event = list(ledger.records())[-1].event
    assert (event.call, event.linked, event.basis) == ("1700000005.7", "1700000000.1", 1)
    unheard = {"heard": "@1700000000.1"}
    session = ScriptedSession(incoming(number, id="1700000006.1", linked="1700000006.1", options=unheard))
    handle(session, at)
    assert session.variables["__INFORMATIVA_HEARD"] == "@1700000000.1 privacy:3"


@pytest.mark.parametrize(
    "heard",
    ["@1700000000.2 privacy:1", "privacy:1 @1700000000.1", "@ privacy:1", "privacy:1", "@1700000000.1"],
)
def test_i1_another_conversation_proves_nothing(heard: str) -> None:
    """I1: the named conversation must be the record's, and it is named by the first word alone."""
    at, _ledger = one_line(line(Step(notice(), ALWAYS)))
    handle(ScriptedSession(incoming()), at)
    back = ScriptedSession(incoming(id="1700000005.7", linked="1700000005.7", options={"heard": heard}))
    assert handle(back, at).status is Status.PLAYED


def test_i5_number_in_the_name_of_a_conversation_is_not_recorded() -> None:
    """I5: the conversation's id may have been chosen by whoever placed the call, with the caller's number."""
    at, ledger = one_line(line())
    handle(ScriptedSession(incoming(options={"heard": "@call-393331234567 privacy:1"})), at)
    (record,) = ledger.records()
    assert "3331234567" not in record.event.linked


def test_early_media_only_by_setting() -> None:
    """The channel is answered first unless the line says otherwise."""
    for answer_first in (True, False):
        at, _ = one_line(line(answer=answer_first))
        session = ScriptedSession()
        handle(session, at)
        assert session.answered is answer_first


def test_supplement_informs_of_all() -> None:
    """Who knew the first version and heard the supplement knows the second, with all its purposes."""
    second = version("2", "service", "marketing", supplements={"1": {"it": FULL}})
    ledger = MemoryLedger()
    before, after = line(notice(version("1"))), line(notice(version("1"), second))
    for own in (before, after, after):
        handle(
            ScriptedSession(),
            CallServices({own.number: own}, {"acme": ledger}, SteppingClock(), recordings=SteadyRecordings()),
        )
    recorded = [(r.event.status, set(r.event.purposes), r.event.prompt) for r in ledger.records()]
    assert recorded == [
        (Status.PLAYED, {"service"}, SHORT.path),
        (Status.PLAYED, {"marketing"}, FULL.path),
        (Status.NOTDUE, {"service", "marketing"}, ""),
    ]


def test_fallback_language_may_not_count() -> None:
    """GDPR art. 12(1): a notice in another language than the wanted one is on record as such, and by a
    setting it informs nobody."""
    own = line(fallback_informs=False)
    at, ledger = one_line(own)
    for _call in range(2):
        handle(ScriptedSession(incoming(options={"language": "fr"})), at)
    handle(ScriptedSession(), at)
    handle(ScriptedSession(), at)
    recorded = [(r.event.status, r.event.language, r.event.wanted, r.event.counts) for r in ledger.records()]
    assert recorded == [
        (Status.PLAYED, "it", "fr", False),
        (Status.PLAYED, "it", "fr", False),
        (Status.PLAYED, "it", "", True),
        (Status.NOTDUE, "it", "", True),
    ]


def test_full_text_after_a_supplement_tells_the_whole() -> None:
    """Who asks for the full text while he hears a supplement is told all purposes, and as a whole."""
    second = version("2", "service", "marketing", supplements={"1": {"it": SUPPLEMENT}})
    own = line(notice(version("1"), second))
    at, ledger = one_line(own)
    handle(
        ScriptedSession(),
        CallServices(
            {own.number: line(notice(version("1")))}, at.ledgers, at.clock, recordings=at.recordings
        ),
    )
    handle(ScriptedSession(playbacks=[key("1", 2.0)]), at)
    event = list(ledger.records())[-1].event
    assert (event.prompt, event.purposes, event.supplement) == (FULL.path, {"service", "marketing"}, False)


def test_full_text_of_the_language_is_played_to_who_speaks_its_country_s() -> None:
    """The key plays the full text in de to who hears the short one in de_DE."""
    both = replace(version(), short={"it": SHORT, "de_DE": GERMAN}, full={"de": FULL})
    at, ledger = one_line(line(notice(both)))
    session = ScriptedSession(incoming(options={"language": "de_DE"}), playbacks=[key("1", 2.0)])
    handle(session, at)
    (record,) = ledger.records()
    assert (record.event.prompt, record.event.status) == (FULL.path, Status.PLAYED)


def test_number_that_nobody_called_from_for_so_long_is_played_to_again() -> None:
    """GDPR art. 5(1)(d): what whoever had the number before was told is forgotten when the new one heard it
    whole, not when he hung up; each call before that shows that the number is still in use."""
    own = line(notice(version("1", "service", "marketing"), version("2")))
    own = replace(own, controller=replace(own.controller, recycled_after=Period(12)))
    ledger = MemoryLedger()

    def ring(after: int, *playbacks: Playback) -> tuple[Status, str]:
        clock = SteppingClock(datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=after))
        session = ScriptedSession(playbacks=list(playbacks))
        result = handle(
            session, CallServices({own.number: own}, {"acme": ledger}, clock, recordings=SteadyRecordings())
        )
        return result.status, result.reason

    assert ring(0) == (Status.PLAYED, "not-informed")
    assert ring(300) == (Status.NOTDUE, "already-informed")
    assert ring(600) == (Status.NOTDUE, "already-informed")
    assert ring(1000, hung_up(2.0)) == (Status.PARTIAL, "hung-up")
    assert ring(1001) == (Status.PLAYED, "recycled")
    assert ring(1300) == (Status.NOTDUE, "already-informed")


def test_operator_reads_where_all_is_due_on_every_call() -> None:
    """On a line where all is `always` an operator who reads has nothing to put on record, and is told so."""
    at, ledger = one_line(line(Step(notice(), ALWAYS)))
    session = ScriptedSession(incoming(options={"action": "read"}))
    handle(session, at)
    assert session.variables["INFORMATIVA_STATUS"] == "NOTDUE"
    assert session.variables["INFORMATIVA_REASON"] == "nothing-to-tell"
    assert list(ledger.records()) == []


@pytest.mark.parametrize(
    ("call", "vouched"),
    [
        (incoming(presentation=3), Vouched.NETWORK),
        (incoming(options={"verification": "success"}), Vouched.SIGNATURE),
        (incoming(options={"customer": "77"}), Vouched.DIALPLAN),
        (incoming(), Vouched.NOBODY),
        (incoming(""), None),
    ],
)
def test_record_says_who_vouched_for_the_number(call: IncomingCall, vouched: Vouched | None) -> None:
    """GDPR art. 5(1)(d): each record of a call says how its number was vouched for, also that of a notice
    left out."""
    at, ledger = one_line(line())
    handle(ScriptedSession(call), at)
    handle(ScriptedSession(call), at)
    assert {record.event.vouched for record in ledger.records()} == {vouched}


def test_unknown_word_of_the_network_is_told_with_the_setting() -> None:
    """What nobody understands plays the notice, and the admin learns which setting says what it means."""
    at, _ledger = one_line(line())
    result = handle(ScriptedSession(incoming(options={"verification": "Numero-OK"})), at)
    assert (result.status, result.reason) == (Status.PLAYED, "unverified")
    assert '`verification: {"Numero-OK": passed}`' in result.doubt


def test_ground_of_service_data_is_recorded() -> None:
    """A notice left out by the line's setting is SKIPPED, with that ground, and informs nobody."""
    at, ledger = one_line(line(service_data_only=True))
    result = handle(ScriptedSession(), at)
    assert (result.status, result.reason) == (Status.SKIPPED, "service-data-only")
    (record,) = ledger.records()
    assert not record.event.informs


def test_rotated_key_keeps_recognising() -> None:
    """A caller known under the old key is not played to, and is known under the new one afterwards."""
    before = line()
    at, ledger = one_line(before)
    handle(ScriptedSession(), at)
    rotated = replace(before.controller, key=b"n" * 32, old_keys=(before.controller.key,))
    for keys in (rotated, replace(rotated, old_keys=())):
        own = replace(before, controller=keys)
        session = ScriptedSession()
        result = handle(
            session,
            CallServices({own.number: own}, {"acme": ledger}, SteppingClock(), recordings=SteadyRecordings()),
        )
        assert (result.status, session.played) == (Status.NOTDUE, [])


def told_by_crm(own: Line, at: datetime, index: int = -1) -> ReportedDelivery:
    """Return that the caller was told one version of the line's first notice."""
    return ReportedDelivery(own.plan[0].notice.versions[index], RecordKind.CONTRACT, at, "crm: 4711")


def ask(
    own: Line, *sources: ScriptedSource, ledger: MemoryLedger | None = None
) -> tuple[CallResult, CallServices]:
    """One call on a line whose controller has these systems."""
    at = CallServices(
        {own.number: own},
        {"acme": ledger or MemoryLedger()},
        SteppingClock(),
        recordings=SteadyRecordings(),
        lookups={"acme": {"privacy": sources}},
    )
    return handle(ScriptedSession(), at), at


EARLIER = datetime(2026, 11, 1, tzinfo=UTC)


def test_answer_of_the_crm_is_the_ground_of_a_skip() -> None:
    """Who is known to the controller's own system hears nothing; its answer is on record, and asked once."""
    own = line()
    crm = ScriptedSource(told_by_crm(own, EARLIER))
    result, at = ask(own, crm)
    assert (result.status, result.reason) == (Status.NOTDUE, "already-informed")
    ground, skip = events(at)
    assert (ground.status, ground.kind, ground.reference, ground.at) == (
        Status.INFORMED,
        RecordKind.CONTRACT,
        "crm: 4711",
        EARLIER,
    )
    assert skip.basis == 1
    assert handle(ScriptedSession(), at).status is Status.NOTDUE
    assert crm.asked == 1


@pytest.mark.parametrize(
    ("crm", "error"),
    [
        (ScriptedSource(), ""),
        (ScriptedSource(error="The look-up crm failed."), "The look-up crm failed."),
    ],
)
def test_system_that_does_not_know_leaves_the_notice_due(crm: ScriptedSource, error: str) -> None:
    """No answer and a doubtful one play the notice; the next system is asked; why not goes to the log."""
    other = ScriptedSource()
    result, at = ask(line(), crm, other)
    assert (result.status, result.error, other.asked) == (Status.PLAYED, error, 1)
    assert len(events(at)) == 1


def test_answer_that_changes_nothing_is_not_put_on_record() -> None:
    """Being told long before what is due every month leaves it due, call after call, with no record of it."""
    own = line(Step(notice(), Period(1)))
    result, at = ask(own, ScriptedSource(told_by_crm(own, EARLIER - timedelta(days=300))))
    assert (result.status, len(events(at))) == (Status.PLAYED, 1)


def test_answer_about_an_older_version_plays_what_is_new() -> None:
    """Who was told the version before, by the controller's word, hears its supplement."""
    first, short = version("1"), Prompt("/prompts/it/new", SHORT.lengths)
    own = line(notice(first, version("2", "service", "marketing", supplements={"1": {"it": short}})))
    session = ScriptedSession()
    at = CallServices(
        {own.number: own}, {"acme": MemoryLedger()}, SteppingClock(), recordings=SteadyRecordings()
    )
    at = replace(at, lookups={"acme": {"privacy": [ScriptedSource(told_by_crm(own, EARLIER, 0))]}})
    assert handle(session, at).reason == "new-purpose"
    assert session.played[0][0] == "/prompts/it/new"


def test_system_is_not_asked_in_vain() -> None:
    """Neither about what is due on every call, nor about a caller who cannot be recognised."""
    own, crm = line(Step(notice(), ALWAYS)), ScriptedSource()
    ask(own, crm)
    at = CallServices(
        {own.number: line()}, {"acme": MemoryLedger()}, SteppingClock(), recordings=SteadyRecordings()
    )
    at = replace(at, lookups={"acme": {"privacy": [crm]}})
    handle(ScriptedSession(incoming("")), at)
    assert crm.asked == 0


def test_answer_that_cannot_be_put_on_record_counts_for_nothing() -> None:
    """With a ledger that takes nothing, the notice is played whatever the controller's system says."""
    own = line()
    crm = ScriptedSource(told_by_crm(own, EARLIER))
    result, _ = ask(own, crm, ledger=BrokenLedger(readable=True))
    assert (crm.asked, result.status, result.reason) == (1, Status.FALLBACK, "ledger-unavailable")


OTHER = Prompt("/prompts/it/other", SHORT.lengths)


def test_answer_ends_the_asking() -> None:
    """What one system says is not asked of the next."""
    own = line()
    first, second = ScriptedSource(told_by_crm(own, EARLIER)), ScriptedSource(told_by_crm(own, EARLIER))
    ask(own, first, second)
    assert (first.asked, second.asked) == (1, 0)


def test_i1_skip_that_cannot_be_recorded_after_a_played_step_is_not_made() -> None:
    """I1: when the ledger fails in the middle of a plan, what would have been left out after it is played
    too, with that ground, and spooled."""
    ledger = BrokenLedger(readable=True, writable=True)
    country = Notice("country", (replace(version(), short={"it": OTHER}),))
    own = line(Step(notice(), ALWAYS), Step(country))
    at = CallServices({own.number: own}, {"acme": ledger}, SteppingClock(), recordings=SteadyRecordings())
    handle(ScriptedSession(), at)

    class Failing(ScriptedSession):
        async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
            ledger.transaction.writable = False
            return await super().play(prompt, keys, answer=answer)

    session = Failing()
    result = handle(session, at)
    assert [path for path, _ in session.played] == [SHORT.path, OTHER.path]
    assert (result.status, result.reason) == (Status.FALLBACK, "ledger-unavailable")
    rows = [dict(part.split("=") for part in row.split("|")) for row in session.database.values()]
    assert [(row["prompt"], row["why"], row["ending"]) for row in rows] == [
        (SHORT.path, "every-call", "whole"),
        (OTHER.path, "ledger-unavailable", "whole"),
    ]
    assert [event.status for event in result.events] == [Status.PLAYED, Status.PLAYED]


def test_i1_spooled_delivery_is_not_claimed_as_heard() -> None:
    """I1: what no ledger took is no record to point at after a transfer, nor what was not heard out; what was
    heard out and is on record is."""
    session, lost, cut = ScriptedSession(), ScriptedSession(), ScriptedSession(playbacks=[hung_up(3)])
    handle(cut, services())
    assert "__INFORMATIVA_HEARD" not in cut.variables
    handle(session, services())
    handle(lost, services(BrokenLedger()))
    assert session.variables["__INFORMATIVA_HEARD"] == "privacy:1"
    assert lost.played
    assert "__INFORMATIVA_HEARD" not in lost.variables


def test_what_an_operator_read_is_told() -> None:
    """The dialplan gets the last record, and all that was read for after a transfer; what is due on every
    call is not among it."""
    country, daily = Notice("country", (version(),)), Notice("daily", (version(),))
    at, ledger = one_line(line(notice(), Step(daily, ALWAYS), country))
    read = {"action": "read", "operator": "anna", "heard": "earlier:7"}
    session = ScriptedSession(incoming(options=read, linked="1700000000.9"))
    result = handle(session, at)
    assert session.played == []
    assert session.variables == {
        "__INFORMATIVA_HEARD": "earlier:7 privacy:1 country:2",
        "INFORMATIVA_RECORD": "2",
        "INFORMATIVA_REASON": "told-elsewhere",
        "INFORMATIVA_STATUS": "INFORMED",
    }
    assert (result.status, result.reason, result.record) == (Status.INFORMED, "told-elsewhere", "2")
    assert [
        (event.notice, event.kind, event.reference, event.linked, event.call, event.line, event.language)
        for event in (record.event for record in ledger.records())
    ] == [
        (name, "operator", "anna", "1700000000.9", "1700000000.1", "+390212345678", "it")
        for name in ("privacy", "country")
    ]
    assert handle(ScriptedSession(), at).events[0].status is Status.NOTDUE


def test_operator_who_read_nothing_that_counts_has_no_record() -> None:
    """On a line where all is due on every call there is nothing to put on record."""
    at, ledger = one_line(line(Step(notice(), ALWAYS)))
    result = handle(ScriptedSession(incoming(options={"action": "read"})), at)
    assert (result.record, result.heard_records, list(ledger.records())) == ("", "", [])


@pytest.mark.parametrize(
    ("linked", "claim", "status"),
    [
        ("1700000000.1", "privacy:1", Status.NOTDUE),
        ("1700000000.2", "privacy:1", Status.PLAYED),
        ("1700000000.1", "privacy:2", Status.PLAYED),
        ("1700000000.1", "country:1", Status.PLAYED),
        ("1700000000.1", "", Status.PLAYED),
        ("", "privacy:1", Status.PLAYED),
    ],
)
def test_i1_only_the_record_of_this_conversation_proves_a_claim(
    linked: str, claim: str, status: Status
) -> None:
    """I1: a claim to have heard a notice before a transfer counts with a record of that notice and of this
    very conversation; without a conversation's id nothing does."""
    at = services()
    handle(ScriptedSession(incoming("unknown", linked=linked and "1700000000.1")), at)
    again = incoming("unknown", linked=linked, options={"heard": claim})
    assert handle(ScriptedSession(again), at).status is status


def test_i2_changed_recording_is_not_played() -> None:
    """I2: a prompt that is not the recording any more is refused at the call, loudly, and stays due."""
    at = services(recordings=SteadyRecordings({SHORT.path: 1}))
    session = ScriptedSession()
    result = handle(session, at)
    assert session.played == []
    assert (result.status, result.reason) == (Status.FAILED, "recording-changed")
    assert result.error == "/prompts/it/short was exchanged"
    (event,) = events(at)
    assert event.heard is not None
    assert (event.status, event.heard.ending, event.heard.seconds) == (Status.FAILED, Ending.CHANGED, 0.0)
    assert (event.prompt, event.recording) == ("/prompts/it/short", "")
    assert handle(ScriptedSession(), replace(at, recordings=SteadyRecordings())).status is Status.PLAYED
    assert handle(ScriptedSession(), at).status is Status.NOTDUE


def test_i2_recording_that_changed_while_it_was_played_does_not_inform() -> None:
    """I2: nobody knows what was heard of a file that was exchanged meanwhile, so it does not count."""
    at = services(recordings=SteadyRecordings({SHORT.path: 2}))
    session = ScriptedSession()
    result = handle(session, at)
    assert session.played == [(SHORT.path, "1")]
    assert (result.status, result.reason) == (Status.FAILED, "recording-changed")
    (event,) = events(at)
    assert event.heard is not None
    assert (event.heard.ending, event.heard.seconds, event.recording) == (Ending.CHANGED, 10.0, "")


def test_hang_up_before_the_end_of_a_recording_that_changed_is_a_hang_up() -> None:
    """Who hung up is not informed anyway, and nobody is there to play the rest of the plan to."""
    at = services(recordings=SteadyRecordings({SHORT.path: 2}))
    result = handle(ScriptedSession(playbacks=[hung_up(3)]), at)
    assert (result.status, result.reason) == (Status.PARTIAL, "hung-up")


@pytest.mark.parametrize(
    ("playbacks", "sound"),
    [
        ([], SHORT),
        ([hung_up(3)], SHORT),
        ([key("1", 2)], FULL),
        ([key("1", 2), hung_up(9)], FULL),
        ([MISSING], None),
    ],
)
def test_sound_that_was_played_is_on_record(playbacks, sound: Prompt | None) -> None:
    """A delivery names the sound that was heard last by its digest; where nothing was heard, none."""
    at = services()
    handle(ScriptedSession(playbacks=playbacks), at)
    (event,) = events(at)
    assert event.recording == (recording_of(sound) if sound else "")


def test_full_text_that_changed_does_not_inform() -> None:
    """Each prompt is looked at when its turn comes, the one behind a key too."""
    at = services(recordings=SteadyRecordings({FULL.path: 1}))
    result = handle(ScriptedSession(playbacks=[key("1", 2)]), at)
    assert (result.status, result.reason) == (Status.FAILED, "recording-changed")
    assert result.error == "/prompts/it/full was exchanged"


def test_call_cut_off_names_the_sound_that_was_being_played() -> None:
    """What was begun is on record with its sound, also when the service must stop meanwhile."""

    class Endless(ScriptedSession):
        async def play(self, prompt, keys, *, answer=True):
            raise asyncio.CancelledError

    at = services()
    with pytest.raises(asyncio.CancelledError):
        handle(Endless(), at)
    assert [event.recording for event in events(at)] == [recording_of(SHORT)]


def test_changed_recording_falls_back_to_another_language() -> None:
    """As for a prompt that is missing, the next language is tried; the log still tells of the first."""
    both = replace(version(full=False), short={"it": SHORT, "de": GERMAN})
    own, ledger = line(notice(both), fallback=("de",)), MemoryLedger()
    steady = SteadyRecordings({SHORT.path: 1})
    session = ScriptedSession()
    result = handle(
        session, CallServices({own.number: own}, {"acme": ledger}, SteppingClock(), recordings=steady)
    )
    assert session.played == [(GERMAN.path, "")]
    assert (result.status, result.error) == (Status.PLAYED, "/prompts/it/short was exchanged")
    (record,) = ledger.records()
    assert (record.event.language, record.event.recording) == ("de", recording_of(GERMAN))


def test_fallback_prompt_of_an_unknown_line_is_looked_at_too() -> None:
    """Its sound is in the spool; one that changed is not played."""
    session = ScriptedSession(incoming(line="999"))
    handle(session, services(fallback=SHORT))
    (row,) = session.database.values()
    assert row.endswith(f"|recording={recording_of(SHORT)}")
    session = ScriptedSession(incoming(line="999"))
    result = handle(session, services(fallback=SHORT, recordings=SteadyRecordings({SHORT.path: 1})))
    assert (session.played, result.status, result.reason) == ([], Status.FAILED, "no-line")
    assert result.error == "/prompts/it/short was exchanged"
    (row,) = session.database.values()
    assert "ending=recording-changed" in row


@pytest.mark.parametrize(
    ("operator", "reference"),
    [
        ("333x123x4567", "###x###x####"),
        ("Anna.Rossi", "Anna.Rossi"),
        ("333-123-4567", "###-###-####"),
        ("", "call 1700000000.1"),
        (" \t", "call 1700000000.1"),
    ],
)
def test_i5_operator_is_named_without_a_number(operator: str, reference: str) -> None:
    """I5: what the dialplan gives as the operator's name holds no number, and without one the call itself is
    the evidence."""
    at = services()
    handle(ScriptedSession(incoming(options={"action": "read", "operator": operator})), at)
    (event,) = events(at)
    assert (event.kind, event.reference) == (RecordKind.OPERATOR, reference)


def test_l19_operator_reads_nothing_that_is_not_in_force() -> None:
    """GDPR art. 5(2): what is to come was read to nobody."""
    soon = notice(version("1", starts=datetime(2027, 1, 1, tzinfo=UTC)))
    at = replace(services(), lines={"+390212345678": line(soon)})
    handle(ScriptedSession(incoming(options={"action": "read"})), at)
    assert events(at) == []


class Papers:
    """A company's own system that says that everybody signed on the first of June."""

    async def ask(self, _caller: Identified) -> ReportedDelivery | None:
        """The same of everybody."""
        return ReportedDelivery(
            version("1"), RecordKind.CONTRACT, datetime(2026, 6, 1, tzinfo=UTC), "crm: 4711"
        )

    def close(self) -> None:
        """Nothing to let go of."""


def test_l19_look_up_has_two_times() -> None:
    """GDPR art. 5(2): what a look-up told of happened when its paper says, and was recorded in the call."""
    at = services(lookups={"acme": {"privacy": [Papers()]}})
    handle(ScriptedSession(), at)
    event = events(at)[0]
    assert event.at == datetime(2026, 6, 1, tzinfo=UTC)
    assert event.recorded == datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)


def test_i1_record_of_one_notice_proves_no_other() -> None:
    """I1: a claim for one notice that names another one's record leaves it due."""
    country = Notice("country", (replace(version(), short={"it": OTHER}),))
    at, _ledger = one_line(line(notice(), country))
    handle(ScriptedSession(incoming("unknown"), playbacks=[heard_whole(SHORT), hung_up(1)]), at)
    again = ScriptedSession(incoming("unknown", options={"heard": "privacy:1 country:1"}))
    handle(again, at)
    assert [path for path, _ in again.played] == [OTHER.path]


def test_records_of_several_notices_are_claimed_one_by_one() -> None:
    """After a transfer each is looked up by its own: words between spaces."""
    at, _ledger = one_line(line(notice(), Notice("country", (version(),))))
    session = ScriptedSession()
    handle(session, at)
    assert session.variables["__INFORMATIVA_HEARD"] == "privacy:1 country:2"


UNKNOWN = "0299999999"


@pytest.mark.parametrize(
    ("number", "ledger", "message"),
    [
        (UNKNOWN, MemoryLedger(), "An operator read a notice on a line that is not configured."),
        ("0212345678", BrokenLedger(), "The ledger cannot be written."),
    ],
)
def test_operators_word_that_cannot_be_recorded_here_is_the_next_trys(
    number: str, ledger: MemoryLedger, message: str
) -> None:
    """The dialplan is told nothing, so it goes on to its next try; the log says why."""
    session = ScriptedSession(incoming(line=number, options={"action": "read"}))
    with pytest.raises(SessionError) as caught:
        handle(session, services(ledger))
    assert (str(caught.value), session.variables) == (message, {})


@pytest.mark.parametrize(
    ("fallback", "changed", "ending", "heard", "recording"),
    [
        (SHORT, {}, Ending.WHOLE, 10.0, recording_of(SHORT)),
        (SHORT, {SHORT.path: 1}, Ending.CHANGED, 0.0, ""),
        (None, {}, Ending.NOT_PLAYABLE, 0.0, ""),
    ],
)
def test_delivery_on_an_unknown_line_is_of_no_notice(
    fallback: Prompt | None, changed: dict[str, int], ending: Ending, heard: float, recording: str
) -> None:
    """Whose notice it was nobody knows: the row says what was heard of a prompt that is no controller's, and
    of which call."""
    recordings = SteadyRecordings(changed)
    (event,) = handle(
        ScriptedSession(incoming(line=UNKNOWN)), services(fallback=fallback, recordings=recordings)
    ).events
    assert recordings.owners == [""] * (fallback is not None)
    assert (event.call, event.line, event.notice, event.version, event.language) == (
        "1700000000.1",
        "",
        "",
        "",
        "",
    )
    assert (event.purposes, event.pseudonym, event.recording) == (frozenset(), None, recording)
    assert event.heard == Heard.in_seconds(ending, heard, heard)


def test_call_of_a_line_with_mistakes_is_left_to_the_dialplan() -> None:
    """It is said why; a line that is not named at all gets the installation's notice."""
    at = services(unanswered={"+390699999999": "acme has mistakes"})
    with pytest.raises(SessionError, match=r"^acme has mistakes$"):
        handle(ScriptedSession(incoming(line="+390699999999")), at)
    assert handle(ScriptedSession(incoming(line="+390688888888")), at).reason == Reason.NO_LINE
