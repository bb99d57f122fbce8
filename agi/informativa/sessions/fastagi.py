"""FastAGI: one connection a call, over panoramisk's Application and Request.

panoramisk 1.4 is made for friendly peers. Overridden here: its header read (no bound, no time limit,
and an endless loop that stops every call when a peer connects and closes), its replies (`result=-1`
loses endpos, end of file is a bare ValueError, the lines after `520-` stay unread), its routing (the
query string counts as path) and its `except BaseException`, which swallows cancellation.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from panoramisk.fast_agi import Application, Request

from .. import agi
from ..errors import ProtocolError, SessionError, SessionLostError
from ..model import IncomingCall
from ..ports import CallSession
from .dialogue import Dialogue

log = structlog.get_logger("informativa.fastagi")

ROUTE = "notice"
HEADER_SECONDS = 5.0  # Asterisk sends the whole environment at once

Handler = Callable[[CallSession], Awaitable[object]]


class FastAgiRequest(Request):  # type: ignore[misc]  # panoramisk is untyped
    """One call's connection: commands with a time limit, replies read by our own parser."""

    def __init__(
        self,
        app: FastAgiServer,
        call: IncomingCall,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        super().__init__(app, {}, reader, writer)
        self.replies = agi.ReplyReader()
        self.session = Dialogue(call, self.replies, self.exchange)

    async def exchange(self, command: bytes, seconds: float) -> agi.Reply:
        """Send one command and await its reply.

        Raises SessionLostError at end of file, a broken connection or when the time is over, and
        ProtocolError for an answer that is not AGI.
        """
        try:
            await self._hear_unasked()
            async with asyncio.timeout(seconds):
                self.writer.write(command)
                await self.writer.drain()
                return await self._read_result()
        except (TimeoutError, OSError) as error:
            raise SessionLostError("Asterisk did not answer an AGI command.") from error

    async def _hear_unasked(self) -> None:
        """Take what has already come: a HANGUP, or a forged reply to what was not said yet."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                if early := await self.reader.read(agi.MAX_REPLY):
                    self.replies.unasked(early)
                    return
        if self.reader.at_eof():
            raise SessionLostError("Asterisk closed the AGI connection.")

    async def _read_result(self) -> agi.Reply:
        while True:
            try:
                line = await self.reader.readline()
            except ValueError as error:  # longer than the stream's limit
                raise ProtocolError("Asterisk sent a reply without an end.") from error
            if not line.endswith(b"\n"):
                raise SessionLostError("Asterisk closed the AGI connection.")
            reply = self.replies.feed(line)
            if reply is not None:
                return reply


class FastAgiServer(Application):  # type: ignore[misc]  # panoramisk is untyped
    """Serves `handler` on the route `notice`, at most `sessions` calls at a time.

    A connection above the cap is closed at once, so that the dialplan goes on to its next try
    instead of waiting.
    """

    def __init__(self, handler: Handler, *, sessions: int) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.add_route(ROUTE, handler)
        self.sessions = sessions
        self._running: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._stopping = False

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; the address that was bound. Raises OSError when the port cannot be had."""
        self._server = await asyncio.start_server(
            self.handler, host, port, limit=agi.MAX_ENVIRONMENT, backlog=1024
        )
        bound: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return bound

    async def stop(self, seconds: float) -> int:
        """Take no new calls, let those in progress end for `seconds`, then cancel the rest.

        Returns how many had to be cancelled.
        """
        if self._server is not None:
            self._server.close()
        waiting = set(self._running)
        if waiting:
            _, waiting = await asyncio.wait(waiting, timeout=seconds)
        self._stopping = True
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return len(waiting)

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from accept to close. Only cancellation leaves as an exception."""
        task = asyncio.current_task()
        assert task is not None  # asyncio runs handlers as tasks
        if len(self._running) >= self.sessions:
            writer.close()
            log.error("refused a call", sessions=self.sessions, remedy="raise service.sessions")
            return
        self._running.add(task)
        try:
            environment = await self._read_environment(reader)
            if environment is not None:
                await self._dispatch(environment, reader, writer)
        except SessionError as error:
            log.warning("call abandoned", error=str(error))
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        except Exception:
            log.exception("call abandoned by a defect of informativa")
        finally:
            self._running.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _dispatch(
        self, environment: tuple[bytes, bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        raw, rest = environment
        call = agi.parse_environment(raw)
        route = self._route.get(call.script)
        if route is None:  # not named: a dialplan may have put a caller's number there
            log.error("a call asked for another AGI script", remedy=f"use agi://HOST:PORT/{ROUTE}")
            return
        request = FastAgiRequest(self, call, reader, writer)
        request.replies.unasked(rest)
        await route(request.session)

    async def _read_environment(self, reader: asyncio.StreamReader) -> tuple[bytes, bytes] | None:
        """The environment and what came with it; `None` for a peer that only looked whether we listen."""
        raw = b""
        try:
            async with asyncio.timeout(HEADER_SECONDS):
                while (environment := agi.split_environment(raw)) is None:
                    chunk = await reader.read(agi.MAX_ENVIRONMENT)
                    if not chunk and not raw:
                        return None
                    if not chunk:
                        raise SessionLostError("A peer closed before it had said which call it is.")
                    raw += chunk
        except (TimeoutError, OSError) as error:
            raise SessionLostError("A peer did not say which call it is.") from error
        return environment
