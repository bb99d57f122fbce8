"""A folder in memory for what tests write, 12 GB in all, of which little is there at a time."""

from __future__ import annotations

import os
from pathlib import Path

_MEMORY, _ENOUGH = Path("/dev/shm"), 4 << 30  # bytes


def fast_folder(memory: Path = _MEMORY, enough: int = _ENOUGH) -> Path | None:
    """Return that folder; `None` where TMPDIR names another, or it is not there, closed, small, or no place
    for the programs that tests write and start."""
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return None
    state = os.statvfs(memory)
    large = state.f_bavail * state.f_frsize >= enough
    return memory if large and not state.f_flag & os.ST_NOEXEC else None
