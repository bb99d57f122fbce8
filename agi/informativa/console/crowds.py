"""No address has all places: of those that come themselves (server.py), and of those for whom a server in
front asks, which has all connections."""

from __future__ import annotations

from collections import Counter

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..model import WebServer
from .proxies import forwarded

OF_ONE = 50  # connections of one address; behind a server in front, its requests at a time


class Crowds:
    """Around the application. Whoever is one too many is told to come again."""

    def __init__(self, app: ASGIApp, settings: WebServer) -> None:
        self._app, self._settings = app, settings
        self._asking = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = forwarded(Request(scope), self._settings) if scope["type"] == "http" else ""
        if not address:
            await self._app(scope, receive, send)
        elif self._asking[address] >= OF_ONE:
            await PlainTextResponse("Too many requests at a time.\n", 503)(scope, receive, send)
        else:
            self._asking[address] += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._asking -= Counter([address])
