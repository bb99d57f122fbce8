"""The ledger of a service beside its calls: what it tells the log, its calls and whoever opens it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from examples import PARTIAL, PLAYED
from informativa.ledgers import groupcommit
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.owner import LedgerOwner
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerEmptyError, LedgerError, LedgerSlowError
from informativa.system import patience


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[GroupCommitLedger]:
    """An empty one."""
    with closing(GroupCommitLedger(str(tmp_path / "acme.sqlite3"))) as made:
        yield made


def test_slow_ledger_says_how_long_it_was_waited_for(ledger: GroupCommitLedger) -> None:
    """5 seconds; the call counts as late then."""

    async def story() -> None:
        job = groupcommit._Job(lambda _transaction: None, asyncio.get_running_loop().create_future())
        job.tell_slow()
        assert job.late
        with pytest.raises(LedgerSlowError, match=r"^The ledger did not answer within 5 s\.$"):
            await job.future

    asyncio.run(story())
    assert ledger.waiting == 0


def test_calls_of_one_moment_leave_no_error_in_their_loop(ledger: GroupCommitLedger) -> None:
    """Calls may come together, or while others are gathered."""
    errors: list[object] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: errors.append(context))
        for number in (1, 3, 40):
            await asyncio.gather(*[ledger.append(PLAYED) for _ in range(number)])
        await asyncio.gather(*[after(turns) for turns in range(6)])

    async def after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await ledger.append(PLAYED)

    asyncio.run(story())
    assert errors == []
    assert len(list(ledger.records())) == 50


def opened(folder: Path, count: int) -> list[GroupCommitLedger]:
    """Open the ledgers of so many companies."""
    return [GroupCommitLedger(str(folder / f"company-{number}.sqlite3")) for number in range(count)]


def numbers_in_the_file(file: Path) -> list[tuple[int]]:
    """Return the numbers of records that are in a ledger's file, without its log."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute("SELECT record FROM event").fetchall()


def test_sixty_companies_need_a_few_threads(tmp_path: Path) -> None:
    """Each had a call, one after the other: their ledgers share threads, which keep no process from
    ending."""
    before = {*threading.enumerate()}
    ledgers = opened(tmp_path, 60)
    for ledger in ledgers:
        assert asyncio.run(ledger.append(PLAYED)) == 1
    threads = {*threading.enumerate()} - before
    assert len(threads) <= 5
    assert all(thread.daemon for thread in threads)
    for ledger in ledgers:
        ledger.close()
        assert numbers_in_the_file(Path(ledger.file)) == [(1,)]


def test_i10_ledgers_that_hang_hold_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10: twenty ledgers hang in a call; calls of the others are recorded, and those that hung go on where
    they were, each group in its order."""
    monkeypatch.setattr(patience, "SOON_SECONDS", 0.01)
    released, hanging = threading.Event(), threading.Semaphore(0)

    def hang(*_arguments: object) -> Any:
        hanging.release()
        assert released.wait(60)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        calls = [asyncio.create_task(ledger.transact(hang)) for ledger in in_call]
        for _ in range(20):
            assert await loop.run_in_executor(None, partial(hanging.acquire, timeout=60))
        later = [asyncio.create_task(ledger.append(PLAYED)) for ledger in in_call * 2]
        for number in (1, 2, 3):
            for ledger in others:
                assert await ledger.append(PLAYED) == number
        assert not any(call.done() for call in (*calls, *later))
        released.set()
        await asyncio.gather(*calls)
        numbers = await asyncio.gather(*later)
        assert numbers == [1] * 20 + [2] * 20

    ledgers = opened(tmp_path, 60)
    in_call, others = ledgers[:20], ledgers[20:]
    with monkeypatch.context() as patched:
        patched.setattr(groupcommit, "ANSWER_SECONDS", 60.0)
        asyncio.run(story())
    for ledger in ledgers:
        ledger.close()


def test_closed_ledger_takes_nothing(ledger: GroupCommitLedger) -> None:
    """It says what to do; to close it again is harmless."""
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError) as error:
        asyncio.run(ledger.append(PLAYED))
    assert str(error.value) == f"The ledger {ledger.file} is closed. Start the service."


class NoThreads:
    """A system that gives no thread, so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, work: Callable[[], object]) -> None:
        if self.times:
            self.times -= 1
            raise RuntimeError("can't start new thread")
        patience.start_apart(work)


def test_i3_call_for_which_there_was_no_thread_is_recorded_later(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I3: as where memory runs out. The next call starts one for both; the log says it once."""
    monkeypatch.setattr(groupcommit, "start_apart", no_threads := NoThreads(1))

    async def story() -> None:
        first = asyncio.create_task(ledger.append(PLAYED))
        while no_threads.times:
            await asyncio.sleep(0)
        second = await ledger.append(PARTIAL)
        assert [await first, second] == [1, 2]

    with capture_logs() as logged:
        asyncio.run(story())
    assert [entry["error"] for entry in logged] == ["no thread can be started (can't start new thread)"]
    assert ledger.waiting == 0


def test_i3_closing_records_what_there_was_no_thread_for(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I3: a service that stops does it by itself then."""
    monkeypatch.setattr(groupcommit, "start_apart", NoThreads(100))

    async def story() -> int:
        call = asyncio.create_task(ledger.append(PLAYED))
        await asyncio.sleep(0)
        await asyncio.to_thread(ledger.close)
        return await call

    assert asyncio.run(story()) == 1


def test_new_ledger_has_the_log_and_the_owner_that_it_is_given(tmp_path: Path) -> None:
    """The log's name is that of the file where none is given."""
    owner = LedgerOwner("acme", ("0" * 16,))
    with closing(
        GroupCommitLedger(str(tmp_path / "a.sqlite3"), log="example/informativa/acme/box", owner=owner)
    ):
        pass
    with closing(GroupCommitLedger(str(tmp_path / "b.sqlite3"))):
        pass
    outputs = []
    for name in ("a", "b"):
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite3")) as connection:
            origin = connection.execute("SELECT origin FROM log").fetchone()[0]
            outputs.append((origin, connection.execute("SELECT controller, key FROM owner").fetchall()))
    assert outputs[0] == ("example/informativa/acme/box/1", [("acme", "0" * 16)])
    assert "/b/" in outputs[1][0]
    assert outputs[1][1] == []


def test_records_are_read_by_a_connection_that_makes_and_changes_nothing(tmp_path: Path) -> None:
    """No file where there is none any more."""
    file = tmp_path / "acme.sqlite3"
    with closing(GroupCommitLedger(str(file))) as ledger:
        asyncio.run(ledger.append(PLAYED))
        assert [record.event for record in ledger.records()] == [PLAYED]
        assert list(ledger.records(2)) == []
    aside = file.rename(tmp_path / "aside")
    with pytest.raises(LedgerError, match=r"cannot be used \(unable to open database file\)"):
        list(ledger.records())
    assert not file.exists()
    file.touch()
    with pytest.raises(LedgerEmptyError):
        list(ledger.records())
    assert aside.exists()


def test_what_a_work_raises_is_its_own_calls_failure(ledger: GroupCommitLedger) -> None:
    """Told as the ledger's with what it was, and nobody else's."""

    def wrong(_transaction: object) -> None:
        raise RuntimeError("a defect")

    async def story() -> list[object]:
        return await asyncio.gather(
            ledger.transact(wrong), ledger.append(PLAYED), ledger.append(PARTIAL), return_exceptions=True
        )

    failed, *numbers = asyncio.run(story())
    assert isinstance(failed, LedgerError)
    assert str(failed) == "The ledger failed (RuntimeError('a defect'))."
    assert sorted(map(str, numbers)) == ["1", "2"]


def test_ledgers_own_error_is_told_to_all_of_a_group(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the transaction is tried once: what failed one fails all."""
    error, tried = LedgerError("no room", "Make room."), []

    def transact(works: object) -> None:
        tried.append(works)
        raise error

    monkeypatch.setattr(ledger._store, "transact", transact)

    async def story() -> list[object]:
        return await asyncio.gather(*[ledger.append(PLAYED) for _ in range(3)], return_exceptions=True)

    assert asyncio.run(story()) == [error] * 3
    assert len(tried) == 1


def test_store_is_opened_with_all_that_is_asked_for(tmp_path: Path) -> None:
    """A ledger of another company is refused when it is opened."""
    file = str(tmp_path / "acme.sqlite3")
    with closing(SqliteStore(file, owner=LedgerOwner("acme", ("0" * 16,)))) as store:
        store.append([PLAYED])
    with pytest.raises(LedgerError, match="is the ledger of acme"):
        GroupCommitLedger(file, owner=LedgerOwner("globex", ("0" * 16,)))


def test_group_that_ends_its_thread_is_counted_as_waiting_no_more(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its calls are told that the ledger is slow; the next one is recorded by another thread."""

    class EndError(BaseException):
        """Stand for the end of memory at a bad moment."""

    ended = threading.Event()

    def serve(_group: object) -> None:
        monkeypatch.undo()
        raise EndError

    def start_apart(work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except EndError:
                ended.set()

        threading.Thread(target=run).start()

    monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(ledger, "_serve", serve)
    monkeypatch.setattr(groupcommit, "start_apart", start_apart)
    with pytest.raises(LedgerSlowError):
        asyncio.run(ledger.append(PLAYED))
    assert ended.wait(60)
    assert ledger.waiting == 0
    assert asyncio.run(ledger.append(PLAYED)) == 1


def test_call_whose_loop_is_closed_holds_up_no_group(ledger: GroupCommitLedger) -> None:
    """Nobody waits for it any more; it is on record, and so is the next one."""
    loop = asyncio.new_event_loop()
    job = groupcommit._Job(lambda transaction: transaction.append(PLAYED), loop.create_future())
    loop.close()
    ledger._serve(groupcommit._Group([job]))
    assert asyncio.run(ledger.append(PLAYED)) == 2
