"""A witness on the network: HTTP/1.1 as far as tlog-witness needs it, with a limit on everything.

One request is `POST …/add-checkpoint` with a Content-Length. Connections are kept for the next one. Whoever
sends slowly, or too much, loses the connection. Whoever comes when all places are taken gets that of the one
who has asked for nothing for the longest time, and where all are being answered is told so.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from ..errors import EvidenceError
from .cosignature import Witness
from .witness import LARGEST_REQUEST, TEXT_TYPE, Answer, Logs
from .witness_store import WitnessStore

LARGEST_HEAD = 8192  # bytes: request line and headers
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*")
_REQUEST = re.compile(r"([A-Z]{1,16}) (/[\x21-\x7e]*) HTTP/1\.([01])")
_PATH = "/add-checkpoint"

Decide = Callable[[bytes], Awaitable[Answer]]
Told = Callable[[int, str], object]
"""Called with the status of each answer, and who asked."""


@dataclass(frozen=True)
class Limits:
    """How many connections at a time, how long one may wait for its next request, and how long a request may
    take, in seconds."""

    connections: int = 64
    idle: float = 60.0
    request: float = 20.0


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    length: int
    kept: bool


class _RefusedError(Exception):
    """An answer after which nothing on the connection can be understood."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.answer = Answer(status, f"{why}\n".encode())


class WitnessServer:
    """Answers with what `decide` says."""

    def __init__(self, decide: Decide, limits: Limits | None = None, told: Told | None = None) -> None:
        self._decide, self._limits, self._told = decide, limits or Limits(), told
        self._open = 0
        self._idle: dict[asyncio.StreamWriter, None] = {}  # who has asked for nothing yet, or again: in order
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; where. Raises OSError."""
        self._server = await asyncio.start_server(self._connection, host, port, limit=LARGEST_HEAD)
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    async def close(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open > self._limits.connections and not self._room():
                await self._send(writer, Answer(503, b"Too many connections.\n"), kept=False)
                return
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):  # a TimeoutError is an OSError
            pass  # who went away gets no answer
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await asyncio.wait_for(writer.wait_closed(), self._limits.request)

    def _room(self) -> bool:
        """Have the place of who has been idle for the longest time; whether there is one."""
        longest = next(iter(self._idle), None)
        if longest is None:
            return False
        del self._idle[longest]
        longest.transport.abort()
        return True

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether another one may follow."""
        self._idle[writer] = None
        try:
            async with asyncio.timeout(self._limits.idle):
                first = await reader.read(1)
        finally:
            self._idle.pop(writer, None)
        if not first:
            return False
        try:
            async with asyncio.timeout(self._limits.request):
                request = _parsed(await self._head(reader, first))
                body = await reader.readexactly(request.length)
            answer, kept = await self._answer(request, body), request.kept
        except _RefusedError as refused:
            answer, kept = refused.answer, False
        if self._told:
            peer = writer.get_extra_info("peername") or ("",)
            self._told(answer.status, str(peer[0]))
        async with asyncio.timeout(self._limits.request):
            await self._send(writer, answer, kept=kept)
        return kept

    async def _head(self, reader: asyncio.StreamReader, first: bytes) -> bytes:
        try:
            return first + await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise _RefusedError(431, "The head is too large.") from None

    async def _answer(self, request: _Request, body: bytes) -> Answer:
        if not request.path.endswith(_PATH):
            return Answer(404, b"There is nothing here but add-checkpoint (c2sp.org/tlog-witness).\n")
        if request.method != "POST":
            return Answer(405, b"Only POST is understood.\n")
        return await self._decide(body)

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer, *, kept: bool) -> None:
        phrase = HTTPStatus(answer.status).phrase
        lines = (
            f"HTTP/1.1 {answer.status} {phrase}",
            f"Content-Type: {answer.kind}",
            f"Content-Length: {len(answer.body)}",
            "X-Content-Type-Options: nosniff",
            *(["Allow: POST"] if answer.status == 405 else []),
            f"Connection: {'keep-alive' if kept else 'close'}",
            "",
            "",
        )
        writer.write("\r\n".join(lines).encode() + answer.body)
        await writer.drain()


def in_a_thread(store: WitnessStore, logs: Logs, witness: Witness, pool: ThreadPoolExecutor) -> Decide:
    """Ask the store in the one thread of `pool`, so that a disk that waits holds no connection but its own.
    The clock is asked there, too."""

    def work(body: bytes) -> Answer:
        try:
            return store.answer(body, logs, witness, int(time.time()))
        except EvidenceError:
            return Answer(500, b"The witness cannot use its files, and has signed nothing.\n", TEXT_TYPE)

    async def decide(body: bytes) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(pool, work, body)

    return decide


def _parsed(head: bytes) -> _Request:
    """The request that a head announces. Raises _RefusedError for what has two meanings."""
    first, *lines = head.removesuffix(b"\r\n\r\n").decode("latin-1").split("\r\n")
    line = _REQUEST.fullmatch(first)
    if not line:
        raise _RefusedError(400, "It is no request of HTTP/1.1.")
    headers: dict[str, str] = {}
    for each in lines:
        found = _HEADER.fullmatch(each)
        name = found[1].lower() if found else ""
        if found is None or (name == "content-length" and name in headers):
            raise _RefusedError(400, "A header is no header, or stands there twice.")
        headers[name] = found[2]
    if "transfer-encoding" in headers or "expect" in headers:
        raise _RefusedError(411, "Send it at once, with a Content-Length.")
    length = headers.get("content-length", "0" if line[1] in ("GET", "HEAD") else "")
    if not re.fullmatch(r"[0-9]{1,9}", length):
        raise _RefusedError(411, "It needs a Content-Length.")
    if int(length) > LARGEST_REQUEST:
        raise _RefusedError(413, f"At most {LARGEST_REQUEST} bytes are read.")
    kept = line[1] == "POST" and line[3] == "1" and headers.get("connection", "").lower() != "close"
    return _Request(line[1], line[2].partition("?")[0], int(length), kept)
