"""What SQLite keeps beside an open ledger, its log (-wal) and the log's index (-shm), and what if it is taken away.

SQLite goes on writing to a log that was deleted: nobody else reads it, and with the last process that has it
open it is gone, records that were acknowledged and all. Nor do processes with different indexes keep out of
each other's way. So whoever writes compares what lies there with what he has open, and whoever opens a ledger
waits while another process has it open and has not yet put such a thing right (`SqliteStore` does).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import LedgerError
from ..i18n import _

# https://www.sqlite.org/src/file/src/os_unix.c: where SQLite locks a database that is open, and an index.
_DATABASE_LOCK, _INDEX_LOCK = 0x40000002, 128
_INDEX_HEADERS = 96  # bytes; without them the index is made anew from the log
_LOOK_SECONDS = 0.01

Identity = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Place:
    """Which files stand under the names of a ledger, its log and the log's index; `None` where there is none."""

    ledger: Identity
    log: Identity
    index: Identity


class Beside:
    """The files of one ledger by their names. Every method raises OSError, and LedgerError as it says."""

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self._names = tuple(f"{ledger}{end}" for end in ("", "-wal", "-shm"))

    def place(self) -> Place:
        """What stands there now. Three looks of a microsecond each: calls wait for it."""
        ledger, log, index = self._names
        return Place(_identity(ledger), _identity(log), _identity(index))

    def wait_whole(self, seconds: float) -> None:
        """Wait while log or index are missing of a ledger that somebody has open: who opened it then would
        make others, and there would be two histories. Raises LedgerError if it stays so."""
        until = time.monotonic() + seconds
        while self._torn():
            if time.monotonic() > until:
                raise LedgerError(
                    _(
                        "The ledger {file} is in use, and what lies beside it (-wal, -shm) was taken away."
                    ).format(file=self.ledger),
                    _("What has it open saves what it wrote at its next turn, or when it is stopped."),
                )
            time.sleep(_LOOK_SECONDS)

    def _torn(self) -> bool:
        ledger, log, index = self._names
        if os.path.exists(log) and os.path.exists(index):  # noqa: PTH110  # calls wait
            return False
        identity = _identity(ledger)
        return identity is not None and bool(_holders(identity, _DATABASE_LOCK))

    def can_be_saved(self, ours: Place) -> bool:
        """Whether all that the log holds that we have open can go into the ledger: nobody began another.
        Raises LedgerError while others are at work with another."""
        now = self.place()
        if now.log == ours.log or self.is_empty(ours):
            return True
        if now.log is not None and Path(self._names[1]).stat().st_size:
            return False
        if now.index not in (None, ours.index) and (others := _holders(now.index, _INDEX_LOCK)):
            raise LedgerError(
                _(
                    "What lies beside the ledger {file} (-wal, -shm) was deleted while in use, and process"
                    " {process} is about to begin it anew."
                ).format(file=self.ledger, process=others[0]),
                _("Stop that process; then what was recorded before is saved by itself."),
            )
        return True

    def is_empty(self, ours: Place) -> bool:
        """Whether the log that we have open holds nothing, because another process has saved what it held."""
        return not max((os.fstat(one).st_size for one in _descriptors(ours.log)), default=0)

    def distrust_index(self, ours: Place) -> None:
        """Have SQLite read the log itself again: others may have written to it by another index."""
        for descriptor in _descriptors(ours.index):
            os.pwrite(descriptor, bytes(_INDEX_HEADERS), 0)


def keep_open(connection: sqlite3.Connection) -> None:
    """Have this connection end only with the process, unclosed: closing it would write its history over
    another."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _identity(name: str) -> Identity:
    try:
        found = os.stat(name)  # noqa: PTH116  # half the time of Path.stat
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


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


def _holders(identity: Identity, where: int) -> list[int]:
    """The processes with a lock on this file that begins there (proc_locks(5)); none where nobody says.

    By the inode alone: what a device is called here and there differs on some file systems.
    """
    assert identity is not None
    found = []
    with contextlib.suppress(OSError):
        for row in Path("/proc/locks").read_text().splitlines():
            words = row.split()
            if "->" not in words and words[1] == "POSIX":
                process, inode, start = words[4], words[5].rpartition(":")[2], words[6]
                if (int(inode), int(start)) == (identity[1], where):
                    found.append(int(process))
    return found
