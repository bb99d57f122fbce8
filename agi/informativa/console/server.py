"""`informativa web` at work: a process of its own, beside the calls and behind them."""

from __future__ import annotations

import os
from pathlib import Path

import uvicorn

from ..model import WebServer
from .console import Console, application

NICE = 10  # calls come first on a machine that both share
CONNECTIONS = 200
IDLE = 30  # seconds that a browser may keep a connection open


def address(settings: WebServer) -> str:
    """Where a browser finds it."""
    return f"{'https' if settings.certificate else 'http'}://{settings.host}:{settings.port}/"


def run(file: Path, settings: WebServer) -> None:
    """Serve until SIGTERM or SIGINT."""
    os.nice(NICE)
    console = Console(file, settings)
    config = uvicorn.Config(
        application(console),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certificate or None,
        ssl_keyfile=settings.key or None,
        http="h11",
        ws="none",
        lifespan="off",
        proxy_headers=False,  # whose account it is stands in one header, and nothing else is believed
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=5,
    )
    try:
        uvicorn.Server(config).run()
    finally:
        console.close()
