"""One thread and one connection exchange for all companies of a box, and idle where there is nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from examples import ONE, PLAYED
from informativa.call.guard import FAILURES, suspend
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller
from informativa.model.errors import BoxRefusedError, InformativaError, LedgerError
from informativa.sharing import meeting_place
from informativa.sharing.exchange import Exchange
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.meeting_place import MeetingPlace
from informativa.sharing.membership import About
from informativa.sharing.others import SharedBoxes
from sharing.conftest import ACME, Boxes, soon

COMPANIES = ("acme", "borealis", "corvo", "dora", "elba")
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'informativa-box-pbx-1'"


def company(name: str) -> Controller:
    """Return a company."""
    return replace(ACME, id=name)


class Fleet:
    """Boxes that serve five companies, each with a ledger of its own on each box."""

    def __init__(self, boxes: Boxes) -> None:
        self.boxes = boxes
        self.loops: dict[tuple[str, str], ExchangeLoop] = {}

    def store(self, box: str, name: str) -> SqliteStore:
        """Open the ledger of a company on a box."""
        return SqliteStore(str(self.boxes.folder / box / f"{name}.sqlite3"))

    def start(self, box: str) -> list[ExchangeLoop]:
        """Start the exchanges of all companies of a box."""
        for name in COMPANIES:
            self.boxes.let_in(box, name)
            self.store(box, name).close()
            opened = partial(self.store, box, name)
            database = self.boxes.database(box)
            self.loops[box, name] = ExchangeLoop(company(name), database, About(), opened)
        return [loop for (of_box, _name), loop in self.loops.items() if of_box == box]

    def record(self, box: str, name: str) -> None:
        """Put a delivery on record of a company there, as another process does."""
        with closing(self.store(box, name)) as store:
            store.append([PLAYED])

    def knows(self, box: str, name: str) -> bool:
        """Return whether a company's ledger there knows of that delivery."""
        with closing(self.store(box, name)) as store:
            return "privacy" in store.history(ONE)


@pytest.fixture
def fleet(boxes: Boxes) -> Iterator[Fleet]:
    """No box has started yet; those that a test starts end with it."""
    started = Fleet(boxes)
    yield started
    for loop in started.loops.values():
        loop.stop()


def test_all_companies_have_one_thread_and_three_connections(fleet: Fleet) -> None:
    """What one box records of any company the other knows; each company's calls ask at the same desk."""
    first, second = fleet.start("pbx-1"), fleet.start("pbx-2")
    for name in COMPANIES:
        fleet.record("pbx-1", name)
    for name in COMPANIES:
        soon(lambda name=name: fleet.knows("pbx-2", name))  # type: ignore[misc]
    desks = [SharedBoxes(loop.controller, loop.database, suspend, loop)._desk for loop in first]
    assert len({id(desk) for desk in desks}) == 1
    for loop in first:
        desks[0].connect_ahead(loop.controller)
    (count,) = fleet.boxes.sql(BACKENDS)[0]
    assert isinstance(count, int)
    assert count <= 3
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("exchange ")]
    assert len(threads) == 2
    assert all(loop.state.error is None for loop in (*first, *second))


def test_where_there_is_nothing_to_do_hardly_anything_is_asked(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five companies wait, while the database is looked at three times: no ledger is exchanged for it."""
    looks, turns = threading.Semaphore(0), []
    look = MeetingPlace._look

    def looked(place: MeetingPlace, *given: object) -> None:
        look(place, *given)  # type: ignore[arg-type]
        looks.release()

    loops = fleet.start("pbx-1")
    soon(lambda: all(loop.state.contact for loop in loops))
    monkeypatch.setattr(meeting_place, "SAY_SECONDS", 3600.0)
    soon(lambda: not any(loop.is_due(look=True) for loop in loops))
    monkeypatch.setattr(MeetingPlace, "_look", looked)
    monkeypatch.setattr(Exchange, "page", lambda exchange: turns.append(exchange) or [])
    for _ in range(3):
        loops[0].place._look_at = 0.0
        loops[0].place.wake()
        assert looks.acquire(timeout=60)
    assert turns == []


def test_ledgers_are_looked_at_also_where_there_was_nothing_to_do(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less often after a while, and what another process records then goes to the other boxes all the
    same."""
    monkeypatch.setattr(meeting_place, "QUIET_SECONDS", 0.0)
    fleet.start("pbx-1")
    fleet.start("pbx-2")
    for name in COMPANIES[:2]:
        fleet.record("pbx-1", name)
        soon(partial(fleet.knows, "pbx-2", name))


@pytest.mark.sample(1)
@pytest.mark.parametrize("trouble", ["not served", "damaged"])
def test_i10_trouble_of_one_company_is_its_alone(fleet: Fleet, trouble: str) -> None:
    """I10: one that the box does not serve any more, or whose ledger cannot be read, says so; the others go
    on over the same connection, and it goes on itself once that is mended."""
    loops = fleet.start("pbx-1")
    fleet.start("pbx-2")
    soon(lambda: all(loop.state.contact for loop in loops))
    alone = fleet.loops["pbx-1", "corvo"]
    alone.stop()
    opened: Callable[[], SqliteStore] = partial(fleet.store, "pbx-1", "corvo")
    if trouble == "not served":
        fleet.boxes.sql(
            "DELETE FROM acme.serves WHERE login = 'informativa-box-pbx-1' AND company ="
            " (SELECT company FROM acme.company WHERE controller = 'corvo')"
        )
    else:
        (fleet.boxes.folder / "pbx-1/damaged.sqlite3").write_bytes(b"no ledger" * 500)
        opened = partial(fleet.store, "pbx-1", "damaged")
    alone = ExchangeLoop(company("corvo"), alone.database, About(), opened)
    fleet.loops["pbx-1", "corvo"] = alone
    soon(lambda: alone.state.error)
    assert isinstance(alone.state.error, BoxRefusedError) == (trouble == "not served")
    fleet.record("pbx-1", "dora")
    soon(lambda: fleet.knows("pbx-2", "dora"))
    others = [loop for (box, name), loop in fleet.loops.items() if box == "pbx-1" and name != "corvo"]
    assert [loop.state.error for loop in others] == [None] * 4


def test_i10_a_company_that_is_not_served_keeps_no_other_from_asking(fleet: Fleet) -> None:
    """I10: calls of one that the box does not serve yet get no answer; the database is not taken for broken,
    so that calls of the others are answered, over the same connection."""
    loops = fleet.start("pbx-1")
    soon(lambda: all(loop.state.contact for loop in loops))
    fleet.boxes.sql(
        "DELETE FROM acme.serves WHERE company ="
        " (SELECT company FROM acme.company WHERE controller = 'corvo')"
    )
    fleet.boxes.record("pbx-2", PLAYED)
    fleet.boxes.exchange("pbx-2").send()
    asked = {loop.controller.id: SharedBoxes(loop.controller, loop.database, suspend, loop) for loop in loops}
    guard = asked["acme"]._desk.guard
    guard._seconds = 30.0
    for _call in range(FAILURES):
        assert asyncio.run(asked["corvo"].ask([ONE])) == []
    assert not guard.paused
    ((box, record),) = asyncio.run(asked["acme"].ask([ONE]))
    assert (box, record.number) == ("pbx-2", 1)
    assert [asked[name].unanswered for name in ("corvo", "acme")] == [FAILURES, 0]
    assert fleet.boxes.sql(BACKENDS) == [(2,)]


def test_i10_a_ledger_that_takes_nothing_in_costs_no_other_the_connection(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I10: one whose disk is full, or that is damaged, fails in the midst of a turn; no other does."""
    loops = [*fleet.start("pbx-1"), *fleet.start("pbx-2")]
    soon(lambda: all(loop.state.contact for loop in loops))
    failed, fail = list[tuple[str, type]](), ExchangeLoop.fail

    def full(loop: ExchangeLoop, *_given: object) -> None:
        loop.place._ledgers_at = 0.0  # the time of the next look at the ledgers comes in this turn
        raise LedgerError(f"The ledger of {loop.controller.id} is full.")

    def failing(loop: ExchangeLoop, error: InformativaError, *more: Any) -> None:
        failed.append((loop.controller.id, type(error)))
        fail(loop, error, *more)

    take_in = ExchangeLoop.take_in
    monkeypatch.setattr(ExchangeLoop, "fail", failing)
    monkeypatch.setattr(
        ExchangeLoop,
        "take_in",
        lambda loop, *given: (full if loop.controller.id == "corvo" else take_in)(loop, *given),
    )
    fleet.record("pbx-1", "corvo")
    soon(lambda: failed)
    fleet.record("pbx-1", "dora")
    soon(lambda: fleet.knows("pbx-2", "dora"))
    assert {*failed} == {("corvo", LedgerError)}


def test_a_server_that_lost_a_batch_is_compared_anew(fleet: Fleet) -> None:
    """A standby is promoted without the last batches of a box, which stays connected as behind pgbouncer; its
    next batches get numbers that the other box has seen, and yet that one looks at all."""
    fleet.start("pbx-1")
    fleet.start("pbx-2")
    for name in COMPANIES[:2]:
        fleet.record("pbx-1", name)
        soon(lambda name=name: fleet.knows("pbx-2", name))  # type: ignore[misc]
    fleet.boxes.sql("UPDATE acme.box SET batch = batch - 1 WHERE box = 'pbx-1'")
    fleet.record("pbx-1", "elba")
    soon(lambda: fleet.knows("pbx-2", "elba"))
    for name in ("corvo", "dora"):
        fleet.record("pbx-1", name)
        soon(lambda name=name: fleet.knows("pbx-2", name))  # type: ignore[misc]
