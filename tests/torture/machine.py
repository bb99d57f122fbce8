"""A machine that fails at a test's command: the other side of faults.c."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

_FIELDS = struct.Struct("=qqq")  # error, clock, unsynced


def library(folder: Path) -> Path:
    """faults.c, compiled; skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    built = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", built, source], check=True, timeout=60)
    return built


class Machine:
    """What a program that is started with `prefix` meets, for files under `under`."""

    def __init__(self, built: Path, folder: Path, under: Path) -> None:
        state = folder / "faults"
        state.write_bytes(bytes(mmap.PAGESIZE))
        with state.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.prefix = ["env", f"LD_PRELOAD={built}", f"FAULTS={state}", f"UNDER={under}"]

    def fail(self, error: int) -> None:
        """From now on writing and syncing fail with this errno; with 0 they work again."""
        struct.pack_into("=q", self._page, 0, error)

    def set_clock(self, seconds: float) -> None:
        """The time of day is so many seconds ahead of the true one."""
        struct.pack_into("=q", self._page, 8, int(seconds))

    @property
    def unsynced(self) -> int:
        """How many writes to write-ahead logs were made since one was last synced."""
        return int(_FIELDS.unpack_from(self._page)[2])
