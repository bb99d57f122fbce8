"""The lock of a ledger that several processes write."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from examples import PLAYED
from informativa.ledgers import write_lock
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.write_check import try_writing


def test_who_waits_comes_between_two_of_many_turns(tmp_path: Path) -> None:
    """While another takes the ledger again and again for 20 ms, each of 20 calls is recorded, all of them
    before he has had 100 turns."""
    file, busy, over, turns = str(tmp_path / "acme.sqlite3"), threading.Event(), threading.Event(), 0
    with closing(SqliteStore(file)) as calls:

        def work() -> None:
            nonlocal turns
            with closing(SqliteStore(file)) as long:
                while not over.is_set() and turns < 100:
                    with long.turn(brief=True):
                        busy.set()
                        time.sleep(0.02)  # what long work takes
                    turns += 1

        other = threading.Thread(target=work)
        other.start()
        try:
            for number in range(20):
                busy.clear()
                assert busy.wait(60)
                calls.append([replace(PLAYED, call=f"1.{number}")])
        finally:
            over.set()
            other.join()
        assert calls.count() == 20
    assert 20 <= turns < 100


def test_trial_of_a_ledger_waits_while_a_call_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits as long as a call does, not only for the 3 ms of one attempt: else doctor would call a busy
    ledger locked."""

    class Clock:
        """It is looked at before the first try, and after each that failed: the call has ended by then."""

        looks = 0

        def monotonic(self) -> float:
            self.looks += 1
            if self.looks == 3:
                call.execute("ROLLBACK")
            return 0.0

    file = tmp_path / "acme.sqlite3"
    SqliteStore(str(file)).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as call:
        call.execute("BEGIN IMMEDIATE")
        clock = Clock()
        monkeypatch.setattr(write_lock, "time", clock)
        try_writing(file)
    assert clock.looks == 3


def test_a_lock_that_is_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiting writer gives up after its time, not at the first attempt, with the message of SQLite; another
    error is raised at once."""
    monkeypatch.setattr(write_lock, "BUSY_SECONDS", 0.1)
    holder, waiting = (sqlite3.connect(tmp_path / "a", isolation_level=None) for _ in range(2))
    with closing(holder), closing(waiting):
        write_lock.wait_for_others(waiting, write_lock.LOOK_SECONDS)
        tried: list[str] = []
        waiting.set_trace_callback(tried.append)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            write_lock.take(waiting)
        assert len(tried) > 3
        holder.execute("ROLLBACK")
        write_lock.take(waiting)
        with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
            write_lock.take(waiting)


def test_i4_a_long_log_is_copied_before_the_lock_is_taken(tmp_path: Path) -> None:
    """When the lock is taken to empty a log of a thousand records, all of them are in the file already: else
    calls would wait until they are copied."""
    file, sizes = tmp_path / "acme.sqlite3", []
    with closing(SqliteStore(str(file))) as store, store.connected() as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # as where a backup reads meanwhile
        store.append([replace(PLAYED, call=f"1.{number}") for number in range(1000)])
        before = file.stat().st_size

        def look(sql: str) -> None:
            if "TRUNCATE" in sql:
                sizes.append(file.stat().st_size)

        connection.set_trace_callback(look)
        store.empty_log(0)
        connection.set_trace_callback(None)
        assert before < sizes[0] == file.stat().st_size
