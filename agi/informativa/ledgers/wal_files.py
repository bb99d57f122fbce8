"""The files that SQLite keeps beside an open ledger: its log (-wal) and the log's index (-shm); and how their
deletion is repaired.

SQLite goes on writing to a log that was deleted. Nobody else reads it, and when the last process that has it
open ends, its acknowledged records are lost. Moreover, processes with different indexes do not respect each
other's locks. So a writer compares the present files with those that it has open, and a process that opens a
ledger waits while another one has it open and has not repaired such a deletion yet (`LedgerFile` does).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from ..model.errors import LedgerError
from ..model.frozen import dataclass
from ..model.text import Text
from . import open_descriptors, opening_lock
from .open_descriptors import Identity
from .write_lock import BUSY_SECONDS

# https://www.sqlite.org/src/file/src/os_unix.c: the bytes that SQLite locks in an open database and its
# index.
_DATABASE_LOCK, _INDEX_LOCK = 0x40000002, 128
_READER_LOCKS = range(123, 128)  # in the index
_INDEX_HEADERS = 96  # bytes; if they are zero, SQLite rebuilds the index from the log
RETIRED = b"informativa went on with another log"  # in place of the log's first bytes
_TICK = 100 * 10**6  # nanoseconds; ten times the longest that a kernel can be built with
_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class FileIdentities:
    """Device and inode of the ledger, its log and the log's index; `None` for a file that does not exist."""

    ledger: Identity
    log: Identity
    index: Identity


def folder_state(folder: str) -> tuple[int, int, int] | None:
    """Return the state of a folder, which changes when a file in it is deleted or renamed; `None` where
    nobody can say, as `LedgerFiles.unchanged` explains."""
    try:
        status = os.stat(folder)  # noqa: PTH116  # half the time of Path.stat
    except OSError:
        return None
    fresh = time.time_ns() - status.st_mtime_ns <= _TICK
    return None if fresh else (status.st_dev, status.st_ino, status.st_mtime_ns)


class LedgerFiles:
    """The files of one ledger by their names. There is one log with one index: a process that repairs the
    deletion of one deletes the other too, so that no process that still has it open mistakes a later file for
    its own.

    Every method raises OSError, and LedgerError if it says so.
    """

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self._names = tuple(f"{ledger}{end}" for end in ("", "-wal", "-shm"))
        self._folder = str(ledger.parent)
        self._last_check: tuple[FileIdentities, tuple[int, int, int]] | None = None

    def unchanged(self, open_files: FileIdentities | None) -> bool:
        """Return whether the open files are those that exist now. Costs one `stat` usually; called twice in
        each transaction, for which calls wait.

        Deleting or renaming a file changes its folder's time, but not twice within one tick of the kernel's
        clock. So a time that may still be in the present tick proves nothing.
        """
        try:
            status = os.stat(self._folder)  # noqa: PTH116  # half the time of Path.stat
        except FileNotFoundError:
            return False
        state = status.st_dev, status.st_ino, status.st_mtime_ns
        if open_files is not None and self._last_check == (open_files, state):
            return True
        self._last_check = None
        if self.identities() != open_files or open_files is None:
            return False
        if time.time_ns() - status.st_mtime_ns > _TICK:
            self._last_check = open_files, state
        return True

    def identities(self) -> FileIdentities:
        """Return the identities of the files that exist now."""
        ledger, log, index = self._names
        return FileIdentities(_identity(ledger), _identity(log), _identity(index))

    def is_open(self, before: FileIdentities, now: FileIdentities) -> bool:
        """Return whether the files that exist `now` are those that this process has open, and none that
        existed `before` was deleted meanwhile. If one was, a new one that we created in its place is deleted
        too."""
        present = (now.ledger, now.log, now.index)
        none_deleted = before.log in (None, now.log) and before.index in (None, now.index)
        if None not in present and none_deleted and open_descriptors.is_open(*present):
            return True
        _, log, index = self._names
        for name, identity_before, identity_now in (
            (log, before.log, now.log),
            (index, before.index, now.index),
        ):
            if (
                identity_before not in (None, identity_now)
                and identity_now is not None
                and open_descriptors.is_open(identity_now)
            ):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)  # noqa: PTH108
        return False

    def lock(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """Hold the ledger's lock among processes of informativa while the files are opened or a deletion is
        repaired. Raises LedgerError if it cannot be had within `seconds`."""
        return opening_lock.locked(self.ledger, seconds)

    @contextlib.contextmanager
    def open_complete(self, seconds: float) -> Iterator[FileIdentities]:
        """Hold the lock, and yield the identities of the present files. Waits while log or index of a ledger
        in use are missing: a process that opened it then would create others, and there would be two
        histories.

        Raises LedgerError if they are missing for `seconds`, if the lock cannot be had within BUSY_SECONDS,
        or if no ledger can be opened.
        """
        deadline = time.monotonic() + seconds
        while True:
            with self.lock(BUSY_SECONDS):
                self._require_file()
                identities = self.identities()
                if None not in (identities.log, identities.index) or not self._in_use(identities.ledger):
                    yield identities
                    return
            if time.monotonic() >= deadline:
                raise LedgerError(
                    Text(
                        "The ledger {file} is in use, and what lies beside it (-wal, -shm) was taken away.",
                        file=self.ledger,
                    ),
                    Text("What has it open saves what it wrote at its next turn, or when it is stopped."),
                )
            time.sleep(_LOOK_SECONDS)

    def _in_use(self, identity: Identity) -> bool:
        """Return whether any process has the ledger open. The kernel is asked for this one lock, because
        listing all (/proc/locks) takes 10 ms. It is asked over SQLite's own descriptor, because only SQLite
        can close one without losing our locks; and for the lock of another open file description (fcntl(2)),
        which a lock of this process is, too."""
        with contextlib.closing(sqlite3.connect(f"{self.ledger.absolute().as_uri()}?mode=ro", uri=True)):
            locked = open_descriptors.look(identity, _is_locked)
            return bool(_holders(identity, _DATABASE_LOCK)) if locked is None else locked

    def _require_file(self) -> None:
        """Check that a ledger can be opened. SQLite would only say that it cannot; and it deletes the log
        beside an empty file, with the records in it. Of a link, SQLite has the log beside the file it
        leads to. Raises LedgerError."""
        name = self._names[0]
        try:
            mode = os.lstat(name).st_mode
        except FileNotFoundError:
            mode = stat.S_IFREG  # it is about to be made
        if stat.S_ISLNK(mode):
            raise LedgerError(
                Text("The ledger {file} is a symbolic link.", file=self.ledger),
                Text(
                    "Name the file itself as `ledger` in the configuration: {target}",
                    target=os.path.realpath(name),
                ),
            )
        if stat.S_ISDIR(mode):
            raise LedgerError(
                Text("The ledger {file} is a folder.", file=self.ledger),
                Text("Type: mv {file} {file}.aside, or name a file as `ledger`.", file=self.ledger),
            )
        if not stat.S_ISREG(mode):  # SQLite would wait for the writer of a pipe
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

    def can_be_saved(self, open_files: FileIdentities) -> bool:
        """Return whether the contents of our log can go into the ledger, which is so if nobody began another
        log. Raises LedgerError while other processes use another index of it."""
        identities = self.identities()
        if identities.log not in (None, open_files.log) and _size(self._names[1]):
            return False
        if identities.index not in (None, open_files.index) and (
            processes := _holders(identities.index, _INDEX_LOCK)
        ):
            raise LedgerError(
                Text(
                    "What lies beside the ledger {file} (-wal, -shm) was deleted while in use, and process"
                    " {process} is at work with another.",
                    file=self.ledger,
                    process=processes[0],
                ),
                Text("Stop that process; then what was recorded before is saved by itself."),
            )
        return True

    def distrust_index(self, open_files: FileIdentities) -> None:
        """Make SQLite rebuild the index from the log, because other processes may have written to the log by
        another index. All connections of a process share one descriptor of it, which stays open as long as
        ours."""
        for descriptor in open_descriptors.all_of(open_files.index):
            os.pwrite(descriptor, bytes(_INDEX_HEADERS), 0)

    def retire(self, open_files: FileIdentities) -> None:
        """Mark our log as saved: processes that still have it open see that, and no other process finds
        it."""
        now, (_, log, index) = self.identities(), self._names
        if now.log in (None, open_files.log):
            names = [log, index]
        else:
            names = [index] if now.index == open_files.index else []
        for name in names:
            Path(name).unlink(missing_ok=True)
        open_descriptors.overwrite_log(open_files.log, RETIRED)  # for SQLite it is empty now

    def is_retired(self, open_files: FileIdentities) -> bool:
        """Return whether another process has saved the contents of our log, and went on with a new one."""
        return open_descriptors.look(open_files.log, _first_bytes) == RETIRED

    def contents(self, open_files: FileIdentities) -> list[Iterator[bytes]]:
        """Return the bytes of the ledger and its log, each read chunk by chunk, as this process has them
        open."""
        contents = map(open_descriptors.chunks, (open_files.ledger, open_files.log))
        return [chunks for chunks in contents if chunks is not None]

    def readers(self, open_files: FileIdentities) -> list[int]:
        """Return the ids of the other processes that read the log now."""
        processes = {
            process for lock_byte in _READER_LOCKS for process in _holders(open_files.index, lock_byte)
        }
        return sorted(processes - {os.getpid()})

    def users(self) -> list[int]:
        """Return the ids of the other processes that have the ledger open now."""
        return sorted(set(_holders(self.identities().ledger, _DATABASE_LOCK)) - {os.getpid()})

    def close(self, connection: sqlite3.Connection, open_files: FileIdentities) -> None:
        """Close a connection that has our log open, and keep another log that has its name by now: SQLite
        would delete it."""
        log = Path(self._names[1])
        spare = log.with_name(f".{log.name}.spare")
        spare.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if self.identities().log != open_files.log:
                spare.hardlink_to(log)
        connection.close()
        if spare.exists():
            spare.replace(log)  # does nothing if the log still exists: both are the same file
            spare.unlink(missing_ok=True)


def keep_open(connection: sqlite3.Connection) -> None:
    """Keep this connection open until the process ends, because closing it would write its history over
    another."""
    import ctypes  # loading it takes a script longer than recording its call

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _identity(name: str) -> Identity:
    try:
        status = os.stat(name)  # noqa: PTH116
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _size(name: str) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return os.stat(name).st_size  # noqa: PTH116  # half the time of Path.stat
    return None


def _is_locked(descriptor: int) -> bool:
    return opening_lock.locked_by_another(descriptor, _DATABASE_LOCK)


def _first_bytes(descriptor: int) -> bytes:
    return os.pread(descriptor, len(RETIRED), 0)


def _holders(identity: Identity, offset: int) -> list[int]:
    """Return the ids of the processes with a lock on this byte of this file (proc_locks(5)); empty if the
    kernel does not say.

    Compared by the inode only, because some file systems report different device numbers.
    """
    processes: list[int] = []
    if identity is None:
        return processes
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] == "POSIX":  # the list has an arrow there for one that waits
                process, inode, first, last = words[4], words[5].rpartition(":")[2], words[6], words[7]
                covers_offset = int(first) <= offset and (last == "EOF" or offset <= int(last))
                if int(inode) == identity[1] and covers_offset:
                    processes.append(int(process))
    return processes
