"""The machine fails under a service that has calls: what these come to, and no need of a restart."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import random
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.office import Office
from torture.load import Call, callers, complaints, crowd
from torture.machine import Machine

YEAR = 365 * 24 * 60 * 60


@pytest.fixture
def machine(office: Office, tmp_path: Path, built: Path) -> Machine:
    """A machine that can fail under the service's ledgers."""
    return Machine(built, tmp_path, office.folder / "ledger")


def ring(office: Office, calls: Iterator[Call], count: int, *, at_once: int = 16) -> list[Call]:
    """Ring so often; all calls are told what they came to."""
    placed = asyncio.run(crowd(office, itertools.islice(calls, count), at_once=at_once))
    assert len(placed) == count, "nobody listens"
    assert all(call.status for call in placed)
    return placed


def assert_spooled(calls: Sequence[Call]) -> None:
    """I1, I4: each heard the notice, was told why it is not in the ledger, and left a row in AstDB."""
    for call in calls:
        assert (call.status, call.reason) == ("FALLBACK", "ledger-unavailable")
        assert call.played
        (row,) = call.spooled.values()
        assert f"line={call.line}|prompt={call.played}|why=" in row
        assert f"|ending={'whole' if call.patience > 1 else 'hung-up'}|" in row


def assert_recovered(office: Office, pid: int | None, calls: Sequence[Call], after: Sequence[Call]) -> None:
    """The same process records calls again, and what was told before and since is so."""
    assert {call.status for call in after} <= {"PLAYED", "NOTDUE", "PARTIAL"}
    assert office.pid == pid
    assert complaints(office, [*calls, *after]) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "error", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=lambda error: errno.errorcode[error]
)
def test_i4_disk_that_fails_and_recovers(
    office: Office, machine: Machine, chance: random.Random, rounds: Callable[[int, int], int], error: int
) -> None:
    """I4: with a full, broken or read-only disk calls hear the notice and are spooled; with a sound one they
    are recorded again, by the same process."""
    office.start(machine.prefix)
    pid, crowds, calls = office.pid, callers(chance), []
    for _ in range(rounds(2, 40)):
        calls += ring(office, crowds, 40)
        machine.fail(error)
        calls += (failing := ring(office, crowds, 40))
        assert_spooled(failing)
        machine.fail(0)
        after = ring(office, crowds, 40)
        assert_recovered(office, pid, calls, after)
        calls += after


def test_i3_nobody_is_told_before_the_record_is_synced(
    office: Office, machine: Machine, chance: random.Random
) -> None:
    """I3: when the dialplan gets its status, the write-ahead log has nothing that the disk has not.

    Ten callers of two lines, so that of forty calls some must be a second one.
    """
    unsynced = []

    @dataclass
    class Watching(Call):
        async def _reply(self, words: Sequence[str]) -> bytes:
            if words[:2] == ["EXEC", "MSet"]:
                unsynced.append(machine.unsynced)
            return await super()._reply(words)

    office.start(machine.prefix)
    assert machine.unsynced == 0
    watched = (Watching(call.caller, call.line) for call in callers(chance, among=10))
    calls = ring(office, watched, 40, at_once=1)
    assert {call.status for call in calls} == {"PLAYED", "NOTDUE"}
    assert unsynced == [0] * 40


def test_i4_disk_that_fails_until_the_service_is_killed(
    office: Office, machine: Machine, chance: random.Random
) -> None:
    """I3: a service that was killed while its disk failed has all that was told before, after its restart."""
    office.start(machine.prefix)
    calls = ring(office, callers(chance), 40)
    machine.fail(errno.EIO)
    calls += (failing := ring(office, callers(chance), 40))
    assert_spooled(failing)
    office.kill()
    machine.fail(0)
    office.start(machine.prefix)
    assert_recovered(office, office.pid, calls, ring(office, callers(chance), 40))


def test_i4_locked_ledger(office: Office, chance: random.Random) -> None:
    """I4: while another process keeps the ledger locked calls are spooled; then they are recorded again."""
    office.start()
    pid, crowds = office.pid, (call for call in callers(chance) if call.line == "+390212345678")
    calls = ring(office, crowds, 40)
    with contextlib.closing(
        sqlite3.connect(office.folder / "ledger/acme.sqlite3", isolation_level=None)
    ) as other:
        other.execute("BEGIN EXCLUSIVE")
        calls += (failing := ring(office, crowds, 16))
        assert_spooled(failing)
    assert_recovered(office, pid, calls, ring(office, crowds, 40))


def test_clock_that_jumps_skips_no_notice_that_is_due(office: Office, machine: Machine) -> None:
    """I1: after a jump past the plan's period in either direction the notice plays again, and once."""
    office.edit("when: once", "when: every 12 months")
    office.start(machine.prefix)
    calls: list[Call] = []
    for jump in (0, 2 * YEAR, 0, -2 * YEAR, 0):
        machine.set_clock(jump)
        pair = ring(office, (Call("+393331000000") for _ in itertools.count()), 2, at_once=1)
        assert [call.status for call in pair] == ["PLAYED", "NOTDUE"]
        calls += pair
    assert complaints(office, calls) == []


@pytest.mark.night
def test_clock_that_jumps_under_load_loses_and_doubles_nothing(
    office: Office, machine: Machine, chance: random.Random
) -> None:
    """I3: however the clock jumps in the middle of calls, each is told, and each is on record once."""

    async def jumping() -> list[Call]:
        crowding = asyncio.create_task(crowd(office, itertools.islice(callers(chance), 400), at_once=16))
        while not crowding.done():
            machine.set_clock(chance.uniform(-2 * YEAR, 2 * YEAR))
            await asyncio.wait([crowding], timeout=0.01)
        return await crowding

    office.start(machine.prefix)
    calls = asyncio.run(jumping())
    assert {call.status for call in calls} == {"PLAYED", "NOTDUE", "PARTIAL"}
    assert complaints(office, calls) == []


def test_i4_without_file_descriptors(office: Office, chance: random.Random) -> None:
    """I4: with all descriptors taken a call is answered or closed, not held; with some free, all is well."""
    office.start(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"])
    pid = office.pid
    calls = ring(office, callers(chance), 40)
    free = descriptors(pid)
    with contextlib.ExitStack() as idle:
        for _ in range(200):
            idle.enter_context(socket.create_connection(("127.0.0.1", office.port)))
        calls += (refused := asyncio.run(crowd(office, itertools.islice(callers(chance), 20), at_once=20)))
        print(
            f"{len(refused)} of 20 calls got through, {sum(bool(call.status) for call in refused)} were told"
        )
    until = time.monotonic() + 60
    while descriptors(pid) > free:
        assert time.monotonic() < until, "descriptors leak"
        time.sleep(0.01)
    assert_recovered(office, pid, calls, ring(office, callers(chance), 40))


def descriptors(pid: int | None) -> int:
    """Return how many a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_i4_ledger_that_cannot_be_opened_at_the_start(office: Office, chance: random.Random) -> None:
    """I4: one company's broken ledger keeps nobody else from going live, its own calls are played to; once
    it is repaired they are recorded, by the same process."""
    file = office.folder / "ledger" / "borealis.sqlite3"
    file.write_text("no database " * 1000)
    office.start()
    office.wait_logged("ledger cannot be used")
    pid, crowds = office.pid, callers(chance)
    calls = ring(office, crowds, 60)
    assert {call.line for call in calls if call.status == "FALLBACK"} == {"+493012345678"}
    assert_spooled([call for call in calls if call.line == "+493012345678"])
    file.unlink()
    office.wait_logged("ledgers opened")
    assert_recovered(office, pid, calls, ring(office, crowds, 60))
