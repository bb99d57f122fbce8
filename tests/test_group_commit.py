"""The ledger of a service beside its calls: what it tells the log, its calls and whoever opens it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from examples import PARTIAL, PLAYED
from informativa.ledgers import groupcommit
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.owner import LedgerOwner
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerEmptyError, LedgerError, LedgerOutdatedError, LedgerSlowError
from old_ledgers import form, old

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


def test_idle_ledger_is_looked_after_time_and_again(
    ledger: GroupCommitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a call, by the same thread."""
    looked = threading.Semaphore(0)
    monkeypatch.setattr(groupcommit, "IDLE_SECONDS", 0.001)
    monkeypatch.setattr(ledger._store, "checkpoint_wal", looked.release)
    thread = ledger._thread
    asyncio.run(ledger.append(PLAYED))  # what the thread waited for with the usual patience
    for _ in range(3):
        assert looked.acquire(timeout=60)
    assert ledger._thread is thread
    assert thread.is_alive()


def test_closed_ledger_takes_nothing(ledger: GroupCommitLedger) -> None:
    """It says what to do; to close it again is harmless, and its thread has ended."""
    ledger.close()
    ledger.close()
    assert not ledger._thread.is_alive()
    with pytest.raises(LedgerError) as error:
        asyncio.run(ledger.append(PLAYED))
    assert str(error.value) == f"The ledger {ledger.file} is closed. Start the service."


def test_its_thread_keeps_no_process_from_ending(ledger: GroupCommitLedger) -> None:
    """And says in a list of threads whose it is."""
    assert (ledger._thread.name, ledger._thread.daemon) == (f"ledger {ledger.file}", True)


def test_ledger_of_before_is_migrated_where_that_is_asked_for(tmp_path: Path) -> None:
    """It is migrated by default; a service does it later, beside the calls."""
    file = old(tmp_path / "acme.sqlite3", 6)
    with pytest.raises(LedgerOutdatedError):
        GroupCommitLedger(str(file), migrate=False)
    assert form(file) == 6
    with closing(GroupCommitLedger(str(file))) as ledger:
        assert len(list(ledger.records())) == 3


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
    """Neither a file where there is none any more, nor the form of one of before."""
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
    file.unlink()
    old(file, 6)
    with pytest.raises(LedgerOutdatedError):
        list(ledger.records())
    assert form(file) == 6
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
