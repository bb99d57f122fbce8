"""A ledger that was closed, or only looked at: what is left of it in this process and on the disk."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doubles import Hold
from examples import PLAYED
from informativa.config import load
from informativa.ledgers.following import Follower
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model.ports import Ledger
from informativa.process import bootstrap
from lab.process import open_files


def open_here(file: Path) -> list[str]:
    """Return which of the ledger's files this process has open."""
    return sorted({path.name for path in open_files() if str(path).startswith(str(file))})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger with one record, which nobody has open."""
    file = tmp_path / "ledger" / "acme.sqlite3"
    store = SqliteStore(str(file))
    store.append([PLAYED])
    store.close()
    return file


def test_store_that_was_closed_holds_nothing(file: Path) -> None:
    """A closed store has no file open, and leaves none beside the ledger."""
    store = SqliteStore(str(file))
    assert open_here(file) == ["acme.sqlite3", "acme.sqlite3-shm", "acme.sqlite3-wal"]
    store.close()
    assert open_here(file) == []
    assert [path.name for path in file.parent.iterdir()] == ["acme.sqlite3"]


@pytest.mark.parametrize("opened", [SqliteLedger, GroupCommitLedger])
def test_ledger_that_was_closed_holds_nothing(file: Path, opened: Callable[[str], Ledger]) -> None:
    """Nor does a ledger of a service or a script; what it was given before is there, and to close it again
    does no harm."""

    async def record(ledger: Ledger) -> int:
        return await ledger.append(replace(PLAYED, call="1.2"))

    ledger = opened(str(file))
    assert asyncio.run(record(ledger)) == 2
    assert open_here(file)
    for _ in range(2):
        ledger.close()
        assert open_here(file) == []
    store = SqliteStore(str(file))
    assert store.newest() == 2
    store.close()


def test_i3_close_waits_for_what_is_being_recorded(file: Path) -> None:
    """I3: a ledger that is closed in the middle of a transaction lets it come to its end."""
    ledger, hold = GroupCommitLedger(str(file)), Hold()

    async def story() -> int:
        recording = asyncio.create_task(ledger.transact(hold.record))
        await asyncio.to_thread(hold.begun.wait, 300)
        closing = asyncio.create_task(asyncio.to_thread(ledger.close))
        assert (await asyncio.wait([closing], timeout=0.2))[0] == set()
        hold.go.set()
        await closing
        return await recording

    assert asyncio.run(story()) == 2
    assert open_here(file) == []


@pytest.mark.parametrize("before", range(0, 60, 3))
def test_i3_ledger_closed_among_calls_records_each_once_or_refuses_it(tmp_path: Path, before: int) -> None:
    """I3: another thread may close a ledger while calls come: each is recorded once, or told that it is
    closed."""
    ledger = GroupCommitLedger(str(tmp_path / "acme.sqlite3"))
    swap = sys.getswitchinterval()

    async def story() -> list[int | BaseException]:
        calls = [asyncio.create_task(ledger.append(replace(PLAYED, call=str(call)))) for call in range(60)]
        for _turn in range(before):
            await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(ledger.close))
        calls += [
            asyncio.create_task(ledger.append(replace(PLAYED, call=str(call)))) for call in range(60, 90)
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        await closing
        return answers

    sys.setswitchinterval(1e-6)
    try:
        answers = asyncio.run(story())
    finally:
        sys.setswitchinterval(swap)
    for answer in answers:
        assert isinstance(answer, int) or "closed" in str(answer)
    numbers = {answer: str(call) for call, answer in enumerate(answers) if isinstance(answer, int)}
    assert {record.number: record.event.call for record in ledger.records()} == numbers


def test_ledger_that_no_call_used_is_closed_too(tmp_path: Path) -> None:
    """A script whose call needed no ledger made none."""
    ledger = SqliteLedger(str(tmp_path / "acme.sqlite3"))
    ledger.close()
    assert list(tmp_path.iterdir()) == []


def test_follower_that_was_closed_holds_nothing(file: Path) -> None:
    """Whoever watched a ledger lets go of it, and can begin again."""
    follower = Follower(str(file))
    for _ in range(2):
        follower.start(1, "")
        assert open_here(file)
        follower.close()
        assert open_here(file) == []


def test_desk_closes_what_only_it_has(folder: Path) -> None:
    """What calls work with is closed when they are over, but for what others work with still."""
    configuration = load(folder / "informativa.yaml")
    ledgers = [Path(controller.ledger) for controller in configuration.controllers.values()]
    first = bootstrap.for_service(configuration)
    second = bootstrap.for_service(configuration, first)
    bootstrap.close(first, [second])
    assert all(open_here(ledger) for ledger in ledgers)
    bootstrap.close(second)
    assert not any(open_here(ledger) for ledger in ledgers)


def test_looking_leaves_nothing_behind(file: Path) -> None:
    """A look at a ledger that nobody has open makes no file beside it, and changes none."""
    before = file.read_bytes()
    store = SqliteStore(str(file), read_only=True)
    assert len(list(store.records())) == 1
    assert [path.name for path in file.parent.iterdir()] == ["acme.sqlite3"]
    store.close()
    assert [path.name for path in file.parent.iterdir()] == ["acme.sqlite3"]
    assert file.read_bytes() == before


def test_look_sees_what_a_service_has_just_recorded(file: Path) -> None:
    """A ledger that somebody has open is read with what stands in its log only."""
    service = SqliteStore(str(file))
    service.append([replace(PLAYED, call="1.2")])
    looked = SqliteStore(str(file), read_only=True)
    assert [record.event.call for record in looked.records()][-1] == "1.2"
    service.append([replace(PLAYED, call="1.3")])
    assert [record.event.call for record in looked.records()][-1] == "1.3"
    looked.close()
    service.close()


def test_look_reads_the_log_that_a_crash_left(file: Path, tmp_path: Path) -> None:
    """What was acknowledged before a power cut stands in the log, and is seen by a look too."""
    service = SqliteStore(str(file))
    service.append([replace(PLAYED, call="1.2", at=datetime(2026, 11, 24, 13, tzinfo=UTC))])
    crashed = tmp_path / "crashed" / file.name
    crashed.parent.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{file}{end}", f"{crashed}{end}")
    service.close()
    looked = SqliteStore(str(crashed), read_only=True)
    assert looked.newest() == 2
    looked.close()
