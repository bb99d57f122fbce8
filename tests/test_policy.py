"""Which notices are due."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CALLER, notice, version
from informativa.model import Identified, Known, Reason, Unidentified
from informativa.policy import decide

AT = datetime(2026, 11, 24, tzinfo=UTC)
CALLS = Identified(CALLER)


def known(of: str, *purposes: str) -> dict[str, Known]:
    """A caller who heard version `of`."""
    return {"privacy": Known(frozenset({of}), frozenset(purposes or ("service",)), 7, AT)}


TABLE = [
    # what the caller knows, the versions, played?, why
    ({}, [version("1")], True, Reason.NOT_INFORMED),
    (known("1"), [version("1")], False, Reason.ALREADY_INFORMED),
    (known("1"), [version("1"), version("2")], False, Reason.ALREADY_INFORMED),
    (known("1"), [version("1"), version("2", material=True)], True, Reason.MATERIAL_CHANGE),
    (known("1"), [version("1"), version("2", material=True), version("3")], True, Reason.MATERIAL_CHANGE),
    (known("2"), [version("1"), version("2", material=True), version("3")], False, Reason.ALREADY_INFORMED),
    (known("1"), [version("1"), version("2", "service", "marketing")], True, Reason.NEW_PURPOSE),
    (known("1", "service", "marketing"), [version("2")], False, Reason.ALREADY_INFORMED),
    (known("gone"), [version("1", material=True), version("2")], True, Reason.MATERIAL_CHANGE),
]


@pytest.mark.parametrize(("standing", "versions", "play", "reason"), TABLE)
def test_truth_table(standing, versions, play, reason) -> None:
    """Start of the relationship, further purpose, material change: due. Rewording: not."""
    (decision,) = decide([notice(*versions)], standing, CALLS)
    assert (decision.play, decision.reason) == (play, reason)
    assert decision.version is versions[-1]


@given(st.sampled_from([Reason.WITHHELD, Reason.MALFORMED, Reason.AMBIGUOUS]), st.booleans())
def test_i1_unidentified_caller_always_hears_it(reason: Reason, informed: bool) -> None:
    """I1: whatever a ledger says, a caller who cannot be recognised is not taken as informed."""
    (decision,) = decide([notice()], known("1") if informed else {}, Unidentified(reason))
    assert decision.play
    assert decision.reason is reason


def test_i1_a_skip_names_its_proof() -> None:
    """I1: a notice is left out on the strength of a record, and the decision says of which."""
    (decision,) = decide([notice()], known("1"), CALLS)
    assert decision.basis is not None
    assert decision.basis.record == 7


purposes = st.frozensets(st.sampled_from(["service", "marketing", "profiling"]), min_size=1)
knowledge = st.builds(
    Known,
    versions=st.frozensets(st.sampled_from(["1", "2"]), min_size=1),
    purposes=purposes,
    record=st.integers(1, 9),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3)).map(lambda at: at.replace(tzinfo=UTC)),
)


@given(purposes, purposes)
def test_never_skipped_without_covering_the_purposes(heard, today) -> None:
    """A skip implies that every purpose of today was in what the caller heard."""
    (decision,) = decide([notice(version("1", *today))], known("1", *heard), CALLS)
    assert decision.play or today <= heard


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
