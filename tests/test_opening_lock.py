"""The lock under which a ledger is opened, and a deleted log is repaired: one ledger's alone, and nobody goes
on without it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from examples import PLAYED
from informativa.ledgers import opening_lock, wal_files
from informativa.ledgers.opening_lock import locked
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerError
from other_programs import ENDS, Ours, numbers, take

HOLDS = """
import sys
from pathlib import Path
from informativa.ledgers.opening_lock import locked
with locked(Path(sys.argv[1]), 0):
    print("locked", flush=True)
    sys.stdin.read()
"""
FORKS = """
import os, sys
from pathlib import Path
from informativa.ledgers.opening_lock import locked
with locked(Path(sys.argv[1]), 0):
    if not os.fork():
        sys.stdin.read()
        os._exit(0)
print("free", flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The place of a ledger, which does not exist yet."""
    return tmp_path / "acme.sqlite3"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whoever opens a ledger give up soon."""
    monkeypatch.setattr(wal_files, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr("informativa.ledgers.ledger_file.BUSY_SECONDS", 0.05)


def program(text: str, file: Path) -> subprocess.Popen[str]:
    """Start a program on a ledger, and wait for its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", text, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline()
    return process


def is_free(file: Path) -> bool:
    """Return whether the lock can be had now."""
    try:
        with locked(file, 0):
            return True
    except LedgerError:
        return False


def test_second_one_fails_and_names_the_first(file: Path) -> None:
    """Two locks of one ledger exclude each other, also in one process; afterwards it is free, and nothing is
    left in the folder."""
    with locked(file, 0):
        with pytest.raises(LedgerError) as caught, locked(file, 0.02):
            pass
        assert str(caught.value).startswith(
            f"The ledger {file} stays locked: process {os.getpid()} is opening or repairing it."
        )
    assert is_free(file)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize(("processes", "names"), [([], "?"), (["7"], "7"), (["7", "9"], "7, 9")])
def test_error_says_whose_the_lock_is_and_what_to_do(file: Path, processes: list[str], names: str) -> None:
    """By their ids, as far as they are known."""
    assert str(opening_lock._error(file, processes)) == (
        f"The ledger {file} stays locked: process {names} is opening or repairing it. If that lasts, look at"
        f" the disk or network folder of the ledger, and end process {names}."
    )


def test_i10_lock_of_one_ledger_is_no_other_ledgers(file: Path) -> None:
    """I10: while a company's ledger hangs in being opened, those of 200 others in its folder can be."""
    with locked(file, 0), ExitStack() as others:
        for number in range(200):
            others.enter_context(locked(file.with_name(f"{number}.sqlite3"), 0))


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set when somebody tried to have the lock, and did not get it."""
    tried, take_lock = threading.Event(), opening_lock._take

    def tried_lock(folder: int, byte: int) -> bool:
        result = take_lock(folder, byte)
        if not result:
            tried.set()
        return result

    monkeypatch.setattr(opening_lock, "_take", tried_lock)
    return tried


def test_i10_byte_beside_that_of_a_ledger_is_another_ledgers(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I10: the lock is on one byte, whichever they are."""
    monkeypatch.setattr(opening_lock, "_byte", lambda name: {"acme.sqlite3": 100, "other": 101}[name])
    with locked(file.with_name("other"), 0):
        assert is_free(file)


def test_waiting_thread_goes_on_when_the_first_is_done(file: Path, refused: threading.Event) -> None:
    """A second thread tries until the first one is done, and has the lock then."""
    order = []

    def second() -> None:
        with locked(file, 60):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(file, 0):
        thread.start()
        assert refused.wait(60)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("others", ["before it", "at once"])
def test_i3_two_at_the_same_moment_never_both_have_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    """I3: another takes the lock between a process's look and its own read lock, or puts its read lock there
    and has not looked yet: the first one does not have it."""
    with ExitStack() as closing_all:
        first, second = (os.open(file.parent, os.O_RDONLY) for _ in range(2))
        closing_all.callback(os.close, first)
        closing_all.callback(os.close, second)
        set_lock = opening_lock._set

        def interrupted(folder: int, byte: int, kind: int) -> None:
            monkeypatch.setattr(opening_lock, "_set", set_lock)
            if others == "before it":
                assert opening_lock._take(second, byte)
            else:
                set_lock(second, byte, fcntl.F_RDLCK)
            set_lock(folder, byte, kind)

        monkeypatch.setattr(opening_lock, "_set", interrupted)
        assert not opening_lock._take(first, 7)
        if others == "at once":  # it looks now, and nobody else has it any more
            assert not opening_lock.locked_by_another(second, 7)


def test_lock_ends_with_a_process_that_is_killed(file: Path) -> None:
    """`kill -9` of the one that has it leaves the lock free, and nothing to clear away."""
    holder = program(HOLDS, file)
    with pytest.raises(LedgerError, match=rf"process {holder.pid} "), locked(file, 0):
        pass
    holder.kill()
    holder.communicate()
    assert is_free(file)


def test_child_of_a_process_does_not_keep_the_lock(file: Path) -> None:
    """A process that was forked while the lock was held, and goes on, has it no longer than the first one."""
    parent = program(FORKS, file)
    assert is_free(file)
    parent.communicate()


def test_an_earlier_informativa_and_this_one_wait_for_each_other(file: Path) -> None:
    """0.2.0 locks the folder by flock: none of its ledgers is opened beside that, and the error names it; and
    it cannot lock it while a ledger is being opened."""
    with ExitStack() as closing_all:
        folder = os.open(file.parent, os.O_RDONLY)
        closing_all.callback(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(LedgerError, match=rf"process {os.getpid()} "), locked(file, 0):
            pass
        fcntl.flock(folder, fcntl.LOCK_UN)
        with locked(file, 0), pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_folder_that_cannot_be_read_is_an_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger whose folder cannot be locked is not opened without a lock."""

    def refused(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied", str(file.parent))

    monkeypatch.setattr(opening_lock.os, "open", refused)
    with pytest.raises(LedgerError, match="Permission denied"):
        SqliteStore(str(file))


@pytest.mark.usefixtures("impatient")
def test_i3_ledger_that_another_opens_is_not_opened_beside_it(file: Path) -> None:
    """I3: a writer and a reader end with an error that names the process, and another ledger of
    that folder can be opened."""
    SqliteStore(str(file)).close()
    holder = program(HOLDS, file)
    for opened in (
        lambda: SqliteStore(str(file)),
        lambda: SqliteStore(str(file), read_only=True),
    ):
        with pytest.raises(LedgerError, match=rf"process {holder.pid} is opening"):
            opened()
    with closing(SqliteStore(str(file.with_name("borealis.sqlite3")))) as other:
        assert other.append([PLAYED]) == [1]
    holder.communicate()
    SqliteStore(str(file)).close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ends", [("-wal",), ("-shm",), ENDS], ids="".join)
def test_i3_deleted_log_is_not_repaired_beside_another_that_repairs_it(
    file: Path, ends: tuple[str, ...]
) -> None:
    """I3: with the log deleted and the lock held, neither of two processes acknowledges anything; once it is
    free both go on, and no number is used twice."""
    with closing(SqliteStore(str(file))) as store:
        store.append([PLAYED])
        other = Ours(file)
        assert other.does("store.append([PLAYED])") == "2"
        take(file, ends)
        holder = program(HOLDS, file)
        with pytest.raises(LedgerError, match=rf"process {holder.pid} is opening"):
            store.append([PLAYED])
        assert f"process {holder.pid} is opening" in other.does("store.append([PLAYED])")
        holder.communicate()
        assert other.does("store.append([PLAYED])") == "3"
        assert store.append([PLAYED]) == [4]
        assert other.end() == 0
    assert numbers(file) == [1, 2, 3, 4]


@pytest.mark.usefixtures("impatient")
def test_i3_closing_waits_longer_for_the_lock(file: Path, refused: threading.Event) -> None:
    """I3: what a deleted log alone holds is saved into the ledger while it is closed, though the lock is held
    longer than a call would wait; there is no second history."""
    store = SqliteStore(str(file))
    store.append([PLAYED])
    take(file, ENDS)
    thread = threading.Thread(target=store.close)
    with locked(file, 0):
        thread.start()
        assert refused.wait(60)
        with pytest.raises(LedgerError, match="stays locked"):
            SqliteStore(str(file))
    thread.join()
    assert numbers(file) == [1]
    assert list(file.parent.glob("*rescued*")) == []
