"""The log of a ledger is deleted again and again while several processes record."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerError

WRITES = """
import sys
from informativa.model.errors import LedgerError
from informativa.ledgers.sqlite import SqliteStore
from examples import PLAYED
file, count, anew = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "anew"
store = None
for _ in range(count):
    try:
        store = store or SqliteStore(file)
        print(*store.append([PLAYED]), flush=True)
        if anew:
            store.close()
            store = None
    except LedgerError as error:
        print(error, file=sys.stderr)
if store:
    store.close()
"""


@pytest.mark.night
def test_i3_deletions_beside_a_ledger_lose_nothing(
    tmp_path: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3: whatever is deleted when: each number that was acknowledged is of one record, and is there."""
    file = tmp_path / "acme.sqlite3"
    service = SqliteStore(str(file))  # as where a service runs beside scripts
    count = str(rounds(150, 3000))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITES, file, count, how],
            stdout=subprocess.PIPE,
            stderr=(tmp_path / f"{number}.err").open("w"),
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        )
        for number, how in enumerate(("kept", "kept", "anew"))
    ]
    deleted = 0
    while any(writer.poll() is None for writer in writers):
        time.sleep(chance.uniform(0, 0.3))
        for end in chance.choice([("-wal",), ("-shm",), ("-wal", "-shm"), ("-shm", "-wal")]):
            try:
                Path(f"{file}{end}").unlink()
                deleted += 1
            except FileNotFoundError:
                pass
        with contextlib.suppress(LedgerError):
            service.checkpoint_wal()
    numbers = [int(number) for writer in writers if writer.stdout for number in writer.stdout.read().split()]
    assert len(set(numbers)) == len(numbers)
    assert numbers
    with contextlib.suppress(LedgerError):
        service.close()
    store = SqliteStore(str(file))
    on_record = {record.number for record in store.records()}
    assert store._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store.close()
    assert set(numbers) <= on_record
    print(f"{deleted} deletions, {len(numbers)} of {3 * int(count)} acknowledged, {len(on_record)} records")
