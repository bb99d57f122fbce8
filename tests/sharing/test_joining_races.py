"""I9: an erasure that is ordered while a box takes part for the first time reaches that box."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from examples import ONE, OTHER, PLAYED
from informativa.ledgers import erasure_requests
from informativa.sharing import administration, erasure_orders
from informativa.sharing.connection import connect
from informativa.sharing.erasure_orders import Erasures
from informativa.sharing.exchange import Exchange
from sharing.conftest import Boxes, soon
from sharing.erasing import begin, erase, left, orders, quiet, stored_orders, turn
from traces import traces

LOCKED = """
SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND starts_with(usename, 'informativa-box-')
"""
STEPS = {
    "ledgers locked": (erasure_orders, "_collect"),
    "before the commit": (erasure_requests, "store_order"),
}
"""The function that an order calls at a step of its transaction, and where it is looked up."""
OTHERS = [(), ("pbx-1",), ("pbx-1", "pbx-3")]
"""The boxes that take part already."""


class Gate:
    """A place in a function's work where its thread stays until somebody lets it go on."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Say that it is reached, and wait; only the first time."""
        if not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(60)


@contextmanager
def gate(module: object, name: str, *, after: bool = False) -> Iterator[Gate]:
    """A gate before, or after, what a function does."""
    original, made = getattr(module, name), Gate()

    def gated(*values: Any, **named: Any) -> Any:
        if not after:
            made.wait()
        result = original(*values, **named)
        if after:
            made.wait()
        return result

    with mock.patch.object(module, name, gated):
        yield made


def begun(work: Callable[[], object]) -> threading.Thread:
    """A thread with that work."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def joined(boxes: Boxes, box: str, ledger: str = "") -> Exchange:
    """The exchange of a box that may take part for the first time, whose ledger may be another box's."""
    database = boxes.database(box)
    made = Exchange(boxes.store(ledger or box), connect(database, "acme"), database, "acme")
    boxes.opened.append(made)
    return made


@pytest.mark.sample(2)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("others", OTHERS)
def test_i9_a_box_that_joins_amid_an_order_carries_it_out(
    boxes: Boxes, step: str, others: tuple[str, ...]
) -> None:
    """Its ledger has the caller from before: whether a box took part already or none, and at whichever step
    of the order's transaction it comes, he is gone from all ledgers and from the database."""
    assert_gone_after(
        boxes,
        others,
        STEPS[step],
        first=lambda: erase(boxes, "pbx-1", ONE),
        second=lambda: joined(boxes, "pbx-2"),
    )


@pytest.mark.sample(1)
@pytest.mark.parametrize("others", OTHERS)
def test_i9_an_order_amid_the_joining_of_a_box_waits_for_it(boxes: Boxes, others: tuple[str, ...]) -> None:
    """The other way round: the box is there when the order is counted, or comes after it."""
    assert_gone_after(
        boxes,
        others,
        (Erasures, "order_all_again"),
        first=lambda: joined(boxes, "pbx-2"),
        second=lambda: erase(boxes, "pbx-1", ONE),
    )


def assert_gone_after(
    boxes: Boxes,
    others: tuple[str, ...],
    place: tuple[object, str],
    *,
    first: Callable[[], object],
    second: Callable[[], object],
) -> None:
    """Do the first of two works up to a place, then the second until it ends or waits, and both to their end.
    Fail unless the caller, whom both boxes had on record, is gone."""
    begin(boxes, *others, informed=(ONE,))
    boxes.record("pbx-1", PLAYED)
    boxes.record("pbx-2", PLAYED)
    boxes.database("pbx-2")
    with gate(*place) as amid:
        interrupted = begun(first)
        assert amid.reached.wait(60)
        interrupting = begun(second)
        soon(lambda: not interrupting.is_alive() or boxes.sql(LOCKED))
        amid.opened.set()
        interrupted.join()
        interrupting.join()
    quiet(boxes)
    if not others:
        boxes.exchange("pbx-1")
        quiet(boxes)
    assert left(boxes, ONE) == []
    assert stored_orders(boxes, "pbx-1") == []


def test_i9_what_is_ordered_and_done_while_a_backup_is_gone_through_reaches_it(boxes: Boxes) -> None:
    """A backup of a ledger takes part under a new name. It has looked whom the others erased since; before it
    is registered they erase one more, and that order is forgotten, as it did not serve the company then."""
    begin(boxes, "pbx-1", "pbx-2", informed=(ONE,))
    boxes.opened.pop().close()
    boxes.sql("UPDATE acme.ledger SET retired = now() WHERE box = 'pbx-2'")
    boxes.database("pbx-9")
    with gate(Erasures, "erase_again", after=True) as amid:
        joining = begun(lambda: joined(boxes, "pbx-9", "pbx-2"))
        assert amid.reached.wait(60)
        login = boxes.sql("DELETE FROM acme.serves WHERE login LIKE '%pbx-9' RETURNING login, company")
        erase(boxes, "pbx-1", ONE)
        quiet(boxes)
        assert orders(boxes) == []
        boxes.sql(f"INSERT INTO acme.serves VALUES {login[0]}")
        amid.opened.set()
        joining.join()
    quiet(boxes)
    assert left(boxes, ONE) == []


def test_i9_what_is_ordered_while_a_box_takes_in_the_others_is_carried_out(boxes: Boxes) -> None:
    """It has the caller from the others by then, and no record of its own."""
    begin(boxes, "pbx-1", "pbx-2", informed=(ONE,))
    newcomer = joined(boxes, "pbx-3")
    with gate(newcomer.receiver, "take_in") as amid:
        receiving = begun(newcomer.receive)
        assert amid.reached.wait(60)
        erase(boxes, "pbx-1", ONE)
        amid.opened.set()
        receiving.join()
    assert traces(boxes.folder / "pbx-3", ONE) != []
    quiet(boxes)
    assert left(boxes, ONE) == []


def test_i9_a_box_that_nobody_knows_yet_hears_of_an_order_that_is_not_done(boxes: Boxes) -> None:
    """Nothing of the order has to be there but its row."""
    begin(boxes, "pbx-1", "pbx-2", informed=(ONE,))
    away = boxes.opened.pop()
    erase(boxes, "pbx-1", ONE)
    quiet(boxes)
    boxes.record("pbx-3", PLAYED)
    joined(boxes, "pbx-3")
    with closing(away):
        quiet(boxes)
        assert traces(boxes.folder / "pbx-3", ONE) == []
        assert orders(boxes) == [1]


def test_i6_a_box_holds_up_orders_of_no_company_that_it_does_not_serve(boxes: Boxes) -> None:
    """Whoever logs in as a box may keep a transaction open as long as he likes."""
    boxes.sql("INSERT INTO informativa.company VALUES (2, 'globex')")
    free = "SELECT company FROM informativa.company FOR UPDATE SKIP LOCKED"
    with connect(boxes.database("pbx-1"), "acme") as connection, connection.transaction():
        for company in (1, 2):
            connection.execute(f"SELECT informativa.lock_company({company})")
        assert boxes.sql(free) == [(2,)]


def test_a_box_that_takes_another_name_knows_what_a_standby_lost_of_others(boxes: Boxes) -> None:
    """Of a caller whom another box told nothing is in the database, since a standby took over without it: he
    does not count as erased since the backup."""
    begin(boxes, "pbx-1", "pbx-3", informed=(ONE,))
    boxes.record("pbx-3", replace(PLAYED, pseudonym=OTHER, call="1.2"))
    quiet(boxes)
    boxes.opened.pop(0).close()  # pbx-1 is set up anew under another name
    boxes.sql(f"DELETE FROM acme.record WHERE pseudonym = '\\x{OTHER.hex()}'")
    boxes.sql("UPDATE acme.ledger SET record = 1, answered = 1, proven = 1 WHERE box = 'pbx-3'")
    joined(boxes, "pbx-9", "pbx-1")
    with closing(boxes.store("pbx-1")) as store:
        assert store.history(OTHER)
    quiet(boxes)
    with closing(boxes.store("pbx-1")) as store:
        assert store.history(OTHER)


def lose_newcomer(boxes: Boxes) -> None:
    """Let pbx-2 take part, learn what there is and end; a standby takes over that does not know it."""
    newcomer = joined(boxes, "pbx-2")
    turn(newcomer)
    boxes.opened.remove(newcomer)
    newcomer.close()
    boxes.sql("DELETE FROM acme.ledger WHERE box = 'pbx-2'")
    boxes.sql("DELETE FROM acme.serves WHERE login LIKE '%pbx-2'")


def test_i9_a_box_that_a_standby_lost_erases_whom_it_learnt_from_an_old_copy(boxes: Boxes) -> None:
    """It was new and learnt a caller from a database that was put back, where he was not erased. A standby
    that does not know the box takes over, in which he is erased by then; and the box takes another name."""
    begin(boxes, "pbx-1", informed=(ONE, OTHER))
    lose_newcomer(boxes)
    erase(boxes, "pbx-1", ONE)
    quiet(boxes)
    assert orders(boxes) == []
    assert traces(boxes.folder / "pbx-2", ONE) != []
    joined(boxes, "pbx-9", "pbx-2")
    quiet(boxes)
    assert left(boxes, ONE) == []
    with closing(boxes.store("pbx-2")) as store:
        assert store.history(OTHER)


@pytest.mark.sample(1)
@pytest.mark.parametrize("leaves", [False, True])
def test_i9_a_box_that_a_standby_lost_erases_whom_it_learnt_of_a_record_that_is_lost_there(
    boxes: Boxes, *, leaves: bool
) -> None:
    """He is erased before the box that told him sends that record again; or it leaves for good and never
    does. A caller whose record is there stays known."""
    begin(boxes, "pbx-1", informed=(ONE, OTHER))
    lose_newcomer(boxes)
    boxes.sql("DELETE FROM acme.record WHERE record = 2")
    boxes.sql("UPDATE acme.ledger SET record = 1, answered = 1, proven = 1")
    away = boxes.opened.pop()
    erase(boxes, "pbx-1", OTHER)
    assert orders(boxes) == []
    joined(boxes, "pbx-9", "pbx-2")
    quiet(boxes)
    assert traces(boxes.folder / "pbx-2", OTHER) != []
    if leaves:
        administration.retire(boxes.database("pbx-9"), "acme", "pbx-1")
        away.close()
    else:
        boxes.opened.append(away)
    quiet(boxes)
    assert traces(boxes.folder / "pbx-2", OTHER) == []
    assert leaves or left(boxes, OTHER) == []  # a box that left keeps what it asked for
    with closing(boxes.store("pbx-2")) as store:
        assert store.history(ONE)


def test_a_box_that_a_standby_lost_knows_whom_it_learnt_of_records_that_are_lost_there(boxes: Boxes) -> None:
    """Nobody erased him: the other box sends him once more."""
    begin(boxes, "pbx-1", informed=(ONE, OTHER))
    newcomer = joined(boxes, "pbx-2")
    turn(newcomer)
    boxes.opened.remove(newcomer)
    newcomer.close()
    boxes.sql("DELETE FROM acme.ledger WHERE box = 'pbx-2'")
    boxes.sql("DELETE FROM acme.record WHERE record = 2")
    boxes.sql("UPDATE acme.ledger SET record = 1, answered = 1, proven = 1")
    joined(boxes, "pbx-2")
    with closing(boxes.store("pbx-2")) as store:
        assert store.history(ONE)
        assert store.history(OTHER)
