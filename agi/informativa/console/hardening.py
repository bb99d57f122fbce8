"""Security headers of every answer, and limits of every request."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..model import WebServer
from .proxies import forwarded_address
from .proxy_watch import ProxyWatch

PER_ADDRESS = 50  # connections of one address; behind a server in front, its requests at a time
MAX_BODY = 64 << 10  # bytes of a body: forms are small
BODY_TIMEOUT = 15.0  # seconds for the whole of a body
DRAINED, DRAIN_SECONDS = 1 << 20, 2.0  # bytes of a refused body that are read all the same, for so long
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self';"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with none at all a browser sends no origin with forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "cache-control": "no-store",  # personal data stay in no cache of a browser or a proxy
}
_TLS = {"strict-transport-security": "max-age=31536000"}
_HOST = re.compile(rb"([a-z0-9][a-z0-9.-]{0,252})(:[0-9]{1,5})?")
_UNKNOWN = b"The console does not answer to this name. Whoever runs it can add it: web.names\n"


class _TooLargeError(Exception):
    """A body beyond the limit."""


class SecurityMiddleware:
    """Middleware that adds the headers, and ends a request whose body is too large or comes too slowly.

    Another site's name may be made to lead here (DNS rebinding), and its scripts would be taken for ours: a
    request for a host that is not among `names` is refused. `names` is empty where TLS certifies the name.
    """

    def __init__(self, app: ASGIApp, *, secure: bool, names: Collection[str]) -> None:
        self._app, self._names = app, names
        self._headers = _HEADERS | (_TLS if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _value in message["headers"]}
                added = [
                    (name.encode(), value.encode())
                    for name, value in self._headers.items()
                    if name.encode() not in present
                ]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        if refusal := self._refusal(scope):
            await _drain(receive)
            await _end(answer, *refusal)
            return
        try:
            await self._app(scope, _limited(receive, MAX_BODY), answer)
        except (_TooLargeError, TimeoutError):
            if started:
                raise
            await _end(answer, 413, b"")

    def _refusal(self, scope: Scope) -> tuple[int, bytes] | None:
        """Return status and text for a request that is refused, or `None`."""
        headers = dict(scope["headers"])
        if b"content-length" in headers and b"transfer-encoding" in headers:
            return 400, b""  # a server in front could see another end of this request (smuggling)
        host = _HOST.fullmatch(headers.get(b"host", b"").lower())
        if host is None or (self._names and host[1].decode() not in self._names):
            return 421, _UNKNOWN
        return None


async def _end(send: Send, status: int, words: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words})


async def _drain(receive: Receive) -> None:
    """Read a body that is refused, if it is not too large even for that. A connection that is closed with
    bytes unread is reset, and the answer may be lost (RFC 9112, 9.6): a web server in front says 502 then."""
    left, more = DRAINED, True
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


def _limited(receive: Receive, left: int) -> Receive:
    ended = False
    deadline = asyncio.get_running_loop().time() + BODY_TIMEOUT

    async def limited() -> Message:
        nonlocal left, ended
        if ended:  # what is waited for now is that the browser goes away
            return await receive()
        async with asyncio.timeout_at(deadline):
            message = await receive()
        left -= len(message.get("body", b""))
        ended = not message.get("more_body", False)
        if left < 0:
            if not ended:
                await _drain(receive)
            raise _TooLargeError
        return message

    return limited


class ConnectionLimit:
    """Middleware that watches the requests of a web server in front, and answers 503 to those of one address
    that are too many at a time: the server has all connections. server.py limits the connections of addresses
    that come directly."""

    def __init__(self, app: ASGIApp, settings: WebServer) -> None:
        self._app, self._settings = app, settings
        self._running = Counter[str]()
        self._watch = ProxyWatch(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = ""
        if scope["type"] == "http":
            self._watch.see(Request(scope))
            address = forwarded_address(Request(scope), self._settings)
        if not address:
            await self._app(scope, receive, send)
        elif self._running[address] >= PER_ADDRESS:
            await PlainTextResponse("Too many requests at a time.\n", 503)(scope, receive, send)
        else:
            self._running[address] += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._running -= Counter([address])
