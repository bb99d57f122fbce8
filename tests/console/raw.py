"""Requests byte for byte, as no browser sends them."""

from __future__ import annotations

import hashlib
import hmac
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
        """What follows them; more answers, where there were more."""
        return self.data.partition(b"\r\n\r\n")[2]


def connected(address: str) -> socket.socket:
    """To the server of an address."""
    found = urlsplit(address)
    assert found.hostname is not None
    return socket.create_connection((found.hostname, found.port), PATIENCE)


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
    given = {
        "host": urlsplit(address).netloc,
        "connection": "close",
        **({"content-length": str(len(body))} if body or method == "POST" else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
    return ask(address, "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body)


class Attacker:
    """Whoever it is, in a session of his own, byte by byte; a form of his is taken for one of ours."""

    def __init__(self, office: ServedConsole, who: str = "") -> None:
        account = office.console.accounts.get(who)
        token = office.console.sessions.begin(account) if account else new_token()
        self.address = office.address
        self.csrf = hmac.new(office.console.secret, token.encode(), hashlib.sha256).hexdigest()
        self.cookie = f"session={token}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for something."""
        return request(self.address, method, path, b"", **{"cookie": self.cookie, **headers})

    def post(self, path: str, fields: dict[str, str] | bytes, **headers: str) -> Answer:
        """Send a form, or anything else."""
        data = fields if isinstance(fields, bytes) else urlencode({"csrf": self.csrf, **fields}).encode()
        given = {"cookie": self.cookie, "content_type": FORM, **headers}
        return request(self.address, "POST", path, data, **given)
