"""Whole sessions with peers that say anything, without sockets: quick enough for a million of them."""

from __future__ import annotations

import asyncio
import io
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

import doubles
from doubles import MemoryLedger
from informativa.asterisk import script_session
from informativa.asterisk.fastagi import BUSY, FastAgiServer, PendingConnection
from informativa.call import answering as call
from informativa.call.agi import MAX_COMMAND
from informativa.model import Keys, Length, Prompt
from informativa.model.errors import SessionError, SessionLostError
from informativa.model.ports import CallSession

SHORT = Prompt("/prompts/it/short", (Length(1, 8000),))  # so short that it may be heard whole here
LINE = doubles.line(
    doubles.notice(replace(doubles.version(), short={"it": SHORT})), keys=Keys(full="1", repeat="2", skip="9")
)

# What an attacker would like to see a service say, or hear.
FRAGMENTS = (
    *(
        b"\n",
        b"\r",
        b"\0",
        b'"',
        b"\\",
        b"'",
        b" ",
        b":",
        b",",
        b"=",
        b"|",
        b"\xff",
        b"\xe8",
        b"\xe2\x80\xa8",
    ),
    *(b"x" * 2_100, b"x" * 17_000, b"${SHELL(id)}", b"$[1]", b"EXEC System id", b'\\" EXEC "System" "id'),
    *(b"agi_callerid: +390000000000\n", b"agi_arg_1: +493012345678\n", b"agi_arg_2: config=/x\n"),
    *(b"agi_request: x\n", b"agi_threadid: 1\n", b"agi_callingpres: 0\n", b"\n\n", b"+393331234567"),
    *(b"unknown", b"HANGUP\n", b"HANG", b"UP\n", b"200 ", b"result=", b"\r\n", b"520-Usage\n", b"520 End\n"),
    *(b"100 Trying...\n", b"510 Invalid\n", b"511 Dead\n"),
)
REPLIES = tuple(
    b"200 result=%s\n" % text
    for text in (
        b"0",
        b"1",
        b"6",
        b"-1",
        b"0 endpos=1",
        b"-1 endpos=1",
        b"49 endpos=1",
        b"50",
        b"9999 endpos=99999",
    )
)

_HEARD = r"(__INFORMATIVA_HEARD=(privacy:\d+)?,)?"
_VALUE = {
    "INFORMATIVA_RECORD": r"(\d+|spool:[A-Za-z0-9._:#-]+)?",
    "INFORMATIVA_REASON": r"[a-z-]+",
    "INFORMATIVA_STATUS": r"[A-Z]+",
}
_ROW = r"at=\d+\|line=\|prompt=[a-z/]*\|why=[a-z-]+\|ending=[a-z-]+\|seconds=\d+(\|recording=[0-9a-f]{64})?"
_INTENDED = [
    ["ANSWER"],
    ["STREAM", "FILE", r"/prompts/it/(short|full)", "[129]*", "0"],
    ["CHANNEL", "STATUS"],
    ["DATABASE", "PUT", "informativa", r"[A-Za-z0-9._:#-]+", _ROW],
    ["EXEC", "MSet", _HEARD + ",".join(f"{name}={value}" for name, value in _VALUE.items())],
]


def unintended(lines: Sequence[bytes]) -> list[bytes]:
    """Return those that are not one command line that we mean to send, taken apart as Asterisk does."""
    return [line for line in lines if line != BUSY and not _intended(line)]


def _intended(line: bytes) -> bool:
    if line[-1:] != b"\n" or re.search(rb"[\r\n\0]", line[:-1]) or len(line) > MAX_COMMAND:
        return False
    words = shlex.split(line.decode())
    return any(len(words) == len(forms) and all(map(re.fullmatch, forms, words)) for forms in _INTENDED)


def environment(name: bytes = b"Mario", number: bytes = b"+393331234567", **more: bytes) -> bytes:
    """Asterisk's, in its order, with an attacker's name and number."""
    variables = {
        "network": b"yes",
        "network_script": b"notice",
        "request": b"agi://127.0.0.1/notice",
        "channel": b"PJSIP/" + number,
        "uniqueid": b"1700000000.1",
        "callerid": number,
        "calleridname": name,
        "callingpres": b"0",
        "dnid": b"0212345678",
        "rdnis": number,
        "threadid": b"1",
        "arg_1": LINE.number.encode(),
        "arg_2": b"linked=1700000000.1",
    } | more
    return b"".join(b"agi_%s: %s\n" % (name.encode(), value) for name, value in variables.items()) + b"\n"


def services() -> call.CallServices:
    """One line, and a prompt for all others."""
    lines, ledgers = {LINE.number: LINE}, {"acme": MemoryLedger()}
    steady = doubles.SteadyRecordings()
    return call.CallServices(lines, ledgers, doubles.SteppingClock(), SHORT, recordings=steady)


class Wire(asyncio.Transport):
    """A connection of a server's protocol, whose peer is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False
        self.paused = False
        self.protocol: asyncio.Protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note what the server says."""
        assert not self.closed
        self.written.append(bytes(data))

    def close(self) -> None:
        """Tell the protocol, as a socket does, a turn of the loop later."""
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        """Return whether the server closed."""
        return self.closed

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Set who hears from now on."""
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def pause_reading(self) -> None:
        """The server hears no more."""
        self.paused = True


async def serve(chunks: Sequence[tuple[bytes, int]], *, sessions: int = 1) -> list[bytes]:
    """Return what a service says to a peer that sends these chunks, each after so many turns of its loop.
    Asserts that nothing is left of the peer afterwards, and that nothing but SessionError happened.

    Asserts that nothing is left of the peer afterwards, and that nothing but SessionError happened.
    """
    loop, complaints, at = asyncio.get_running_loop(), [], services()
    loop.set_exception_handler(lambda _, context: complaints.append(context))

    async def answer(session: CallSession) -> None:
        await call.answer(session, at)

    server, wire = FastAgiServer(answer, sessions=sessions), Wire()
    wire.protocol = PendingConnection(server)
    with capture_logs() as logged:
        wire.protocol.connection_made(wire)
        for chunk, turns in chunks:
            if wire.closed or wire.paused:
                break
            wire.protocol.data_received(chunk)
            for _ in range(turns):
                await asyncio.sleep(0)
        if not wire.closed and not wire.protocol.eof_received():
            wire.close()
        if running := asyncio.all_tasks() - {asyncio.current_task()}:
            _, running = await asyncio.wait(running, timeout=10)
        await asyncio.sleep(0)
        assert not running
        assert wire.closed
        assert await server.stop(0) == 0
    assert complaints == []
    assert [one for one in logged if "defect" in one["event"]] == []
    return wire.written


def run_script(chunks: Sequence[bytes], monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what the script says to an Asterisk that sends these chunks, each when it listens."""
    waiting = list(chunks)

    class Input(io.BytesIO):
        """Standard input, and what reads it."""

        def __init__(self, _descriptor: int = 0) -> None:
            super().__init__()

        def fileno(self) -> int:
            """Return the descriptor of nothing that is read."""
            return 0

        def waiting(self) -> bytes:
            """Nothing comes unasked here."""
            return b""

        def read(self, _deadline: float | None = None) -> bytes:
            """The next chunk."""
            if not waiting:
                raise SessionLostError("over")
            return waiting.pop(0)

    class Output(io.BytesIO):
        """Standard output, line by line as it is flushed."""

        def __init__(self) -> None:
            super().__init__()
            self.written: list[bytes] = []

        def flush(self) -> None:
            """Note what the script says."""
            self.written.append(self.getvalue())
            self.seek(0)
            self.truncate()

    output = Output()
    monkeypatch.setattr(script_session, "_TimedInput", Input)
    try:
        session = script_session.ScriptAgi(Input(), output, lambda _seconds: None).session
        call.answer(session, services()).send(None)
    except (StopIteration, SessionError):
        return output.written
    raise AssertionError("the script waited for an event loop")
