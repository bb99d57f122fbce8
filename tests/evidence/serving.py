"""A server on a port of its own that answers as a test says, and what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab.ports import free_port


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


Reply = tuple[int, str, bytes]
"""Status, content type, body."""


@dataclass
class Server:
    """The address of a server, and the requests that it got."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def answering(reply: Callable[[Asked], Reply]) -> Iterator[Server]:
    """A server that gives each request what `reply` says."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Asked(self.command, self.path, body, {k.lower(): v for k, v in self.headers.items()})
            served.asked.append(request)
            status, kind, data = reply(request)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815  # the library's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Server(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nowhere() -> str:
    """An address where nobody answers."""
    return f"http://127.0.0.1:{free_port()}"
