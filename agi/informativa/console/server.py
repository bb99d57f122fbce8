"""The HTTP server of `informativa web`: a process of its own, with less priority than the calls."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..model import WebServer
from .application import application
from .console import Console
from .hardening import PER_ADDRESS
from .proxies import address_in

NICE = 10  # calls come first on a machine that both share
CONNECTIONS = 200
KEEP_ALIVE = 30  # seconds for which an idle connection stays open
HEAD_TIMEOUT = 15.0  # seconds from the first byte of a request's head to its last
MAX_HEAD = 64 * 1024  # bytes of a head that comes in pieces; in one piece asyncio hands on up to 256 KB
WRITE_TIMEOUT = 30.0  # seconds in which a part of an answer, some 64 KB, must be taken


class HeaderTimeout(H11Protocol):
    """HTTP/1.1 with time limits: it closes a connection whose next request begins and does not end, or whose
    answer the client does not read. uvicorn would wait for ever, and a few hundred such would take all
    places."""

    _deadline: asyncio.TimerHandle | None = None
    _write_deadline: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, settings: WebServer | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._settings = settings or WebServer()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._too_many():
            transport.abort()
            return
        transport.set_write_buffer_limits(
            high=0
        )  # so that pause_writing is called for whatever the client does not read at once
        self._start_deadline()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._cancel_deadline()
        self._cancel_write_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_deadline = self.loop.call_later(WRITE_TIMEOUT, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel_write_deadline()

    def _too_many(self) -> bool:
        """Return whether the client's address has its share of connections already. A server in front may
        have all: hardening.py counts the requests of its clients."""
        address = self.client[0] if self.client else ""
        if address_in(address, self._settings.proxies):
            return False
        others = (other for other in self.connections if isinstance(other, HeaderTimeout))
        clients = (other.client for other in others)
        return sum(client is not None and client[0] == address for client in clients) > PER_ADDRESS

    def _cancel_write_deadline(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _start_deadline(self) -> None:
        """Start the time limit of a request's head at its first byte."""
        if self.conn.their_state is not h11.IDLE:
            self._cancel_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """A server that ends its streams when it shuts down, so that it need not wait for their readers."""

    def __init__(self, config: uvicorn.Config, console: Console) -> None:
        super().__init__(config)
        self._console = console

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._console.live.close()
        await super().shutdown(sockets)


def uvicorn_config(console: Console, settings: WebServer, **options: Any) -> uvicorn.Config:
    """Return the configuration of the server; `options` are further ones of uvicorn, such as host and
    port."""
    return uvicorn.Config(
        application(console),
        http=partial(HeaderTimeout, settings=settings),  # type: ignore[arg-type]  # uvicorn only calls it
        ws="none",
        lifespan="off",
        proxy_headers=False,  # proxies.py reads these headers, from trusted machines alone
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        h11_max_incomplete_event_size=MAX_HEAD,
        **options,
    )


def run(file: Path, settings: WebServer) -> None:
    """Serve until SIGTERM or SIGINT, and delete the temporary files then."""
    # uvicorn ends its server at a signal and raises it once more: by default that ends the process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.nice(NICE)
    console = Console(file, settings)
    config = uvicorn_config(
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
