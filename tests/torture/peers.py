"""Peers of a FastAGI service that are slow, broken or hostile: `python -m torture.peers ATTACK PORT AMOUNT`.

An attack returns when the service has closed every connection of it. Its calls have ids that begin with
`hostile-`, so that what they leave in a ledger is known for theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
import random
import resource
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

HELD = 60.0  # seconds after which a connection counts as hung; none may last a quarter of that
AT_ONCE = 24  # attackers at a time, where it is not their number that hurts
PER_SECOND = 500.0  # attackers that begin, where it is what they say that hurts: five to every ordinary call
GIGABIT = 12.0  # headers of 10 MB that come through a network in a second

_ids = itertools.count(1)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


def environment(**more: str) -> bytes:
    """Return what Asterisk says of a call at its start; `more` adds and replaces variables (without `agi_`).
    INFORMATIVA_SCRIPT has the token: these peers come as far as Asterisk, but for those of `strangers`.

    INFORMATIVA_SCRIPT has the token: these peers come as far as Asterisk, but for those of `strangers`.
    """
    variables = {
        "network": "yes",
        "network_script": os.environ.get("INFORMATIVA_SCRIPT", "notice"),
        "request": "agi://127.0.0.1/notice",
        "uniqueid": f"hostile-1700000000.{next(_ids):07}",
        "language": "it",
        "callerid": "+393337654321",
        "calleridname": "Mario",
        "callingpres": "0",
        "threadid": "1",
        "arg_1": "+390212345678",
    } | more
    return "".join(f"agi_{name}: {value}\n" for name, value in variables.items()).encode("latin-1") + b"\n"


class Held:
    """A call that stays in its notice until the context ends."""

    def __init__(self, port: int, **more: str) -> None:
        self._peer = socket.create_connection(("127.0.0.1", port), 30)
        self._peer.sendall(environment(**more))
        with self._peer.makefile("rb") as commands:
            assert commands.readline() == b"ANSWER\n"
            self._peer.sendall(b"200 result=0\n")
            assert commands.readline().startswith(b"STREAM FILE ")

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._peer.close()


# -- sessions that go wrong --


@dataclass(frozen=True)
class Broken:
    """A session: what is sent at first and after each command, and what happens then."""

    pieces: Sequence[bytes]
    ending: str = "wait"  # … until the service closes; or "eof", or "reset"
    chunk: int = 0  # bytes at a time, 0 for all of a piece at once


OK = b"200 result=0\n"
WHOLE = b"200 result=0 endpos=960\n"
# What a peer answers to the commands of a call that is played to. Nothing plays here, so none is heard
# whole; the second caller hangs up, and the third one's prompt cannot be played.
REPLIES = (
    (OK, WHOLE, OK),
    (OK, b"200 result=-1 endpos=480\n", b"HANGUP\n511 Command Not Permitted on a dead channel\n", OK),
    (OK, b"200 result=-1 endpos=0\n", b"200 result=6\n", OK),
)
USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\nUsage: X\n200 result=0\n520 End of proper usage.\n"
)
ODD = (
    b"510 Invalid or unknown command\n",
    b"511 Command Not Permitted on a dead channel or intercept routine\n",
    b"520 Invalid command syntax.\n",
    USAGE,
    b"520-Invalid command syntax.\n",  # and never ends
    b"100 Trying...\n" + OK,
    b"100 Trying...\n" * 100_000,
    b"HANGUP\n" * 100_000,
    b"200 result=0 endpos=" + b"9" * 100_000,
    b"200 result=99999999999999999999\n",
    b"\n",
    b"\0\xff\n",
    OK + OK + OK,
    OK + b"\n\n",
)


def cut(ending: str) -> Iterator[Broken]:
    """End after every byte of each session."""
    for replies in REPLIES:
        for length in range(1 + len(b"".join([environment(), *replies]))):
            yield Broken(_first([environment(), *replies], length), ending)


def _first(pieces: Iterable[bytes], length: int) -> list[bytes]:
    first = []
    for piece in pieces:
        first.append(piece[:length])
        length -= len(piece)
        if length <= 0:
            break
    return first


def hangups() -> Iterator[Broken]:
    """HANGUP after every piece, in one packet with it or cut in two, or with the piece that follows."""
    for replies in REPLIES:
        for place, half in itertools.product(range(len(replies) + 1), range(8)):
            pieces = [environment(), *replies, b""]
            pieces[place] += b"HANGUP\n"[:half]
            pieces[place + 1] = b"HANGUP\n"[half:] + pieces[place + 1]
            yield Broken(pieces)
            yield Broken(pieces[: place + 1], "eof")


def odd() -> Iterator[Broken]:
    """Every odd reply in the place of every reply."""
    for replies, reply in itertools.product(REPLIES, ODD):
        for place in range(len(replies)):
            yield Broken([environment(), *replies[:place], reply, *replies[place + 1 :]])


def split() -> Iterator[Broken]:
    """Whole sessions in pieces of every size up to a reply's."""
    for replies, chunk in itertools.product(REPLIES, range(1, 25)):
        yield Broken([environment(), *replies], chunk=chunk)


def silent() -> Iterator[Broken]:
    """No reply any more, from each place on."""
    for replies in REPLIES:
        for place in range(len(replies)):
            yield Broken([environment(), *replies[:place]])


def garbage(chance: random.Random) -> Iterator[Broken]:
    """Random bytes as an environment, after it and in the place of each reply."""
    while True:
        noise = chance.randbytes(chance.choice((1, 10, 100, 5_000, 50_000)))
        pieces = [environment(), *chance.choice(REPLIES)]
        place = chance.randrange(len(pieces))
        pieces[place] = chance.choice((noise, pieces[place] + noise, noise + pieces[place]))
        yield Broken(pieces, chance.choice(("wait", "eof", "reset")))


async def perform(port: int, session: Broken) -> None:
    """Go through a session. Raises TimeoutError if the service holds it."""
    async with asyncio.timeout(HELD), _connection(port) as (reader, writer):
        for number, piece in enumerate(session.pieces):
            if number and not await reader.readline():
                return
            size = session.chunk or len(piece) or 1
            for start in range(0, len(piece), size):
                writer.write(piece[start : start + size])
                await writer.drain()
                if session.chunk:
                    await asyncio.sleep(0)
        if session.ending == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        elif session.ending == "eof":
            with contextlib.suppress(OSError):  # the service closed already
                writer.write_eof()
        while session.ending != "reset" and await reader.read(1 << 16):
            pass


@contextlib.asynccontextmanager
async def _connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that the service may reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()


async def _all(
    attackers: Iterable[Awaitable[None]], at_once: int = AT_ONCE, per_second: float = PER_SECOND
) -> None:
    waiting = enumerate(attackers)
    start = time.monotonic()

    async def one_after_another() -> None:
        for number, attacker in waiting:
            await asyncio.sleep(start + number / per_second - time.monotonic())
            await attacker

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_another())


# -- attacks --


def _sessions(make: Callable[[], Iterator[Broken]]) -> Callable[[int, int], Awaitable[None]]:
    """An attack by sessions: all of them again and again, so many times."""

    async def attack(port: int, times: int) -> None:
        every = itertools.chain.from_iterable(make() for _ in range(times))
        await _all(perform(port, session) for session in every)

    return attack


async def knock(port: int, amount: int) -> None:
    """Connect and close, as health checks and scanners do."""
    knocks = (perform(port, Broken([], "eof" if number % 2 else "reset")) for number in range(amount))
    await _all(knocks, per_second=math.inf)


async def half(port: int, amount: int) -> None:
    """Half an environment, and then nothing."""
    await _all((perform(port, Broken([environment()[:100]])) for _ in range(amount)), amount)


async def idle(port: int, amount: int) -> None:
    """Sockets that say nothing, all at once."""
    await _all((perform(port, Broken([b""])) for _ in range(amount)), amount)


async def strangers(port: int, amount: int) -> None:
    """Whole environments without the token, which ask for a record and would hold a session."""
    reading = environment(network_script="notice", arg_2="action=read")
    await _all((perform(port, Broken([reading, b""])) for _ in range(amount)), 3 * AT_ONCE)


async def trickle(port: int, amount: int) -> None:
    """One byte a second."""

    async def one() -> None:
        async with asyncio.timeout(HELD), _connection(port) as (reader, writer):
            for byte in environment():
                writer.write(bytes([byte]))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        if not await reader.read(1):
                            return

    await _all((one() for _ in range(amount)), amount)


async def huge(port: int, amount: int) -> None:
    """A header of 10 MB: lines that look right, and one line."""
    for data in (b"agi_x: y\n" * 1_200_000, b"x" * 10_000_000):
        await _all((perform(port, Broken([data])) for _ in range(amount)), per_second=GIGABIT)


async def noise(port: int, amount: int) -> None:
    """Random bytes in random places."""
    sessions = itertools.islice(garbage(random.Random(amount)), amount)
    await _all((perform(port, session) for session in sessions), 3 * AT_ONCE)


@dataclass(frozen=True)
class Attack:
    """An attack, and how often it is made in the short and in the long form."""

    run: Callable[[int, int], Awaitable[None]]
    short: int
    long: int


ATTACKS = {
    "knock": Attack(knock, 2_000, 100_000),
    "half": Attack(half, 600, 2_000),
    "idle": Attack(idle, 1_500, 2_000),
    "strangers": Attack(strangers, 1_000, 50_000),
    "trickle": Attack(trickle, 600, 600),
    "huge": Attack(huge, 2, 20),
    "eof": Attack(_sessions(lambda: cut("eof")), 1, 20),
    "reset": Attack(_sessions(lambda: cut("reset")), 1, 20),
    "hangup": Attack(_sessions(hangups), 1, 20),
    "odd": Attack(_sessions(odd), 1, 5),
    "split": Attack(_sessions(split), 1, 60),
    "silent": Attack(_sessions(silent), 1, 5),
    "noise": Attack(noise, 150, 20_000),
}


def many_sockets() -> None:
    """Let this process have as many sockets as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    many_sockets()
    asyncio.run(ATTACKS[sys.argv[1]].run(int(sys.argv[2]), int(sys.argv[3])))
