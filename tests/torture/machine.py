"""A machine that fails at a test's command: the other side of faults.c."""

from __future__ import annotations

import mmap
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SECTOR = 512  # bytes that a disk writes wholly or not at all

_FIELDS = struct.Struct("=qqq")  # error, clock, unsynced
_OPERATION = struct.Struct("=cB6xqq")  # kind, length of the name, at, size


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
    """The machine that a program meets which is started with `prefix`, for files under `under`."""

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
        """Return how many writes to write-ahead logs were made since one was last synced."""
        return int(_FIELDS.unpack_from(self._page)[2])


class Journal:
    """All that a program did to the files of a folder, told by faults.c: operations in their order, as
    `(kind, name, at, data)`; what is cut to a size has that as `at`."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __iter__(self) -> Iterator[tuple[bytes, str, int, bytes]]:
        journal, start = self.file.read_bytes(), 0
        while start < len(journal):
            kind, named, at, size = _OPERATION.unpack_from(journal, start)
            start += _OPERATION.size
            name = journal[start : start + named].decode()
            start += named
            data = journal[start : start + size] if kind == b"w" else b""
            start += len(data)
            yield kind, name, size if kind == b"t" else at, data


class Disk:
    """A file's two lives: what programs see, and what a power loss leaves of it. What was written since the
    last sync may be there or not, sector by sector."""

    def __init__(self, content: bytes) -> None:
        self._synced = content
        self._since: list[tuple[bytes, int, bytes]] = []

    def do(self, kind: bytes, at: int, data: bytes) -> None:
        """Follow one operation of a journal."""
        if kind == b"s":
            self._synced = self._after(self._since)
            self._since.clear()
        else:
            self._since.append((kind, at, data))

    def left(self, chance: random.Random) -> bytes:
        """Return what a power loss now may leave."""
        writes = []
        for kind, at, data in self._since:
            for start in range(0, max(len(data), 1), SECTOR):
                if chance.random() < 0.5:
                    writes.append((kind, at + start, data[start : start + SECTOR]))
        return self._after(writes)

    def _after(self, operations: list[tuple[bytes, int, bytes]]) -> bytes:
        content = bytearray(self._synced)
        for kind, at, data in operations:
            if kind == b"t":
                del content[at:]
                continue
            content.extend(bytes(max(0, at - len(content))))
            content[at : at + len(data)] = data
        return bytes(content)
