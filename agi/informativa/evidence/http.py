"""HTTP to those who keep logs or vouch for them, with a limit on the size of every answer and on the time
that it takes as a whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING

from ..model.errors import ElsewhereError
from ..model.text import Foreign, Text
from .tiles import LARGEST_BUNDLE

if TYPE_CHECKING:
    from ..system.http import PersistentConnection

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

    def __init__(self, url: str, name: str = "", seconds: float = SECONDS) -> None:
        self.url, self.name = url, name or url
        self._seconds = seconds
        self._connection: PersistentConnection | None = None

    def request(
        self,
        method: str,
        path: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        largest: int = LARGEST_BUNDLE,
    ) -> HttpAnswer:
        """Send one request to `path` below the address."""
        from urllib3.exceptions import HTTPError  # imported late: few commands need the network

        from ..system.http import PersistentConnection

        if self._connection is None or self._connection.was_cut:
            self.close()
            self._connection = PersistentConnection(self._seconds)
        timer = threading.Timer(self._seconds, self._connection.cut)
        timer.daemon = True
        timer.start()
        try:
            return self._answer(self._connection, method, path, body, headers or {}, largest)
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
        if self._connection is not None:
            self._connection.close()

    def _answer(
        self,
        connection: PersistentConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        largest: int,
    ) -> HttpAnswer:
        response = connection.request(method, self.url + path, headers, body)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise ValueError("packed")  # its unpacked size has no limit
        content = response.read(largest + 1)
        if connection.was_cut:  # an answer that was cut off looks like one that ended
            raise TimeoutError
        if len(content) > largest:
            raise ValueError("more than is read")
        if response.headers.get("Connection", "").lower() == "close":
            connection.close()
        return HttpAnswer(response.status, response.headers.get("Content-Type", ""), content)
