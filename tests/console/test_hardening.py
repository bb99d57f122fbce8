"""Requests that the console refuses before any page sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

pytest.importorskip("starlette", reason="the extra `web` is not installed")

from informativa.console.hardening import DRAINED, MAX_BODY, SecurityMiddleware

CHUNK = 1 << 14


class Client:
    """A client that sends a body in chunks, and notes what was answered after how much of it."""

    def __init__(self, size: int) -> None:
        self.sent, self.status, self.sent_at_answer = 0, 0, 0
        self._chunks = self._body(size)

    def _body(self, size: int) -> Iterator[dict[str, object]]:
        while size > 0:
            body, size = bytes(min(CHUNK, size)), size - CHUNK
            self.sent += len(body)
            yield {"type": "http.request", "body": body, "more_body": size > 0}

    async def receive(self) -> dict[str, object]:
        """Return the next chunk; who asks after the last one waits for ever."""
        return next(self._chunks, None) or await asyncio.Future()

    async def send(self, message: dict[str, object]) -> None:
        """Note the answer."""
        if message["type"] == "http.response.start":
            self.status, self.sent_at_answer = int(str(message["status"])), self.sent


@pytest.mark.parametrize(
    ("host", "size", "status", "read"),
    [
        (b"here", MAX_BODY + CHUNK, 413, MAX_BODY + CHUNK),
        (b"here", MAX_BODY + 10 * CHUNK, 413, MAX_BODY + 10 * CHUNK),
        (b"elsewhere", 10 * CHUNK, 421, 10 * CHUNK),
        (b"here", 10 * DRAINED, 413, MAX_BODY + CHUNK + DRAINED),
    ],
)
def test_body_of_a_refused_request_is_read_before_the_answer(
    host: bytes, size: int, status: int, read: int
) -> None:
    """Else the connection is reset with the answer on its way, which a web server in front turns into 502; of
    a body that is far too large no more than 1 MiB is read beyond the limit."""

    async def page(_scope: object, receive: object, _send: object) -> None:
        while (await receive())["more_body"]:  # type: ignore[operator]
            pass

    client = Client(size)
    middleware = SecurityMiddleware(page, secure=False, names={"here"})  # type: ignore[arg-type]
    scope = {"type": "http", "path": "/acme/caller", "headers": [(b"host", host)]}
    asyncio.run(middleware(scope, client.receive, client.send))  # type: ignore[arg-type]
    assert (client.status, client.sent_at_answer) == (status, read)
