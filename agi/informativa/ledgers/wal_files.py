"""What SQLite keeps beside an open ledger, its log (-wal) and the log's index (-shm), and what if that goes.

SQLite goes on writing to a log that was deleted: nobody else reads it, and with the last process that has it
open it is gone, records that were acknowledged and all. Nor do processes with different indexes keep out of
each other's way. So whoever writes compares what lies there with what he has open, and whoever opens a ledger
waits while another process has it open and has not yet put such a thing right (`SqliteStore` does).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import LedgerError
from ..frozen import dataclass
from ..text import Text

# https://www.sqlite.org/src/file/src/os_unix.c: where SQLite locks a database that is open, and an index.
_DATABASE_LOCK, _INDEX_LOCK = 0x40000002, 128
_LOCK = "hhqqi"  # Linux's `struct flock`: kind, whence, start, length, process
_READER_LOCKS = range(123, 128)  # in the index
_INDEX_HEADERS = 96  # bytes; without them the index is made anew from the log
_RETIRED = b"informativa went on with another log"
_TICK = 100 * 10**6  # nanoseconds; ten times the longest that a kernel can be built with
_LOOK_SECONDS = 0.01

Identity = tuple[int, int] | None


@dataclass(frozen=True)
class FileIdentities:
    """Which files stand under the names of a ledger, its log and that one's index; `None` where none does."""

    ledger: Identity
    log: Identity
    index: Identity


class LedgerFiles:
    """The files of one ledger by their names. One log, one index: whoever puts a deletion right takes the
    other away too, so that nobody who still has it mistakes for its own what comes after.

    Every method raises OSError, and LedgerError as it says.
    """

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self._names = tuple(f"{ledger}{end}" for end in ("", "-wal", "-shm"))
        self._folder = str(ledger.parent)
        self._looked: tuple[FileIdentities, tuple[int, int, int]] | None = None

    def still(self, ours: FileIdentities | None) -> bool:
        """Whether that is what stands there now. One look, twice in each transaction: calls wait for it.

        Whatever is deleted or renamed changes its folder's time; but not a second time within one tick of
        the kernel's clock, so a time that is not over yet says nothing.
        """
        try:
            folder = os.stat(self._folder)  # noqa: PTH116  # half the time of Path.stat
        except FileNotFoundError:
            return False
        state = folder.st_dev, folder.st_ino, folder.st_mtime_ns
        if ours is not None and self._looked == (ours, state):
            return True
        self._looked = None
        if self.identities() != ours or ours is None:
            return False
        if time.time_ns() - folder.st_mtime_ns > _TICK:
            self._looked = ours, state
        return True

    def identities(self) -> FileIdentities:
        """What stands there now."""
        ledger, log, index = self._names
        return FileIdentities(_identity(ledger), _identity(log), _identity(index))

    def is_open(self, before: FileIdentities, now: FileIdentities) -> bool:
        """Whether what lies there `now` is what this process has open, and what it was `before`: nothing was
        taken away meanwhile. Where it was, what we have made anew is taken away too."""
        there = (now.ledger, now.log, now.index)
        kept = before.log in (None, now.log) and before.index in (None, now.index)
        if None not in there and kept and all(opened(one) for one in there):
            return True
        _, log, index = self._names
        for name, was, new in ((log, before.log, now.log), (index, before.index, now.index)):
            if was not in (None, new) and new is not None and opened(new):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)  # noqa: PTH108
        return False

    @contextlib.contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Open it, or put a deletion right, while nobody else of us does. Whoever stands still with the lock
        keeps nobody waiting longer than this."""
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except PermissionError:  # it may be passed through and not read: then there is nothing to lock
            yield
            return
        try:
            until = time.monotonic() + seconds
            while not _locked(folder) and time.monotonic() < until:
                time.sleep(_LOOK_SECONDS)
            yield
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def whole(self, seconds: float) -> Iterator[FileIdentities]:
        """Open it alone, and what lies there now; not while log or index are missing of a ledger in use:
        whoever opened it then would make others, and there would be two histories.

        Raises LedgerError if it stays so, or where no ledger can be opened.
        """
        until = time.monotonic() + seconds
        while True:
            with self.alone(seconds):
                self._require_file()
                now = self.identities()
                if None not in (now.log, now.index) or not self._in_use(now.ledger):
                    yield now
                    return
            if time.monotonic() >= until:
                raise LedgerError(
                    Text(
                        "The ledger {file} is in use, and what lies beside it (-wal, -shm) was taken away.",
                        file=self.ledger,
                    ),
                    Text("What has it open saves what it wrote at its next turn, or when it is stopped."),
                )
            time.sleep(_LOOK_SECONDS)

    def _in_use(self, identity: Identity) -> bool:
        """Whether any process has it open. The kernel is asked for the one lock: to tell all (/proc/locks) it
        takes 10 ms. By a descriptor that is SQLite's, which alone can close it without losing our locks."""
        with contextlib.closing(sqlite3.connect(f"{self.ledger.absolute().as_uri()}?mode=ro", uri=True)):
            ours = _descriptors(identity)
            if len(ours) != 1:  # of our own locks the kernel says nothing
                return bool(_holders(identity, _DATABASE_LOCK))
            lock = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, _DATABASE_LOCK, 1, 0)
            kind, *_ = struct.unpack(_LOCK, fcntl.fcntl(ours[0], fcntl.F_GETLK, lock))
            return bool(kind != fcntl.F_UNLCK)

    def _require_file(self) -> None:
        """What SQLite would only say that it cannot open; and it takes the log away that lies beside an empty
        file, with the records that are in it."""
        if self.ledger.is_dir():
            raise LedgerError(
                Text("The ledger {file} is a folder.", file=self.ledger),
                Text("Type: mv {file} {file}.aside, or name a file as `ledger`.", file=self.ledger),
            )
        if self.ledger.exists() and not self.ledger.is_file():  # SQLite would wait for who writes into a pipe
            raise LedgerError(
                Text("The ledger {file} is not a regular file.", file=self.ledger),
                Text("Type: mv {file} {file}.aside, or name a file as `ledger`.", file=self.ledger),
            )
        ledger, log, _index = map(_size, self._names)
        if ledger == 0 and log:
            raise LedgerError(
                Text(
                    "The ledger {file} was emptied, and what lies beside it (-wal) was not.", file=self.ledger
                ),
                Text(
                    "Keep both files elsewhere; then: informativa ledger restore COPY --controller NAME",
                ),
            )

    def can_be_saved(self, ours: FileIdentities) -> bool:
        """Whether all that the log holds that we have open can go into the ledger: nobody began another.
        Raises LedgerError while others have another index of it."""
        now = self.identities()
        if now.log not in (None, ours.log) and _size(self._names[1]):
            return False
        if now.index not in (None, ours.index) and (others := _holders(now.index, _INDEX_LOCK)):
            raise LedgerError(
                Text(
                    "What lies beside the ledger {file} (-wal, -shm) was deleted while in use, and process"
                    " {process} is at work with another.",
                    file=self.ledger,
                    process=others[0],
                ),
                Text("Stop that process; then what was recorded before is saved by itself."),
            )
        return True

    def distrust_index(self, ours: FileIdentities) -> None:
        """Have SQLite read the log itself again: others may have written to it by another index."""
        for descriptor in _descriptors(ours.index):
            os.pwrite(descriptor, bytes(_INDEX_HEADERS), 0)

    def retire(self, ours: FileIdentities) -> None:
        """All that our log held is saved: whoever else has it open must see that, and nobody find it."""
        now, (_, log, index) = self.identities(), self._names
        if now.log in (None, ours.log):
            for name in (log, index):
                Path(name).unlink(missing_ok=True)
        elif now.index == ours.index:
            Path(index).unlink(missing_ok=True)
        for descriptor in _descriptors(ours.log):
            os.pwrite(descriptor, _RETIRED, 0)  # to SQLite it is empty

    def is_retired(self, ours: FileIdentities) -> bool:
        """Whether another of us has saved what our log held, and gone on with a new one."""
        return any(os.pread(one, len(_RETIRED), 0) == _RETIRED for one in _descriptors(ours.log))

    def contents(self, ours: FileIdentities) -> list[Iterator[bytes]]:
        """The bytes of the ledger and its log, each read chunk by chunk, as this process has them open."""
        found = [_descriptors(one) for one in (ours.ledger, ours.log)]
        return [_chunks(descriptors[0]) for descriptors in found if descriptors]

    def readers(self, ours: FileIdentities) -> list[int]:
        """The other processes that read the log at this moment."""
        found = {process for lock in _READER_LOCKS for process in _holders(ours.index, lock)}
        return sorted(found - {os.getpid()})

    def users(self) -> list[int]:
        """The processes that have the ledger open at this moment, this one left out."""
        return sorted(set(_holders(self.identities().ledger, _DATABASE_LOCK)) - {os.getpid()})

    def close(self, connection: sqlite3.Connection, ours: FileIdentities) -> None:
        """Close what had our log open; SQLite would delete another's by its name."""
        log = Path(self._names[1])
        spare = log.with_name(f".{log.name}.spare")
        spare.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if self.identities().log != ours.log:
                spare.hardlink_to(log)
        connection.close()
        if spare.exists():
            spare.replace(log)  # nothing where it is still there: both are the same file
            spare.unlink(missing_ok=True)


def keep_open(connection: sqlite3.Connection) -> None:
    """Have this connection end only with the process, unclosed: closing it would write its history over
    another."""
    import ctypes  # which takes a script longer to load than to record its call

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def astray(ledger: Path) -> list[int]:
    """The processes that have a log or an index of this ledger open which lies there no more, as far as we
    may know: what they record, others do not see, until they have put it right."""
    from ..processes import descriptors  # not for a script

    log, index = (os.path.realpath(f"{ledger}{end}") for end in ("-wal", "-shm"))
    found: set[int] = set()
    for link in descriptors():
        with contextlib.suppress(OSError):
            name = os.readlink(link)  # noqa: PTH115
            if name == f"{log} (deleted)":
                with link.open("rb") as file:  # one that is retired held nothing any more
                    lost = not file.read(len(_RETIRED)).startswith(_RETIRED)
            else:
                lost = name == f"{index} (deleted)" and _has_open(link.parent, log)
            if lost:
                found.add(int(link.parts[2]))
    return sorted(found)


def _has_open(descriptors: Path, name: str) -> bool:
    return any(os.readlink(one) == name for one in descriptors.iterdir())  # noqa: PTH115


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(name: str) -> Identity:
    try:
        found = os.stat(name)  # noqa: PTH116
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _size(name: str) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return Path(name).stat().st_size
    return None


def opened(identity: Identity) -> bool:
    """Whether this process has that file open. True where it cannot be known: outside Linux."""
    return not Path("/proc/self/fd").exists() or bool(_descriptors(identity))


def _descriptors(identity: Identity) -> list[int]:
    """Those of ours that have this file open. It is not opened again to look at it: POSIX takes all our
    locks on a file away when any descriptor of it is closed."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
            with contextlib.suppress(OSError):
                one = os.fstat(int(name))
                if (one.st_dev, one.st_ino) == identity:
                    found.append(int(name))
    return found


def _chunks(descriptor: int) -> Iterator[bytes]:
    offset = 0
    while chunk := os.pread(descriptor, 1 << 20, offset):
        yield chunk
        offset += len(chunk)


def _holders(identity: Identity, where: int) -> list[int]:
    """The processes with a lock on this byte of this file (proc_locks(5)); none where nobody says.

    By the inode alone: what a device is called here and there differs on some file systems.
    """
    found: list[int] = []
    if identity is None:
        return found
    with contextlib.suppress(OSError):
        for row in Path("/proc/locks").read_text().splitlines():
            words = row.split()
            if "->" not in words and words[1] == "POSIX":
                process, inode, first, last = words[4], words[5].rpartition(":")[2], *words[6:8]
                its = int(first) <= where and (last == "EOF" or where <= int(last))
                if int(inode) == identity[1] and its:
                    found.append(int(process))
    return found
