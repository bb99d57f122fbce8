"""informativa's service without sockets: so many calls of callers who are known, then of others, in groups.

python calls.py CONFIG KNOWN FIRST

For callgrind: threads wait for each other and never for a time, so that each run does the same.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import uvloop

from informativa.asterisk import fastagi
from informativa.asterisk.fastagi import FastAgiServer, PendingConnection
from informativa.asterisk.peers import Tokens
from informativa.cli import log
from informativa.ledgers import groupcommit
from informativa.process.preparation import prepare
from informativa.process.service import CallService

IN_FLIGHT = 64
SECONDS, SAMPLES = 0.12, 960  # of the notice
_FOR_EVER = 1e6

_ENVIRONMENT = """\
agi_network: yes
agi_network_script: {script}
agi_request: agi://127.0.0.1:4588/{script}
agi_channel: PJSIP/lab-{call:08x}
agi_language: en
agi_type: PJSIP
agi_uniqueid: 1700000000.{call}
agi_version: 22.10.1
agi_callerid: {number}
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: +390212345678
agi_rdnis: unknown
agi_context: informativa
agi_extension: s
agi_priority: 8
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 139872340096704
agi_arg_1: +390212345678
agi_arg_2: linked=1700000000.{call}
agi_arg_3: heard=
agi_arg_4: language=
agi_arg_5: customer=
agi_arg_6: verification=
agi_arg_7: country=

"""


class Notices:
    """The notices of a group, which all end in one turn of the event loop: how calls share commits would be a
    matter of time otherwise."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._playing: list[Callable[[bytes], None]] = []

    def play(self, end: Callable[[bytes], None]) -> None:
        """One more begins."""
        self._playing.append(end)
        if len(self._playing) >= self._number:  # more, where somebody is not known who should be
            asyncio.get_running_loop().call_later(SECONDS, self._end)

    def _end(self) -> None:
        playing, self._playing = self._playing, []
        for end in playing:
            end(b"200 result=0 endpos=%d\n" % SAMPLES)


class Asterisk(asyncio.Transport):
    """Asterisk's side of one call: each command is answered in the event loop's next turn, the notice when it
    is over."""

    def __init__(self, server: FastAgiServer, notices: Notices) -> None:
        super().__init__()
        self._notices = notices
        self._loop = asyncio.get_running_loop()
        self._protocol: asyncio.Protocol = PendingConnection(server)
        self.over: asyncio.Future[None] = self._loop.create_future()
        self.command = b""
        """The last command."""

    def call(self, environment: bytes) -> None:
        """Connect, and say which call it is."""
        self._protocol.connection_made(self)
        self._protocol.data_received(environment)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.command = bytes(data)
        if self.command.startswith(b"STREAM FILE"):
            self._notices.play(self._reply)
        else:
            self._loop.call_soon(self._reply, b"200 result=0\n")

    def _reply(self, reply: bytes) -> None:
        self._protocol.data_received(reply)

    def is_closing(self) -> bool:
        return self.over.done()

    def close(self) -> None:
        if not self.over.done():
            self.over.set_result(None)
            self._loop.call_soon(self._protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        """Nothing comes unasked."""


async def run(config: Path, known: int, first: int) -> int:
    """Make the calls; how many were not told the dialplan as they should be."""
    configuration = prepare(config)
    service = CallService(configuration)
    server = FastAgiServer(service.answer, sessions=IN_FLIGHT, tokens=Tokens(configuration.tokens))
    script = "/".join(["notice", *configuration.tokens[:1]])
    callers = [f"+39333{caller:07d}" for caller in range(known)]
    callers += [f"+39334{caller:07d}" for caller in range(first)]
    wrong = 0
    gc.disable()  # calls leave nothing for it; one look more or less would be a thousandth of what is counted
    for begin in range(0, len(callers), IN_FLIGHT):
        group = callers[begin : begin + IN_FLIGHT]
        notices = Notices(len(group) - max(0, min(len(group), known - begin)))
        calls = [Asterisk(server, notices) for _ in group]
        commands = await _group(
            calls, [_environment(script, begin + at, caller) for at, caller in enumerate(group)]
        )
        for at, command in enumerate(commands, begin):
            wrong += (b"NOTDUE" if at < known else b"PLAYED") not in command
    await server.stop(1)
    service.close()
    return wrong


async def _group(calls: Sequence[Asterisk], environments: Sequence[bytes]) -> list[bytes]:
    """Calls that begin at once, to their end; the last command that each was given."""
    for call, environment in zip(calls, environments, strict=True):
        call.call(environment)
    await asyncio.gather(*(call.over for call in calls))
    return [call.command for call in calls]


def _environment(script: str, call: int, number: str) -> bytes:
    return _ENVIRONMENT.format(script=script, call=call, number=number).encode()


def main() -> int:
    """1 if one of the calls was not told the dialplan as it should be."""
    groupcommit.STILL_SECONDS = _FOR_EVER
    fastagi.LOOK_SECONDS = fastagi.HEADER_SECONDS = _FOR_EVER
    sys.setswitchinterval(_FOR_EVER)
    over = threading.Event()  # until when the log gathers: how often it writes would be a matter of time
    log.time = SimpleNamespace(sleep=lambda _seconds: over.wait())  # type: ignore[attr-defined,assignment]
    sink = log.configure(log.LogFormat.JSON)
    wrong = uvloop.run(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
    over.set()
    sink.close()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
