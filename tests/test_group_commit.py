"""A service's ledger: what runs on the event loop, what in its thread, and who waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from informativa.errors import LedgerError, LedgerSlowError
from informativa.ledgers import groupcommit
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ports import LedgerTransaction
from test_ledgers import PLAYED


class Disk:
    """Commits of a ledger as a disk would have them: each waits until it may go on, or fails."""

    def __init__(self, ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commits: list[str] = []
        self.begun, self.go = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.go.set()
        self._commit = ledger._store.commit
        monkeypatch.setattr(ledger._store, "commit", self.commit)

    def commit(self) -> None:
        self.commits.append(threading.current_thread().name.partition(" ")[0])
        self.begun.set()
        self.go.wait(60)
        if self.error is not None:
            raise self.error
        self._commit()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[GroupCommitLedger]:
    """On a disk whose commits take no time by what is known of them."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))
    yield ledger
    ledger.close()


def calls(ledger: GroupCommitLedger) -> list[str]:
    """Of the records, in their order."""
    return [record.event.call for record in ledger.records()]


def test_call_that_is_alone_commits_where_it_stands(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a quick disk no thread is woken for it; ten that come together are one transaction."""
    disk = Disk(ledger, monkeypatch)
    monkeypatch.setattr(groupcommit, "QUICK_SECONDS", 60.0)

    async def story() -> None:
        assert await ledger.append(replace(PLAYED, call="alone")) == 1
        ledger._ended = asyncio.get_running_loop().time() + 60  # as if another had just ended
        await asyncio.gather(*(ledger.append(replace(PLAYED, call=str(n))) for n in range(10)))

    asyncio.run(story())
    assert disk.commits == ["MainThread", "MainThread"]
    assert calls(ledger) == ["alone", *map(str, range(10))]


def test_i4_slow_disk_is_waited_for_in_the_thread(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: while a commit waits the loop turns, and what comes meanwhile is the next transaction, whole."""
    disk = Disk(ledger, monkeypatch)
    ledger._commit_seconds = 1.0
    disk.go.clear()

    async def story() -> None:
        first = asyncio.create_task(ledger.append(replace(PLAYED, call="first")))
        await asyncio.to_thread(disk.begun.wait)
        others = [asyncio.create_task(ledger.append(replace(PLAYED, call=str(n)))) for n in range(5)]
        assert (await asyncio.wait([first, *others], timeout=0.05))[0] == set()
        assert ledger.waiting == 5
        disk.go.set()
        assert await asyncio.gather(first, *others) == [1, 2, 3, 4, 5, 6]

    asyncio.run(story())
    assert disk.commits == ["ledger", "ledger"]


def test_i4_loop_does_not_wait_for_another_process(ledger: GroupCommitLedger) -> None:
    """I4: a ledger that is locked holds the calls that need it, and not the loop."""
    other = sqlite3.connect(ledger.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def story() -> None:
        waiting = asyncio.create_task(ledger.append(PLAYED))
        turns = 0
        while turns < 100:
            await asyncio.sleep(0)
            turns += 1
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert await waiting == 1

    asyncio.run(story())
    other.close()


def test_i4_disk_that_was_cold_is_read_in_the_thread(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: where statements took 0.05 s and more on the loop, for a second the thread has them."""
    where: list[str] = []

    def work(transaction: LedgerTransaction) -> int:
        where.append(threading.current_thread().name.partition(" ")[0])
        return transaction.append(PLAYED)

    async def story() -> None:
        await ledger.transact(work)
        monkeypatch.setattr(groupcommit, "COLD_SECONDS", 0.0)
        await ledger.transact(work)
        await ledger.transact(work)

    asyncio.run(story())
    assert where == ["MainThread", "MainThread", "ledger"]


@pytest.mark.parametrize("commit_seconds", [0.0, 1.0], ids=["on the loop", "in the thread"])
def test_i3_commit_that_fails_is_told_to_all_of_it(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch, commit_seconds: float
) -> None:
    """I3: whatever the disk said, nobody is told of a record that is not there; the next call is recorded."""
    disk = Disk(ledger, monkeypatch)
    disk.error = MemoryError("not enough")

    async def story() -> None:
        ledger._commit_seconds = commit_seconds
        failed = await asyncio.gather(*(ledger.append(PLAYED) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in failed] == [LedgerError] * 3
        ledger._store._connection.execute("ROLLBACK")  # which the real one does before it raises
        disk.error = None
        assert await ledger.append(replace(PLAYED, call="next")) == 1

    asyncio.run(story())
    assert calls(ledger) == ["next"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_i4_thread_that_died_in_a_commit_holds_nobody(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: the calls of that commit are told within the time limit; the next one is recorded."""
    disk = Disk(ledger, monkeypatch)
    monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 0.2)

    def die() -> None:
        disk._commit()
        raise SystemExit

    async def story() -> None:
        monkeypatch.setattr(ledger._store, "commit", die)
        ledger._commit_seconds = 1.0
        with pytest.raises(LedgerSlowError, match="did not answer"):
            await ledger.append(replace(PLAYED, call="first"))
        monkeypatch.setattr(ledger._store, "commit", disk._commit)
        monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 60.0)
        assert await ledger.append(replace(PLAYED, call="second")) == 2

    asyncio.run(story())


def test_who_waited_too_long_is_not_recorded_after_all(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call behind a commit that hangs is told that the ledger is slow, and its record is not made later."""
    disk = Disk(ledger, monkeypatch)
    ledger._commit_seconds = 1.0
    disk.go.clear()

    async def story() -> None:
        first = asyncio.create_task(ledger.append(replace(PLAYED, call="first")))
        await asyncio.to_thread(disk.begun.wait)
        monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 0.05)
        with pytest.raises(LedgerSlowError, match="did not answer within 0 s"):
            await ledger.append(replace(PLAYED, call="late"))
        disk.go.set()
        assert await first == 1
        monkeypatch.setattr(groupcommit, "ANSWER_SECONDS", 60.0)
        assert await ledger.append(replace(PLAYED, call="next")) == 2

    asyncio.run(story())
    assert calls(ledger) == ["first", "next"]


@pytest.mark.parametrize("commit_seconds", [0.0, 1.0], ids=["quick disk", "slow disk"])
def test_event_loops_at_once_and_another_process(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch, commit_seconds: float
) -> None:
    """Three loops of 200 calls each, while somebody else writes: each is recorded once, under its number."""
    if commit_seconds:
        monkeypatch.setattr(groupcommit, "QUICK_SECONDS", 0.0)
    over = threading.Event()

    def disturb() -> None:
        other = sqlite3.connect(ledger.file, isolation_level=None, timeout=60)
        while not over.wait(0.001):
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        other.close()

    async def story(name: int) -> dict[int, str]:
        async def call(number: int) -> tuple[int, str]:
            for _ in range(number % 7):
                await asyncio.sleep(0)
            return await ledger.append(replace(PLAYED, call=f"{name}.{number}")), f"{name}.{number}"

        return dict(await asyncio.gather(*map(call, range(200))))

    with ThreadPoolExecutor(4) as pool:
        disturbing = pool.submit(disturb)
        told = dict(
            item
            for found in pool.map(lambda name: asyncio.run(story(name)), range(3))
            for item in found.items()
        )
        over.set()
        disturbing.result()
    assert {record.number: record.event.call for record in ledger.records()} == told
    assert len(told) == 600


def test_log_is_moved_into_the_file_beside_the_calls(ledger: GroupCommitLedger) -> None:
    """No commit of a call does it: that would hold the loop. The log stays small all the same."""
    (pages,) = ledger._store._connection.execute("PRAGMA wal_autocheckpoint").fetchone()
    assert pages == 0

    async def story() -> None:
        found = 0
        while not found:
            await ledger.append(PLAYED)
            await asyncio.sleep(0.01)
            alone = sqlite3.connect(f"file:{ledger.file}?mode=ro&immutable=1", uri=True)
            with contextlib.suppress(sqlite3.DatabaseError):  # no tables yet, or half of their pages
                (found,) = alone.execute("SELECT count(*) FROM event").fetchone()
            alone.close()

    asyncio.run(asyncio.wait_for(story(), 60))
