"""The ledger of a service beside its calls: what it tells the log, its calls and whoever opens it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from examples import PARTIAL, PLAYED
from informativa.ledgers import groupcommit, idle
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.owner import LedgerOwner
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerEmptyError, LedgerError, LedgerSlowError
from informativa.system import patience

DELETED = "what lies beside a ledger (-wal, -shm) was deleted while in use; nothing was lost"
FIND_OUT = "find out who did it: next time it may be the ledger"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[GroupCommitLedger]:
    """An empty one."""
    with closing(GroupCommitLedger(str(tmp_path / "acme.sqlite3"))) as made:
        yield made


def failing(*errors: Exception | None) -> Any:
    """Return a function that raises these errors, one at each call, and nothing for `None`."""
    left = list(errors)

    def work() -> None:
        if error := left.pop(0):
            raise error

    return work


def test_trouble_is_logged_once_for_as_long_as_it_lasts(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another trouble is told, and so is the same one when it comes again after a while."""
    first, second = LedgerError("no room", "Make room."), LedgerError("no right")
    monkeypatch.setattr(ledger._store, "checkpoint_wal", failing(first, first, second, None, None, second))
    with capture_logs() as logged:
        for _ in range(6):
            ledger._checkpoint_wal()
    assert logged == [
        {"event": "a ledger is in trouble", "ledger": ledger.file, "error": error, "log_level": "error"}
        for error in ("no room Make room.", "no right", "no right")
    ]


def test_defect_beside_the_file_is_logged_with_its_traceback(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw ends no writer, and whoever mends it finds where it was raised."""
    defect = RuntimeError("no such thing")
    monkeypatch.setattr(ledger._store, "checkpoint_wal", failing(defect, defect))
    with capture_logs() as logged:
        ledger._checkpoint_wal()
        ledger._checkpoint_wal()
    assert logged == [
        {
            "event": "a ledger is in trouble",
            "ledger": ledger.file,
            "error": "RuntimeError('no such thing')",
            "exc_info": defect,
            "log_level": "error",
        }
    ]


def test_what_was_saved_is_logged_once(ledger: GroupCommitLedger) -> None:
    """Each time that a log was taken away, and not at each look after it; not before it was."""
    with capture_logs() as logged:
        for saved in (0, 1, 1, 3, 3):
            ledger._store.saved = saved
            ledger._log_saved()
    message = {"event": DELETED, "ledger": ledger.file, "remedy": FIND_OUT, "log_level": "error"}
    assert logged == [message, message]


def test_what_was_saved_is_logged_after_a_group_too(ledger: GroupCommitLedger) -> None:
    """A busy ledger has no time to look after its file."""
    ledger._store.saved = 1
    with capture_logs() as logged:
        assert asyncio.run(ledger.append(PLAYED)) == 1
    assert [entry["event"] for entry in logged] == [DELETED]


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


def test_idle_ledger_is_looked_after_until_all_is_in_its_file(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a call, again and again as long as somebody reads what is still in the log."""
    looked, outcomes = threading.Semaphore(0), [False, False, True]

    def checkpoint() -> bool:
        looked.release()
        return outcomes.pop(0)  # not more often: it would be an error that is logged

    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.001)
    monkeypatch.setattr(ledger._store, "checkpoint_wal", checkpoint)
    asyncio.run(ledger.append(PLAYED))
    for _ in range(3):
        assert looked.acquire(timeout=60)
    with capture_logs() as logged:
        await_looks(monkeypatch, 10)
    assert logged == []


def await_looks(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Wait until so many more looks at all ledgers of this process have begun."""
    looks, look = threading.Semaphore(0), idle.IdleLedgers._look

    def counted(ledgers: idle.IdleLedgers) -> None:
        looks.release()
        look(ledgers)

    monkeypatch.setattr(idle.IdleLedgers, "_look", counted)
    for _ in range(count):
        assert looks.acquire(timeout=60)


def opened(folder: Path, count: int) -> list[GroupCommitLedger]:
    """Open the ledgers of so many companies."""
    return [GroupCommitLedger(str(folder / f"company-{number}.sqlite3")) for number in range(count)]


def test_idle_ledgers_are_checkpointed_once_and_then_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty ledgers, each of which had a call: all records are in the files, and nobody looks at a file any
    more; after another call it is done again for that ledger alone."""
    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.001)
    checkpoints, checkpoint = list[Path](), SqliteStore.checkpoint_wal
    ledgers = opened(tmp_path, 40)

    def counted(store: SqliteStore) -> bool:
        complete = checkpoint(store)
        if complete and numbers_in_the_file(store.file):
            checkpoints.append(store.file)
        return complete

    monkeypatch.setattr(SqliteStore, "checkpoint_wal", counted)
    for ledger in ledgers:
        asyncio.run(ledger.append(PLAYED))
    until = time.monotonic() + 60
    while len({*checkpoints}) < 40 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)  # until nothing in the folder is so new that the next change could have the same time
    await_looks(monkeypatch, 5)
    checkpoints.clear()
    await_looks(monkeypatch, 20)
    assert checkpoints == []
    (tmp_path / "another").touch()  # which says that a log may have been deleted
    await_looks(monkeypatch, 20)
    assert checkpoints == []
    asyncio.run(ledgers[7].append(PLAYED))
    await_looks(monkeypatch, 20)
    assert checkpoints == [tmp_path / "company-7.sqlite3"]
    for ledger in ledgers:
        ledger.close()


def numbers_in_the_file(file: Path) -> list[tuple[int]]:
    """Return the numbers of records that are in a ledger's file, without its log."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute("SELECT record FROM event").fetchall()


def test_idle_ledgers_return_their_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each ledger when it is checkpointed after its calls, and to the system once for all of them."""
    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.001)
    released, returned = threading.Semaphore(0), threading.Semaphore(0)
    monkeypatch.setattr(SqliteStore, "release_memory", lambda _store: released.release())
    monkeypatch.setattr(idle, "return_memory", returned.release)
    monkeypatch.setattr(idle.LEDGERS, "_return_at", 0.0)
    with closing(GroupCommitLedger(str(tmp_path / "acme.sqlite3"))) as ledger:
        asyncio.run(ledger.append(PLAYED))
        assert released.acquire(timeout=60)
        assert returned.acquire(timeout=60)
        await_looks(monkeypatch, 5)
    assert not returned.acquire(blocking=False)


FREED = """
import re
from informativa.system.processes import return_memory

def resident():
    with open("/proc/self/smaps_rollup") as file:
        return int(re.search(r"Rss:\\s+(\\d+)", file.read())[1])

things = [bytes(1000) for _ in range(100_000)]
last, before = things.pop(), resident()
things.clear()
return_memory()
print(before - resident())
"""


@pytest.mark.slow
def test_freed_memory_goes_back_to_the_system() -> None:
    """Of 100 MB below something that is in use at least 80."""
    ran = subprocess.run(
        [sys.executable, "-c", FREED], capture_output=True, text=True, timeout=300, check=True
    )
    assert int(ran.stdout) > 80_000


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
    """I10: twenty ledgers hang in a call and twenty in their checkpoint; calls of the others are recorded and
    their files checkpointed, and those that hung go on where they were, each group in its order."""
    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.001)
    monkeypatch.setattr(patience, "SOON_SECONDS", 0.01)
    released, hanging = threading.Event(), threading.Semaphore(0)

    def hang(*_arguments: object) -> Any:
        hanging.release()
        assert released.wait(60)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        for ledger in in_checkpoint:
            monkeypatch.setattr(ledger._store, "checkpoint_wal", hang)
            assert await ledger.append(PLAYED) == 1
        calls = [asyncio.create_task(ledger.transact(hang)) for ledger in in_call]
        for _ in range(40):
            assert await loop.run_in_executor(None, partial(hanging.acquire, timeout=60))
        later = [asyncio.create_task(ledger.append(PLAYED)) for ledger in (*in_call, *in_checkpoint) * 2]
        for _ in range(3):
            for ledger in others:
                await ledger.append(PLAYED)
        for ledger in others:
            while not ledger.groups_done or len(numbers_in_the_file(Path(ledger.file))) < 3:
                await asyncio.sleep(0.01)
        assert not any(call.done() for call in (*calls, *later))
        released.set()
        await asyncio.gather(*calls)
        numbers = await asyncio.gather(*later)
        assert numbers == [1] * 20 + [2] * 20 + [2] * 20 + [3] * 20

    ledgers = opened(tmp_path, 60)
    in_call, in_checkpoint, others = ledgers[:20], ledgers[20:40], ledgers[40:]
    with monkeypatch.context() as patched:
        patched.setattr(groupcommit, "ANSWER_SECONDS", 60.0)
        asyncio.run(story())
    for ledger in ledgers:
        ledger.close()


def test_closed_ledger_takes_nothing(ledger: GroupCommitLedger) -> None:
    """It says what to do; to close it again is harmless, and nobody works for it any more."""
    ledger.close()
    ledger.close()
    assert not ledger.checkpoint_if_idle()
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


@pytest.mark.parametrize("calls", [1, 2])
def test_i3_call_for_which_there_was_no_thread_is_recorded_later(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """I3: as where memory runs out. The next call starts one for both, or else the next look, within a
    second; the log says it once."""
    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.001 if calls == 1 else 60.0)
    monkeypatch.setattr(groupcommit, "start_apart", no_threads := NoThreads(1))

    async def story() -> None:
        first = asyncio.create_task(ledger.append(PLAYED))
        while no_threads.times:
            await asyncio.sleep(0)
        others = [await ledger.append(PARTIAL) for _ in range(calls - 1)]
        assert [await first, *others] == [*range(1, calls + 1)]

    with capture_logs() as logged:
        asyncio.run(story())
    assert [entry["error"] for entry in logged] == ["no thread can be started (can't start new thread)"]
    assert ledger.waiting == 0


def test_i3_closing_records_what_there_was_no_thread_for(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I3: a service that stops does it by itself then."""
    monkeypatch.setattr(idle, "IDLE_SECONDS", 60.0)
    monkeypatch.setattr(groupcommit, "start_apart", NoThreads(100))

    async def story() -> int:
        call = asyncio.create_task(ledger.append(PLAYED))
        await asyncio.sleep(0)
        await asyncio.to_thread(ledger.close)
        return await call

    assert asyncio.run(story()) == 1


def test_ledger_that_is_not_looked_after_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no thread for that: the file is closed again, and may be opened later."""

    def refuse(_ledger: object) -> None:
        raise RuntimeError("can't start new thread")

    file = tmp_path / "acme.sqlite3"
    monkeypatch.setattr(idle.LEDGERS, "add", refuse)
    with pytest.raises(RuntimeError):
        GroupCommitLedger(str(file))
    assert not list(tmp_path.glob("*-wal"))


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


def test_groups_are_counted(tmp_path: Path) -> None:
    """One for each group, by which whoever looks after idle ledgers sees that one was used."""
    with closing(GroupCommitLedger(str(tmp_path / "acme.sqlite3"))) as ledger:
        for groups in (1, 2):
            asyncio.run(ledger.append(PLAYED))
            assert ledger.groups_done == groups


def test_closed_ledger_is_not_looked_after_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks after idle ledgers lets go of it, once."""
    removed = list[object]()
    monkeypatch.setattr(idle.LEDGERS, "remove", removed.append)
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))
    assert ledger.groups_done == 0
    for _time in range(2):
        ledger.close()
    assert removed == [ledger]
    monkeypatch.undo()
    idle.LEDGERS.remove(ledger)


def test_files_that_nobody_can_look_at_are_not_its_own(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a folder that nobody may enter any more."""
    assert ledger.has_its_files()
    monkeypatch.setattr(ledger._store, "has_its_files", failing(PermissionError(13, "Permission denied")))
    assert not ledger.has_its_files()


@pytest.mark.parametrize("error", [LedgerError("no room"), ValueError("defect")])
def test_ledger_whose_log_cannot_be_emptied_is_not_complete(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """And keeps its memory."""
    monkeypatch.setattr(ledger._store, "checkpoint_wal", failing(error))
    monkeypatch.setattr(ledger._store, "release_memory", failing(AssertionError()))
    assert ledger.checkpoint_if_idle() is False


def test_closing_waits_for_who_empties_the_log(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And goes on as soon as that one is done."""
    emptying, waiting, may_go_on = (threading.Event() for _ in range(3))
    real = ledger._free.wait

    def checkpoint_wal() -> bool:
        emptying.set()
        return may_go_on.wait(60)

    def wait() -> bool:
        waiting.set()
        return real()

    monkeypatch.setattr(ledger._store, "checkpoint_wal", checkpoint_wal)
    monkeypatch.setattr(ledger._free, "wait", wait)
    looks, closes = (
        threading.Thread(target=work, daemon=True) for work in (ledger.checkpoint_if_idle, ledger.close)
    )
    for thread, begun in ((looks, emptying), (closes, waiting)):
        thread.start()
        assert begun.wait(60)
    may_go_on.set()
    for thread in (looks, closes):
        thread.join(60)
        assert not thread.is_alive()


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
