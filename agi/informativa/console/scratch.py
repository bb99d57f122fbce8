"""The console's folder for files that are taken away within the hour."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "informativa-web-"


class Scratch:
    """A folder for its user alone, locked (flock) while its console lives. One that was killed could not take
    its own away: whoever comes next does, and knows by the lock which these are."""

    def __init__(self) -> None:
        for each in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            _remove_if_dead(each)
        self._lock: int | None
        self.folder, self._lock = _made()

    def close(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _made() -> tuple[Path, int]:
    """A new one and its lock. Another console may take it for a dead one's before it is locked: then one
    more."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = _locked(folder)
        if lock is not None:
            return folder, lock


def _remove_if_dead(folder: Path) -> None:
    lock = _locked(folder)
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(folder: Path) -> int | None:
    """An open folder of ours that nobody else has locked, and that is still there; `None` for any other. The
    lock goes with the process."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(opened)
        if found.st_uid == os.geteuid():
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(found, os.lstat(folder)):
                return opened
    except OSError:  # locked by whoever lives, or gone meanwhile
        pass
    os.close(opened)
    return None
