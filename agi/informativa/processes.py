"""What the processes of this machine have open, as Linux shows it (proc(5))."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path


def descriptors() -> Iterator[Path]:
    """The links /proc/PROCESS/fd/NUMBER, as far as we may see them. Processes end meanwhile, and their links
    go: `Path.glob` raises then."""
    yield from map(Path, glob.iglob("/proc/[0-9]*/fd/*"))  # noqa: PTH207
