"""A witness on the network: HTTP/1.1 as far as tlog-witness needs it, with a limit on everything.

One request is `POST …/add-checkpoint` with a Content-Length. Connections are kept alive for the next one. A
client that sends slowly, or too much, loses the connection. At the limit of connections a new one takes the
place of the one that has been idle for the longest time, and gets status 503 if none is idle.
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
OnAnswer = Callable[[int, str], object]
"""Called with the status of each answer, and the client's address."""


@dataclass(frozen=True)
class Limits:
    """The limits: the number of connections at a time, the time that one may wait for its next request, and
    the time that a request may take, in seconds."""

    connections: int = 64
    idle: float = 60.0
    request: float = 20.0


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    length: int
    keep_alive: bool


class _RefusedError(Exception):
    """An answer after which nothing on the connection can be understood any more."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.answer = Answer(status, f"{reason}\n".encode())


class WitnessServer:
    """An HTTP server that answers with the result of `decide`."""

    def __init__(self, decide: Decide, limits: Limits | None = None, told: OnAnswer | None = None) -> None:
        self._decide, self._limits, self._on_answer = decide, limits or Limits(), told
        self._open = 0
        self._idle: dict[
            asyncio.StreamWriter, None
        ] = {}  # connections between requests, the longest idle first
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return host and port. Raises OSError."""
        self._server = await asyncio.start_server(self._connection, host, port, limit=LARGEST_HEAD)
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    async def close(self) -> None:
        """Accept no more connections."""
        if self._server is not None:
            self._server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open > self._limits.connections and not self._close_longest_idle():
                await self._send(writer, Answer(503, b"Too many connections.\n"), keep_alive=False)
                return
            while await self._serve_request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):  # a TimeoutError is an OSError
            pass  # the client went away
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await asyncio.wait_for(writer.wait_closed(), self._limits.request)

    def _close_longest_idle(self) -> bool:
        """Close the connection that has been idle for the longest time. Return whether there was one."""
        longest = next(iter(self._idle), None)
        if longest is None:
            return False
        del self._idle[longest]
        longest.transport.abort()
        return True

    async def _serve_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Return whether another one may follow."""
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
            answer, keep_alive = await self._answer(request, body), request.keep_alive
        except _RefusedError as refused:
            answer, keep_alive = refused.answer, False
        if self._on_answer:
            peer = writer.get_extra_info("peername") or ("",)
            self._on_answer(answer.status, str(peer[0]))
        async with asyncio.timeout(self._limits.request):
            await self._send(writer, answer, keep_alive=keep_alive)
        return keep_alive

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

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer, *, keep_alive: bool) -> None:
        phrase = HTTPStatus(answer.status).phrase
        lines = (
            f"HTTP/1.1 {answer.status} {phrase}",
            f"Content-Type: {answer.kind}",
            f"Content-Length: {len(answer.body)}",
            "X-Content-Type-Options: nosniff",
            *(["Allow: POST"] if answer.status == 405 else []),
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
            "",
            "",
        )
        writer.write("\r\n".join(lines).encode() + answer.body)
        await writer.drain()


def in_a_thread(store: WitnessStore, logs: Logs, witness: Witness, pool: ThreadPoolExecutor) -> Decide:
    """Return a `Decide` that asks the store in the one thread of `pool`, so that a disk that waits holds no
    connection but its own. The clock is read there, too."""

    def work(body: bytes) -> Answer:
        try:
            return store.answer(body, logs, witness, int(time.time()))
        except EvidenceError:
            return Answer(500, b"The witness cannot use its files, and has signed nothing.\n", TEXT_TYPE)

    async def decide(body: bytes) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(pool, work, body)

    return decide


def _parsed(head: bytes) -> _Request:
    """Parse the head of a request. Raises _RefusedError if it has two meanings."""
    first, *lines = head.removesuffix(b"\r\n\r\n").decode("latin-1").split("\r\n")
    line = _REQUEST.fullmatch(first)
    if not line:
        raise _RefusedError(400, "It is no request of HTTP/1.1.")
    headers: dict[str, str] = {}
    for header_line in lines:
        header = _HEADER.fullmatch(header_line)
        name = header[1].lower() if header else ""
        if header is None or (name == "content-length" and name in headers):
            raise _RefusedError(400, "A header is no header, or stands there twice.")
        headers[name] = header[2]
    if "transfer-encoding" in headers or "expect" in headers:
        raise _RefusedError(411, "Send it at once, with a Content-Length.")
    length = headers.get("content-length", "0" if line[1] in ("GET", "HEAD") else "")
    if not re.fullmatch(r"[0-9]{1,9}", length):
        raise _RefusedError(411, "It needs a Content-Length.")
    if int(length) > LARGEST_REQUEST:
        raise _RefusedError(413, f"At most {LARGEST_REQUEST} bytes are read.")
    keep_alive = line[1] == "POST" and line[3] == "1" and headers.get("connection", "").lower() != "close"
    return _Request(line[1], line[2].partition("?")[0], int(length), keep_alive)
