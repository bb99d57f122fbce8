"""Two machines that have one name, of which a failover brings forward the other: what others take in goes by
the identity of a ledger, never by a name."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from examples import ONE, OTHER, PLAYED
from informativa.sharing import receiving
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from sharing.conftest import Boxes, received

THIRD, FOURTH = b"3" * 32, b"4" * 32
RELEASED = 20  # the last migration that was


def machine(boxes: Boxes, folder: str, *callers: bytes) -> Exchange:
    """A machine of the name pbx-1 with a folder of its own, which told these callers."""
    boxes.record(folder, *[replace(PLAYED, pseudonym=caller, call=caller.hex()[:4]) for caller in callers])
    database = boxes.database("pbx-1")
    exchange = Exchange(boxes.store(folder), connect(database, "acme"), database, "acme")
    boxes.opened.append(exchange)
    return exchange


def lost(boxes: Boxes) -> None:
    """A standby takes over that never heard of pbx-1."""
    for table in ("record", "ledger", "box"):
        boxes.sql(f"DELETE FROM acme.{table} WHERE box = 'pbx-1'")


def known(boxes: Boxes, box: str) -> list[bytes]:
    """Return whom that box knows of these."""
    with closing(boxes.store(box)) as store:
        return [caller for caller in (ONE, OTHER, THIRD, FOURTH) if store.history(caller)]


def test_the_other_machine_of_a_name_is_taken_in_from_its_first_record(boxes: Boxes) -> None:
    """Although more was received of the one that had the name before; and that one, which gets the name back,
    goes on where it was."""
    first = machine(boxes, "first", ONE, OTHER)
    first.send()
    reader = boxes.exchange("pbx-2")
    assert reader.receive() == 2
    lost(boxes)
    second = machine(boxes, "second", THIRD)
    second.send()
    assert reader.receive() == 1
    assert known(boxes, "pbx-2") == [ONE, OTHER, THIRD]
    lost(boxes)
    first = machine(boxes, "first", FOURTH)
    first.send()
    assert reader.receive() == 1
    assert known(boxes, "pbx-2") == [ONE, OTHER, THIRD, FOURTH]


def test_a_server_that_has_another_machine_of_that_name_gives_nothing_in_its_place(boxes: Boxes) -> None:
    """It took over between the look and the question, behind a pool that keeps the connection."""
    machine(boxes, "first", ONE).send()
    reader = boxes.exchange("pbx-2")
    reader.expect_all()
    requests = reader.receiver.requests(seen=False)
    lost(boxes)
    machine(boxes, "second", OTHER).send()
    database = boxes.database("pbx-2")
    with connect(database, "acme") as connection:
        assert receiving.receive(connection, database, requests, 1000) == [None]
    assert reader.receive() == 1
    assert known(boxes, "pbx-2") == [OTHER]


def test_callers_of_a_ledger_of_which_another_has_the_name_are_taken_in_once_more(boxes: Boxes) -> None:
    """A standby took over that knows neither that ledger nor the box that took it in. Once the other ledger
    has as many records the box takes those callers for erased, until the first one sends them again."""
    machine(boxes, "first", ONE, OTHER).send()
    assert boxes.exchange("pbx-2").receive() == 2
    boxes.opened.pop().close()
    lost(boxes)
    boxes.sql("DELETE FROM acme.ledger WHERE box = 'pbx-2'")
    machine(boxes, "second", THIRD, FOURTH).send()
    reader = boxes.exchange("pbx-2")
    assert reader.receive() == 2
    reader.erase()
    assert known(boxes, "pbx-2") == [THIRD, FOURTH]
    lost(boxes)
    machine(boxes, "first").send()
    assert reader.receive() == 2
    assert known(boxes, "pbx-2") == [ONE, OTHER, THIRD, FOURTH]


def test_what_was_received_by_name_goes_on_with_the_first_ledger_of_it(boxes: Boxes) -> None:
    """After an upgrade nothing is taken in again."""
    machine(boxes, "first", ONE, OTHER).send()
    reader = boxes.exchange("pbx-2")
    assert reader.receive() == 2
    with closing(boxes.store("pbx-2")) as store, store.transaction(), store.connected() as connection:
        connection.execute("UPDATE box SET identity = x''")
    assert reader.receive() == 0
    machine(boxes, "first", THIRD).send()
    assert reader.receive() == 1
    with closing(boxes.store("pbx-2")) as store:
        assert received(store) == {"pbx-1": (3, 3)}
