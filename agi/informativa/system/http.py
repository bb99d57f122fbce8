"""HTTP over a persistent connection, without redirects and proxies."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


class PersistentConnection:
    """A connection to one server, opened when it is needed. For one thread at a time; another one may cut it.

    urllib3's time limit, `seconds`, is for each piece that comes, and a server that sends a byte now and then
    never reaches it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self.was_cut = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> BaseHTTPResponse:
        """Send one request, and return the answer, whose content is to be read yet; if it is cut off, it
        looks like one that ended. Raises TimeoutError once the connection was cut, OSError, HTTPException and
        urllib3's HTTPError."""
        parts = parse_url(url)
        if self._connection is None or not self._connection.is_connected:
            self.close()
            kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
            self._connection = kind(parts.host or "", parts.port, timeout=self._seconds)
            self._connection.connect()
            self._socket = self._connection.sock  # which it gives away for an answer that ends with it
        if self.was_cut:  # perhaps while there was nothing to cut off
            raise TimeoutError
        self._connection.request(method, parts.request_uri, body=body, headers=headers, preload_content=False)
        return self._connection.getresponse()

    def cut(self) -> None:
        """End the request that waits, so that its thread gets an error, as does every later request."""
        self.was_cut = True
        open_socket = self._socket
        if open_socket is not None:
            with suppress(OSError):  # not TLS's own shutdown, which changes what the other thread uses
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection. A later request opens another one."""
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            connection.close()
