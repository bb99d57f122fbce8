"""An HTTP GET whose answer is JSON: over a persistent connection, without redirects and proxies, of limited
size."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url

from ...model import Identified, Lookup
from ...model.errors import LookupSourceError
from ...model.text import Text

LONGEST = 65_536  # bytes of an answer


class HttpLookup:
    """Asks `lookup.question`, a URL. One per thread.

    urllib3's time limit is for each piece that comes, so a server that sends a byte now and then never
    reaches it: the thread that waits for the answer calls `cut` when the time is over.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._connection: HTTPConnection | None = None
        self._cut = False
        self._headers = {"Accept": "application/json"}
        if lookup.token:
            self._headers["Authorization"] = f"Bearer {lookup.token}"

    def __call__(self, caller: Identified) -> Sequence[Mapping[str, Any]]:
        """Return the JSON object of the answer. Empty for 404, and for an object whose `informed` is
        false.

        Raises LookupSourceError for any other status, and for an object that does not say `informed`;
        urllib3's and json's errors too.
        """
        number = quote(caller.number, safe="")
        url = self._lookup.question.replace("{number}", number).replace("{customer}", number)
        try:
            status, body = self._get(url)
        except BaseException:
            self._close()
            raise
        if status == 404:
            return []
        if status != 200 or len(body) > LONGEST:
            raise LookupSourceError(
                Text("The look-up {id} answered with status {status}.", id=self._lookup.id, status=status)
            )
        answer = json.loads(body, object_pairs_hook=self._unique_names)
        if not isinstance(answer, dict) or not isinstance(answer.get("informed"), bool):
            raise LookupSourceError(
                Text("The look-up {id} did not answer with `informed` true or false.", id=self._lookup.id)
            )
        return [answer] if answer["informed"] else []

    def _unique_names(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object of which each name comes once. Raises LookupSourceError for one that contradicts
        itself."""
        if len(members := dict(pairs)) < len(pairs):
            raise LookupSourceError(
                Text("The look-up {id} answered with a name that comes twice.", id=self._lookup.id)
            )
        return members

    def cut(self) -> None:
        """End the question that is being asked, from another thread. It fails then, as does every later
        one."""
        self._cut = True
        open_socket = self._connection.sock if self._connection is not None else None
        if open_socket is not None:
            with suppress(OSError):  # not TLS's own shutdown, which changes what the other thread uses
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def _get(self, url: str) -> tuple[int, bytes]:
        parts = parse_url(url)
        if self._connection is None or not self._connection.is_connected:
            self._close()
            kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
            self._connection = kind(parts.host or "", parts.port, timeout=self._lookup.seconds)
            self._connection.connect()
        if self._cut:
            raise TimeoutError
        self._connection.request("GET", parts.request_uri, headers=self._headers, preload_content=False)
        response = self._connection.getresponse()
        body = response.read(LONGEST + 1)
        if len(body) > LONGEST:
            self._close()
        return response.status, body

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
