"""Questions of a call to a company's other boxes: only what it must, and nothing of it is waited for
twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from doubles import (
    CALLER,
    BrokenLedger,
    CountingLedger,
    MemoryLedger,
    ScriptedBoxes,
    ScriptedSession,
    ScriptedSource,
    SteppingClock,
    incoming,
    line,
    notice,
    version,
)
from examples import AT, PLAYED
from handling import COUNTRY, DAILY, events, handle, services
from informativa.call.answering import CallServices
from informativa.call.caller import pseudonym
from informativa.model import (
    ALWAYS,
    Event,
    Identified,
    Keys,
    Line,
    Period,
    PriorDelivery,
    Reason,
    Record,
    Status,
    Step,
    known_by,
    told_by_others,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY, OLD = b"acme".ljust(32, b"."), b"o" * 32
HE, HE_BEFORE = (pseudonym(Identified(CALLER), key) for key in (KEY, OLD))
DAY = timedelta(days=1)


def informing(**more: object) -> tuple[str, Record]:
    """A record of another box that informed this caller."""
    event = replace(PLAYED, pseudonym=HE, purposes=version().purposes, at=NOW - DAY)
    return "pbx-2", Record(7, replace(event, **more))  # type: ignore[arg-type]


def at(boxes: ScriptedBoxes, own: Line | None = None, **more: object) -> CallServices:
    """One line of a company with other boxes."""
    return services(own or line(notice()), others={"acme": boxes}, clock=SteppingClock(NOW), **more)


def test_who_heard_it_on_another_box_does_not_hear_it_again() -> None:
    """The record names the box and the number there, and a known caller is asked for no more than he must."""
    boxes = ScriptedBoxes([informing()])
    here = at(boxes)
    session = ScriptedSession()
    result = handle(session, here)
    assert (result.status, result.reason, result.error) == (Status.NOTDUE, "already-informed", "")
    assert session.played == []
    assert [event.basis for event in events(here)] == ["pbx-2:7"]
    assert boxes.asked == [[HE]]


def test_who_is_known_here_is_asked_for_nowhere() -> None:
    """A known caller costs one transaction and no question."""
    boxes, ledger = ScriptedBoxes(), CountingLedger()
    here = at(boxes, ledger=ledger)
    handle(ScriptedSession(), here)
    assert (len(boxes.asked), ledger.asked) == (1, 3)
    handle(ScriptedSession(), here)
    assert (len(boxes.asked), ledger.asked) == (1, 4)


@pytest.mark.parametrize("told_there", [None, ()])
def test_i1_no_answer_plays(told_there: None) -> None:
    """As does one that he was told nothing: nobody is skipped on a silence."""
    session = ScriptedSession()
    assert handle(session, at(ScriptedBoxes(told_there))).status is Status.PLAYED
    assert len(session.played) == 1


def test_who_cannot_be_recognised_is_asked_for_nowhere() -> None:
    """Nor is whoever withholds the number."""
    boxes = ScriptedBoxes([informing()])
    for number in ("", "anonymous", "12"):
        assert handle(ScriptedSession(incoming(number)), at(boxes)).status is Status.PLAYED
    assert boxes.asked == []


def test_what_is_due_on_every_call_is_asked_for_nowhere() -> None:
    """No answer could change that."""
    boxes = ScriptedBoxes([informing()])
    handle(ScriptedSession(), at(boxes, line(Step(DAILY, ALWAYS))))
    assert boxes.asked == []


def test_all_pseudonyms_of_a_caller_are_asked_for() -> None:
    """That of the key, and of those before it: another box may have told him under one of them."""
    boxes = ScriptedBoxes([informing(pseudonym=HE_BEFORE)])
    own = line(notice())
    own = replace(own, controller=replace(own.controller, old_keys=(OLD,)))
    assert handle(ScriptedSession(), at(boxes, own)).status is Status.NOTDUE
    assert boxes.asked == [[HE, HE_BEFORE]]


def test_the_companys_own_system_is_asked_when_no_box_knows() -> None:
    """And only then: boxes are nearer."""
    crm = ScriptedSource()
    known = {"lookups": {"acme": {"privacy": [crm]}}}
    assert handle(ScriptedSession(), at(ScriptedBoxes([informing()]), **known)).status is Status.NOTDUE
    assert crm.asked == 0
    assert handle(ScriptedSession(), at(ScriptedBoxes(), **known)).status is Status.PLAYED
    assert crm.asked == 1


def test_of_several_notices_each_is_decided_by_what_is_known_of_it() -> None:
    """What another box told of one says nothing of the other."""
    boxes = ScriptedBoxes([informing()])
    here = at(boxes, line(notice(), COUNTRY))
    session = ScriptedSession()
    handle(session, here)
    assert [(event.notice, event.status) for event in events(here)] == [
        ("privacy", Status.NOTDUE),
        ("country", Status.PLAYED),
    ]
    assert len(boxes.asked) == 1


def test_a_period_that_is_over_here_may_not_be_there() -> None:
    """Who heard the whole on another box since hears it here when that is over."""
    own = line(Step(notice(), Period(days=30)))
    for ago, status in ((10, Status.NOTDUE), (31, Status.PLAYED)):
        boxes, ledger = ScriptedBoxes([informing(at=NOW - ago * DAY)]), MemoryLedger()
        before = at(boxes, own, ledger=ledger)
        handle(ScriptedSession(), replace(before, clock=SteppingClock(NOW - 60 * DAY), others={}))
        assert handle(ScriptedSession(), before).status is status


def test_i1_a_number_that_changed_hands_elsewhere_is_somebody_elses_here() -> None:
    """What this box told the person before is not told to the one who has the number now."""
    own = line(notice(version("1", "service", "marketing")))
    boxes = ScriptedBoxes([informing(reason=Reason.RECYCLED, version="1", purposes=frozenset({"service"}))])
    here = at(boxes, own, ledger=MemoryLedger())
    early = SteppingClock(NOW - 900 * DAY)
    handle(ScriptedSession(), replace(here, clock=early, others={}))
    later = line(
        notice(version("1", "service", "marketing"), version("2", "service", "marketing", "profiling"))
    )
    assert handle(ScriptedSession(), replace(here, lines={later.number: later})).reason == "new-purpose"
    assert events(here)[-1].purposes == {"service", "marketing", "profiling"}


def test_i1_a_number_that_changed_hands_twice_is_the_last_ones() -> None:
    """By whichever notice another box found it: what was told between the two was told to somebody else."""
    changes = [
        informing(notice=notice, at=NOW - days * DAY, reason=Reason.RECYCLED)
        for notice, days in (("privacy", 20), ("country", 5))
    ]
    between = informing(at=NOW - 10 * DAY)
    own = {"privacy": known_by(between[1].event, 3)}
    history = told_by_others(own, [*changes, between])
    assert set(history) == {"country"}
    assert told_by_others(own, [changes[0], between])["privacy"].at == NOW - 10 * DAY


def test_told_by_others_is_a_set_that_only_grows() -> None:
    """In whatever order their records come."""
    deliveries = [informing(), informing(version="2", at=NOW), ("pbx-3", informing()[1])]
    own = {"privacy": PriorDelivery(frozenset({"0"}), frozenset({"x"}), 3, AT, AT)}
    first = told_by_others(own, deliveries)
    assert first == told_by_others(own, deliveries[::-1]) == told_by_others(first, deliveries)
    assert first["privacy"].versions == {"0", "1", "2"}
    assert first["privacy"].basis == 3


def test_a_call_waits_until_its_newest_record_is_elsewhere() -> None:
    """Before the dialplan is told; also an operator's word, and not where nothing was recorded."""
    boxes = ScriptedBoxes()
    handle(ScriptedSession(), at(boxes, line(notice(), COUNTRY)))
    assert boxes.waited == [2]
    session = ScriptedSession(incoming(options={"action": "read"}))
    handle(session, at(boxes))
    assert boxes.waited == [2, 1]
    handle(ScriptedSession(), at(boxes, ledger=BrokenLedger()))
    assert boxes.waited == [2, 1]


def test_a_partial_delivery_is_waited_for_too() -> None:
    """Whatever becomes of a notice is on record, and where it is must not decide."""
    boxes = ScriptedBoxes()
    own = replace(line(notice()), keys=Keys(skip="9"))
    handle(ScriptedSession(), at(boxes, own))
    assert boxes.waited == [1]


def test_events_without_others_are_as_ever() -> None:
    """A company with one box names numbers of its ledger."""
    here = services(line(notice()))
    for _ in range(2):
        handle(ScriptedSession(), here)
    rows: list[Event] = events(here)
    assert [event.basis for event in rows] == [None, 1]
