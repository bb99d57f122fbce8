"""Which notices are due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CALLER, FULL, SHORT, line, notice, version
from informativa.model import (
    ALWAYS,
    Decision,
    Identified,
    Known,
    Line,
    Period,
    Reason,
    Standing,
    Step,
    Unidentified,
)
from informativa.policy import decide

AT = datetime(2026, 11, 24, tzinfo=UTC)
NOW = AT + timedelta(days=100)
CALLS = Identified(CALLER, "IT")
MONTHS = Period(3)


def known(of: str, *purposes: str, at: datetime = AT) -> dict[str, Known]:
    """A caller who heard version `of`."""
    return {"privacy": Known(frozenset({of}), frozenset(purposes or ("service",)), 7, at, at)}


def only(own: Line, standing: Standing, caller=CALLS, now: datetime = NOW, same_call=None) -> Decision:
    """The decision on a plan of one notice."""
    (decision,) = decide(own, standing, caller, now, same_call)
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


@pytest.mark.parametrize(("standing", "versions", "play", "reason"), TABLE)
def test_truth_table(standing, versions, play, reason) -> None:
    """Start of the relationship, further purpose, material change: due. Rewording: not."""
    decision = only(line(notice(*versions)), standing)
    assert (decision.play, decision.reason) == (play, reason)
    assert decision.version is versions[-1]
    assert decision.prompts == {"it": SHORT}


WITHHELD = Unidentified(Reason.WITHHELD)
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


@pytest.mark.parametrize(("again", "settings", "caller", "standing", "same_call", "play", "reason"), SETTINGS)
def test_truth_table_of_settings(again, settings, caller, standing, same_call, play, reason) -> None:
    """Once, every so often, always; after a transfer; only data for the service: each as the line says."""
    own = line(Step(notice(), again), **settings)
    decision = only(own, standing, caller, same_call=same_call)
    assert (decision.play, decision.reason) == (play, reason)


def test_supplement_is_played_to_who_knows_the_earlier_version() -> None:
    """Who knows a version that there is a supplement for hears only what is new; others all of it."""
    second = version("2", "service", "marketing", supplements={"1": {"it": FULL}})
    own = line(notice(version("1"), second))
    decision = only(own, known("1"))
    assert (decision.play, decision.prompts, decision.told) == (True, {"it": FULL}, {"marketing"})
    assert only(own, known("0")).prompts == {"it": SHORT}
    assert only(own, {}).prompts == {"it": SHORT}
    assert only(own, known("1"), WITHHELD).prompts == {"it": SHORT}


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


purposes = st.frozensets(st.sampled_from(["service", "marketing", "profiling"]), min_size=1)
names = st.sampled_from(["1", "2", "3", "gone"])
knowledge = st.builds(
    Known,
    versions=st.frozensets(names, min_size=1),
    purposes=purposes,
    record=st.integers(1, 9),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 3)).map(lambda at: at.replace(tzinfo=UTC)),
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
    merged = first.merged(second).merged(third)
    straight = deliveries[0].merged(deliveries[1]).merged(deliveries[2])
    assert (merged.versions, merged.purposes, merged.record) == (
        straight.versions,
        straight.purposes,
        straight.record,
    )
