"""The console's folder for temporary files."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "informativa-web-"


class Scratch:
    """A folder that only its user can read, locked (flock) while its console runs. A console that is killed
    leaves its folder behind: the next console deletes every folder that nobody has locked."""

    def __init__(self) -> None:
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            _remove_if_unlocked(folder)
        self._lock: int | None
        self.folder, self._lock = _new_folder()

    def close(self) -> None:
        """Delete the folder, and release its lock."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _new_folder() -> tuple[Path, int]:
    """Return a new folder and its lock. Another console may delete it before it is locked: then it is made
    again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = _lock(folder)
        if lock is not None:
            return folder, lock


def _remove_if_unlocked(folder: Path) -> None:
    lock = _lock(folder)
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder of this user, and return its open descriptor; `None` if another process has locked it, if
    it is another user's, or if it is not there. The lock ends with the process."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if status.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(status, os.lstat(folder)):
                return descriptor
    except OSError:  # locked by a console that runs, or deleted meanwhile
        pass
    os.close(descriptor)
    return None
