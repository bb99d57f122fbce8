"""Folders for what tests write: one in memory for 12 GB in all, of which little is there at a time, and one
with a short path for sockets."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_MEMORY, _ENOUGH = Path("/dev/shm"), 4 << 30  # bytes
_SHORT = 60  # of the 107 bytes of a socket's address


def fast_folder(memory: Path = _MEMORY, enough: int = _ENOUGH) -> Path | None:
    """Return that folder; `None` where TMPDIR names another, or it is not there, closed, small, or no place
    for the programs that tests write and start."""
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return None
    state = os.statvfs(memory)
    large = state.f_bavail * state.f_frsize >= enough
    return memory if large and not state.f_flag & os.ST_NOEXEC else None


def short_folder() -> str:
    """Return the folder for temporary files, or /tmp where its path is too long for the sockets in it."""
    usual = tempfile.gettempdir()
    return "/tmp" if len(usual) > _SHORT and Path("/tmp").is_dir() else usual
