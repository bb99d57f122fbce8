"""HTTP to those who keep logs or vouch for them: over a persistent connection, without redirects and proxies,
and with a limit on the size of every answer and on the time that it takes as a whole."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING

from ..model.errors import ElsewhereError
from ..model.text import Foreign, Text

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

LARGEST_ANSWER = 256 * (2 + 0xFFFF)  # bytes, of a bundle
SECONDS = 20.0


@dataclass(frozen=True)
class HttpAnswer:
    """Status, content type and body."""

    status: int
    kind: str
    body: bytes


class HttpClient:
    """A client of one server. `name` is how an admin knows the server. For one thread at a time. Every
    request raises ElsewhereError if there is no answer, or a larger one than is read."""

    def __init__(self, url: str, name: str = "", token: str = "", seconds: float = SECONDS) -> None:
        self.url, self.name = url, name or url
        self._seconds = seconds
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection: HTTPConnection | None = None
        self._late = False

    def request(
        self,
        method: str,
        path: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> HttpAnswer:
        """Send one request to `path` below the address."""
        from urllib3.exceptions import HTTPError  # imported late: few commands need the network

        self._late = False
        timer = threading.Timer(self._seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return self._answer(method, path, body, {**self._headers, **(headers or {})}, largest)
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            self.close()
            reason = Foreign(getattr(error, "strerror", None) or type(error).__name__)
            raise ElsewhereError(
                Text("{name} does not answer: {why}", "it is asked again", name=self.name, why=reason)
            ) from error
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close the connection. A later request opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _answer(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], largest: int
    ) -> HttpAnswer:
        from urllib3.connection import HTTPConnection, HTTPSConnection
        from urllib3.util import parse_url

        parts = parse_url(self.url + path)
        if self._connection is None or not self._connection.is_connected:
            self.close()
            kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
            self._connection = kind(parts.host or "", parts.port, timeout=self._seconds)
            self._connection.connect()
            if self._late:  # the timer ran out while there was no connection to cut off
                raise TimeoutError
        self._connection.request(method, parts.request_uri, body=body, headers=headers, preload_content=False)
        response = self._connection.getresponse()
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise ValueError("packed")  # its unpacked size has no limit
        content = response.read(largest + 1)
        if self._late:  # an answer that was cut off looks like one that ended
            raise TimeoutError
        if len(content) > largest:
            raise ValueError("more than is read")
        if response.headers.get("Connection", "").lower() == "close":
            self.close()
        return HttpAnswer(response.status, response.headers.get("Content-Type", ""), content)

    def _cut(self) -> None:
        """End the connection when the time is over, so that the waiting thread gets an error."""
        self._late = True
        open_socket = self._connection.sock if self._connection is not None else None
        if open_socket is not None:
            with suppress(OSError):  # not TLS's own shutdown, which changes what the other thread uses
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
