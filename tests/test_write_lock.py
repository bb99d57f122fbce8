"""The locks of a ledger that several processes write."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from examples import PLAYED
from informativa.ledgers import write_lock
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.write_check import try_writing
from other_programs import end, foreign, numbers


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

        def sleep(self, seconds: float) -> None:
            """Wait for nothing."""

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


@pytest.mark.slow
def test_i3_processes_that_open_a_ledger_at_once_lose_nothing(tmp_path: Path) -> None:
    """I3: six of them make it together, and each opens, writes and closes it again and again, so that one is
    often the last that closes it while others open it: every number is of one record."""
    program = (
        "import sys; from examples import PLAYED; from informativa.ledgers.sqlite import SqliteStore\n"
        "sys.stdin.read()\n"
        "for _ in range(20):\n"
        "    store = SqliteStore(sys.argv[1])\n"
        "    print(*store.append([PLAYED]), flush=True)\n"
        "    store.close()\n"
    )
    file = tmp_path / "acme.sqlite3"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(Path(__file__).parent)},
        )
        for _process in range(6)
    ]
    for process in started:
        assert process.stdin
        process.stdin.close()
    acknowledged = []
    for process in started:
        assert process.stdout
        acknowledged += [int(line) for line in process.stdout]
        assert process.wait() == 0
    assert sorted(acknowledged) == numbers(file) == list(range(1, 121))


def locks(monkeypatch: pytest.MonkeyPatch, inode: int, *lines: str) -> None:
    """Have the kernel list these locks, of the file with this inode where a line says FILE."""
    text = "\n".join(f"{number}: {line}" for number, line in enumerate(lines, 1))
    listed = SimpleNamespace(read_text=lambda: text.replace("FILE", f"00:2b:{inode}"))
    monkeypatch.setattr(write_lock, "Path", {"/proc/locks": listed}.__getitem__)


def test_readers_are_those_with_a_lock_in_the_index_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one of five bytes of it, by the list of the kernel: neither this process, nor one that waits, nor a
    lock of another kind, nor one of another file."""
    file = tmp_path / "acme.sqlite3"
    assert write_lock.readers(file) == []
    index = tmp_path / "acme.sqlite3-shm"
    index.touch()
    locks(
        monkeypatch,
        index.stat().st_ino,
        "POSIX  ADVISORY  READ 22 FILE 123 123",
        "POSIX  ADVISORY  READ 11 FILE 127 127",
        "POSIX  ADVISORY  READ 11 FILE 124 126",
        "POSIX  ADVISORY  READ 33 FILE 0 EOF",
        f"POSIX  ADVISORY  READ {os.getpid()} FILE 123 127",
        "POSIX  ADVISORY  READ 41 FILE 122 122",
        "POSIX  ADVISORY  READ 42 FILE 128 128",
        "POSIX  ADVISORY  READ 43 FILE 128 EOF",
        "-> POSIX  ADVISORY  WRITE 44 FILE 123 123",
        "FLOCK  ADVISORY  WRITE 45 FILE 0 EOF",
        "POSIX  ADVISORY  READ 46 00:2b:1 123 123",
    )
    assert write_lock.readers(file) == [11, 22, 33]


def test_users_are_those_with_a_lock_in_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the byte that SQLite locks in an open one; where the kernel does not say it, nobody is known."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))):
        other = foreign(file, "SELECT count(*) FROM event")
        assert write_lock.users(file) == [other.pid]
        end(other)
        assert write_lock.users(file) == []
    locks(
        monkeypatch,
        file.stat().st_ino,
        "POSIX  ADVISORY  READ 9 FILE 1073741826 1073742335",
        "POSIX  ADVISORY  READ 8 FILE 1073741826 1073741826",
        "POSIX  ADVISORY  READ 7 FILE 1073741827 1073742335",
        "POSIX  ADVISORY  READ 6 FILE 1073741824 1073741825",
    )
    assert write_lock.users(file) == [8, 9]

    def refuse() -> str:
        raise PermissionError

    monkeypatch.setattr(write_lock, "Path", lambda _place: SimpleNamespace(read_text=refuse))
    assert write_lock.users(file) == []
