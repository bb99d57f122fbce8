"""Boxes that go on by themselves: what one told is known to the other soon, whatever the database does."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from evidence.ledger import signed
from examples import AT, ONE, OTHER, PLAYED
from informativa.call.guard import suspend
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller, Period, SharedDatabase, SharedState
from informativa.model.errors import BoxRefusedError, DefectError, LedgerError, SharedDatabaseError
from informativa.operations.doctor import probe
from informativa.process.self_report import not_shared, untold
from informativa.sharing import call_troubles, meeting_place, question
from informativa.sharing import loop as exchange_loop
from informativa.sharing.connection import Connection, connect
from informativa.sharing.exchange import Exchange
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.membership import About
from informativa.sharing.others import SharedBoxes
from sharing.conftest import ACME, ROLE, Boxes, soon
from sharing.erasing import begin, erase, quiet, stored_orders
from traces import traces

THIRD = b"3" * 32


@dataclass
class Running:
    """Boxes of which each goes on by itself."""

    boxes: Boxes
    loops: list[ExchangeLoop] = field(default_factory=list)

    def start(self, box: str, controller: Controller = ACME, **more: object) -> ExchangeLoop:
        """Make its ledger, and go on."""
        self.boxes.store(box).close()
        opened = partial(self.boxes.store, box)
        database = self.boxes.database(box, **more)
        self.loops.append(ExchangeLoop(controller, database, About("0", "k", "c"), opened))
        return self.loops[-1]

    def known(self, box: str, of: bytes = ONE) -> str | int | None:
        """Return the record by which a caller is known, if he is."""
        with closing(self.boxes.store(box)) as store:
            delivery = store.history(of).get("privacy")
            return delivery.basis if delivery else None


@pytest.fixture
def running(boxes: Boxes) -> Iterator[Running]:
    """None yet; those that a test starts end with it."""
    made = Running(boxes)
    yield made
    for loop in made.loops:
        loop.stop()


def test_what_one_box_records_the_other_knows_by_itself(running: Running) -> None:
    """Both ways, and each says how far it is."""
    one, two = running.start("pbx-1"), running.start("pbx-2")
    running.boxes.record("pbx-1", PLAYED)
    soon(lambda: running.known("pbx-2") == "pbx-1:1")
    running.boxes.record("pbx-2", replace(PLAYED, pseudonym=OTHER))
    soon(lambda: running.known("pbx-1", OTHER) == "pbx-2:1")
    soon(lambda: (one.state.sent, one.state.behind, one.state.others, one.state.error) == (1, 0, 1, None))
    assert time.time() - two.state.contact < 60


def test_a_ledger_is_not_sent_from_for_what_it_took_in(running: Running) -> None:
    """What came from another box changed its file, and is no reason to look for records in it; what another
    process recorded is."""
    one = running.start("pbx-1")
    soon(lambda: one.state.contact)
    one.stop()
    assert one.ready(0.0)
    assert one.is_due(look=True)
    with closing(connect(one.database, "acme")) as connection:
        one.prepare(connection)
        one.send_rest()
        one.unsure = one.has_more = False
        assert not one.is_due(look=True)
        running.boxes.record("pbx-2", PLAYED)
        running.boxes.exchange("pbx-2").send()
        assert one.exchange is not None
        assert one.exchange.receive() == 1
        assert not one.is_due(look=True)
        running.boxes.record("pbx-1", PLAYED)
        assert one.is_due(look=True)
    one.close_store()


def test_i9_a_ledger_that_is_refused_erases_whom_the_others_erased(running: Running) -> None:
    """Somebody put an old copy of it back by hand. It has a caller of its own and one that it learnt, both
    erased since; whoever was not erased stays. A standby that takes over from before would not say it."""
    boxes = running.boxes
    boxes.record("pbx-1", replace(PLAYED, pseudonym=OTHER), replace(PLAYED, pseudonym=THIRD))
    boxes.record("pbx-2", PLAYED)
    begin(boxes, "pbx-1", "pbx-2", informed=())
    copy = boxes.folder.parent / "copy"
    shutil.copytree(boxes.folder / "pbx-1", copy)
    for caller in (ONE, OTHER):
        erase(boxes, "pbx-2", caller)
    quiet(boxes)
    boxes.opened.pop(0).close()
    shutil.rmtree(boxes.folder / "pbx-1")
    shutil.move(copy, boxes.folder / "pbx-1")
    old = running.start("pbx-1")
    soon(lambda: isinstance(old.state.error, BoxRefusedError))
    assert traces(boxes.folder / "pbx-1", ONE, OTHER) == []
    with closing(boxes.store("pbx-1")) as store:
        assert store.history(THIRD)


def test_i9_a_box_learns_by_itself_that_others_have_erased(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it asked them names the caller, and goes once all have done it, though nobody calls and nothing
    of theirs comes in."""
    monkeypatch.setattr(meeting_place, "SAY_SECONDS", 0.1)
    for box in ("pbx-1", "pbx-2"):
        running.boxes.record(box, PLAYED)
        running.boxes.exchange(box).send()
    one = running.start("pbx-1")
    soon(lambda: (one.state.sent, one.state.behind, one.state.others) == (1, 0, 1))
    erase(running.boxes, "pbx-1", ONE)
    soon(lambda: one.exchange is not None and one.exchange.has_requests)
    other = running.boxes.opened[1]
    other.erase()
    soon(lambda: stored_orders(running.boxes, "pbx-1") == [])


def test_what_proves_records_goes_by_itself(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each checkpoint that is signed while the service runs, and the tree under it."""
    monkeypatch.setattr(meeting_place, "SAY_SECONDS", 0.1)
    running.start("pbx-1")
    for size in (1, 2):
        running.boxes.record("pbx-1", PLAYED)
        signed(running.boxes.folder / "pbx-1/acme.sqlite3")
        soon(partial(running.boxes.sql, f"SELECT 1 FROM acme.checkpoint WHERE size = {size}"))
    assert running.boxes.sql("SELECT length(hashes) FROM acme.tile") == [(64,)]


def test_a_database_that_is_killed_loses_nothing(running: Running) -> None:
    """Boxes record on, say what is wrong, and send all of it when it is there again."""
    loop = running.start("pbx-1")
    running.start("pbx-2")
    running.boxes.record("pbx-1", PLAYED)
    soon(lambda: running.known("pbx-2") == "pbx-1:1")
    running.boxes.server.kill()
    running.boxes.record("pbx-1", replace(PLAYED, pseudonym=OTHER), *[PLAYED] * 50)
    soon(lambda: loop.state.error is not None)
    assert "cannot be used" in str(loop.state.error)
    running.boxes.server.start()
    soon(lambda: running.known("pbx-2", OTHER) == "pbx-1:2")
    soon(lambda: loop.state.sent == 52)
    assert loop.state.error is None


class FailsToClose(SqliteStore):
    """A ledger that says so when it is closed, as one in a full folder does whose log was deleted."""

    def close(self) -> None:
        """Close the file, and fail."""
        super().close()
        raise LedgerError("The folder is full.")


def test_i10_a_ledger_that_cannot_be_closed_ends_no_exchange(running: Running) -> None:
    """I10: one thread carries out the exchanges of all companies, and none may end it: it goes on when the
    database is there again, and lets everybody leave."""
    running.boxes.store("pbx-1").close()
    opened = partial(FailsToClose, str(running.boxes.folder / "pbx-1/acme.sqlite3"))
    with capture_logs() as logged:
        loop = ExchangeLoop(ACME, running.boxes.database(), About("0", "k", "c"), opened)
        running.boxes.record("pbx-1", PLAYED)
        soon(lambda: loop.state.sent == 1)
        running.boxes.server.stop()
        soon(lambda: loop.state.error is not None)
        running.boxes.server.start()
        running.boxes.record("pbx-1", PLAYED)
        soon(lambda: loop.state.sent == 2)
        loop.stop()
    failures = [entry for entry in logged if entry["event"].endswith("could not be closed")]
    assert {(entry["controller"], entry["error"]) for entry in failures} == {("acme", "The folder is full.")}
    assert len(failures) >= 2  # one for each try to connect while the server starts


def test_a_box_that_is_refused_says_why(running: Running) -> None:
    """And goes on by itself, alone."""
    running.start("pbx-1")
    soon(lambda: running.boxes.sql("SELECT count(*) FROM acme.ledger") == [(1,)])
    running.boxes.store("other").close()
    database = running.boxes.database("pbx-1")
    loop = ExchangeLoop(ACME, database, About(), partial(running.boxes.store, "other"))
    running.loops.append(loop)
    soon(lambda: isinstance(loop.state.error, BoxRefusedError))


def test_a_defect_is_told_and_the_exchange_goes_on_after_a_pause(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that nobody foresaw makes the box unusable for as long as it lasts, and ends no thread."""
    tries: list[int] = []

    def broken(*_given: object, **_more: object) -> int:
        tries.append(1)
        raise KeyError("what may be of a caller")

    with monkeypatch.context() as patched:
        patched.setattr(Exchange, "page", broken)
        loop = running.start("pbx-1")
        shared = SharedBoxes(ACME, running.boxes.database("pbx-1"), suspend, loop)
        soon(lambda: len(tries) > 2)
        state = shared.state
        assert state is not None
        assert not state.usable
        assert isinstance(state.error, DefectError)
        assert "KeyError" in str(state.error)
        assert "caller" not in str(state.error)
    running.boxes.record("pbx-1", PLAYED)
    soon(lambda: loop.state.sent == 1)
    assert loop.state.error is None
    shared.close()


def test_what_keeps_a_service_from_sharing_is_told_by_doctor_and_status() -> None:
    """The service says of each company why, and they say it with what to do."""
    well = SharedState(0, 1.0, True, False, 0, 0, 0)
    states = {
        "acme": replace(well, error=DefectError(KeyError("x"))),
        "borealis": replace(well, error=BoxRefusedError("no")),
        "corvo": replace(well, error=SharedDatabaseError("no")),
        "dora": well,
    }
    state = not_shared(states)
    assert state == "acme:defect:KeyError,borealis:box-refused,corvo:shared-database"
    sentences = [str(finding.sentence) for finding in probe.not_shared({"unshared": state})]
    assert sentences[0] == (
        "the service shares nothing of acme with other boxes now: a defect of informativa (KeyError); Calls"
        " go on, and it tries again by itself. Report it with what the log says: journalctl -u informativa"
    )
    assert [sentence.split(": ")[1].split(";")[0] for sentence in sentences[1:]] == [
        "the database refuses this box",
        "it cannot use the database",
    ]
    assert probe.not_shared({}) == []
    (finding,) = probe.not_shared({"untold": "acme"})
    assert str(finding.sentence) == (
        "calls of acme are not told what other boxes know: the shared database does not answer them; Calls go"
        " on, and it tries again by itself. Its log says more: journalctl -u informativa"
    )


def test_trouble_is_told_once_for_as_long_as_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is tried; and another one is told too."""
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(exchange_loop, name, 0.0)
    full, missing = LedgerError("The disk is full."), LedgerError("The ledger is gone.")
    troubles, over = iter([full, full, full, missing, missing, full]), threading.Event()

    def opened() -> SqliteStore:
        if trouble := next(troubles, None):
            raise trouble
        over.set()
        raise full

    with capture_logs() as log:
        loop = ExchangeLoop(ACME, SharedDatabase((), "", "", "pbx-1"), About(), opened)
        assert over.wait(60)
        loop.stop()
    assert [(line["event"], line["controller"], line["error"]) for line in log] == [
        ("nothing goes to other boxes, or comes", "acme", "The disk is full."),
        ("nothing goes to other boxes, or comes", "acme", "The ledger is gone."),
        ("nothing goes to other boxes, or comes", "acme", "The disk is full."),
    ]


def test_no_thread_is_left_when_it_is_stopped(running: Running) -> None:
    """Also one that cannot reach its database."""
    loop = running.start("pbx-1", hosts=("127.0.0.1:1",))
    soon(lambda: loop.state.error is not None)
    loop.stop()
    loop.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("exchange ")]


def asked(boxes: SharedBoxes, *pseudonyms: bytes) -> list[tuple[str, int]]:
    """Return what they say of a caller: boxes and records."""
    records = asyncio.run(boxes.ask(pseudonyms))
    return sorted((box, record.number) for box, record in records)


def test_a_caller_whom_this_box_does_not_know_is_asked_for(running: Running) -> None:
    """The other box's record comes at once, before it was taken in; what is past the retention does not, nor
    what this box has itself."""
    boxes = running.boxes
    boxes.record("pbx-2", PLAYED, replace(PLAYED, at=AT - timedelta(days=3650)))
    boxes.record("pbx-1", PLAYED)
    for box in ("pbx-1", "pbx-2"):
        boxes.exchange(box).send()
    shared = SharedBoxes(ACME, boxes.database("pbx-1"), suspend)
    assert asked(shared, ONE) == [("pbx-2", 1), ("pbx-2", 2)]
    assert asked(shared, OTHER) == []
    assert asked(shared, OTHER, ONE) == [("pbx-2", 1), ("pbx-2", 2)]
    controller = replace(ACME, retention=Period(12 * 5))
    assert asked(SharedBoxes(controller, boxes.database("pbx-1"), suspend), ONE) == [("pbx-2", 1)]
    assert (shared.asked, shared.unanswered) == (3, 0)


def test_a_database_that_is_away_is_left_in_peace(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three callers get no answer, the others are not held at all."""
    monkeypatch.setattr(call_troubles, "start_apart", lambda _work: None)
    shared = SharedBoxes(ACME, running.boxes.database("pbx-1", hosts=("127.0.0.1:1",)), suspend)
    for _ in range(5):
        assert asked(shared, ONE) == []
    assert shared.paused
    assert (shared.asked, shared.unanswered) == (5, 5)


def test_calls_that_get_no_connection_have_the_reason_logged_and_in_status(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gives the box one connection, which its exchange has: records go and come, and nothing else
    would say that calls get no answer. It is logged once, with the server's reason and what to do, and said
    by the service until a call gets an answer."""
    monkeypatch.setattr(call_troubles, "start_apart", lambda work: work())
    loop = running.start("pbx-1")
    soon(lambda: loop.state.contact)
    running.boxes.server.sql(f'ALTER ROLE "{ROLE}" CONNECTION LIMIT 1')
    now = 0.0
    shared = SharedBoxes(ACME, loop.database, suspend, loop, lambda: now)
    shared._desk.guard._seconds = 60.0
    shared._desk.idle.drop()

    def report() -> str:
        assert shared.state
        return untold({"acme": shared.state})

    with capture_logs() as events:
        for _call in range(2):
            assert asked(shared, ONE) == []
            assert shared.state
            assert shared.state.trouble is None
        assert asked(shared, ONE) == []
        assert report() == "acme"
        now = 31.0
        assert asked(shared, ONE) == []
        assert report() == "acme"
        running.boxes.server.sql(f'ALTER ROLE "{ROLE}" CONNECTION LIMIT -1')
        now = 62.0
        assert asked(shared, ONE) == []
    assert report() == ""
    assert (shared.asked, shared.unanswered, loop.state.error) == (5, 4, None)
    first, second = (event for event in events if event["event"].startswith("calls are"))
    assert (first["event"], first["log_level"]) == ("calls are not told what other boxes know", "error")
    assert "it takes no more connections" in first["error"]
    assert "Raise max_connections" in first["error"]
    assert (second["event"], second["log_level"]) == ("calls are told again what other boxes know", "info")


def test_a_call_that_is_to_wait_goes_on_when_its_record_is_there(running: Running) -> None:
    """At once where it is there, and without it when the time is over; that is counted."""
    loop = running.start("pbx-1")
    (number,) = running.boxes.record("pbx-1", PLAYED)
    shared = SharedBoxes(ACME, running.boxes.database("pbx-1", wait=True), suspend, loop)
    asyncio.run(shared.wait(number))
    assert running.boxes.sql("SELECT record FROM acme.record") == [(number,)]
    asyncio.run(shared.wait(number))
    assert shared.late == 0
    hasty = SharedBoxes(ACME, running.boxes.database("pbx-1", wait=True, seconds=0.01), suspend, loop)
    asyncio.run(hasty.wait(number + 1))
    assert hasty.late == 1


def test_a_script_waits_for_what_the_service_sends(running: Running) -> None:
    """It asks the database until the record is there."""
    from informativa.call.guard import block

    running.start("pbx-1")
    (number,) = running.boxes.record("pbx-1", PLAYED)
    shared = SharedBoxes(ACME, running.boxes.database("pbx-1", wait=True), block)
    with pytest.raises(StopIteration):
        shared.wait(number).send(None)
    assert shared.late == 0
    assert running.boxes.sql("SELECT record FROM acme.record") == [(number,)]


def test_calls_that_waited_in_vain_leave_nothing_behind(running: Running) -> None:
    """However long the database is away, and however many calls come meanwhile."""
    loop = running.start("pbx-1", hosts=("127.0.0.1:1",))

    async def calls() -> list[bool]:
        return await asyncio.gather(*(loop.sent_up_to(record, 0.01) for record in range(1, 100)))

    assert not any(asyncio.run(calls()))
    assert len(loop._waiting) == 0


def test_a_connection_that_comes_too_late_for_its_call_is_there_for_the_next(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To connect may always take longer than a call waits; the database is asked all the same."""
    boxes, begun, late = running.boxes, threading.Event(), threading.Event()
    boxes.record("pbx-2", PLAYED)
    boxes.exchange("pbx-2").send()
    connected = question.connect_box

    def slow(*given: Any, **more: Any) -> Connection:
        begun.set()
        late.wait(60)
        return connected(*given, **more)

    async def hasty(future: Future[Any], seconds: float) -> Any:
        if late.is_set():
            return await suspend(future, seconds)
        await asyncio.to_thread(begun.wait, 60)
        raise TimeoutError

    monkeypatch.setattr(question, "connect_box", slow)
    shared = SharedBoxes(ACME, boxes.database("pbx-1"), hasty)
    assert asked(shared, ONE) == []
    late.set()
    soon(lambda: shared._desk.idle._connections)
    monkeypatch.setattr(question, "connect_box", None)  # nobody connects any more
    assert asked(shared, ONE) == [("pbx-2", 1)]
    shared.close()
    assert shared._desk.idle._connections == []


def test_a_connection_is_there_before_the_first_call_asks(running: Running) -> None:
    """As soon as the box reaches the database, so that no call pays for the hand-shake."""
    loop = running.start("pbx-1")
    shared = SharedBoxes(ACME, running.boxes.database("pbx-1"), suspend, loop)
    soon(lambda: loop.state.contact > 0)
    mine = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'informativa-box-pbx-1'"
    soon(lambda: running.boxes.sql(mine) == [(2,)])
    assert asked(shared, ONE) == []
    assert running.boxes.sql(mine) == [(2,)]
    shared.close()


def test_questions_in_vain_hold_up_no_record(running: Running) -> None:
    """A database that is too slow for a call that waits, as 30 ms may be for a hand-shake, gets the records
    all the same."""
    loop = running.start("pbx-1")
    soon(lambda: loop.state.contact > 0)
    never = running.boxes.database("pbx-1", hosts=("127.0.0.1:1",))
    shared = SharedBoxes(ACME, never, suspend, loop)
    its = "FROM pg_stat_activity WHERE usename = 'informativa-box-pbx-1'"
    running.boxes.sql(f"SELECT pg_terminate_backend(pid) {its}")
    running.boxes.record("pbx-1", PLAYED)
    soon(lambda: running.boxes.sql("SELECT record FROM acme.record") == [(1,)])
    shared.close()


def test_nobody_waits_for_a_database_that_is_known_to_be_away(running: Running) -> None:
    """Though calls are to wait: each goes on at once, and is counted."""
    loop = running.start("pbx-1", hosts=("127.0.0.1:1",))
    soon(lambda: loop.state.error is not None)
    database = running.boxes.database("pbx-1", wait=True, seconds=600.0)
    shared = SharedBoxes(ACME, database, suspend, loop)
    for number in (1, 2):
        asyncio.run(shared.wait(number))
    assert shared.late == 2
