"""A receiver of a company's hook on this machine: it keeps what it gets, and answers as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.certificates import Certificate
from lab.ports import free_port


@dataclass(frozen=True)
class Post:
    """A request: its headers, in small letters, and its body."""

    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The message as JSON."""
        return dict(json.loads(self.body))

    @property
    def word(self) -> str:
        """The act and the record, such as `granted 2`."""
        return f"{self.message['type'].removeprefix('consent.')} {self.message['data'].get('record', '')}"


Answer = Callable[["Handler"], None]


@dataclass
class Receiver:
    """A server with the requests that came. `answers` are used one after the other, then the last for ever;
    a number is a status."""

    url: str
    answers: list[int | Answer] = field(default_factory=lambda: [204])
    posts: list[Post] = field(default_factory=list)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def words(self) -> list[str]:
        """The acts that came, in their order."""
        return [post.word for post in self.posts]


class Handler(BaseHTTPRequestHandler):
    """A request to a receiver."""

    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        """Keep it, and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.receiver
        receiver.posts.append(Post({name.lower(): value for name, value in self.headers.items()}, body))
        answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
        receiver.came.release()
        with suppress(OSError):
            if isinstance(answer, int):
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                if 300 <= answer < 400:
                    self.send_header("Location", receiver.url + "/elsewhere")
                self.end_headers()
            else:
                answer(self)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def hangs(handler: Handler) -> None:
    """Answer nothing until the receiver ends."""
    handler.receiver.over.wait(60)
    handler.close_connection = True


def drips(handler: Handler) -> None:
    """Send the head of an answer for ever, a byte now and then."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not handler.receiver.over.wait(0.02):
        handler.wfile.write(b"x")
        handler.wfile.flush()
    handler.close_connection = True


def floods(handler: Handler) -> None:
    """Answer with 200 and a content that has no end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.receiver.over.is_set():
        handler.wfile.write(bytes(1 << 16))
    handler.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away."""


@contextmanager
def receiving(*answers: int | Answer, certificate: Certificate | None = None) -> Iterator[Receiver]:
    """Run a receiver, by TLS with a `certificate`, whose files are written beside its root."""
    port = free_port()
    receiver = Receiver(f"{'https' if certificate else 'http'}://127.0.0.1:{port}/consents")
    receiver.answers = list(answers) or [204]
    server = _Server(("127.0.0.1", port), type("_Handler", (Handler,), {"receiver": receiver}))
    if certificate is not None:
        server.socket = _context(certificate).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _context(certificate: Certificate) -> ssl.SSLContext:
    folder = Path(certificate.root).parent
    (folder / "hook.pem").write_bytes(certificate.certificate)
    (folder / "hook.key").write_bytes(certificate.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "hook.pem", folder / "hook.key")
    return context
