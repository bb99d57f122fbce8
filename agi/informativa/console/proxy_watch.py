"""The watch on how a web server in front asks: a wrong set-up shows in its requests alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request

from ..model import WebServer
from ..operations import proxy_faults
from ..operations.proxy_faults import ProxyFault
from .proxies import client_hop, is_proxy

QUIET = 600.0  # seconds after a right request in which wrong ones, of a tunnel perhaps, count for nothing


class ProxyWatch:
    """Stores the first fault of the server in front, until a request of it is right. Called by the event
    loop alone; it writes to the disk at most twice in `QUIET` seconds."""

    def __init__(self, settings: WebServer, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._last_right = -QUIET
        self._stored: ProxyFault | None = None
        self._may_be_stored = True  # by the process before

    def see(self, request: Request) -> None:
        """Take one request into account."""
        fault, folder = fault_of(request, self._settings), Path(self._settings.folder)
        if fault is None and client_hop(request, self._settings).address:
            self._last_right = self._clock()
            if self._may_be_stored:
                with suppress(OSError):
                    proxy_faults.clear(folder)
            self._stored, self._may_be_stored = None, False
        elif fault not in (None, self._stored) and self._clock() - self._last_right >= QUIET:
            self._stored, self._may_be_stored = fault, True
            with suppress(OSError):  # no page depends on it, and there is no folder before the first account
                proxy_faults.record(folder, fault, datetime.now(UTC))


def fault_of(request: Request, settings: WebServer) -> ProxyFault | None:
    """Return what is wrong with a request that came by another web server; `None` for others."""
    if not is_proxy(request, settings):
        named = "x-forwarded-for" in request.headers or "forwarded" in request.headers
        return ProxyFault.UNKNOWN if named else None
    hop = client_hop(request, settings)
    if not hop.address:
        return ProxyFault.UNNAMED
    return None if hop.protocol == "https" else ProxyFault.CLEAR
