"""The service as a process: its log, and what it does when it hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from informativa import bootstrap, upkeep
from informativa.cli.log import WAITING, Sink
from informativa.config import load
from test_ledgers import PLAYED


def test_i4_log_that_nobody_reads_holds_nobody() -> None:
    """I4: with a reader that does not read, lines are dropped and counted, and no writer waits."""
    reader, writer = os.pipe()
    sink = Sink(writer)
    for number in range(3 * WAITING):
        sink.write(f"{number:0100}\n")
    said = b""
    while b"lines were dropped" not in said:
        said += os.read(reader, 1 << 16)
        sink.write("one more\n")
    os.close(reader)
    sink.close()
    os.close(writer)


def test_log_on_a_full_disk_is_no_error() -> None:
    """A log that cannot be written is given up line by line."""
    full = os.open("/dev/full", os.O_WRONLY)
    sink = Sink(full)
    sink.write("lost\n")
    sink.close()
    os.close(full)


def test_i4_service_that_hangs_ends_itself() -> None:
    """I4: when the event loop stands still the process ends, so that Asterisk's connections close."""
    hanging = """
import asyncio, time
from informativa import service
service.HANG_SECONDS = 0.2
async def hang():
    async with service._watched():
        await asyncio.sleep(0)
        time.sleep(60)
asyncio.run(hang())
"""
    ran = subprocess.run([sys.executable, "-c", hanging], capture_output=True, timeout=50, check=False)
    assert ran.returncode == 1
    assert b"Timeout" in ran.stderr


def test_service_purges_what_is_older_than_the_retention(folder: Path) -> None:
    """The service deletes by each controller's retention; a ledger that fails is told and not fatal."""
    controllers = load(folder / "informativa.yaml").controllers
    store, retention = bootstrap.store(controllers["acme"]), timedelta(days=5 * 365)
    store.append([PLAYED, replace(PLAYED, at=PLAYED.at + retention)])
    upkeep.purge(controllers["acme"], PLAYED.at + retention - timedelta(days=1))
    assert store.older(PLAYED.at + timedelta(days=1)) == 1
    upkeep.purge(controllers["acme"], PLAYED.at + retention + timedelta(days=1))
    assert store.older(PLAYED.at + timedelta(days=1)) == 0
    store.close()
    (folder / "ledger/acme.sqlite3").write_text("no database " * 1000)
    upkeep.purge(controllers["acme"], PLAYED.at)


def test_i3_clock_that_is_years_ahead_deletes_nothing(folder: Path) -> None:
    """I3: where the newest record is older than a month, it is rather the clock that is wrong."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    store = bootstrap.store(controller)
    store.append([PLAYED])
    upkeep.purge(controller, PLAYED.at + timedelta(days=6 * 365))
    assert len(list(store.records())) == 1
    store.close()


def test_few_descriptors_lower_the_cap() -> None:
    """Where the system gives fewer descriptors than calls need, fewer calls are taken at a time."""
    lower = """
import resource
from informativa import service
for limit in (4000, 1200, 64):
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print(service._allow_descriptors(2000) if limit != 1200 else service._allow_descriptors(100))
"""
    ran = subprocess.run([sys.executable, "-c", lower], capture_output=True, text=True, check=True)
    told = [line for line in ran.stdout.splitlines() if line.isdigit()]
    assert told == ["2000", "100", "32"]
