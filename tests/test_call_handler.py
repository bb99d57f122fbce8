"""Parts of a conversation between one caller and one line that `test_call.py` leaves open: what is asked,
what is recorded, and how often."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from doubles import (
    CALLER,
    FULL,
    MISSING,
    SHORT,
    SUPPLEMENT,
    BrokenLedger,
    CountingLedger,
    MemoryLedger,
    ScriptedSession,
    ScriptedSource,
    SteadyRecordings,
    SteppingClock,
    hung_up,
    incoming,
    key,
    line,
    notice,
    version,
)
from handling import COUNTRY, DAILY, events, handle, services
from informativa.call.caller import pseudonym
from informativa.evidence import commitment
from informativa.model import (
    ALWAYS,
    ChangedRecording,
    Ending,
    Identified,
    Keys,
    Period,
    Playback,
    Prompt,
    RecordKind,
    ReportedDelivery,
    Status,
    Step,
    Version,
    Vouched,
    told_elsewhere,
)


def test_what_is_left_out_is_decided_and_recorded_in_one_transaction() -> None:
    """A known caller costs the ledger one transaction, however many notices are left out; each played one
    costs another."""
    ledger = CountingLedger()
    at = services(line(notice(), COUNTRY), ledger)
    for asked in (3, 4):
        assert handle(ScriptedSession(), at).error == ""
        assert ledger.asked == asked
    assert [event.status for event in events(at)] == [Status.PLAYED] * 2 + [Status.NOTDUE] * 2


def test_i4_ledger_that_gets_too_slow_in_a_call_is_not_waited_for_again() -> None:
    """I4: who knew the caller in time and does not take the first record is not asked to take the second."""
    ledger = CountingLedger()
    ledger.slow_from = 2
    session = ScriptedSession()
    assert handle(session, services(line(notice(), COUNTRY), ledger)).status is Status.FALLBACK
    assert (ledger.asked, len(session.played), len(session.database)) == (2, 2, 2)


def test_i4_without_a_ledger_the_version_of_the_day_is_played() -> None:
    """I4: who is known to no ledger hears what is in force today, and the log says what could not be read."""
    coming = replace(version("2", starts=datetime(2027, 1, 1, tzinfo=UTC)), short={"it": SUPPLEMENT})
    session, at = ScriptedSession(), services(line(notice(version("1"), coming)), BrokenLedger(writable=True))
    assert handle(session, at).error == "The ledger cannot be read."
    assert [path for path, _keys in session.played] == ["/prompts/it/short"]
    assert [event.version for event in events(at)] == ["1"]


def test_i4_without_a_ledger_the_language_is_the_callers() -> None:
    """I4: the number's country, and the dialplan before it, say the language also where no ledger answers."""
    own = replace(version("1"), short={"it": SHORT, "de": SUPPLEMENT})
    german = line(notice(own), languages={"DE": "de"})
    for call in (incoming("+493012345678"), incoming(options={"language": "de"})):
        session = ScriptedSession(call)
        handle(session, services(german, BrokenLedger()))
        assert [path for path, _keys in session.played] == ["/prompts/it/supplement"]


def test_claim_that_leads_nowhere_hides_no_other() -> None:
    """Of what a caller is said to have heard in this call, each claim is looked up for itself."""
    at = services(line(Step(notice(), ALWAYS)))
    handle(ScriptedSession(), at)
    again = ScriptedSession(incoming(options={"heard": "country:99 privacy:1"}))
    assert handle(again, at).reason == "same-call"


def test_own_system_is_not_asked_of_what_was_heard_in_this_call() -> None:
    """After a transfer the record of the same call is enough, also where the notice would be due again."""
    crm = ScriptedSource()
    own = line(Step(notice(), Period(days=1)))
    at = services(own, None, crm)
    handle(ScriptedSession(), at)
    later = replace(at, clock=SteppingClock(datetime(2026, 11, 26, tzinfo=UTC)))
    again = ScriptedSession(incoming(options={"heard": "privacy:1"}))
    assert handle(again, later).reason == "same-call"
    assert crm.asked == 1


def test_own_system_is_not_asked_of_it_either_where_another_notice_is_due() -> None:
    """Each notice is asked for by itself: one was heard in this call, and nobody knows yet of the other."""
    crm, country = ScriptedSource(), ScriptedSource()
    at = services(line(Step(notice(), Period(days=1)), COUNTRY), None, crm)
    handle(ScriptedSession(playbacks=[hung_up(0)]), services(line(notice()), at.ledgers["acme"]))
    handle(ScriptedSession(), services(line(notice()), at.ledgers["acme"]))
    later = SteppingClock(datetime(2026, 11, 26, tzinfo=UTC))
    sources = {"acme": {"privacy": [crm], "country": [country]}}
    again = ScriptedSession(incoming(options={"heard": "privacy:2"}))
    handle(again, replace(at, clock=later, lookups=sources))
    assert (crm.asked, country.asked) == (0, 1)


def test_supplement_is_played_in_the_language_that_the_dialplan_asks_for() -> None:
    """Who asked for German hears the German supplement, though the line would have played the whole."""
    second = version("2", "service", "marketing", supplements={"1": {"de": SUPPLEMENT}})
    second = replace(second, short={"it": SHORT, "de": SHORT})
    at = services(line(notice(version("1"))))
    handle(ScriptedSession(), at)
    session = ScriptedSession(incoming(options={"language": "de"}))
    handle(session, services(line(notice(version("1"), second)), at.ledgers["acme"]))
    assert [path for path, _keys in session.played] == ["/prompts/it/supplement"]


def test_each_record_is_tied_to_its_callers_number_anew() -> None:
    """A delivery, a skip, what an operator read and what the company's system said: each has a binding of its
    own, under the company's key; a withheld number has none."""
    at = services(line(notice(), COUNTRY), None, ScriptedSource(reported("1", JUNE)))
    for call in (incoming(), incoming(options={"action": "read"}), incoming("", presentation=32)):
        handle(ScriptedSession(call), at)
    of_caller, withheld = events(at)[:5], events(at)[5:]
    expected = [Status.INFORMED, Status.NOTDUE, Status.PLAYED, Status.INFORMED, Status.INFORMED]
    assert [event.status for event in of_caller] == expected
    assert [event.binding for event in withheld] == [None, None]
    for event in of_caller:
        assert event.binding is not None
        opening = commitment.opening_key(line().controller.key, event.binding.salt)
        assert event.binding.value == commitment.binding(opening, Identified(CALLER))
    assert len({event.binding.salt for event in of_caller if event.binding}) == 5


def reported(name: str, at: datetime, *purposes: str) -> ReportedDelivery:
    """Return what acme's own system says."""
    return ReportedDelivery(version(name, *purposes), RecordKind.CONTRACT, at, "crm: 4711")


JUNE, NOVEMBER = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


def test_own_system_is_asked_of_each_notice_that_it_knows() -> None:
    """A notice that is due on every call and one that no system knows keep no other from being asked of."""
    crm = ScriptedSource(reported("1", JUNE))
    session = ScriptedSession()
    at = services(line(Step(DAILY, ALWAYS), COUNTRY, notice()), None, crm)
    assert handle(session, at).error == ""
    assert crm.asked == 1
    assert [(event.notice, event.status) for event in events(at)] == [
        ("privacy", Status.INFORMED),
        ("daily", Status.PLAYED),
        ("country", Status.PLAYED),
        ("privacy", Status.NOTDUE),
    ]


def test_what_was_told_within_the_period_is_the_ground_of_a_skip() -> None:
    """An answer is a delivery of the whole: the period counts from its day."""
    at = services(line(Step(notice(), Period(1))), None, ScriptedSource(reported("1", NOVEMBER)))
    assert handle(ScriptedSession(), at).status is Status.NOTDUE
    assert (events(at)[0].status, events(at)[0].at) == (Status.INFORMED, NOVEMBER)


def test_answer_about_a_version_before_the_known_one_is_not_put_on_record() -> None:
    """Who knows the first version is due the supplement to it, whatever he was told before that."""
    first, crm = version("1"), ScriptedSource(reported("0", JUNE))
    second = version("2", "service", "marketing", supplements={"1": {"it": SUPPLEMENT}})
    at = services(line(notice(version("0"), first)))
    handle(ScriptedSession(), at)
    own = line(notice(version("0"), first, second))
    handle(ScriptedSession(), services(own, at.ledgers["acme"], crm))
    assert crm.asked == 1
    assert [(event.status, event.version, event.supplement) for event in events(at)] == [
        (Status.PLAYED, "1", False),
        (Status.PLAYED, "2", True),
    ]


def test_old_paper_takes_no_number_for_somebody_elses() -> None:
    """GDPR art. 5(1)(d): who heard a supplement two months ago still has the number, though the whole is a
    year old and the last record is of a paper that is older."""
    first = version("1")
    second = version("2", "service", "marketing", supplements={"1": {"it": SUPPLEMENT}})
    ledger = MemoryLedger()

    def ring(year: int, month: int, *versions: Version) -> str:
        own = line(notice(*versions))
        own = replace(own, controller=replace(own.controller, recycled_after=Period(12)))
        clock = SteppingClock(datetime(year, month, 1, tzinfo=UTC))
        return handle(ScriptedSession(), services(own, ledger, clock=clock)).reason

    assert ring(2026, 1, first) == "not-informed"
    assert ring(2026, 12, first, second) == "new-purpose"
    paper = told_elsewhere(
        notice(first),
        first,
        RecordKind.CONTRACT,
        datetime(2025, 10, 1, tzinfo=UTC),
        pseudonym(Identified(CALLER), line().controller.key),
        "contract 4711",
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    asyncio.run(ledger.append(paper))
    assert ring(2027, 2, first, second) == "already-informed"


def test_why_each_system_could_not_be_used_is_told() -> None:
    """Two that fail are two sentences."""
    failing = [ScriptedSource(error=f"The look-up {name} failed.") for name in ("crm", "erp")]
    result = handle(ScriptedSession(), services(line(), None, *failing))
    assert result.error == "The look-up crm failed. The look-up erp failed."


def test_record_of_a_delivery() -> None:
    """It is of this call and of the end of the prompt, not of its beginning."""

    class Lasting(ScriptedSession):
        async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
            clock.at += timedelta(seconds=10)
            return await super().play(prompt, keys, answer=answer)

    clock = SteppingClock()
    at = services(line(), clock=clock)
    result = handle(Lasting(incoming(linked="1700000000.9")), at)
    (event,) = result.events
    assert events(at) == [event]
    assert (event.call, event.linked, event.line) == ("1700000000.1", "1700000000.9", "+390212345678")
    assert event.at == datetime(2026, 11, 24, 12, 0, 12, tzinfo=UTC)  # the prompt's 10 s and two looks of 1 s


@pytest.mark.parametrize("playback", [hung_up(2), MISSING])
def test_supplement_that_was_not_heard_is_one_too(playback: Playback) -> None:
    """What was begun of a supplement is on record as such."""
    second = version("2", "service", "marketing", full=False, supplements={"1": {"it": SUPPLEMENT}})
    at = services(line(notice(version("1"))))
    handle(ScriptedSession(), at)
    handle(
        ScriptedSession(playbacks=[playback]),
        services(line(notice(version("1"), second)), at.ledgers["acme"]),
    )
    assert [event.supplement for event in events(at)] == [False, True]


class Stopped(ScriptedSession):
    """A call during whose prompt the service must stop."""

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """It is cut off."""
        raise asyncio.CancelledError


def test_call_cut_off_counts_as_nothing_heard_of_its_prompt() -> None:
    """How much it was nobody knows: none of the prompt's ten seconds."""
    at = services(line())
    with pytest.raises(asyncio.CancelledError):
        handle(Stopped(), at)
    (event,) = events(at)
    assert event.heard is not None
    assert (event.status, event.prompt) == (Status.PARTIAL, "/prompts/it/short")
    assert (event.heard.ending, event.heard.seconds, event.heard.length) == (
        Ending.SERVICE_STOPPED,
        0.0,
        10.0,
    )


class StoppedInFullText(ScriptedSession):
    """A call during whose full text the service must stop."""

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """Play as scripted, until then."""
        if prompt.path == FULL.path:
            raise asyncio.CancelledError
        return await super().play(prompt, keys, answer=answer)


def test_call_cut_off_in_its_full_text_is_on_record_with_that() -> None:
    """The path, the sound and the length are of the text that was playing, and not of the short one."""
    keyed = line(notice(version(full=True)), keys=Keys(full="1"))
    at = services(keyed)
    with pytest.raises(asyncio.CancelledError):
        handle(StoppedInFullText(playbacks=[key("1", 3)]), at)
    (event,) = events(at)
    assert event.heard is not None
    assert (event.status, event.prompt, event.heard.ending) == (
        Status.PARTIAL,
        "/prompts/it/full",
        Ending.SERVICE_STOPPED,
    )
    assert (event.heard.seconds, event.heard.length) == (0.0, 60.0)


def test_supplement_that_was_cut_off_is_one_too() -> None:
    """It tells only the new purposes, however little of it was heard."""
    second = version("2", "service", "marketing", full=False, supplements={"1": {"it": SUPPLEMENT}})
    at = services(line(notice(version("1"))))
    handle(ScriptedSession(), at)
    with pytest.raises(asyncio.CancelledError):
        handle(Stopped(), services(line(notice(version("1"), second)), at.ledgers["acme"]))
    assert [event.supplement for event in events(at)] == [False, True]
    assert events(at)[1].purposes == {"marketing"}


class Stopping(SteadyRecordings):
    """Recordings at whose third look the service must stop."""

    async def current(self, controller: str, prompt: Prompt) -> Prompt | ChangedRecording:
        """Return it as ever, until then."""
        recording = await super().current(controller, prompt)
        if self.looks == 3:
            raise asyncio.CancelledError
        return recording


def test_recording_is_the_controllers() -> None:
    """Before and after it is played, a prompt is looked for among those of the line's controller."""
    recordings = SteadyRecordings()
    handle(ScriptedSession(), services(line(), recordings=recordings))
    assert recordings.owners == ["acme", "acme"]


def test_call_cut_off_before_its_prompt_names_no_sound() -> None:
    """Nothing was played yet of the second notice, and the sound of the first is not its own."""
    at = services(line(notice(), COUNTRY), recordings=Stopping())
    with pytest.raises(asyncio.CancelledError):
        handle(ScriptedSession(), at)
    assert [(event.notice, bool(event.recording)) for event in events(at)] == [
        ("privacy", True),
        ("country", False),
    ]
    assert events(at)[1].recording == ""


def test_why_a_recording_changed_while_it_played_is_told() -> None:
    """It was in order before, and the log says that it is not any more."""
    result = handle(ScriptedSession(), services(line(), recordings=SteadyRecordings({SHORT.path: 2})))
    assert (result.status, result.error) == (
        Status.FAILED,
        "/prompts/it/short was exchanged",
    )


def test_skip_is_no_supplement() -> None:
    """Nothing was told, neither the whole nor a part."""
    at = services(line())
    for _call in range(2):
        handle(ScriptedSession(), at)
    assert [event.supplement for event in events(at)] == [False, False]


def test_length_of_a_prompt_that_changed_is_on_record() -> None:
    """Nothing was heard of ten seconds."""
    at = services(line(), recordings=SteadyRecordings({SHORT.path: 1}))
    handle(ScriptedSession(), at)
    (event,) = events(at)
    assert event.heard is not None
    assert (event.heard.seconds, event.heard.length) == (0.0, 10.0)


def test_record_of_what_an_operator_read() -> None:
    """It is of the moment, of this caller, and says who vouched for the number; without a name the call is
    the evidence."""
    at = services(line())
    handle(ScriptedSession(incoming(presentation=3, options={"action": "read"})), at)
    (event,) = events(at)
    assert (event.at, event.recorded) == (
        datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC),
        datetime(2026, 11, 24, 12, 0, 2, tzinfo=UTC),
    )
    assert (event.vouched, event.reference) == (Vouched.NETWORK, "call 1700000000.1")
    assert handle(ScriptedSession(), at).reason == "already-informed"


def test_operators_record_is_in_the_language_that_the_caller_wants() -> None:
    """The dialplan's, or that of the number's country, whether the number is known or withheld."""
    own = line(notice(replace(version("1"), short={"it": SHORT, "de": SHORT})), languages={"DE": "de"})
    at = services(own)
    handle(ScriptedSession(incoming("+493012345678", options={"action": "read"})), at)
    withheld = incoming("", presentation=32, options={"action": "read", "language": "de"})
    handle(ScriptedSession(withheld), at)
    assert [(event.language, event.pseudonym is None) for event in events(at)] == [
        ("de", False),
        ("de", True),
    ]


def test_operator_who_read_nothing_leaves_what_was_heard_before() -> None:
    """What the channel says of earlier notices stays as it was."""
    heard = {"action": "read", "heard": "privacy:1 country:2"}
    session = ScriptedSession(incoming(options=heard))
    result = handle(session, services(line(Step(notice(), ALWAYS))))
    assert result.heard_records == "privacy:1 country:2"
    assert "__INFORMATIVA_HEARD" not in session.variables


def test_delivery_that_astdb_does_not_take_has_no_record() -> None:
    """Where the call itself cannot keep the row either, the dialplan is told of none."""

    class Full(ScriptedSession):
        async def put_database(self, family: str, key: str, value: str) -> bool:
            return False

    session = Full()
    result = handle(session, services(line(), BrokenLedger()))
    assert (result.status, result.record, session.variables["INFORMATIVA_RECORD"]) == (
        Status.FALLBACK,
        "",
        "",
    )


def test_earlier_pseudonym_is_recorded_of_whom_it_was_known_and_once() -> None:
    """After two changes of the key: of a caller who is new none is recorded, in none of his calls; of one who
    was known by the oldest key that one, and not again when it has moved."""
    own = line()
    now = replace(own, controller=replace(own.controller, key=b"3" * 32, old_keys=(b"2" * 32, b"1" * 32)))
    oldest = replace(own, controller=replace(own.controller, key=b"1" * 32))
    at = services(now)
    handle(ScriptedSession(incoming("+393331112222")), services(oldest, at.ledgers["acme"]))
    for number in (CALLER, "+393331112222", CALLER, "+393331112222"):
        handle(ScriptedSession(incoming(number)), at)
    known = pseudonym(Identified("+393331112222"), b"1" * 32)
    assert [event.earlier for event in events(at)] == [None, None, known, None, None]
