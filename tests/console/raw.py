"""Requests byte for byte, as no browser sends them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from console.served import ServedConsole
from informativa.console.sessions import new_token

FORM = "application/x-www-form-urlencoded"
PATIENCE = 30.0  # seconds until an answer that never comes is a failure


@dataclass(frozen=True)
class Answer:
    """The first answer of a connection, as it came; `status` is 0 where there was none."""

    data: bytes

    @property
    def status(self) -> int:
        """Its code."""
        return int(self.data.split(b" ", 2)[1]) if self.data.startswith(b"HTTP/") else 0

    @property
    def head(self) -> str:
        """Its first line and its headers, in small letters."""
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1").lower()

    @property
    def body(self) -> bytes:
        """The bytes after the headers; also further answers, if there were any."""
        return self.data.partition(b"\r\n\r\n")[2]


def connected(address: str) -> socket.socket:
    """To the server of an address."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port), PATIENCE)


def ask(address: str, data: bytes) -> Answer:
    """Send all of it, and take what comes until the server ends the connection."""
    with connected(address) as opened:
        try:
            opened.sendall(data)
            return Answer(b"".join(iter(lambda: opened.recv(65536), b"")))
        except ConnectionError:
            return Answer(b"")


def request(
    address: str, method: str = "GET", path: str = "/login", body: bytes = b"", **headers: str
) -> Answer:
    """One request; in a header's name an underscore stands for a dash, and '' leaves a header out."""
    all_headers = {
        "host": urlsplit(address).netloc,
        "connection": "close",
        **({"content-length": str(len(body))} if body or method == "POST" else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in all_headers.items() if value),
    ]
    return ask(address, "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body)


class Attacker:
    """Somebody who sends requests byte by byte, in a session of his own; his forms pass as our own."""

    def __init__(self, office: ServedConsole, account_name: str = "") -> None:
        account = office.console.accounts.get(account_name)
        token = office.console.sessions.begin(account) if account else new_token()
        self.address = office.address
        self.csrf = office.console.csrf(token)
        self.cookie = f"session={token}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for something."""
        return request(self.address, method, path, b"", **{"cookie": self.cookie, **headers})

    def post(self, path: str, fields: dict[str, str] | bytes, **headers: str) -> Answer:
        """Send a form, or anything else."""
        data = fields if isinstance(fields, bytes) else urlencode({"csrf": self.csrf, **fields}).encode()
        all_headers = {"cookie": self.cookie, "content_type": FORM, **headers}
        return request(self.address, "POST", path, data, **all_headers)
