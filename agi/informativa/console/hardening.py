"""What every answer has, and what no request may: headers for browsers, and limits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 << 10  # bytes of a body: forms are small, and nothing is sent up
PATIENCE = 15.0  # seconds for the whole of a body
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self';"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with none at all a browser says of no form where it comes from
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "cache-control": "no-store",  # what is known of people stays in no browser's or proxy's store
}
_TLS = {"strict-transport-security": "max-age=31536000"}
_HOST = re.compile(rb"([a-z0-9][a-z0-9.-]{0,252})(:[0-9]{1,5})?")
_UNKNOWN = b"The console does not answer to this name. Whoever runs it can add it: web.names\n"


class _TooLargeError(Exception):
    """A body beyond the limit."""


class Hardened:
    """Around the application. A body that is too large, or comes too slowly, ends the request.

    Another site's name may be made to lead here (DNS rebinding), and its scripts would be taken for ours: one
    that is not among `names` is not answered. With none of them a certificate says which are.
    """

    def __init__(self, app: ASGIApp, *, secure: bool, names: Collection[str]) -> None:
        self._app, self._names = app, names
        self._headers = _HEADERS | (_TLS if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                there = {name.lower() for name, _value in message["headers"]}
                more = [
                    (name.encode(), value.encode())
                    for name, value in self._headers.items()
                    if name.encode() not in there
                ]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        if refused := self._refused(scope):
            await _end(answer, *refused)
            return
        try:
            await self._app(scope, _limited(receive), answer)
        except (_TooLargeError, TimeoutError):
            if begun:
                raise
            await _end(answer, 413, b"")

    def _refused(self, scope: Scope) -> tuple[int, bytes] | None:
        """Status and words for whoever is not answered."""
        headers = dict(scope["headers"])
        if b"content-length" in headers and b"transfer-encoding" in headers:
            return 400, b""  # a server in front could take another part of it for the next request
        host = _HOST.fullmatch(headers.get(b"host", b"").lower())
        if host is None or (self._names and host[1].decode() not in self._names):
            return 421, _UNKNOWN
        return None


async def _end(send: Send, status: int, words: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words})


def _limited(receive: Receive) -> Receive:
    left, ended = LARGEST, False
    until = asyncio.get_running_loop().time() + PATIENCE

    async def limited() -> Message:
        nonlocal left, ended
        if ended:  # what is waited for now is that the browser goes away
            return await receive()
        async with asyncio.timeout_at(until):
            message = await receive()
        left -= len(message.get("body", b""))
        ended = not message.get("more_body", False)
        if left < 0:
            raise _TooLargeError
        return message

    return limited
