"""Without Asterisk: calls a second, and many notices at a time, with the AGI peer simulated."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from lab import audio
from lab.office import Office

from . import rivals
from .figures import Curves, Peers, Report, Result, SkippedError, Spread, Target, ratios, same
from .machine import cpu_seconds, resident_kb
from .rivals import DURABLE, DURABLE_GO, LIMIT, ONE_BY_ONE, OURS, PANORAMISK, Rival

IN_FLIGHT = 64
SLOW_US = 1000  # microseconds by which the slower disk is slower: a good SSD's or RAID controller's sync
SLOWER = ", disk 1 ms slower"


def direct(report: Report, folder: Path, *, rounds: int = 7, calls: int = 4000) -> None:
    """Calls a second with 64 in flight, and CPU, against each peer; on a slower disk too."""
    slow = rivals.slow_disk(folder, SLOW_US)
    more = (
        rivals.durable(folder / "durable-go", DURABLE_GO),
        rivals.served(ONE_BY_ONE + SLOWER, folder / "one-slow", slow),
        rivals.served(OURS + SLOWER, folder / "ours-slow", slow),
    )
    taken = _measured("direct", report, folder, more, rounds, calls, (IN_FLIGHT,))
    rates, cpu = (
        {name: [pick(one) for one in some[IN_FLIGHT]] for name, some in taken.items()}
        for pick in (_RATE, _CPU)
    )
    title_of_rate, of_cpu = (
        f"{measure} without Asterisk, {IN_FLIGHT} in flight" for measure in ("calls/s", "CPU of a call")
    )
    for title, values, unit in ((title_of_rate, rates, "calls/s"), (of_cpu, cpu, "µs")):
        report.peers.append(
            Peers("direct", title, {name: Spread(tuple(some), unit) for name, some in values.items()})
        )
    for title, values, peer_name, theirs, target in (
        (title_of_rate, rates, OURS, LIMIT, Target(0.5, at_most=False)),
        (of_cpu, cpu, OURS, PANORAMISK, Target(1)),
        (title_of_rate, rates, OURS, DURABLE, None),
        (title_of_rate, rates, OURS, ONE_BY_ONE, Target(4, at_most=False)),
        (title_of_rate, rates, OURS + SLOWER, ONE_BY_ONE + SLOWER, Target(8, at_most=False)),
    ):
        if theirs in values:
            value = ratios(values[peer_name], values[theirs])
            report.results.append(Result("direct", f"{title}, against {theirs}", value, target))


def in_flight(
    report: Report,
    folder: Path,
    *,
    rounds: int = 5,
    calls: int = 2000,
    numbers: Sequence[int] = (1, 4, 16, 64, 256),
) -> None:
    """Measure the cost of a call by how many there are at once: calls a second, and CPU."""
    taken = _measured("in-flight", report, folder, (), rounds, calls, numbers)
    for title, unit, pick in (
        ("calls a second without Asterisk", "calls/s", _RATE),
        ("CPU of a call without Asterisk", "µs", _CPU),
    ):
        spreads = {
            name: {n: Spread(tuple(map(pick, some)), unit) for n, some in by_number.items()}
            for name, by_number in taken.items()
        }
        report.curves.append(Curves("in-flight", title, "calls in flight", spreads))


@dataclass(frozen=True)
class _Taken:
    """The cost of some calls: calls a second, and microseconds of the server's CPU for each."""

    rate: float
    cpu: float


_RATE: Callable[[_Taken], float] = attrgetter("rate")
_CPU: Callable[[_Taken], float] = attrgetter("cpu")
_Started = contextlib.AbstractContextManager[Rival]


def _measured(
    measure: str,
    report: Report,
    folder: Path,
    more: Iterable[_Started],
    rounds: int,
    calls: int,
    numbers: Sequence[int],
) -> dict[str, dict[int, list[_Taken]]]:
    """Return what calls took of each peer, and of `more`, in turns: of each round, by how many were in
    flight."""
    peers = (
        rivals.null(folder / "null", LIMIT),
        rivals.null(folder / "panoramisk", PANORAMISK),
        rivals.durable(folder / "durable", DURABLE),
        rivals.served(ONE_BY_ONE, folder / "one"),
        rivals.served(OURS, folder / "ours"),
    )
    with contextlib.ExitStack() as stack:
        started = _started(measure, report, stack, (*peers, *more))
        taken: dict[str, dict[int, list[_Taken]]] = {peer.name: {n: [] for n in numbers} for peer in started}
        for turn in range(-1, rounds):  # the first one only warms up
            for number in numbers:
                for peer in started:
                    some = _take(folder, peer, calls if turn >= 0 else min(calls, 500), number)
                    if turn >= 0:
                        taken[peer.name][number].append(some)
        return taken


def _started(
    measure: str, report: Report, stack: contextlib.ExitStack, peers: Iterable[_Started]
) -> list[Rival]:
    """Return the peers that can be had; the others are reported as left out."""
    started = []
    for peer in peers:
        try:
            started.append(stack.enter_context(peer))
        except SkippedError as error:
            report.left_out.append((measure, str(error)))
    return started


def _take(folder: Path, peer: Rival, calls: int, in_flight: int) -> _Taken:
    """Make some calls. Raises RefusedError unless each was answered as it should be and is on record."""
    before, cpu = peer.recorded() if peer.ledger else 0, cpu_seconds(peer.pid)
    figures = rivals.make_calls(
        folder, peer.port, calls, in_flight=in_flight, expected=peer.expected, script=peer.script
    )
    cpu = cpu_seconds(peer.pid) - cpu
    same(f"{peer.name}: calls answered", calls, figures["expected"])
    if peer.ledger:
        same(f"{peer.name}: calls on record", calls, peer.recorded() - before)
    return _Taken(calls / figures["seconds"], cpu / calls * 1e6)


def playing(report: Report, folder: Path, *, notices: int = 2000, seconds: float = 10.0) -> None:
    """Memory that a notice takes while it plays, and CPU that all of them take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < notices + 200:
        raise SkippedError(f"only {hard} file descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, notices + 200), hard))
    prompt = folder / "prompt.wav"
    audio.write_wav(prompt, audio.synthetic(seconds, seed=1))
    office = Office(folder / "playing", {"it/short.wav": prompt})
    with rivals.serving(office) as pid:
        memory, cpu = asyncio.run(_play(office, pid, notices, seconds))
        played = [one for one in office.records() if one.event.status == "PLAYED"]
        same("notices on record as played", notices + 1, len(played))  # the one that warms up, too
    title = f"{notices:,} notices at once"
    report.results += [
        Result("playing", f"memory of a call, {title}", Spread((memory,), "KB"), Target(8.5)),
        Result("playing", f"CPU while they play, {title}", Spread((cpu,), "% of a core"), Target(1)),
    ]


async def _play(office: Office, pid: int, notices: int, seconds: float) -> tuple[float, float]:
    """Kilobytes a call, and percent of a core."""
    first = await _Call.begin(office, "+393470000000")
    await asyncio.sleep(seconds)
    await first.finish(seconds)
    before = resident_kb(pid)
    calls = []
    for start in range(0, notices, 100):  # no more at a time than a listening queue holds
        some = range(start, min(start + 100, notices))
        calls += await asyncio.gather(*(_Call.begin(office, f"+39348{n:07d}") for n in some))
    memory = (resident_kb(pid) - before) / notices
    begun = cpu_seconds(pid)
    await asyncio.sleep(seconds)  # which is how long the notice is: less would not count as heard
    cpu = (cpu_seconds(pid) - begun) / seconds * 100
    await asyncio.gather(*(call.finish(seconds) for call in calls))
    return memory, cpu


class _Call:
    """Asterisk's side of one call whose notice plays until it is told to end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(cls, office: Office, number: str) -> _Call:
        """Ring, answer, and let the notice begin."""
        call = cls(*await asyncio.open_connection("127.0.0.1", office.port))
        environment = {
            "network": "yes",
            "network_script": office.script,
            "request": "agi://127.0.0.1/notice",
            "language": "it",
            "uniqueid": f"1700000000.{number[-6:]}",
            "callerid": number,
            "callingpres": "0",
            "threadid": "1",
            "arg_1": rivals.LINE,
        }
        text = "".join(f"agi_{name}: {value}\n" for name, value in environment.items())
        call._writer.write(text.encode() + b"\n")
        await call._expect(b"ANSWER")
        call._writer.write(b"200 result=0\n")
        await call._expect(b"STREAM FILE")
        return call

    async def finish(self, seconds: float) -> None:
        """The notice, which lasts so long, was heard to its end."""
        self._writer.write(b"200 result=0 endpos=%d\n" % (seconds * audio.RATE))
        await self._expect(b"INFORMATIVA_STATUS=PLAYED")
        self._writer.write(b"200 result=0\n")
        await self._reader.read()
        self._writer.close()

    async def _expect(self, words: bytes) -> None:
        line = await self._reader.readline()
        same("what informativa says to Asterisk", True, words in line)
