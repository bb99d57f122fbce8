"""The notices that are due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CALLER, FULL, SHORT, line, notice, version
from informativa.call.policy import decide, play_after_all, play_all, read_by_operator, wanted_language
from informativa.model import (
    ALWAYS,
    CallerHistory,
    Decision,
    Identified,
    Line,
    Notice,
    Period,
    PriorDelivery,
    PromptChoice,
    Reason,
    Status,
    Step,
    Unidentified,
    Version,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)
NOW = AT + timedelta(days=100)
CALLS = Identified(CALLER, "IT")
MONTHS = Period(3)


def known(of: str, *purposes: str, at: datetime = AT) -> dict[str, PriorDelivery]:
    """A caller who heard version `of`."""
    return {"privacy": PriorDelivery(frozenset({of}), frozenset(purposes or ("service",)), 7, at, at)}


def only(own: Line, history: CallerHistory, caller=CALLS, now: datetime = NOW, same_call=None) -> Decision:
    """The decision on a plan of one notice."""
    (decision,) = decide(own, history, caller, now, same_call)
    assert decision.notice is own.plan[0].notice
    return decision


TABLE = [
    # what the caller knows, the versions, played?, why
    ({}, [version("1")], True, Reason.NOT_INFORMED),
    (known("1"), [version("1")], False, Reason.ALREADY_INFORMED),
    (known("1"), [version("1"), version("2")], False, Reason.ALREADY_INFORMED),
    (known("1"), [version("1"), version("2", material=True)], True, Reason.MATERIAL_CHANGE),
    (known("1"), [version("1"), version("2", material=True), version("3")], True, Reason.MATERIAL_CHANGE),
    (known("2"), [version("1"), version("2", material=True), version("3")], False, Reason.ALREADY_INFORMED),
    (known("3"), [version("1"), version("2", material=True)], True, Reason.MATERIAL_CHANGE),
    (known("1"), [version("1"), version("2", "service", "marketing")], True, Reason.NEW_PURPOSE),
    (known("1", "service", "marketing"), [version("2")], False, Reason.ALREADY_INFORMED),
    (known("gone"), [version("1", material=True), version("2")], True, Reason.MATERIAL_CHANGE),
]


@pytest.mark.parametrize(("history", "versions", "play", "reason"), TABLE)
def test_truth_table(history, versions, play, reason) -> None:
    """Start of the relationship, further purpose, material change: due. Rewording: not."""
    decision = only(line(notice(*versions)), history)
    assert (decision.play, decision.reason) == (play, reason)
    assert decision.version is versions[-1]
    assert decision.prompts == {"it": SHORT}
    assert decision.purposes == versions[-1].purposes
    assert decision.basis is history.get("privacy")


def test_version_that_is_to_come_is_no_material_change_yet() -> None:
    """Who knows today's version is not told again before the day of the next."""
    later = version("2", material=True, starts=NOW)
    own = line(notice(version("1"), later))
    assert not only(own, known("1"), now=NOW - timedelta(seconds=1)).play
    assert only(own, known("1"), now=NOW).reason is Reason.MATERIAL_CHANGE
    own = line(notice(version("0"), version("1"), later))
    assert not only(own, known("0"), now=NOW - timedelta(seconds=1)).play


def test_all_is_played_where_nothing_is_known() -> None:
    """Without a ledger the whole plan is due, each notice in the version of the day and with that ground."""
    country = notice(version("1"), version("2", "service", "marketing", starts=NOW))
    own = line(Step(notice(), ALWAYS), country)
    first, second = play_all(own, NOW - timedelta(seconds=1), "it")
    assert first == Decision(
        own.plan[0].notice,
        version("1"),
        play=True,
        reason=Reason.LEDGER_UNAVAILABLE,
        prompts={"it": SHORT},
        languages=("it", "it"),
        purposes=frozenset({"service"}),
    )
    assert (second.notice, second.version) == (country, country.versions[0])
    assert play_all(own, NOW, "it")[1].purposes == {"service", "marketing"}


def test_all_is_played_in_the_language_that_is_known_without_a_ledger() -> None:
    """Then in those of the line."""
    own = line(notice(replace(version("1"), short={"it": SHORT, "de": FULL})))
    decided = (play_all(own, NOW, "it"), play_all(own, NOW, "de"))
    assert [languages(decision) for (decision,) in decided] == [["it"], ["de", "it"]]


def test_skip_that_is_not_on_record_is_played_after_all() -> None:
    """In the same languages, with the ground that the ledger did not take it."""
    left_out = only(line(), known("1"))
    assert play_after_all(left_out) == replace(left_out, play=True, reason=Reason.LEDGER_UNAVAILABLE)
    assert left_out.choices == [PromptChoice("it", SHORT, FULL, "", informs=True)]


def test_operator_reads_what_is_not_for_every_call() -> None:
    """Each in the version of the day; none that is still to come."""
    own = line(Step(notice(), ALWAYS), Notice("country", (version("1"), version("2", starts=NOW))))
    country = own.plan[1].notice
    assert read_by_operator(own, NOW) == [(country, country.versions[1])]
    assert read_by_operator(own, NOW - timedelta(days=1)) == [(country, country.versions[0])]
    to_come = line(notice(version("1", starts=NOW)))
    assert read_by_operator(to_come, NOW - timedelta(days=1)) == []


def languages(decision: Decision) -> list[str]:
    """The languages to try."""
    return [choice.language for choice in decision.choices]


WITHHELD = Unidentified(Reason.WITHHELD)


@pytest.mark.parametrize(
    ("caller", "asked", "language"),
    [
        (CALLS, "", "it"),
        (Identified("+493012345678", "DE"), "", "de"),
        (Identified("+493012345678", "DE"), "en", "en"),
        (Identified("4711", customer=True), "", "it"),
        (WITHHELD, "", "it"),
        (WITHHELD, "en", "en"),
    ],
)
def test_wanted_language(caller, asked: str, language: str) -> None:
    """What the dialplan asks for goes before the caller's country, and that before the line's own."""
    own = line(languages={"DE": "de"})
    assert wanted_language(own, caller, asked) == language


SETTINGS = [
    # how often, the line's settings, who calls, what he knows, heard in this call, played?, why
    (None, {}, CALLS, known("1"), {}, False, Reason.ALREADY_INFORMED),
    (MONTHS, {}, CALLS, known("1"), {}, True, Reason.PERIOD_OVER),
    (MONTHS, {}, CALLS, known("1", at=NOW - timedelta(days=89)), {}, False, Reason.ALREADY_INFORMED),
    (MONTHS, {}, CALLS, known("1", at=NOW + timedelta(days=91)), {}, True, Reason.PERIOD_OVER),
    (ALWAYS, {}, CALLS, known("1", at=NOW), {}, True, Reason.EVERY_CALL),
    (ALWAYS, {}, WITHHELD, {}, {}, True, Reason.EVERY_CALL),
    (ALWAYS, {}, WITHHELD, {}, known("1"), False, Reason.SAME_CALL),
    (ALWAYS, {"again_after_transfer": True}, WITHHELD, {}, known("1"), True, Reason.EVERY_CALL),
    (ALWAYS, {"service_data_only": True}, CALLS, {}, {}, True, Reason.EVERY_CALL),
    (None, {}, WITHHELD, {}, known("1"), False, Reason.SAME_CALL),
    (None, {}, WITHHELD, {}, known("0"), True, Reason.WITHHELD),
    (None, {"again_after_transfer": True}, WITHHELD, {}, known("1"), True, Reason.WITHHELD),
    (None, {"service_data_only": True}, CALLS, {}, {}, False, Reason.SERVICE_DATA_ONLY),
    (None, {"service_data_only": True}, WITHHELD, {}, {}, False, Reason.SERVICE_DATA_ONLY),
]


@pytest.mark.parametrize(("again", "settings", "caller", "history", "same_call", "play", "reason"), SETTINGS)
def test_truth_table_of_settings(again, settings, caller, history, same_call, play, reason) -> None:
    """Once, every so often, always; after a transfer; only data for the service: each as the line says."""
    own = line(Step(notice(), again), **settings)
    decision = only(own, history, caller, same_call=same_call)
    assert (decision.play, decision.reason) == (play, reason)
    grounds = {Reason.SAME_CALL: same_call, Reason.ALREADY_INFORMED: history}
    assert decision.basis is grounds.get(reason, {}).get("privacy")


def test_supplement_is_played_to_who_knows_the_earlier_version() -> None:
    """Who knows a version that there is a supplement for hears only what is new; others all of it."""
    second = version("2", "service", "marketing", supplements={"1": {"it": FULL}})
    own = line(notice(version("1"), second))
    decision = only(own, known("1"))
    assert (decision.play, decision.prompts, decision.purposes) == (True, {"it": FULL}, {"marketing"})
    assert (decision.version, decision.basis) == (second, known("1")["privacy"])
    assert only(own, known("0")).prompts == {"it": SHORT}
    assert only(own, {}).prompts == {"it": SHORT}
    assert only(own, known("1"), WITHHELD).prompts == {"it": SHORT}


def test_supplement_tells_again_what_the_newest_version_had_dropped() -> None:
    """Who was once told of marketing, and then heard a version without it, is told of it as something new."""
    third = version("3", "service", "marketing", supplements={"2": {"it": FULL}})
    own = line(notice(version("2", "service"), third))
    decision = only(own, known("2", "service", "marketing"))
    assert (decision.prompts, decision.purposes) == ({"it": FULL}, {"marketing"})


def test_supplement_in_another_language_gives_way_to_the_whole() -> None:
    """A supplement is played in no other language than the whole would be; where it is not there in it, the
    whole is played, and tells all purposes."""
    second = version("2", "service", "marketing", supplements={"1": {"de": FULL}})
    second = replace(second, short={"it": SHORT, "de": SHORT, "en": SHORT})
    own = line(notice(version("1"), second), languages={"DE": "de_DE"}, fallback=("en",))
    for asked, supplement in (("", False), ("it", False), ("fr", False), ("de", True), ("de_DE", True)):
        (decision,) = decide(own, known("1"), CALLS, NOW, asked=asked)
        assert decision.supplement is supplement
        assert decision.purposes == ({"marketing"} if supplement else {"service", "marketing"})
        assert decision.choices[0].prompt is (FULL if supplement else SHORT)
    (german,) = decide(own, known("1"), Identified("+491711234567", "DE"), NOW)
    assert german.supplement


def test_version_without_any_language_of_the_line_is_played_in_its_own() -> None:
    """By a clock that is wrong an older version may be in force, which the line's languages were not checked
    against: better heard in another one than not at all."""
    decision = only(line(notice(replace(version("1"), short={"de": SHORT}))), {})
    assert (languages(decision), decision.language) == (["de"], "de")
    second = replace(version("2", "service", "marketing"), short={"de": SHORT})
    assert only(line(notice(version("1"), second)), known("1")).prompts == {"de": SHORT}


def test_version_counts_from_its_start() -> None:
    """A version that is to come changes nothing until its day, which is told by the clock that is given."""
    later = version("2", "service", "marketing", starts=NOW)
    own = line(notice(version("1"), later))
    assert not only(own, known("1"), now=NOW - timedelta(seconds=1)).play
    assert only(own, known("1"), now=NOW).reason is Reason.NEW_PURPOSE
    assert not only(own, known("2", "service", "marketing"), now=NOW - timedelta(days=1)).play


@given(st.sampled_from([Reason.WITHHELD, Reason.MALFORMED, Reason.AMBIGUOUS]), st.booleans())
def test_i1_unidentified_caller_always_hears_it(reason: Reason, informed: bool) -> None:
    """I1: whatever a ledger says, a caller who cannot be recognised is not taken as informed."""
    decision = only(line(), known("1") if informed else {}, Unidentified(reason))
    assert decision.play
    assert decision.reason is reason


def test_i1_a_skip_names_its_proof() -> None:
    """I1: a notice is left out on the strength of a record, and the decision says of which."""
    decision = only(line(), known("1"))
    assert decision.basis is not None
    assert decision.basis.record == 7


ROME = ZoneInfo("Europe/Rome")


def at_rome(text: str) -> datetime:
    """A time of the day in Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("period", "informed", "last_not_due", "first_due"),
    [
        (Period(12), "2026-03-01T10:00", "2027-03-01T09:59:59", "2027-03-01T10:00"),
        (Period(1), "2027-01-31T10:00", "2027-02-28T09:59:59", "2027-02-28T10:00"),
        (Period(12), "2028-02-29T10:00", "2029-02-28T09:59:59", "2029-02-28T10:00"),
        (Period(6), "2026-03-01T10:00", "2026-09-01T09:59:59", "2026-09-01T10:00"),  # over to summer time
        (Period(days=7), "2026-03-25T10:00", "2026-04-01T09:59:59", "2026-04-01T10:00"),
    ],
)
def test_periods_are_the_calendars(period, informed, last_not_due, first_due) -> None:
    """Twelve months are a year and not 360 days; a month ends with a shorter one; a day is that of the
    controller's time zone, also when the clocks change."""
    own = line(Step(notice(), period))
    own = replace(own, controller=replace(own.controller, zone=ROME))
    history = known("1", at=at_rome(informed))
    assert not only(own, history, now=at_rome(last_not_due)).play
    assert only(own, history, now=at_rome(first_due)).reason is Reason.PERIOD_OVER


def test_supplement_does_not_renew_the_period_of_the_whole() -> None:
    """Who got the whole in January and a supplement in May is due again a year after January."""
    own = line(Step(notice(version("1"), version("2")), Period(12)))
    january, may = AT, AT + timedelta(days=120)
    history = {"privacy": PriorDelivery(frozenset({"1", "2"}), frozenset({"service"}), 9, may, january)}
    assert only(own, history, now=AT + timedelta(days=365)).reason is Reason.PERIOD_OVER
    assert not only(own, history, now=AT + timedelta(days=364)).play
    never = {"privacy": replace(history["privacy"], last_complete=None)}
    assert only(own, never, now=may).reason is Reason.PERIOD_OVER


def test_whole_is_played_where_supplement_and_period_are_due() -> None:
    """When the period is over, too, no supplement is played first: the whole tells both."""
    second = version("2", "service", "marketing", supplements={"1": {"it": FULL}})
    own = line(Step(notice(version("1"), second), MONTHS))
    decision = only(own, known("1"))
    assert (decision.reason, decision.prompts, decision.supplement) == (
        Reason.NEW_PURPOSE,
        {"it": SHORT},
        False,
    )
    assert only(own, known("1"), now=AT + timedelta(days=1)).supplement


def test_period_that_has_just_begun_is_not_over() -> None:
    """Who was told this very moment is not told again; a moment that is to come was a wrong clock's."""
    own = line(Step(notice(), MONTHS))
    assert not only(own, known("1", at=NOW), now=NOW).play
    assert only(own, known("1", at=NOW + timedelta(microseconds=1)), now=NOW).reason is Reason.PERIOD_OVER


def test_older_paper_recorded_later_does_not_make_it_due() -> None:
    """A contract of last year that is recorded today leaves the period counting from the later call."""
    called = PriorDelivery(frozenset({"1"}), frozenset({"service"}), 1, AT, AT)
    paper = PriorDelivery(
        frozenset({"1"}), frozenset({"service"}), 2, AT - timedelta(days=400), AT - timedelta(days=400)
    )
    merged = {"privacy": called.merge(paper)}
    assert not only(line(Step(notice(), MONTHS)), merged, now=AT + timedelta(days=80)).play


def test_purpose_that_was_dropped_and_taken_up_again_is_due() -> None:
    """Who heard the version without marketing is told when marketing comes back; who never heard that version
    still has it."""
    history = notice(version("1", "service", "marketing"), version("2"), version("3", "service", "marketing"))
    both = {"privacy": PriorDelivery(frozenset({"1", "2"}), frozenset({"service", "marketing"}), 7, AT, AT)}
    assert only(line(history), both).reason is Reason.NEW_PURPOSE
    assert not only(line(history), known("1", "service", "marketing")).play


def heard_of(*deliveries: tuple[int, str, str, bool]) -> dict[str, PriorDelivery]:
    """A caller who heard these: the day, the version, its purposes (s, m, p for service, marketing,
    profiling), and whether as a whole."""
    words = {"s": "service", "m": "marketing", "p": "profiling"}
    known_notices: dict[str, PriorDelivery] = {}
    for day, name, letters, is_whole in deliveries:
        of, at = frozenset(words[letter] for letter in letters), AT + timedelta(days=day)
        once = frozenset({(at, name, of, is_whole)})
        one = PriorDelivery(frozenset({name}), of, 1 + day, at, at if is_whole else None, deliveries=once)
        known_notices["privacy"] = one.merge(known_notices.get("privacy", one))
    return known_notices


ONCE_MORE = version("4", "service", "marketing")
REMOVED = [
    # what he heard, the versions that are left, due?
    ([(0, "2", "sm", True), (9, "3", "s", True)], [ONCE_MORE], True),
    ([(9, "3", "s", True), (0, "2", "sm", True)], [ONCE_MORE], True),
    ([(0, "2", "sm", True)], [ONCE_MORE], False),
    ([(0, "2", "s", True), (9, "3", "m", False)], [ONCE_MORE], False),
    ([(0, "2", "s", True), (9, "3", "sm", True)], [ONCE_MORE], False),
    ([(0, "2", "sm", True), (9, "3", "s", True)], [version("2"), ONCE_MORE], True),
    ([(0, "2", "sm", True), (9, "3", "s", True)], [version("2", "service", "marketing"), ONCE_MORE], True),
    ([(0, "2", "sp", True), (9, "3", "m", False)], [version("3"), version("4", "profiling")], True),
]


@pytest.mark.parametrize(("heard", "versions", "due"), REMOVED)
def test_i1_version_that_was_taken_out_counts_by_its_record(heard, versions, due) -> None:
    """I1: what a later version dropped is due when it is taken up again, also where the file names neither of
    them any more; and what he was told of last is not."""
    decision = only(line(notice(*versions)), heard_of(*heard))
    assert (decision.play, decision.reason) == (
        due,
        Reason.NEW_PURPOSE if due else Reason.ALREADY_INFORMED,
    )


@pytest.mark.parametrize(
    ("supplement", "short", "fallback", "played"),
    [
        ({"de": FULL}, {"en": SHORT, "it": SHORT}, ("en",), True),
        ({"en": FULL}, {"de": SHORT, "it": SHORT}, ("en",), False),
        ({"de": FULL}, {"de": SHORT, "it": SHORT}, (), True),
        ({"it": FULL}, {"en": SHORT}, ("en",), False),
        ({"fr": FULL}, {"es": SHORT}, (), True),
    ],
)
def test_supplement_in_the_wanted_language_goes_before_a_whole_in_another(
    supplement, short, fallback, played
) -> None:
    """And a whole in the wanted language before a supplement in another."""
    second = replace(version("2", "service", "marketing", supplements={"1": supplement}), short=short)
    own = line(notice(version("1"), second), languages={"DE": "de"}, fallback=fallback)
    decision = only(own, known("1"), caller=Identified("+4915112345678", "DE"))
    assert (decision.supplement, decision.prompts) == (played, supplement if played else short)


def test_number_changes_hands_by_all_that_its_caller_heard() -> None:
    """Whoever rang on another line yesterday is the same; and a customer number is nobody else's ever."""
    own = line(notice())
    own = replace(own, controller=replace(own.controller, recycled_after=Period(12)))
    now = AT + timedelta(days=400)
    heard = known("1")["privacy"]
    assert only(own, {"privacy": heard}, now=now).reason is Reason.RECYCLED
    other = replace(heard, at=now - timedelta(days=1))
    assert only(own, {"privacy": heard, "recording": other}, now=now).reason is Reason.ALREADY_INFORMED
    customer = Identified("K-4711", customer=True)
    assert only(own, {"privacy": heard}, caller=customer, now=now).reason is Reason.ALREADY_INFORMED


RECYCLED = [
    # told at, last seen, now, due?
    (AT, None, AT + timedelta(days=364), False),
    (AT, None, AT + timedelta(days=365), True),
    (AT, AT + timedelta(days=300), AT + timedelta(days=665), False),
    (AT, AT + timedelta(days=300), AT + timedelta(days=666), True),
]


@pytest.mark.parametrize(("informed", "last_call", "now", "due"), RECYCLED)
def test_number_may_have_changed_hands(informed, last_call, now, due) -> None:
    """GDPR art. 5(1)(d): after a year without a call the notice is due, whole, whoever had the number
    before."""
    own = line(notice(version("1"), version("2", material=True, supplements={"1": {"it": FULL}})))
    own = replace(own, controller=replace(own.controller, recycled_after=Period(12)))
    history = {"privacy": replace(known("1", at=informed)["privacy"], last_call=last_call)}
    decision = only(own, history, now=now)
    assert decision.reason is (Reason.RECYCLED if due else Reason.MATERIAL_CHANGE)
    assert decision.supplement is not due


def test_only_service_purposes_are_left_out_as_service_data() -> None:
    """The ground of the service's data leaves out no version that has a purpose beyond the service."""
    mixed = notice(version("1", "service", "marketing"))
    assert only(line(mixed, service_data_only=True), {}).reason is Reason.NOT_INFORMED
    own = line(mixed, service_data_only=True)
    named = replace(own.controller, service_purposes=frozenset({"service", "marketing"}))
    assert only(replace(own, controller=named), {}).reason is Reason.SERVICE_DATA_ONLY


def test_language_of_a_country_finds_the_language() -> None:
    """de_DE is spoken by prompts in de, and is no fallback then; en is one, which may not count."""
    german = Version("1", frozenset({"service"}), False, {"de": SHORT, "en": FULL}, {})
    own = line(Notice("privacy", (german,)), languages={"DE": "de_DE"}, fallback=("en",))

    def choices(own: Line, asked: str) -> list[tuple[str, str, bool]]:
        (decision,) = decide(own, {}, CALLS, NOW, asked=asked)
        return [(choice.language, choice.instead_of, choice.informs) for choice in decision.choices]

    assert choices(own, "de_DE") == [("de", "", True), ("en", "de_DE", True)]
    assert choices(own, "fr") == [("en", "fr", True)]
    strict = replace(own, fallback_informs=False)
    assert choices(strict, "de") == [("de", "", True), ("en", "de", False)]


def test_full_text_is_in_the_language_of_the_short_one() -> None:
    """A key starts the full text that the caller understands, or none where none is in his language."""
    own = replace(version("1"), short={"it": SHORT, "de_DE": SHORT}, full={"de": FULL})
    decision = only(line(notice(own), fallback=("de_DE",)), {})
    assert [(choice.language, choice.full) for choice in decision.choices] == [("it", None), ("de_DE", FULL)]


purposes = st.frozensets(st.sampled_from(["service", "marketing", "profiling"]), min_size=1)
names = st.sampled_from(["1", "2", "3", "gone"])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 3)).map(lambda at: at.replace(tzinfo=UTC))
knowledge = st.builds(
    PriorDelivery,
    versions=st.frozensets(names, min_size=1),
    purposes=purposes,
    record=st.integers(1, 9),
    at=moments,
    last_complete=st.none() | moments,
)
histories = st.lists(st.tuples(purposes, st.booleans()), min_size=1, max_size=3).map(
    lambda all_: notice(*(version(str(n), *p, material=m) for n, (p, m) in enumerate(all_, 1)))
)


@given(histories, knowledge, st.sampled_from([None, MONTHS]))
def test_never_skipped_without_covering_the_purposes(history, heard, again) -> None:
    """A skip implies that every purpose of today was in what the caller heard."""
    decision = only(line(Step(history, again)), {"privacy": heard})
    assert decision.play or decision.version.purposes <= heard.purposes


@given(histories, knowledge)
def test_adding_a_purpose_makes_it_due(history, heard) -> None:
    """Whatever a caller knows, a version with a purpose that he was not told is due."""
    added = notice(*history.versions, version("new", *heard.purposes, "resale"))
    assert only(line(added), {"privacy": heard}).play


@given(histories, knowledge)
def test_rewording_changes_nothing(history, heard) -> None:
    """A version with the same purposes that is no material change is due to nobody who needs nothing."""
    before = only(line(history), {"privacy": heard})
    reworded = notice(*history.versions, version("new", *history.versions[-1].purposes))
    after = only(line(reworded), {"privacy": heard})
    assert (before.play, before.reason) == (after.play, after.reason)


@given(st.permutations([0, 1, 2]), st.tuples(knowledge, knowledge, knowledge))
def test_order_of_deliveries_does_not_matter(order, deliveries) -> None:
    """What a caller knows is the same in whichever order deliveries are put together."""
    first, second, third = (deliveries[index] for index in order)
    merged = first.merge(second).merge(third)
    straight = deliveries[0].merge(deliveries[1]).merge(deliveries[2])
    assert (merged.versions, merged.purposes, merged.record) == (
        straight.versions,
        straight.purposes,
        straight.record,
    )


@pytest.mark.parametrize(
    ("own", "history", "status"),
    [
        (line(service_data_only=True), {}, Status.SKIPPED),
        (line(), known("1"), Status.NOTDUE),
        (line(service_data_only=True), known("1"), Status.SKIPPED),
    ],
)
def test_skip_says_how_it_goes(own: Line, history: CallerHistory, status: Status) -> None:
    """What a setting leaves out is skipped; what the caller already has is not due."""
    decision = only(own, history)
    assert (decision.play, decision.status_of_skip) == (False, status)
