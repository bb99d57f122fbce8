"""The service ends in the middle of calls: killed, and stopped as an admin would."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from lab import audio
from lab.office import Office
from torture.load import CONTROLLERS, Call, callers, complaints, crowd


async def struck(
    office: Office, blow: Callable[[], object], calls: Iterable[Call], after: int, pause: float
) -> list[Call]:
    """Have 64 callers ring again and again, and strike so many seconds after so many calls have begun, until
    nobody listens; the calls."""
    reached = asyncio.Event()

    def counted() -> Iterator[Call]:
        for number, call in enumerate(calls):
            if number == after:
                reached.set()
            yield call

    crowding = asyncio.create_task(crowd(office, counted(), at_once=64))
    await reached.wait()
    await asyncio.sleep(pause)
    await asyncio.to_thread(blow)
    return await crowding


def test_i3_kill_9_loses_and_doubles_nothing(
    office: Office, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3: killed at random points of a load, the service has every record that a call was told of, once."""
    calls: list[Call] = []
    ready = []
    for _ in range(rounds(4, 250)):
        started = time.monotonic()
        office.start()
        ready.append(time.monotonic() - started)
        after, pause = chance.randrange(500), chance.uniform(0, 0.2)
        calls += asyncio.run(struck(office, office.kill, callers(chance), after, pause))
        if len(ready) % 10 == 0:
            assert complaints(office, calls) == []
    assert complaints(office, calls) == []
    answered = sum(bool(call.status) for call in calls)
    print(f"{len(calls)} calls, {answered} told; ready again, with Python's start, after")
    print(f"{statistics.median(ready):.2f} s at the median and {max(ready):.2f} s at most")


@pytest.mark.sample(1)
@pytest.mark.parametrize("patience", [0, 1])
def test_i3_stopped_service_leaves_every_call_told_or_on_record(
    office: Office, chance: random.Random, rounds: Callable[[int, int], int], patience: int
) -> None:
    """I3: on SIGTERM calls get their time to end, those cut off have what they heard on record, and the
    service ends with 0."""
    office.edit("drain: 100", f"drain: {patience}")
    for name in ("it/short", "de/short"):
        audio.write_wav(office.folder / f"prompts/{name}.wav", audio.synthetic(1.5, seed=1))
    calls: list[Call] = []

    def stop() -> None:
        assert office.stop() == 0

    for _ in range(rounds(2, 50)):
        office.start()
        after, pause = chance.randrange(64, 100), chance.uniform(0, 1.5)
        calls += asyncio.run(struck(office, stop, callers(chance), after, pause))
    assert complaints(office, calls) == []
    cut_off = {call.id for call in calls if call.played and not call.status}
    records = [record.event for name in CONTROLLERS.values() for record in office.records(name)]
    # Whose connection was accepted in the moment of the stop may find the ledger closed.
    spooled = {
        call.id for call in calls if any("ending=service-stopped" in row for row in call.spooled.values())
    }
    assert cut_off <= {event.call for event in records} | spooled
    print(f"{len(calls)} calls, {len(cut_off)} of them cut off")
