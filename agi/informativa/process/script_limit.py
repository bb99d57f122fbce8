"""The limit of scripts that may run at a time. Asterisk starts one for each call, and only the scripts
themselves can count each other: each locks a byte of a file for as long as it lives, and one that finds none
free gives up at once. The kernel frees a byte when its process ends, in any way.

A script that is to give up must cost little, so this imports next to nothing: not even pathlib.
"""

from __future__ import annotations

import fcntl
import os

STARTING = max(8, 2 * (os.cpu_count() or 1))  # each computes for a tenth of a second before its call begins …
RUNNING = 64  # … and then waits while its notice is played, in 30 MB of memory


class ScriptLimit:
    """The bytes that this process has locked."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    @property
    def counts(self) -> bool:
        """Return whether this process is counted: a file for it could be opened."""
        return self._descriptor is not None

    def admits(self, beside: str) -> bool:
        """Return whether this script may run, by a file next to `beside`. Where none can be made it may."""
        folder, name = os.path.split(os.path.abspath(beside))  # noqa: PTH100
        descriptor = _open_or_create(folder, f"{folder}/.{name}.scripts")
        if descriptor is None:
            return True
        try:
            free = _lock(descriptor, 0, STARTING) and _lock(descriptor, STARTING, RUNNING)
        except OSError:  # a file system without locks
            os.close(descriptor)
            return True
        self._descriptor = descriptor
        return free

    def started(self) -> None:
        """Let others start: the call begins."""
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, STARTING, 0)


def _lock(descriptor: int, first: int, count: int) -> bool:
    """Lock one of `count` bytes. Return whether one was free. Raises OSError where there are no locks."""
    for byte in range(first, first + count):
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):  # POSIX allows either
            continue
        return True
    return False


def _open_or_create(folder: str, file: str) -> int | None:
    """Return a descriptor of the file, which is created for the folder's owner if it is missing."""
    for _ in range(2):
        try:
            return os.open(file, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            if not _create(folder, file):
                return None
        except OSError:
            return None
    return None


def _create(folder: str, file: str) -> bool:
    from pathlib import Path

    from ..system.files import create

    try:
        create(Path(file), like=Path(folder).stat())
    except FileExistsError:  # another script was quicker
        return True
    except OSError:
        return False
    return True
