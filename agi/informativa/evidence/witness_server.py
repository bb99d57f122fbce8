"""A witness on the network: HTTP/1.1 as far as tlog-witness needs it, with a limit on everything.

One request is `POST …/add-checkpoint` with a Content-Length, or `GET …/approvals/<digest>/<n>`
(`witness_approvals`). Connections are kept alive for the next one. A
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
from dataclasses import dataclass, replace
from http import HTTPStatus

import h11

from ..model.errors import EvidenceError
from .cosignature import WitnessSigner
from .witness import LARGEST_REQUEST, TEXT_TYPE, Logs, Response
from .witness_store import WitnessStore

LARGEST_HEAD = 8192  # bytes: request line and headers; no more are read at once
_PATH = b"/add-checkpoint"
_APPROVAL_PATH = re.compile(rb"/approvals/([0-9a-f]{64})/(0|[1-9][0-9]{0,8})\Z")

Decide = Callable[[bytes], Awaitable[Response]]
Approvals = Callable[[str, int], bytes | None]
"""Returns the approval with that number of the log with that digest, at once; `None` after the last."""
OnAnswer = Callable[[str, int, str], object]
"""Called with what was asked for, a `signature` or an `approval`, the status of the answer, and the client's
address."""


@dataclass(frozen=True)
class Limits:
    """The limits: the number of connections at a time, the time that one may wait for its next request, and
    the time that a request may take, in seconds."""

    connections: int = 64
    idle: float = 60.0
    request: float = 20.0


class _RefusedError(Exception):
    """An answer after which nothing on the connection can be understood any more."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.answer = Response(status, f"{reason}\n".encode())


class WitnessServer:
    """An HTTP server that answers with the result of `decide`."""

    def __init__(
        self,
        decide: Decide,
        limits: Limits | None = None,
        told: OnAnswer | None = None,
        approvals: Approvals | None = None,
    ) -> None:
        self._decide, self._limits, self._on_answer = decide, limits or Limits(), told
        self._approvals = approvals
        self._open = 0
        self._idle: dict[
            asyncio.StreamWriter, None
        ] = {}  # connections between requests, the longest idle first
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return host and port. Raises OSError."""
        self._server = await asyncio.start_server(self._connection, host, port)
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    async def close(self) -> None:
        """Accept no more connections."""
        if self._server is not None:
            self._server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        try:
            if self._open > self._limits.connections and not self._close_longest_idle():
                await self._send(http, writer, Response(503, b"Too many connections.\n"), keep_alive=False)
                return
            while await self._serve_request(http, reader, writer):
                http.start_next_cycle()
        except OSError:  # a TimeoutError is one
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

    async def _serve_request(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request. Return whether another one may follow."""
        if not http.trailing_data[0] and not await self._first_piece(http, reader, writer):
            return False
        subject = "signature"
        try:
            async with asyncio.timeout(self._limits.request):
                request, body = await _receive(http, reader)
            approval = self._approval(request)
            if approval:
                subject = "approval"
            answer, keep_alive = approval or await self._answer(request, body), True
            if request.method == b"HEAD":
                answer = replace(answer, body=b"")
        except h11.RemoteProtocolError as error:
            answer, keep_alive = Response(error.error_status_hint, f"{error}\n".encode()), False
        except _RefusedError as refused:
            answer, keep_alive = refused.answer, False
        if self._on_answer:
            peer = writer.get_extra_info("peername") or ("",)
            self._on_answer(subject, answer.status, str(peer[0]))
        async with asyncio.timeout(self._limits.request):
            await self._send(http, writer, answer, keep_alive=keep_alive)
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    async def _first_piece(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Wait for the next request. Return whether one begins."""
        self._idle[writer] = None
        try:
            async with asyncio.timeout(self._limits.idle):
                data = await reader.read(LARGEST_HEAD)
        finally:
            self._idle.pop(writer, None)
        if data:
            http.receive_data(data)
        return bool(data)

    def _approval(self, request: h11.Request) -> Response | None:
        """Return the answer to a request for an approval; `None` if it is for something else."""
        path = _APPROVAL_PATH.search(request.target.partition(b"?")[0])
        if self._approvals is None or not path:
            return None
        if request.method != b"GET":
            return Response(405, b"Only GET is understood.\n", allowed="GET")
        data = self._approvals(path[1].decode(), int(path[2]))
        return Response(404, b"There are no more approvals.\n") if data is None else Response(200, data)

    async def _answer(self, request: h11.Request, body: bytes) -> Response:
        if not request.target.partition(b"?")[0].endswith(_PATH):
            return Response(404, b"There is nothing here but add-checkpoint (c2sp.org/tlog-witness).\n")
        if request.method != b"POST":
            return Response(405, b"Only POST is understood.\n")
        return await self._decide(body)

    async def _send(
        self, http: h11.Connection, writer: asyncio.StreamWriter, answer: Response, *, keep_alive: bool
    ) -> None:
        headers = [
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(answer.body))),
            ("X-Content-Type-Options", "nosniff"),
            *([("Allow", answer.allowed)] if answer.status == 405 else []),
            *([] if keep_alive else [("Connection", "close")]),
        ]
        reason = HTTPStatus(answer.status).phrase
        head = http.send(h11.Response(status_code=answer.status, headers=headers, reason=reason))
        writer.write(b"".join([head or b"", http.send(h11.Data(answer.body)) or b""]))
        http.send(h11.EndOfMessage())
        await writer.drain()


def in_a_thread(store: WitnessStore, logs: Logs, witness: WitnessSigner, pool: ThreadPoolExecutor) -> Decide:
    """Return a `Decide` that asks the store in the one thread of `pool`, so that a disk that waits holds no
    connection but its own. The clock is read there, too."""

    def work(body: bytes) -> Response:
        try:
            return store.answer(body, logs, witness, int(time.time()))
        except EvidenceError:
            return Response(500, b"The witness cannot use its files, and has signed nothing.\n", TEXT_TYPE)

    async def decide(body: bytes) -> Response:
        return await asyncio.get_running_loop().run_in_executor(pool, work, body)

    return decide


async def _receive(http: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes]:
    """Read one request and its body. Raises _RefusedError, h11.RemoteProtocolError for data that are no
    request, and ConnectionError where the client goes away."""
    request: h11.Request | None = None
    body = b""
    while True:
        match http.next_event():
            case h11.NEED_DATA:
                data = await reader.read(LARGEST_HEAD)
                if not data:
                    raise ConnectionResetError
                http.receive_data(data)
            case h11.Request() as head:
                request = head
                _require_length(head)
            case h11.Data(data=part):
                body += part
            case h11.EndOfMessage():
                assert request is not None  # it comes first
                return request, body
            case _:
                raise ConnectionResetError


def _require_length(request: h11.Request) -> None:
    """Raise _RefusedError unless the body is sent at once, and is short enough."""
    headers = dict(request.headers)
    length = headers.get(b"content-length", b"0" if request.method in (b"GET", b"HEAD") else b"")
    if not length or b"transfer-encoding" in headers or b"expect" in headers:
        raise _RefusedError(411, "Send it at once, with a Content-Length.")
    if int(length) > LARGEST_REQUEST:
        raise _RefusedError(413, f"At most {LARGEST_REQUEST} bytes are read.")
