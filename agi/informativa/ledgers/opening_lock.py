"""The lock of one ledger while it is opened, or while the deletion of its log is repaired (`wal_files`): one
process or thread at a time. Nobody goes on without it.

It leaves no file: it is a lock on one byte of the ledger's folder, and other ledgers have other bytes. It
belongs to an open file description (F_OFD_SETLK, fcntl(2)), so threads exclude each other, too, and it ends
with a process that is killed. Only read locks can be had on a folder, and they exclude nobody. So a process
takes one, and then looks whether another has one: of two at the same time, one sees the other at least.

informativa 0.2.0 locked the whole folder by flock(2). A shared flock beside the byte makes both wait for each
other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from ..model.errors import LedgerError
from ..model.hashing import sha256
from ..model.text import Text

FLOCK = "hhqqi"  # Linux's `struct flock`: kind, whence, start, length, process
_GET_LOCK, _SET_LOCK = 36, 37  # Linux's F_OFD_GETLK and F_OFD_SETLK, which not each Python knows
_LOOK_SECONDS = 0.01


@contextlib.contextmanager
def locked(ledger: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of a ledger, which need not exist. Waits for it up to `seconds`. Raises LedgerError, with
    the process that has the lock, and OSError if the folder cannot be read."""
    folder = os.open(ledger.parent, os.O_RDONLY | os.O_DIRECTORY)
    byte = _byte(ledger.name)
    try:
        deadline = time.monotonic() + seconds
        while not _take(folder, byte):
            if time.monotonic() >= deadline:
                raise _error(ledger, _holders(folder, byte))
            # Two that see each other again and again must not keep step.
            time.sleep(_LOOK_SECONDS * (1 + os.urandom(1)[0] / 255))
        try:
            yield
        finally:  # closing would not do it if the process was forked meanwhile
            _set(folder, byte, fcntl.F_UNLCK)
            fcntl.flock(folder, fcntl.LOCK_UN)
    finally:
        os.close(folder)


def locked_by_another(descriptor: int, byte: int, command: int = _GET_LOCK) -> bool:
    """Return whether another has a lock on this byte of an open file; `command` is F_GETLK or F_OFD_GETLK."""
    lock = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    kind, *_ = struct.unpack(FLOCK, fcntl.fcntl(descriptor, command, lock))
    return bool(kind != fcntl.F_UNLCK)


def _byte(name: str) -> int:
    """Return the place of the byte that stands for a ledger. Two names with the same one would only wait for
    each other."""
    return int.from_bytes(sha256(os.fsencode(name)).digest()[:7], "big")


def _take(folder: int, byte: int) -> bool:
    """Take the lock if nobody has it, and return whether it was taken."""
    if locked_by_another(folder, byte):  # a read lock would disturb who is about to take it
        return False
    _set(folder, byte, fcntl.F_RDLCK)
    if not locked_by_another(folder, byte):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    _set(folder, byte, fcntl.F_UNLCK)
    return False


def _set(folder: int, byte: int, kind: int) -> None:
    fcntl.fcntl(folder, _SET_LOCK, struct.pack(FLOCK, kind, os.SEEK_SET, byte, 1, 0))


def _holders(folder: int, byte: int) -> list[str]:
    """Return the ids of the processes that have the lock, as far as we may see them. The folder itself is not
    asked: it may have stalled meanwhile."""
    from ..system.processes import descriptors  # not loaded by a script

    name = os.readlink(f"/proc/self/fd/{folder}")  # noqa: PTH115
    processes = set()
    for process, link, file in descriptors():
        if file == name:
            with contextlib.suppress(OSError):
                locks = Path(link.replace("/fd/", "/fdinfo/")).read_text()
                if f" {byte} {byte}\n" in locks or "FLOCK  ADVISORY  WRITE" in locks:
                    processes.add(process)
    return [str(process) for process in sorted(processes)]


def _error(ledger: Path, processes: list[str]) -> LedgerError:
    return LedgerError(
        Text(
            "The ledger {file} stays locked: process {processes} is opening or repairing it.",
            file=ledger,
            processes=", ".join(processes) or "?",
        ),
        Text(
            "If that lasts, look at the disk or network folder of the ledger, and end process {processes}.",
            processes=", ".join(processes) or "?",
        ),
    )
