"""The model of random histories: what it takes for a fault, and what not."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from informativa.model import Status
from sharing.history_model import Holdings, Model, Ring

KNOWN = Ring(
    ("c0", "+393331234510"), (b"k" * 32,), "c0/0", 1, 2, 3, Status.PLAYED, 1, off=False, answered=True
)
AGAIN = replace(KNOWN, call="c0/1", began=4, heard=5, ended=6, status=Status.FALLBACK, record=0)


def judged(ring: Ring) -> None:
    """The caller is known on the box, and rings there."""
    Model(rings=[KNOWN]).add("pbx-1", Holdings({("c0", 1): KNOWN}), ring)


def test_a_known_caller_may_hear_it_again_where_the_ledger_has_no_room_for_the_skip() -> None:
    """A skip that cannot be put on record is not made."""
    judged(replace(AGAIN, full=True))


@pytest.mark.parametrize("ring", [AGAIN, replace(AGAIN, full=True, status=Status.PLAYED, record=2)])
def test_a_known_caller_hears_nothing_again_otherwise(ring: Ring) -> None:
    """Not on a ledger that has room, and not where there was room for the delivery."""
    with pytest.raises(AssertionError, match="played again: c0/1"):
        judged(ring)


@pytest.mark.parametrize("lost", [False, True])
def test_records_of_a_box_that_left_count_elsewhere_unless_the_server_lost_them(lost: bool) -> None:
    """Nobody sends again what a failover lost of a box that is gone."""
    model, other = Model(rings=[KNOWN]), Holdings(received={KNOWN})
    holdings = Holdings({("c0", 1): KNOWN})
    model.has("pbx-1", holdings)
    if lost:
        model.lag()
    model.exchanged("pbx-1", holdings, ["c0"])
    if lost:
        model.promote()
    model.leave("pbx-1", [other])
    expected = contextlib.nullcontext() if lost else pytest.raises(AssertionError, match="played again: c0/1")
    with expected:
        model.add("pbx-2", other, replace(AGAIN, answered=False))


@pytest.mark.parametrize("reused", [False, True])
def test_records_of_a_name_that_is_reused_may_count_for_nothing_elsewhere(reused: bool) -> None:
    """A box that took in a record under a number which another ledger has now may play to its caller, when no
    question is answered; otherwise that is a fault."""
    model, other = Model(rings=[KNOWN]), Holdings(received={KNOWN})
    model.has("pbx-1", Holdings({("c0", 1): KNOWN}))
    if reused:
        model.reuse("pbx-1", [other])
    model.exchanged("pbx-2", other, ["c0"])
    expected = (
        contextlib.nullcontext() if reused else pytest.raises(AssertionError, match="played again: c0/1")
    )
    with expected:
        model.add("pbx-2", other, replace(AGAIN, answered=False))
