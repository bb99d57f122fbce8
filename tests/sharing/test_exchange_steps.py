"""Each step of what a box sends and takes in: what it counts, what it says, and what stops it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evidence.ledger import signed
from examples import AT, NOTDUE, ONE, OTHER, PARTIAL, PLAYED
from informativa.ledgers import erasure_requests, expiry
from informativa.ledgers.erasure import erase
from informativa.ledgers.sqlite import SqliteStore, SqliteTransaction
from informativa.model import Reason
from informativa.model.errors import BoxRefusedError, SharedDatabaseError
from informativa.sharing import administration, exchange, receiving
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from informativa.sharing.membership import About
from sharing.conftest import Boxes, received, without
from sharing.erasing import erase_here, order, orders, stored_orders

DAY = timedelta(days=1)
MINUTE = 60_000_000
THERE = "SELECT count(*) FROM acme.record"


def refusal(step: Callable[[], object]) -> tuple[str, str]:
    """Return what is wrong, and what to do."""
    with pytest.raises(BoxRefusedError) as refused:
        step()
    return str(refused.value.message), str(refused.value.remedy)


def test_a_box_says_what_it_is(boxes: Boxes) -> None:
    """When it begins, and later; and where there is nothing to do it does nothing."""
    boxes.record("pbx-1", PLAYED)
    database, facts = (
        boxes.database(),
        "SELECT newest, program, keys, configuration FROM acme.ledger, acme.box",
    )
    box = Exchange(boxes.store("pbx-1"), connect(database, "acme"), database, "acme", About("1", "k", "c"))
    boxes.opened.append(box)
    assert (box.sent, box.newest, box.others) == (0, 1, 0)
    assert boxes.sql(facts) == [(1, "1", "k", "c")]
    boxes.record("pbx-1", PLAYED)
    box.report(About("2", "l", "d"))
    assert (box.newest, box.erase(), box.receive(), box.send_proofs()) == (2, 0, 0, 0)
    assert boxes.sql(facts) == [(2, "1", "l", "d")]  # what the box runs is told by all companies at once
    boxes.exchange("pbx-1")
    assert boxes.sql(facts) == [(2, "", "", "")]


def test_a_box_knows_how_far_it_is(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is and what is sent of it; the ledger is looked at only after a whole page."""
    monkeypatch.setattr(exchange, "PAGE", 2)
    box = boxes.exchange("pbx-1")
    far = []
    for count in (1, 5, 0):
        boxes.record("pbx-1", *[PLAYED] * count)
        far += [(box.send(), box.sent, box.newest)]
    assert far == [(1, 1, 1), (2, 3, 6), (2, 5, 6)]
    assert boxes.sql("SELECT record, newest, proven FROM acme.ledger") == [(5, 5, 5)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("pbx-1", 2, 5), ("pbx-1", 4, 5), ("pbx-1", 5, 5), ("pbx-2", 1, 1)]),
        ({"alone": True}, [("pbx-1", 4, 5), ("pbx-1", 5, 5), ("pbx-2", 1, 1)]),
    ],
)
def test_others_are_taken_in_by_pages(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch, more: dict[str, bool], expected: list[tuple[str, int, int]]
) -> None:
    """Larger ones where no calls wait; whoever looks on hears of each, and the next time of none."""
    monkeypatch.setattr(exchange, "PAGE", 2)
    monkeypatch.setattr(exchange, "LARGE_PAGE", 4)
    people = [bytes([number]) * 32 for number in range(5)]
    boxes.record("pbx-1", *[replace(PLAYED, pseudonym=pseudonym) for pseudonym in people])
    boxes.record("pbx-2", PLAYED)
    for name, pages in (("pbx-1", [2, 2, 1, 0]), ("pbx-2", [1, 0])):
        box = boxes.exchange(name)
        assert [box.send() for _ in pages] == pages
    box, heard = boxes.exchange("pbx-3"), []

    def progress(*given: object) -> None:
        heard.append(given)

    assert box.receive(progress=progress, **more) == 6
    assert (heard, box.others) == (expected, 2)
    assert box.receive(progress=progress, **more) == 0
    assert heard == expected
    with closing(boxes.store("pbx-3")) as store:
        assert [store.history(pseudonym)["privacy"].basis for pseudonym in people] == [
            f"pbx-1:{number}" for number in range(1, 6)
        ]
        assert received(store) == {"pbx-1": (5, 5), "pbx-2": (1, 1)}


class Counting(SqliteStore):
    """A ledger that counts its transactions."""

    transactions = 0

    def transaction(self) -> AbstractContextManager[SqliteTransaction]:
        """Begin a transaction of the ledger's own."""
        self.transactions += 1
        return super().transaction()


def counting(boxes: Boxes, box: str) -> tuple[Exchange, Counting]:
    """Return the exchange of a box, with its ledger."""
    database, store = boxes.database(box), Counting(str(boxes.folder / box / "acme.sqlite3"))
    boxes.opened.append(Exchange(store, connect(database, "acme"), database, "acme"))
    store.transactions = 0
    return boxes.opened[-1], store


def test_records_that_tell_others_nothing_cost_them_no_transaction(boxes: Boxes) -> None:
    """They are passed over in memory, and asked for once; the next record that tells something, or a thousand
    that do not, take the ledger there."""
    sender = boxes.exchange("pbx-1")
    boxes.record("pbx-1", NOTDUE, NOTDUE)
    sender.send()
    box, store = counting(boxes, "pbx-2")
    assert (box.receive(), store.transactions, received(store)) == (0, 0, {})
    box.expect_all()
    assert box.receiver.requests(seen=False) == []
    boxes.record("pbx-1", PLAYED, NOTDUE)
    sender.send()
    assert (box.receive(), store.transactions, received(store)) == (1, 1, {"pbx-1": (4, 4)})
    for count, transactions, position in ((999, 1, (4, 4)), (1, 2, (1004, 1004))):
        boxes.record("pbx-1", *[NOTDUE] * count)
        sender.send()
        assert (box.receive(), store.transactions, received(store)) == (0, transactions, {"pbx-1": position})


def test_what_was_passed_over_counts_for_the_position_that_the_ledger_had(boxes: Boxes) -> None:
    """Another process, or a copy that was put back, may have changed that: then the ledger decides."""
    boxes.record("pbx-1", PLAYED, NOTDUE)
    sender = boxes.exchange("pbx-1")
    sender.send()
    box, store = counting(boxes, "pbx-2")
    assert box.receive() == 1
    boxes.record("pbx-1", NOTDUE)
    sender.send()
    assert box.receive() == 0
    with store.transaction(), store.connected() as connection:
        connection.execute("UPDATE box SET record = 0")
    assert (box.receive(), received(store)) == (1, {"pbx-1": (3, 3)})


def test_pages_of_several_boxes_are_one_transaction(boxes: Boxes) -> None:
    """Each costs a synchronisation of the disk."""
    for name, caller in (("pbx-1", ONE), ("pbx-3", OTHER)):
        boxes.record(name, replace(PLAYED, pseudonym=caller))
        boxes.exchange(name).send()
    box, store = counting(boxes, "pbx-2")
    box.expect_all()
    requests = box.receiver.requests(seen=False)
    pages = receiving.receive(box._connection, box._database, requests, 1000)
    box.receiver.take_in_all(list(zip(requests, pages, strict=True)), 1000)
    assert (store.transactions, received(store)) == (1, {"pbx-1": (1, 1), "pbx-3": (1, 1)})
    assert [store.history(caller)["privacy"].basis for caller in (ONE, OTHER)] == ["pbx-1:1", "pbx-3:1"]
    assert not box.receiver.expects


def test_a_page_that_leaves_nothing_to_send_says_so(boxes: Boxes) -> None:
    """Then the ledger is not read once more; after an erasure, or a full page, it is."""
    box = boxes.exchange("pbx-1")
    boxes.record("pbx-1", PLAYED)
    assert box.send_proofs() == 0  # there is no checkpoint
    assert (box.send(), box.has_rest) == (1, False)
    erase(boxes.folder / "pbx-1/acme.sqlite3", [ONE], AT)
    assert (box.send(), box.has_rest) == (1, True)


def test_who_knew_a_notice_is_taken_in_on_demand(boxes: Boxes) -> None:
    """Only a company that lets numbers be given to others needs it."""
    boxes.record("pbx-1", PLAYED, replace(NOTDUE, at=AT + DAY))
    boxes.exchange("pbx-1").send()
    assert boxes.exchange("pbx-2").receive() == 1
    assert boxes.exchange("pbx-3").receive(seen=True) == 2


class Polite(SqliteStore):
    """Counts how often calls were let in before."""

    turns = 0

    def turn(self, *, brief: bool = False) -> AbstractContextManager[SqliteTransaction]:
        """Take a turn of the ledger's own."""
        self.turns += 1
        return super().turn(brief=brief)


@pytest.mark.parametrize(("alone", "turns"), [(False, 1), (True, 0)])
def test_calls_are_let_in_between_pages(boxes: Boxes, alone: bool, turns: int) -> None:
    """Where there are any: whoever is alone does not wait for them."""
    boxes.record("pbx-1", PLAYED)
    boxes.exchange("pbx-1").send()
    database, store = boxes.database("pbx-2"), Polite(str(boxes.folder / "pbx-2/acme.sqlite3"))
    boxes.opened.append(Exchange(store, connect(database, "acme"), database, "acme"))
    assert boxes.opened[-1].receive(alone=alone) == 1
    assert store.turns == turns


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "lost",
    ["UPDATE acme.ledger SET record = 0 WHERE box = 'pbx-1'", "DELETE FROM acme.ledger WHERE box = 'pbx-1'"],
)
def test_a_box_that_another_server_lost_holds_up_no_other(
    boxes: Boxes, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records are passed over for now, and those of the next are taken in."""
    monkeypatch.setattr(exchange, "PAGE", 1)
    for name in ("pbx-0", "pbx-1", "pbx-2"):
        boxes.record(name, PLAYED)
        boxes.exchange(name).send()
    box = boxes.exchange("pbx-3")

    def fail_over(_box: str, _at: int, _of: int) -> None:
        boxes.sql(lost)

    assert box.receive(progress=fail_over) == 2
    with closing(boxes.store("pbx-3")) as store:
        assert received(store) == {"pbx-0": (1, 1), "pbx-2": (1, 1)}


def test_what_is_refused_says_all_that_is_to_be_done(boxes: Boxes) -> None:
    """The box, what is wrong there, and the name or the command that mends it."""
    takes = "The shared database postgres takes nothing from this box: "
    boxes.record("pbx-1", PLAYED, PLAYED)
    box = boxes.exchange("pbx-1")
    boxes.record("elsewhere", replace(PLAYED, at=AT + DAY), PLAYED)
    database = boxes.database("pbx-1")
    boxes.sql("UPDATE acme.ledger SET retired = now()")
    assert refusal(box.erase) == (
        takes + "pbx-1 was retired there.",
        "Give this one another name (shared.box), and load the configuration anew.",
    )
    boxes.sql("UPDATE acme.ledger SET retired = NULL")
    with closing(boxes.store("elsewhere")) as store, connect(database, "acme") as connection:
        assert refusal(lambda: Exchange(store, connection, database, "acme")) == (
            takes + "another machine, or an earlier ledger of this one, has the name pbx-1 there.",
            "Give this one a name of its own (shared.box), and load the configuration anew.",
        )
    box.send()
    boxes.sql("UPDATE acme.record SET status = 'PARTIAL' WHERE record = 2")
    assert refusal(lambda: boxes.exchange("pbx-1")) == (
        takes + "what is there under the name pbx-1 is not of this ledger: a backup was put back, or two"
        " machines have one ledger.",
        "Give it another name (shared.box), under which its records are sent once more, and say that it takes"
        " the place of the old one: informativa boxes replace pbx-1 NEW",
    )
    boxes.sql("UPDATE acme.ledger SET record = 0")
    boxes.sql("DELETE FROM acme.record WHERE record = 1")
    assert refusal(boxes.exchange("pbx-1").send) == (
        takes + "another record 2 is there under the name pbx-1.",
        "Two machines send under one name: give each its own (shared.box).",
    )
    assert boxes.sql(THERE) == [(1,)]
    boxes.sql("DELETE FROM acme.ledger")
    assert refusal(box.erase)[0].endswith("or a standby took over without it.")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("status = status", True),
        ("at = at + 1", False),
        ("status = 'PARTIAL'", False),
        ("reason = 'recycled'", False),
        ("line = 'another'", True),
        (f"erased = 1, at = at - at % {MINUTE}", True),
        (f"erased = 1, at = at - at % {MINUTE} - 1", False),
        (f"erased = 1, at = at - at % {MINUTE} + {MINUTE} - 1", True),
        (f"erased = 1, at = at - at % {MINUTE} + {MINUTE}", False),
        ("erased = 1, status = 'PARTIAL'", False),
    ],
)
def test_by_what_one_record_is_known_to_be_the_same(boxes: Boxes, change: str, same: bool) -> None:
    """Of an erased one the minute is left; what somebody may not have got yet is not compared."""
    boxes.record("pbx-1", PLAYED, PARTIAL, PLAYED)
    boxes.exchange("pbx-1").send()
    boxes.sql(f"UPDATE acme.record SET {change} WHERE record = 3")
    if same:
        assert boxes.exchange("pbx-1").sent == 3
    else:
        with pytest.raises(BoxRefusedError, match="is not of this ledger"):
            boxes.exchange("pbx-1")


def test_an_erasure_here_is_no_other_ledger(boxes: Boxes) -> None:
    """The records there still have their seconds."""
    boxes.record("pbx-1", PLAYED)
    box = boxes.exchange("pbx-1")
    box.send()
    erase(boxes.folder / "pbx-1/acme.sqlite3", [ONE], AT)
    assert boxes.exchange("pbx-1").sent == 1


def test_rows_that_are_there_already_are_not_doubled(boxes: Boxes) -> None:
    """Of a page that only the number was lost of; what was missing in it is added."""
    boxes.record("pbx-1", PLAYED, PARTIAL, PLAYED)
    boxes.exchange("pbx-1").send()
    boxes.sql("UPDATE acme.ledger SET record = 0, proven = 0")
    boxes.sql("DELETE FROM acme.record WHERE record = 2")
    assert boxes.exchange("pbx-1").send() == 3
    assert boxes.sql("SELECT record FROM acme.record ORDER BY 1") == [(1,), (2,), (3,)]


@pytest.mark.parametrize(("newest", "refused"), [(1, False), (2, False), (3, True)])
def test_where_all_was_purged_the_number_tells(boxes: Boxes, newest: int, refused: bool) -> None:
    """No record is left to compare: a ledger that never came so far is another."""
    boxes.record("pbx-1", PLAYED, PLAYED)
    boxes.exchange("pbx-1").send()
    boxes.sql("DELETE FROM acme.record")
    boxes.sql(f"UPDATE acme.ledger SET record = {newest}")
    if refused:
        with pytest.raises(BoxRefusedError, match="is not of this ledger"):
            boxes.exchange("pbx-1")
    else:
        assert boxes.exchange("pbx-1").sent == newest


def test_a_purge_here_of_the_last_that_is_there_is_no_other_ledger(boxes: Boxes) -> None:
    """The next record of the ledger is not taken for the one that is gone."""
    boxes.record("pbx-1", PLAYED, replace(PLAYED, at=AT - 400 * DAY))
    boxes.exchange("pbx-1").send()
    with closing(boxes.store("pbx-1")) as store:
        expiry.purge(store, AT - 365 * DAY, AT)
    assert boxes.exchange("pbx-1").sent == 2


def test_what_rests_on_an_erased_record_elsewhere_rests_no_more(boxes: Boxes) -> None:
    """It goes to the database with the erasure, and nothing else of the ledger."""
    boxes.record("pbx-1", PLAYED, NOTDUE, replace(PLAYED, pseudonym=OTHER, call="2", linked="2"))
    boxes.record("pbx-1", replace(NOTDUE, pseudonym=OTHER, basis=1, call="3", reason=Reason.SAME_CALL))
    boxes.record("pbx-1", replace(NOTDUE, pseudonym=OTHER, basis=3, call="4"))
    box = boxes.exchange("pbx-1")
    box.send()
    erase(boxes.folder / "pbx-1/acme.sqlite3", [ONE], AT)
    assert box.send() == 1
    assert boxes.sql("SELECT record, erased, basis FROM acme.record ORDER BY 1") == [
        (1, 1, None),
        (2, 1, None),
        (3, 0, None),
        (4, 0, None),
        (5, 0, 3),
        (6, 0, None),
    ]


def test_an_erasure_that_nobody_knows_is_asked_for_once_a_command_gave_up(boxes: Boxes) -> None:
    """By the moment that is given, or now; and counted as somebody to erase."""
    for name in ("pbx-1", "pbx-2"):
        boxes.record(name, PLAYED)
        boxes.exchange(name)
    request = erase_here(boxes, "pbx-1", ONE)
    box = boxes.opened[0]
    assert box.erase(request.until - timedelta(seconds=1)) == 0
    assert box.erase(request.until) == 1
    assert stored_orders(boxes, "pbx-1") == orders(boxes) == [1]
    with closing(boxes.store("pbx-1")) as store:
        erasure_requests.mark_lost(store, erasure_requests.stored_requests(store))
    assert box.erase() == 1  # at once, for no command is waited for any more
    with closing(boxes.store("pbx-1")) as store:
        assert [request.number for request in erasure_requests.stored_requests(store)] == [2]
    assert [opened.erase() for opened in boxes.opened] == [2, 2]
    assert box.erase() == 0
    assert stored_orders(boxes, "pbx-1") == orders(boxes) == []


def test_under_a_new_name_all_is_asked_once_more(boxes: Boxes) -> None:
    """What was under way under the old name is not known under the new one; and under a known name nothing is
    asked twice."""
    for name in ("pbx-1", "pbx-2"):
        boxes.record(name, PLAYED)
        boxes.exchange(name)
    erase_here(boxes, "pbx-1", ONE)
    boxes.opened[0].erase(datetime.now(UTC) + DAY)
    boxes.exchange("pbx-1")
    assert stored_orders(boxes, "pbx-1") == [1]
    administration.retire(boxes.database(), "acme", "pbx-1")
    database = boxes.database("pbx-9")
    boxes.opened.append(Exchange(boxes.store("pbx-1"), connect(database, "acme"), database, "acme"))
    assert stored_orders(boxes, "pbx-1") == [None]
    assert boxes.opened[-1].erase() == 1
    assert orders(boxes) == [1, 2]


def test_a_database_that_refuses_a_step_is_named(boxes: Boxes) -> None:
    """Whatever it is that a role has no right to, what is raised is one error, and the step is done later."""
    boxes.record("pbx-1", PLAYED)
    boxes.record("pbx-2", replace(PLAYED, pseudonym=OTHER))
    signed(boxes.folder / "pbx-1/acme.sqlite3")
    box = boxes.exchange("pbx-1")
    boxes.exchange("pbx-2").send()
    steps: tuple[tuple[str, str, Callable[[], object]], ...] = (
        ("INSERT", "log", box.send_proofs),
        ("INSERT", "record", box.send),
        ("INSERT", "ledger", lambda: boxes.exchange("pbx-3")),
        ("SELECT", "record", lambda: boxes.exchange("pbx-1")),
        ("SELECT", "ledger", box.receive),
        ("SELECT", "record", boxes.exchange("pbx-4").receive),
        ("INSERT", "box", lambda: boxes.exchange("pbx-5")),
        ("SELECT", "ledger", box.erase),
        ("SELECT", "erasure", box.erase),
        ("EXECUTE", "forget_erasures(integer)", box.erase),
    )
    for right, table, step in steps:
        if step == box.erase:
            order(boxes, "pbx-2", b"3" * 32)
        with (
            without(boxes, right, table),
            pytest.raises(
                SharedDatabaseError, match=f"postgres on 127.*denied for .* {table.partition('(')[0]}"
            ),
        ):
            step()
        step()
    assert boxes.sql("SELECT erasures - applied FROM acme.ledger WHERE box = 'pbx-1'") == [(0,)]


def test_letting_go_closes_both(boxes: Boxes) -> None:
    """The connection, which others may need; and the ledger."""
    database, store = boxes.database(), boxes.store("pbx-1")
    connection = connect(database, "acme")
    Exchange(store, connection, database, "acme").close()
    assert connection.closed
