"""`informativa web` at work: a process of its own, beside the calls and behind them."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..model import WebServer
from .console import Console, application
from .crowds import OF_ONE
from .proxies import among

NICE = 10  # calls come first on a machine that both share
CONNECTIONS = 200
IDLE = 30  # seconds that a browser may keep a connection open
HEAD = 15.0  # seconds in which the head of a request must be there
LONGEST = 64 * 1024  # bytes of a head that comes in pieces; in one piece asyncio hands on up to 256 KB
STALLED = 30.0  # seconds in which a part of an answer, some 64 KB, must be taken


class Impatient(H11Protocol):
    """HTTP/1.1 that ends a connection whose next request begins and does not come, or whose answer nobody
    takes; uvicorn would wait for ever, and a few hundred such would take every place."""

    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, settings: WebServer | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._settings = settings or WebServer()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._too_many():
            transport.abort()
            return
        transport.set_write_buffer_limits(high=0)  # so that we are told of whatever is not taken at once
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unwatch()
        self._taken()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def _too_many(self) -> bool:
        """Whether its address has its share of the places already; a server in front has all, for whoever
        comes through it is counted by his own."""
        address = self.client[0] if self.client else ""
        if among(address, self._settings.proxies):
            return False
        clients = (each.client for each in self.connections if isinstance(each, Impatient))
        return sum(client is not None and client[0] == address for client in clients) > OF_ONE

    def _taken(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _watch(self) -> None:
        """Give the head of a request its time, counted from its first byte."""
        if self.conn.their_state is not h11.IDLE:
            self._unwatch()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD, self.transport.close)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """Whose streams end when it is told to stop, so that it need not wait for whoever watches."""

    def __init__(self, config: uvicorn.Config, console: Console) -> None:
        super().__init__(config)
        self._console = console

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._console.live.close()
        await super().shutdown(sockets)


def configured(console: Console, settings: WebServer, **more: Any) -> uvicorn.Config:
    """How it is served, wherever it listens and for however long."""
    return uvicorn.Config(
        application(console),
        http=partial(Impatient, settings=settings),  # type: ignore[arg-type]  # it is called, no more
        ws="none",
        lifespan="off",
        proxy_headers=False,  # whose account it is stands in one header, and nothing else is believed
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        h11_max_incomplete_event_size=LONGEST,
        **more,
    )


def run(file: Path, settings: WebServer) -> None:
    """Serve until SIGTERM or SIGINT."""
    os.nice(NICE)
    console = Console(file, settings)
    config = configured(
        console,
        settings,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certificate or None,
        ssl_keyfile=settings.key or None,
        timeout_graceful_shutdown=5,
    )
    try:
        _Server(config, console).run()
    finally:
        console.close()
