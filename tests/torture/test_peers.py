"""Hostile and broken peers against the running service, while others call as ever."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.office import Office
from lab.process import Child
from torture.load import Call, callers, complaints, stream
from torture.peers import ATTACKS

TESTS = Path(__file__).parents[1]
AFTERWARDS = 60.0  # seconds within which the service must have let go of an attack; it takes about none
RATE = 100.0  # calls a second, which is many for a PBX and leaves a processor time for the attackers
REGULARS = 300  # numbers, so that most callers are soon informed
LONG_ENOUGH = 1000  # calls for a 99th percentile
NOISE = 0.002  # seconds: attackers and callers share the machine's processors with the service
IDLE = 2.0  # seconds in which nothing calls
TICK = os.sysconf("SC_CLK_TCK")


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ATTACKS)
def test_i4_other_calls_go_on(
    office: Office, rounds: Callable[[int, int], int], chance: random.Random, name: str
) -> None:
    """I4: whatever a peer does, every other call gets its right status, and nothing of the peer is left."""
    # A peer that is no call must not take one of these. They are enough for five seconds of callers, since a
    # machine that stands still for one has these call all at once when it goes on.
    office.edit("sessions: 2000", "sessions: 500")
    office.start()
    pid, attack = office.pid, ATTACKS[name]
    assert pid is not None
    calls = callers(chance, among=REGULARS)

    async def ordinary(count: int) -> list[Call]:
        return await stream(office, itertools.islice(calls, count), rate=RATE)

    async def attacked() -> list[Call]:
        amount = rounds(attack.short, attack.long)
        command = [sys.executable, "-m", "torture.peers", name, str(office.port), str(amount)]
        known = os.environ | {"INFORMATIVA_SCRIPT": office.script}
        attackers = Child(command, cwd=TESTS, output=office.folder / "attack.log", env=known)
        over = asyncio.create_task(asyncio.to_thread(attackers.wait, 3600))
        going_on = itertools.takewhile(lambda pair: pair[0] < 20 or not over.done(), enumerate(calls))
        placed = await stream(office, (call for _, call in going_on), rate=RATE)
        assert attackers.status == 0, (office.folder / "attack.log").read_text()
        return placed

    first = asyncio.run(ordinary(40))
    office.wait_logged("purged")  # what the service does of itself at its start
    before = descriptors(pid)
    calm = asyncio.run(ordinary(rounds(0, LONG_ENOUGH)))
    during = asyncio.run(attacked())
    awaited(lambda: descriptors(pid) <= before)
    calm += asyncio.run(ordinary(rounds(0, LONG_ENOUGH)))
    assert office.pid == pid
    if calm:
        compare(name, calm, during, pid)
    office.stop()
    assert wrong(office, first + calm + during) == []
    assert not [word for word in ("defect", "Traceback", "exception") if word in office.log_text]


def descriptors(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def cpu(pid: int) -> float:
    """Seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def awaited(condition: Callable[[], bool]) -> None:
    """It becomes so, soon."""
    until = time.monotonic() + AFTERWARDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def compare(name: str, calm: Sequence[Call], during: Sequence[Call], pid: int) -> None:
    """Print what the attack cost, and hold it against what it may cost."""
    calm_time, time_during = slowest(calm), slowest(during)
    used = cpu(pid)
    time.sleep(IDLE)
    used = (cpu(pid) - used) / IDLE
    print(
        f"{name}: 99 % of calls within {time_during * 1000:.1f} ms, {calm_time * 1000:.1f} ms undisturbed"
        f" ({time_during / calm_time:.2f} times); {len(during)} and {len(calm)} calls;"
        f" afterwards {used:.1%} of a CPU"
    )
    assert used < 0.05
    assert time_during <= 2 * calm_time + NOISE


def slowest(calls: Sequence[Call]) -> float:
    """Within how many seconds 99 of 100 callers for whom nothing was due were told so."""
    times = sorted(call.answered - call.began for call in calls if call.status == "NOTDUE")
    return times[len(times) * 99 // 100]


def wrong(office: Office, calls: Sequence[Call]) -> list[str]:
    """Return what is wrong with these calls or the ledgers, but for what the attackers left there."""
    expected = {True: {"PLAYED", "NOTDUE"}, False: {"PARTIAL", "NOTDUE"}}  # by whether they listen to the end
    faults = [f"{call} ended otherwise" for call in calls if call.status not in expected[call.patience > 1]]
    return faults + [text for text in complaints(office, calls) if ": hostile-" not in text]
