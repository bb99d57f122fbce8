"""The files beside an open ledger (-wal, -shm), step by step: which are ours, which are another's, and what
is deleted, marked and kept."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from examples import PLAYED
from informativa.ledgers import open_descriptors, wal_files
from informativa.ledgers.open_descriptors import Identity
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.wal_files import FileIdentities, LedgerFiles, folder_state
from informativa.model.errors import LedgerError

SECOND = 1_000_000_000  # nanoseconds
NEWEST_STILL_FRESH = 100_000_000


class Files(LedgerFiles):
    """The files of a ledger, and how often all three were looked at."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "acme.sqlite3")
        self.looks = 0
        self.log, self.index = (folder / f"acme.sqlite3-{end}" for end in ("wal", "shm"))

    def identities(self) -> FileIdentities:
        """Return the identities of the files that exist now."""
        self.looks += 1
        return super().identities()

    @property
    def names(self) -> list[str]:
        """The names of all files in the folder."""
        return sorted(file.name for file in self.ledger.parent.iterdir())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Three files of a ledger that nobody has open."""
    made = Files(tmp_path)
    made.ledger.write_bytes(b"ledger")
    made.log.write_bytes(b"log")
    made.index.write_bytes(b"i" * 200)
    return made


@pytest.fixture
def open_files() -> Iterator[ExitStack]:
    """The files that this process has open until the test ends."""
    with ExitStack() as stack:
        yield stack


def other(file: Path, content: bytes = b"another") -> None:
    """Put another file in the place of one, which goes on to exist under another name."""
    file.rename(file.with_name(f"{file.name}-before"))
    file.write_bytes(content)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time, in nanoseconds."""
    clock = [0]
    monkeypatch.setattr(wal_files, "time", SimpleNamespace(time_ns=lambda: clock[0]))
    return clock


# -- the folder ----------------------------------------------------------------------------------------------


def test_state_of_a_folder_is_known_once_its_last_change_is_old(tmp_path: Path, now: list[int]) -> None:
    """A tenth of a second; of a folder that cannot be looked at nothing is known."""
    status = os.stat(tmp_path)  # noqa: PTH116
    os.utime(tmp_path, ns=(0, SECOND))
    now[0] = SECOND + NEWEST_STILL_FRESH
    assert folder_state(str(tmp_path)) is None
    now[0] += 1
    assert folder_state(str(tmp_path)) == (status.st_dev, status.st_ino, SECOND)
    assert folder_state(str(tmp_path / "missing")) is None


def test_files_are_looked_at_until_the_folders_time_is_old(files: Files, now: list[int]) -> None:
    """Then one look at the folder says that they are the same, until its time changes."""
    identities, folder = files.identities(), files.ledger.parent
    os.utime(folder, ns=(0, SECOND))
    for time, looks in ((NEWEST_STILL_FRESH, 1), (NEWEST_STILL_FRESH + 1, 1), (SECOND, 0), (SECOND, 0)):
        files.looks, now[0] = 0, SECOND + time
        assert files.unchanged(identities)
        assert files.looks == looks, time
    assert not files.unchanged(replace(identities, log=None))
    files.looks = 0
    assert files.unchanged(identities)
    assert files.looks == 1
    os.utime(folder, ns=(0, SECOND + 1))
    assert files.unchanged(identities)
    assert files.looks == 2
    files.log.unlink()
    os.utime(folder, ns=(0, SECOND + 2))
    assert not files.unchanged(identities)
    assert not files.unchanged(None)


def test_nothing_is_unchanged_that_was_not_there(tmp_path: Path) -> None:
    """No files that somebody had open, and no folder."""
    none = FileIdentities(None, None, None)
    assert not Files(tmp_path).unchanged(None)
    assert Files(tmp_path).unchanged(none)
    assert not Files(tmp_path / "missing").unchanged(none)


def test_identity_is_device_and_inode(files: Files) -> None:
    """In the order of ledger, log, index; none for a file that is not there."""
    files.log.unlink()
    ledger, index = (os.stat(file) for file in (files.ledger, files.index))  # noqa: PTH116
    assert files.identities() == FileIdentities(
        (ledger.st_dev, ledger.st_ino), None, (index.st_dev, index.st_ino)
    )


# -- what this process has open ------------------------------------------------------------------------------


def opened(files: Files, open_files: ExitStack, *names: str) -> FileIdentities:
    """Open these files, all without a name, and return what is there."""
    for file in [getattr(files, name) for name in names or ("ledger", "log", "index")]:
        open_files.enter_context(file.open("r+b"))
    return files.identities()


@pytest.mark.parametrize("missing", ["ledger", "log", "index"])
def test_files_are_open_where_this_process_has_all_three(
    files: Files, open_files: ExitStack, missing: str
) -> None:
    """Also those that it made itself; one that it has not, or that is not there, is none."""
    nothing, names = FileIdentities(None, None, None), {"ledger", "log", "index"}
    now = opened(files, open_files, *names - {missing})
    assert not files.is_open(nothing, now)
    open_files.enter_context(getattr(files, missing).open("rb"))
    assert files.is_open(nothing, now)
    assert files.is_open(now, now)
    assert not files.is_open(nothing, replace(now, **{missing: None}))
    assert files.names == ["acme.sqlite3", "acme.sqlite3-shm", "acme.sqlite3-wal"]


@pytest.mark.parametrize("name", ["log", "index"])
def test_file_that_was_made_in_place_of_a_deleted_one_goes(
    files: Files, open_files: ExitStack, name: str
) -> None:
    """Where this process made it; that of another stays, and one that is gone by now is no error."""
    before, file = files.identities(), getattr(files, name)
    other(file)
    others = {"log", "index"} - {name}
    assert not files.is_open(before, opened(files, open_files, "ledger", *others))
    assert file.exists()
    assert not files.is_open(before, replace(before, **{name: None}))
    assert file.exists()
    now = opened(files, open_files, name)
    assert not files.is_open(before, now)
    assert not file.exists()
    assert all(getattr(files, other).exists() for other in others)
    assert not files.is_open(before, now)


def test_all_is_open_where_nobody_can_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside Linux."""
    places = list[str]()

    def path(place: str) -> SimpleNamespace:
        places.append(place)
        return SimpleNamespace(exists=lambda: False)

    monkeypatch.setattr(open_descriptors, "Path", path)
    assert open_descriptors.is_open((1, 2), None)
    assert places == ["/proc/self/fd"]


class Descriptors:
    """The descriptors of a process, with the file behind each, of which no thread of another test takes any;
    in place of `os` in the tested module."""

    devnull, O_RDONLY = os.devnull, os.O_RDONLY

    def __init__(self) -> None:
        self.identities: dict[int, tuple[int, int]] = {}
        self.listed = list[str]()

    def open(self, path: str | Path, _flags: int = os.O_RDONLY) -> int:
        """Take the lowest free descriptor, as POSIX says."""
        status, descriptor = os.stat(path), next(n for n in count() if n not in self.identities)  # noqa: PTH116
        self.identities[descriptor] = status.st_dev, status.st_ino
        return descriptor

    def close(self, descriptor: int) -> None:
        """Let go of it."""
        del self.identities[descriptor]

    def fstat(self, descriptor: int) -> SimpleNamespace:
        """Tell which file is behind it."""
        if descriptor not in self.identities:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return SimpleNamespace(**dict(zip(("st_dev", "st_ino"), self.identities[descriptor], strict=True)))

    def listdir(self, folder: str) -> list[str]:
        """List them all."""
        self.listed.append(folder)
        return list(map(str, self.identities))


def test_file_that_was_opened_lately_is_looked_for_among_few(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all descriptors of the process only the newest sixteen are asked; one of before is asked by the
    descriptor that it had. A file is gone when it is closed, though another has its descriptor."""
    process, identity = Descriptors(), files.identities().ledger
    monkeypatch.setattr(open_descriptors, "os", process)
    monkeypatch.setattr(open_descriptors, "_LAST_DESCRIPTORS", {})
    ledger = process.open(files.ledger)
    assert open_descriptors.is_open(identity)
    for _ in range(15):
        process.open(files.log)
    assert open_descriptors.is_open(identity)
    assert process.listed == []
    process.open(files.log)
    for _ in range(3):
        assert open_descriptors.is_open(identity)
    assert process.listed == ["/proc/self/fd"]
    process.close(ledger)
    assert process.open(files.log) == ledger
    assert not open_descriptors.is_open(identity)


def test_file_is_found_behind_a_descriptor_that_was_closed(files: Files, open_files: ExitStack) -> None:
    """Whatever number it had: the process lists its descriptors by a free one, which is closed by then."""
    before = files.log.open("rb")
    identities = opened(files, open_files, "ledger")
    open_descriptors._LAST_DESCRIPTORS.clear()
    before.close()
    assert [b"".join(chunks) for chunks in files.contents(identities)] == [b"ledger"]
    assert open_descriptors.is_open(identities.ledger)


CLOSED = 1 << 30
"""A descriptor that no process has: it is beyond every limit."""


def stale(state: str, files: Files, open_files: ExitStack) -> int:
    """Return a descriptor that was a file's until a moment ago, and is closed, or another file's by now."""
    return CLOSED if state == "closed" else open_files.enter_context(files.index.open("r+b")).fileno()


def open_files_with(stale_ones: dict[int, Identity]) -> Callable[[], dict[int, Identity]]:
    """Return a function that has the open files of this process behind some that were open."""
    really = open_descriptors._open_files
    return lambda: (
        stale_ones | {number: file for number, file in really().items() if number not in stale_ones}
    )


@pytest.mark.parametrize("state", ["closed", "another file's"])
def test_file_is_read_to_its_end_though_a_descriptor_of_it_is_closed(
    files: Files, open_files: ExitStack, state: str
) -> None:
    """Another thread closes its connection, and opens another file, while a large ledger is searched."""
    large = b"a" * (1 << 20) + b"b" * (1 << 20)
    files.ledger.write_bytes(large)
    with files.ledger.open("rb") as others:
        identities = opened(files, open_files, "ledger")
        (chunks,) = files.contents(identities)
        assert next(chunks) == large[: 1 << 20]
        if state == "closed":
            others.close()
        else:
            os.dup2(stale(state, files, open_files), others.fileno())
        assert b"".join(chunks) == large[1 << 20 :]


def test_file_that_is_closed_while_it_is_read_is_an_error(files: Files) -> None:
    """It is not mistaken for one that ends there."""
    files.ledger.write_bytes(bytes(2 << 20))
    with files.ledger.open("rb"):
        (chunks,) = files.contents(files.identities())
        next(chunks)
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        next(chunks)
    assert caught.value.errno == errno.EBADF


def test_error_of_reading_an_open_file_is_told(
    files: Files, open_files: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails is not mistaken for a file that was closed."""

    def fail(*_arguments: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (chunks,) = files.contents(opened(files, open_files, "ledger"))
    monkeypatch.setattr(open_descriptors, "os", SimpleNamespace(**vars(os) | {"pread": fail}))
    with pytest.raises(OSError, match="Input/output error"):
        next(chunks)


# -- opening -------------------------------------------------------------------------------------------------


def test_ledger_whose_log_is_missing_is_not_opened_while_it_is_in_use(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is looked at each hundredth of a second until the time is over, each time under the lock, which is
    waited for for two seconds; then the error says what to do. Once it is whole it is opened."""
    for file in (files.ledger, files.log, files.index):
        file.unlink()
    clock, locks = [100.0], list[tuple[Path, float]]()

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        assert seconds == 0.01

    def locked(ledger: Path, seconds: float) -> AbstractContextManager[None]:
        locks.append((ledger, seconds))
        return nullcontext()

    store = SqliteStore(str(files.ledger))
    store.append([PLAYED])
    log = files.log.rename(tmp_path / "elsewhere")
    with monkeypatch.context() as patched:
        patched.setattr(wal_files, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
        patched.setattr(wal_files.opening_lock, "locked", locked)
        with pytest.raises(LedgerError) as caught, files.open_complete(0.025):
            pass
        assert locks == [(files.ledger, 2.0)] * 4
        with pytest.raises(LedgerError), files.open_complete(0.0):
            pass
        assert len(locks) == 5
        log.rename(files.log)
        with files.open_complete(0.0) as identities:
            assert identities == files.identities()
        files.index.rename(tmp_path / "elsewhere")
        with pytest.raises(LedgerError), files.open_complete(0.0):
            pass
        (tmp_path / "elsewhere").rename(files.index)
    assert str(caught.value) == (
        f"The ledger {files.ledger} is in use, and what lies beside it (-wal, -shm) was taken away. What has"
        " it open saves what it wrote at its next turn, or when it is stopped."
    )
    store.close()
    with files.open_complete(0.0) as identities:
        assert (identities.log, identities.index) == (None, None)


def test_lock_is_held_while_the_files_are_opened(files: Files) -> None:
    """Another waits for it so many seconds and no longer."""
    with files.open_complete(0.0), pytest.raises(LedgerError, match="stays locked"), files.lock(0.0):
        pass
    with files.lock(0.0):
        pass


def message(files: LedgerFiles) -> str:
    """Return the error by which the files are not opened."""
    with pytest.raises(LedgerError) as caught, files.open_complete(0.0):
        pass
    return str(caught.value)


def test_what_is_no_ledger_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """A link, a folder, a pipe, and an empty file beside a log."""
    files = Files(tmp_path)
    ledger = files.ledger
    remedy = f"Type: mv {ledger} {ledger}.aside, or name a file as `ledger`."
    ledger.mkdir()
    assert message(files) == f"The ledger {ledger} is a folder. {remedy}"
    ledger.rmdir()
    os.mkfifo(ledger)
    assert message(files) == f"The ledger {ledger} is not a regular file. {remedy}"
    ledger.unlink()
    ledger.symlink_to("real.sqlite3")
    assert message(files) == (
        f"The ledger {ledger} is a symbolic link. Name the file itself as `ledger` in the configuration:"
        f" {tmp_path}/real.sqlite3"
    )
    ledger.unlink()
    ledger.touch()
    files.log.write_bytes(b"x")
    assert message(files) == (
        f"The ledger {ledger} was emptied, and what lies beside it (-wal) was not. Keep both files elsewhere;"
        " then: informativa ledger restore COPY --controller NAME"
    )
    files.log.write_bytes(b"")
    with files.open_complete(0.0):
        pass
    files.log.write_bytes(b"x")
    files.index.touch()
    ledger.unlink()
    with files.open_complete(0.0) as identities:  # it is about to be made
        assert identities == files.identities()


# -- repair --------------------------------------------------------------------------------------------------


def test_log_can_be_saved_unless_somebody_began_another(files: Files) -> None:
    """One that is empty is none."""
    identities = files.identities()
    assert files.can_be_saved(identities)
    other(files.log, b"")
    assert files.can_be_saved(identities)
    files.log.write_bytes(b"x")
    assert not files.can_be_saved(identities)
    files.log.unlink()
    assert files.can_be_saved(identities)


def test_log_cannot_be_saved_while_others_use_another_index(files: Files) -> None:
    """The process is named that is to be stopped; one that uses ours disturbs nobody."""
    identities = files.identities()
    other(files.index)
    now = files.identities().index
    assert files.can_be_saved(identities)
    with files.index.open("r+b") as opened:
        fcntl.lockf(opened, fcntl.LOCK_SH, 1, 127)
        assert files.can_be_saved(identities)
        fcntl.lockf(opened, fcntl.LOCK_SH, 1, 128)
        with pytest.raises(LedgerError) as caught:
            files.can_be_saved(identities)
        assert files.can_be_saved(replace(identities, index=now))
    assert str(caught.value) == (
        f"What lies beside the ledger {files.ledger} (-wal, -shm) was deleted while in use, and process"
        f" {os.getpid()} is at work with another. Stop that process; then what was recorded before is saved"
        " by itself."
    )
    files.index.unlink()
    assert files.can_be_saved(identities)


def test_index_that_is_not_trusted_has_no_headers(files: Files, open_files: ExitStack) -> None:
    """96 bytes of ours are zero then, also where its name is gone, and of no other file."""
    identities = opened(files, open_files)
    index = open_files.enter_context(files.index.open("r+b"))
    other(files.index, b"i" * 200)
    files.distrust_index(identities)
    assert index.read() == bytes(96) + b"i" * 104
    assert (files.index.read_bytes(), files.log.read_bytes()) == (b"i" * 200, b"log")


@pytest.mark.parametrize(
    ("log", "index", "left"),
    [
        ("ours", "ours", []),
        ("ours", "another", []),
        ("gone", "another", []),
        ("gone", "gone", []),
        ("another", "ours", ["-wal"]),
        ("another", "another", ["-shm", "-wal"]),
        ("another", "gone", ["-wal"]),
    ],
)
def test_log_that_is_saved_is_marked_for_those_who_have_it_open(
    files: Files, open_files: ExitStack, log: str, index: str, left: list[str]
) -> None:
    """And it and its index are found by nobody; another log stays, and the index that goes with it."""
    identities = opened(files, open_files)
    own_log = open_files.enter_context(files.log.open("r+b"))
    assert not files.is_retired(identities)
    for file, state in ((files.log, log), (files.index, index)):
        if state == "gone":
            file.unlink()
        if state == "another":
            other(file)
    files.retire(identities)
    assert own_log.read() == b"informativa went on with another log"
    assert files.is_retired(identities)
    names = [name.removeprefix("acme.sqlite3") for name in files.names if "before" not in name]
    assert names == ["", *left]
    if log == "another":
        assert files.log.read_bytes() == b"another"
    assert files.ledger.read_bytes() == b"ledger"


def test_contents_are_those_that_this_process_has_open(files: Files, open_files: ExitStack) -> None:
    """Ledger and log, to the last byte, whatever has their names now; a log that it has not is left out."""
    large = b"".join(bytes([number]) * (1 << 20) for number in range(2)) + b"end"
    files.ledger.write_bytes(large)
    identities = opened(files, open_files, "ledger")
    assert [b"".join(chunks) for chunks in files.contents(identities)] == [large]
    opened(files, open_files, "log")
    other(files.log)
    other(files.ledger)
    assert [b"".join(chunks) for chunks in files.contents(identities)] == [large, b"log"]
    assert [len(chunk) for chunk in files.contents(identities)[0]] == [1 << 20, 1 << 20, 3]


@pytest.mark.parametrize("state", ["closed", "another file's"])
def test_no_other_file_is_marked_in_place_of_a_log(
    files: Files, open_files: ExitStack, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """A descriptor that another thread closed is passed over, and one of ours is taken."""
    identities = opened(files, open_files, "log")
    one_gone, still_open = {stale(state, files, open_files): identities.log}, list[int]()
    index = files.index.with_name("index")
    index.hardlink_to(files.index)

    def dup(descriptor: int) -> int:
        still_open.append(os.dup(descriptor))
        return still_open[-1]

    def close(descriptor: int) -> None:
        still_open.remove(descriptor)
        os.close(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(open_descriptors, "os", SimpleNamespace(**vars(os) | {"dup": dup, "close": close}))
        patched.setattr(open_descriptors, "_open_files", open_files_with(one_gone))
        files.retire(identities)
    assert (index.read_bytes(), still_open) == (b"i" * 200, [])
    assert files.is_retired(identities)


def test_log_is_not_left_unmarked_without_a_word(
    files: Files, open_files: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error where a process may open no more files."""

    def refuse(_descriptor: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    identities = opened(files, open_files, "log")
    monkeypatch.setattr(open_descriptors, "os", SimpleNamespace(**vars(os) | {"dup": refuse}))
    with pytest.raises(OSError, match="Too many open files"):
        files.retire(identities)


# -- other processes -----------------------------------------------------------------------------------------


def locks(monkeypatch: pytest.MonkeyPatch, inode: int, *lines: str) -> None:
    """Have the kernel list these locks, of the file with this inode where a line says FILE."""
    text = "\n".join(f"{number}: {line}" for number, line in enumerate(lines, 1))

    def path(place: str) -> SimpleNamespace:
        assert place == "/proc/locks"
        return SimpleNamespace(read_text=lambda: text.replace("FILE", f"00:2b:{inode}"))

    monkeypatch.setattr(wal_files, "Path", path)


def test_readers_are_those_with_a_lock_in_our_index(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one of five bytes of it, by the list of the kernel: neither this process, nor one that waits, nor a
    lock of another kind, nor one of another file."""
    identities = files.identities()
    assert identities.index
    locks(
        monkeypatch,
        identities.index[1],
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
    assert files.readers(identities) == [11, 22, 33]
    assert files.readers(replace(identities, index=None)) == []


def test_users_are_those_with_a_lock_in_the_ledger(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the byte that SQLite locks in an open one; where the kernel does not say it, nobody is known."""
    ledger = files.identities().ledger
    assert ledger
    locks(
        monkeypatch,
        ledger[1],
        "POSIX  ADVISORY  READ 9 FILE 1073741826 1073742335",
        "POSIX  ADVISORY  READ 8 FILE 1073741826 1073741826",
        f"POSIX  ADVISORY  READ {os.getpid()} FILE 1073741826 1073742335",
        "POSIX  ADVISORY  READ 7 FILE 1073741827 1073742335",
        "POSIX  ADVISORY  READ 6 FILE 1073741824 1073741825",
    )
    assert files.users() == [8, 9]

    def unreadable(_place: str) -> SimpleNamespace:
        def refuse() -> str:
            raise PermissionError

        return SimpleNamespace(read_text=refuse)

    monkeypatch.setattr(wal_files, "Path", unreadable)
    assert files.users() == []


# -- the end -------------------------------------------------------------------------------------------------


class Closing:
    """A connection that deletes a log when it is closed, as SQLite does, or leaves it."""

    def __init__(self, log: Path, *, deletes: bool) -> None:
        self._log, self._deletes, self.closed = log, deletes, False

    def close(self) -> None:
        """Close it."""
        self.closed = True
        if self._deletes:
            self._log.unlink(missing_ok=True)


@pytest.mark.parametrize("deletes", [True, False])
@pytest.mark.parametrize("log", ["ours", "another", "gone"])
def test_closing_deletes_no_log_of_another(files: Files, log: str, *, deletes: bool) -> None:
    """Ours goes; and what was left beside it by a process that was killed goes too."""
    identities = files.identities()
    files.ledger.with_name(".acme.sqlite3-wal.spare").write_bytes(b"left")
    if log == "gone":
        files.log.unlink()
    if log == "another":
        other(files.log)
    connection = Closing(files.log, deletes=deletes)
    files.close(cast("sqlite3.Connection", connection), identities)
    assert connection.closed
    content = {"ours": None if deletes else b"log", "another": b"another", "gone": None}[log]
    assert (files.log.read_bytes() if files.log.exists() else None) == content
    assert [name for name in files.names if "spare" in name] == []


def test_connection_that_is_kept_open_is_never_freed() -> None:
    """Nobody closes it, then: it has one reference more."""
    with closing(sqlite3.connect(":memory:")) as connection:
        before = sys.getrefcount(connection)
        wal_files.keep_open(connection)
        assert sys.getrefcount(connection) == before + 1


def test_process_that_has_many_files_open_sees_that_a_ledger_is_in_use(
    files: Files, open_files: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a descriptor that is not among the newest, without the list of all locks, which takes 10 ms."""
    monkeypatch.setattr(wal_files, "_holders", lambda *_arguments: [])
    for file in (files.ledger, files.log, files.index):
        file.unlink()
    store = SqliteStore(str(files.ledger))
    store.append([PLAYED])
    for _ in range(20):
        opened(files, open_files, "ledger")
    files.log.unlink()
    assert "is in use" in message(files)
    store.close()


@pytest.mark.parametrize("lately", [True, False])
@pytest.mark.parametrize("state", ["closed", "another file's"])
def test_ledger_in_use_is_seen_though_a_descriptor_of_it_is_closed(
    files: Files, open_files: ExitStack, monkeypatch: pytest.MonkeyPatch, state: str, *, lately: bool
) -> None:
    """A connection that was closed while a cursor of it was left is closed by the garbage collector, between
    a look at what is open and the question whether it is locked; its number may be another file's then."""
    for file in (files.ledger, files.log, files.index):
        file.unlink()
    store = SqliteStore(str(files.ledger))
    store.append([PLAYED])
    log = files.log.rename(files.ledger.with_name("elsewhere"))
    one_gone = {stale(state, files, open_files): files.identities().ledger}
    all_open = open_files_with(one_gone)
    monkeypatch.setattr(open_descriptors, "_lately_opened_files", all_open if lately else lambda: one_gone)
    monkeypatch.setattr(open_descriptors, "_open_files", all_open)
    assert "is in use" in message(files)
    log.rename(files.log)
    store.close()


def test_process_that_cannot_tell_its_own_files_asks_the_kernel_who_uses_a_ledger(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the list of all locks: it is in use as long as somebody has it open."""
    for file in (files.ledger, files.log, files.index):
        file.unlink()
    store = SqliteStore(str(files.ledger))
    store.append([PLAYED])
    files.log.rename(files.ledger.with_name("elsewhere"))
    monkeypatch.setattr(open_descriptors, "_open_files", dict)
    monkeypatch.setattr(open_descriptors, "_lately_opened_files", dict)
    assert "is in use" in message(files)
    monkeypatch.undo()
    files.ledger.with_name("elsewhere").rename(files.log)
    store.close()
    monkeypatch.setattr(open_descriptors, "_open_files", dict)
    monkeypatch.setattr(open_descriptors, "_lately_opened_files", dict)
    with files.open_complete(0.0) as identities:
        assert (identities.log, identities.index) == (None, None)
