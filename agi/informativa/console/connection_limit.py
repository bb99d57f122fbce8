"""A limit on the requests of one address behind a web server in front, which has all connections; server.py
limits the connections of addresses that come directly."""

from __future__ import annotations

from collections import Counter

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..model import WebServer
from .proxies import forwarded_address

PER_ADDRESS = 50  # connections of one address; behind a server in front, its requests at a time


class ConnectionLimit:
    """Middleware that answers 503 to the requests of one address that are too many at a time."""

    def __init__(self, app: ASGIApp, settings: WebServer) -> None:
        self._app, self._settings = app, settings
        self._running = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = forwarded_address(Request(scope), self._settings) if scope["type"] == "http" else ""
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
