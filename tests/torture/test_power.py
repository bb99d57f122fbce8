"""Power loss: what is left of a ledger's files, in whatever state, opens and has every acknowledged record.

What was synced is there. Of what was written since, each sector may be there, or hold what it held before,
or nothing that makes sense.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from examples import NOTDUE, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Record
from lab.chance import by_day
from torture.load import integrity
from torture.machine import SECTOR, Disk, Journal, Machine

HEADER, FRAME = 32, 24 + 4096  # bytes, of a WAL: SQLite's file format, §4.1


@dataclass
class Written:
    """The bytes of a ledger's files in the end, of the WAL before, the records, and how many of these were
    acknowledged when the WAL was so long: `(bytes, records)` after each commit."""

    database: bytes
    wal: bytes
    old: bytes
    records: list[Record]
    acknowledged: list[tuple[int, int]]

    def due(self, length: int) -> int:
        """Return how many records were acknowledged within so many bytes of the WAL."""
        return max(records for end, records in self.acknowledged if end <= length)

    def prefixes(self, chance: random.Random, count: int) -> list[int]:
        """Lengths of the WAL: all ends of frames and the bytes beside them, and so many others."""
        ends = range(HEADER, len(self.wal) + 1, FRAME)
        beside = {end + more for end in (0, *ends) for more in (-1, 0, 1)}
        others = set(chance.sample(range(len(self.wal)), min(count, len(self.wal))))
        return sorted(length for length in beside | others if 0 <= length <= len(self.wal))


@pytest.fixture(params=["again", pytest.param("first", marks=pytest.mark.night)])
def written(
    request: pytest.FixtureRequest, tmp_path: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> Written:
    """A WAL from a new ledger's first byte on, and one that began again over its old frames."""
    file = tmp_path / "written.sqlite3"
    store = SqliteStore(str(file))
    kinds = (PLAYED, PARTIAL, replace(NOTDUE, basis=1), UNIDENTIFIED)

    def commit(count: int) -> int:
        return store.append([replace(chance.choice(kinds), call=f"1.{n}") for n in range(count)])[-1]

    store.append([PLAYED])
    acknowledged = [(0, 0)]
    if request.param == "again":
        acknowledged = [(0, commit(80))]
        store._connection.execute("PRAGMA wal_checkpoint(FULL)")
    database, old = file.read_bytes(), _wal(file).read_bytes() if acknowledged[0][1] else b""
    for _ in range(rounds(12, 30)):
        newest = commit(chance.randrange(1, 5))
        acknowledged.append((_frames_end(file), newest))
    assert file.read_bytes() == database, "a checkpoint came between"
    database_written = Written(database, _wal(file).read_bytes(), old, list(store.records()), acknowledged)
    store.close()
    return database_written


def test_i3_every_prefix_of_the_wal_opens_with_what_was_acknowledged(
    written: Written, tmp_path: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3: wherever the WAL was cut off, also where it goes on with what it held before, the ledger opens, is
    sound, and has all that was acknowledged in it."""
    for length in written.prefixes(chance, rounds(by_day(15, at_night=40), 20_000)):
        for behind in {b"", written.old[length:]}:
            reopened(tmp_path, written, written.database, written.wal[:length] + behind, written.due(length))


def test_i3_sectors_that_were_never_synced_hurt_nothing(
    written: Written, tmp_path: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3: behind what was acknowledged, sectors may be missing, old, or full of garbage in any mixture."""
    for _ in range(rounds(60, 5_000)):
        end, records = chance.choice(written.acknowledged)
        torn = bytearray(written.wal[:end])
        for start in range(end, min(len(written.wal), end + 8 * FRAME), SECTOR):
            new, old = written.wal[start : start + SECTOR], written.old[start : start + SECTOR]
            torn += chance.choice([new, new, old.ljust(len(new), b"\0"), chance.randbytes(len(new))])
        reopened(tmp_path, written, written.database, bytes(torn), records)


def test_i3_power_loss_in_the_middle_of_a_checkpoint(
    written: Written, tmp_path: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3: a database file of which a checkpoint wrote only some sectors is mended from the WAL."""
    file = laid(tmp_path / "checkpointed.sqlite3", written.database, written.wal)
    store = SqliteStore(str(file))
    store._connection.execute("PRAGMA wal_checkpoint(FULL)")
    after = file.read_bytes()
    before = written.database.ljust(len(after), b"\0")
    store.close()
    for _ in range(rounds(60, 5_000)):
        size = chance.randrange(len(written.database), len(after) + 1)
        torn = b"".join(chance.choice([before, after])[at : at + SECTOR] for at in range(0, size, SECTOR))
        reopened(tmp_path, written, torn[:size], written.wal, len(written.records))


APPENDING = """
import os, sys
from dataclasses import replace
from informativa.ledgers.sqlite import SqliteStore
from examples import PLAYED
store = SqliteStore(sys.argv[1])
store._connection.execute("PRAGMA wal_autocheckpoint = 20")
told = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY)
for number in range(150):
    store.append([replace(PLAYED, call=f"1.{number}", pseudonym=number.to_bytes(32, "big"))])
    os.pwrite(told, b"%20d" % (number + 1), 0)
os._exit(0)
"""


def test_i3_power_loss_between_any_two_writes(
    tmp_path: Path, built: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3: all that a ledger does to its files is stopped at any point, many checkpoints included, and of what
    was not synced by then only some sectors are kept: what was told is there, in its order."""
    folder, left, journal = tmp_path / "ledger", tmp_path / "left.sqlite3", Journal(tmp_path / "journal")
    file = folder / "l.sqlite3"
    SqliteStore(str(file)).close()
    disks = {"l.sqlite3": Disk(file.read_bytes()), "l.sqlite3-wal": Disk(b"")}
    command = [sys.executable, "-c", APPENDING, file, folder / "told"]
    environment = {**os.environ, "JOURNAL": str(journal.file), "PYTHONPATH": str(Path(__file__).parents[1])}
    prefix = Machine(built, tmp_path, folder).prefix
    subprocess.run([*prefix, *command], check=True, timeout=60, env=environment)
    acknowledged = checkpoints = 0
    for kind, name, at, data in journal:
        if name == "told":
            acknowledged = int(data)
        if name not in disks:  # the index is memory that a power loss ends
            continue
        disks[name].do(kind, at, data)
        checkpoints += (kind, name) == (b"s", "l.sqlite3")
        for _ in range(rounds(chance.random() < 0.05, 12)):
            laid(left, *(disk.left(chance) for disk in disks.values()))
            store = SqliteStore(str(left))
            calls = [record.event.call for record in store.records()]
            store.close()
            assert len(calls) >= acknowledged
            assert calls == [f"1.{number}" for number in range(len(calls))]
            assert list(integrity(left)) == []
    assert acknowledged == 150
    assert checkpoints > 10


def laid(file: Path, database: bytes, wal: bytes) -> Path:
    """A ledger's files as a power loss left them: no index, which lives in memory."""
    file.write_bytes(database)
    _wal(file).write_bytes(wal)
    file.with_name(f"{file.name}-shm").unlink(missing_ok=True)
    return file


def reopened(folder: Path, written: Written, database: bytes, wal: bytes, due: int) -> None:
    """Open a ledger after a power loss; all that was acknowledged is there, and more can be appended."""
    file = laid(folder / "left.sqlite3", database, wal)
    store = SqliteStore(str(file))
    records = list(store.records())
    assert len(records) >= due
    assert records == written.records[: len(records)]
    assert list(integrity(file)) == []
    assert store.append([PLAYED]) == [len(records) + 1]
    store.close()


def _wal(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _frames_end(file: Path) -> int:
    """Return where the last committed frame ends, from the index that all connections share (mxFrame,
    §2.3.1)."""
    index = file.with_name(f"{file.name}-shm").read_bytes()
    frames: int = struct.unpack_from("=I", index, 16)[0]
    return HEADER + frames * FRAME
