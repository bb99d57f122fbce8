"""FastAGI: one connection a call, over panoramisk's Application and Request.

panoramisk 1.4 is made for friendly peers. Overridden here: its header read (no bound, no time limit,
and an endless loop that stops every call when a peer connects and closes), its replies (`result=-1`
loses endpos, end of file is a bare ValueError, the lines after `520-` stay unread), its routing (the
query string counts as path) and its `except BaseException`, which swallows cancellation. Its streams
give way to asyncio's protocols: a connection costs no task before it is a call, and less when it is one.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import traceback
from collections.abc import Awaitable, Callable

import structlog
from panoramisk.fast_agi import Application, Request

from ..call import agi
from ..model.errors import ProtocolError, SessionError, SessionLostError
from ..model.ports import CallSession
from .agi_session import PATIENCE, THINKING_SECONDS, AgiSession
from .peers import PENDING_CONNECTIONS, LogRateLimiter, Tokens

log = structlog.get_logger("informativa.fastagi")

ROUTE = "notice"
LAST_LOOK_SECONDS = 0.1  # for a reply that has arrived unread when its time is over
LOOK_SECONDS = 5.0  # between two looks at the calls in progress
HEADER_SECONDS = 5.0  # Asterisk sends the whole environment at once
REJECTED_AT_ONCE = 10  # connections in one turn of the event loop, so that no call waits for a thousand
BUSY = agi.command("SET VARIABLE", "INFORMATIVA_REASON", "service-busy")

Handler = Callable[[CallSession], Awaitable[object]]


class FastAgiRequest(Request, asyncio.Protocol):  # type: ignore[misc]  # panoramisk is untyped
    """The connection of one call: commands with a time limit, replies read by our own parser."""

    def __init__(self, app: FastAgiServer, transport: asyncio.Transport) -> None:
        super().__init__(app, {}, None, transport)
        self.replies = agi.ReplyReader()
        self._over = False
        self._reply: asyncio.Future[agi.Reply | None] | None = None  # while a command waits for one
        self._failure: SessionError | None = None
        self._deadline: asyncio.TimerHandle  # of the waiting command
        self.looks: int | None = 0
        """Counts the server's looks while Asterisk has nothing to do for this call; `None` while it has."""

    async def exchange(self, command: bytes, seconds: float) -> agi.Reply:
        """Send one command and await its reply.

        Raises SessionLostError at end of file, a broken connection or when the time is over, and
        ProtocolError for an answer that is not AGI, or that came before the command.
        """
        if self._failure is not None:
            raise self._failure
        self.looks = None
        self._reply = self.app.loop.create_future()
        self._deadline = self.app.loop.call_later(seconds, self._late)
        try:
            self.writer.write(command)  # one at a time, so there is nothing to drain
            reply = await self._reply
        finally:
            self._reply = None
            self._deadline.cancel()
            self.looks = 0
        if reply is None:
            assert self._failure is not None  # only a failure sets no reply
            raise self._failure
        return reply

    async def send_command(self, command: str) -> agi.Reply:
        """Send a command by panoramisk's method; the same as `exchange`."""
        return await self.exchange(command.encode() + b"\n", PATIENCE)

    def data_received(self, data: bytes) -> None:
        """Take a reply, or unrequested data: a HANGUP, or a forged reply."""
        try:
            if self._reply is None or self._reply.done():
                self.replies.unasked(data)
            elif (reply := self.replies.feed(data)) is not None:
                self._reply.set_result(reply)
        except ProtocolError as error:
            self._fail(error)

    def eof_received(self) -> bool:
        """Keep our side open until the call is on record."""
        self._is_lost("Asterisk closed the AGI connection.")
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if not self._over:  # every call that is over ends in this way
            self._is_lost("Asterisk closed the AGI connection.")

    def give_up(self) -> None:
        """End the session without another command, so that Asterisk goes on with its dialplan."""
        self.looks = None
        self._is_lost("The call was given up.")
        self.close()

    def close(self) -> None:
        """Close the connection, at once if the peer failed."""
        self._over = True
        if self._failure is None:
            self.writer.close()
        else:
            self.writer.abort()

    def _late(self) -> None:
        """End the waiting for a reply soon. The reply may have arrived unread, if this process was stopped
        meanwhile."""
        message = "Asterisk did not answer an AGI command."
        self._deadline = self.app.loop.call_later(LAST_LOOK_SECONDS, self._is_lost, message)

    def _is_lost(self, reason: str) -> None:
        self._fail(SessionLostError(reason))

    def _fail(self, failure: SessionError) -> None:
        """Stop reading from this peer. The first failure counts."""
        if self._failure is None:
            self._failure = failure
            if not self.writer.is_closing():
                self.writer.pause_reading()
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(None)


class PendingConnection(asyncio.Protocol):
    """A peer that has not named its call yet. Many never do: health checks, scanners and worse."""

    transport: asyncio.Transport

    def __init__(self, server: FastAgiServer) -> None:
        self._server = server
        self._raw = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of TCP
        self.transport = transport
        self._server.accept(self)

    def data_received(self, data: bytes) -> None:
        self._raw += data
        try:
            if (parts := agi.split_environment(self._raw)) is not None:
                self._server.promote(self, *parts)
        except ProtocolError as error:
            self.reject(str(error))

    def connection_lost(self, error: Exception | None) -> None:
        if self.leave() and self._raw:
            self._server.abandoned("A peer closed before it had said which call it is.")

    def leave(self) -> bool:
        """Stop waiting for the name of the call. Return whether it was still waiting."""
        return self._server.forget(self)

    def reject(self, reason: str) -> None:
        """Close the connection and log the reason."""
        self.close()
        self._server.abandoned(reason)

    def close(self) -> None:
        """Close the connection."""
        self.leave()
        self.transport.abort()


class FastAgiServer(Application):  # type: ignore[misc]  # panoramisk is untyped
    """Server of `handler` on the route `notice`, for at most `sessions` calls at a time.

    A call above the cap is told `service-busy` in INFORMATIVA_REASON and closed at once, so that the
    dialplan goes on to its last try instead of waiting, or of starting a process. Pending connections have a
    cap of their own. At the cap the oldest is closed for a new one, because Asterisk names its call at once.

    A call that sends no command for THINKING_SECONDS is given up, and counted as `stuck`.

    A peer without a token is refused before anything else that it sends is read. The route `status` answers
    with `about`, and the route `trial` with `tried`; neither is a call.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        sessions: int,
        about: Callable[[], str] = str,
        tried: Callable[[], Awaitable[str]] | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.add_route(ROUTE, handler)
        self._about, self._tried = about, tried
        self._trials = set[asyncio.Task[None]]()
        self._tokens = tokens or Tokens()
        self.sessions, self.pending = sessions, PENDING_CONNECTIONS
        self._pending: dict[PendingConnection, float] = {}  # with the deadline of each, the oldest first
        self._watch: asyncio.TimerHandle | None = None  # runs while connections are pending
        self._running: dict[asyncio.Task[None], FastAgiRequest] = {}
        self._sweep: asyncio.TimerHandle | None = None  # runs while calls are running
        self._server: asyncio.Server | None = None
        self._stopping = False
        self._limited_log = LogRateLimiter()
        self.turned_away = dict.fromkeys(("busy", "script", "token", "abandoned", "stuck"), 0)
        """Counts connections since the start that led to no call, by reason."""

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return the address that was bound. Raises OSError if the port is not available."""
        self._server = await self.loop.create_server(
            lambda: PendingConnection(self), host, port, backlog=1024
        )
        bound: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return bound

    async def stop(self, seconds: float) -> int:
        """Accept no new calls, let running ones end for `seconds`, then cancel the others.

        Returns the number of cancelled calls.
        """
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for pending in list(self._pending):
            pending.close()
        waiting = set(self._running)
        if waiting:
            _, waiting = await asyncio.wait(waiting, timeout=seconds)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        self._limited_log.close()
        for timer in (self._watch, self._sweep):
            if timer is not None:
                timer.cancel()
        return len(waiting)

    def accept(self, pending: PendingConnection) -> None:
        """Register a new connection. At the cap it takes the place of the oldest pending one."""
        self._pending[pending] = deadline = self.loop.time() + HEADER_SECONDS
        if self._watch is None:
            self._watch = self.loop.call_at(deadline, self._look_round)
        if self._stopping:
            pending.close()
        elif len(self._pending) > self.pending:
            next(iter(self._pending)).reject("Too many peers do not say which call they are.")

    def forget(self, pending: PendingConnection) -> bool:
        """Stop waiting for this connection's call. Return whether it was still waiting."""
        return self._pending.pop(pending, None) is not None

    def _look_round(self) -> None:
        """Reject connections that were silent for too long, and set the timer for the next."""
        now = self.loop.time()
        for pending, deadline in list(itertools.islice(self._pending.items(), REJECTED_AT_ONCE)):
            if deadline <= now:
                pending.reject("A peer did not say which call it is.")
        self._watch = None
        if not self._stopping:
            for deadline in itertools.islice(self._pending.values(), 1):
                self._watch = self.loop.call_at(deadline, self._look_round)

    def promote(self, pending: PendingConnection, raw: bytes, unread: bytes) -> None:
        """Serve the call that a pending connection named, or tell it that the call cannot be served.

        `unread` came after the environment. Raises ProtocolError if it is no call.
        """
        token = agi.token(raw)
        if not self._tokens.admit(token):
            self._refuse(pending)
            return
        call = agi.parse_environment(raw)
        pending.leave()
        route = self._route.get(call.script)
        if call.script == agi.SERVICE:
            _answer(pending.transport, self._about())
        elif call.script == agi.TRIAL and self._tried is not None:
            trial_task = self.loop.create_task(self._send_trial_result(pending.transport, self._tried))
            self._trials.add(trial_task)
            trial_task.add_done_callback(self._trials.discard)
        elif route is None:  # not named: a dialplan may have put a caller's number there
            self.turned_away["script"] += 1
            self._limited_log.log(
                logging.ERROR, "a call asked for another AGI script", remedy=f"use agi://HOST:PORT/{ROUTE}"
            )
            pending.transport.close()
        elif len(self._running) >= self.sessions:
            self.turned_away["busy"] += 1
            pending.transport.write(BUSY)
            pending.transport.close()
            self._limited_log.log(
                logging.ERROR, "refused a call", sessions=self.sessions, remedy="raise service.sessions"
            )
        else:
            self._tokens.used(token)
            request = FastAgiRequest(self, pending.transport)
            if unread:
                request.replies.unasked(unread)
            pending.transport.set_protocol(request)
            # The request does not refer to its session: no cycle that the collector would have to find.
            session = AgiSession(call, request.replies, request.exchange)
            task = self.loop.create_task(self.handler(route, session))
            self._running[task] = request
            if self._sweep is None:
                self._sweep = self.loop.call_later(LOOK_SECONDS, self._give_up_stuck)
            task.add_done_callback(functools.partial(self._over, request))

    async def _send_trial_result(
        self, transport: asyncio.Transport, tried: Callable[[], Awaitable[str]]
    ) -> None:
        """Send the result of the trial, and close."""
        try:
            _answer(transport, await tried())
        finally:
            transport.close()  # also after a defect

    def _refuse(self, pending: PendingConnection) -> None:
        """Refuse a peer without the token: it is not Asterisk, or has an old dialplan. Nothing that it sent
        is logged."""
        self.turned_away["token"] += 1
        pending.close()
        self._limited_log.log(
            logging.ERROR,
            "refused a peer without the token",
            remedy="if it was Asterisk: informativa dialplan install; asterisk -rx 'dialplan reload'",
        )

    async def handler(self, route: Handler, session: AgiSession) -> None:
        """Serve one call to its end. Raises nothing but cancellation."""
        try:
            await route(session)
        except SessionError as error:
            self.abandoned(str(error))
        except Exception as error:  # without its text, which may be a caller's number
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("call abandoned by a defect of informativa", error=type(error).__name__, place=place)

    def _over(self, request: FastAgiRequest, task: asyncio.Task[None]) -> None:
        del self._running[task]
        request.close()

    def _give_up_stuck(self) -> None:
        """Give up calls for which nothing was done in time (I4), so that the dialplan goes on. A time limit
        on some operation was missing then."""
        for task, request in list(self._running.items()):
            if request.looks is None:
                continue
            request.looks += 1  # not timed: a process that was stopped for an hour goes on with its calls
            if request.looks * LOOK_SECONDS > THINKING_SECONDS:
                self.turned_away["stuck"] += 1
                self._limited_log.log(
                    logging.ERROR,
                    "a call was given up: nothing was done for it in time",
                    seconds=THINKING_SECONDS,
                    remedy="informativa doctor",
                )
                request.give_up()
                task.cancel()
        self._sweep = self.loop.call_later(LOOK_SECONDS, self._give_up_stuck) if self._running else None

    def abandoned(self, reason: str) -> None:
        """Count and log a connection that led to no call."""
        self.turned_away["abandoned"] += 1
        self._limited_log.log(logging.WARNING, "call abandoned", error=reason)


def _answer(transport: asyncio.WriteTransport, text: str) -> None:
    """Send the value of a variable, and close."""
    transport.write(agi.command("SET VARIABLE", agi.SERVICE_VARIABLE, text))
    transport.close()
