"""Answers of servers that keep logs or vouch for them: any of them is an answer or one sentence."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from urllib3.connection import HTTPConnection

from informativa.evidence.http import HttpClient
from informativa.model.errors import ElsewhereError
from informativa.system import http


@contextmanager
def saying(data: bytes, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A server that says these bytes to the one who comes, whatever was asked: its port, and what it got."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with suppress(OSError):  # who does not trust it goes away
                opened, _ = listening.accept()
                with context.wrap_socket(opened, server_side=True) if context else opened as connection:
                    got.append(connection.recv(65_536))
                    connection.sendall(data)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listening.getsockname()[1], got
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"H%d: x\r\n" % _attempt for _attempt in range(200)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 24\r\n\r\n" + gzip.compress(b"abcd"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 10_000_000,
    ],
    ids=["nothing", "garbage", "long-line", "many-headers", "half", "bad-chunk", "packed", "10-mb"],
)
def test_what_is_no_answer_is_one_sentence(data: bytes) -> None:
    """Garbage, half an answer and far too much of one are all told in the same way."""
    with saying(data) as (port, _), pytest.raises(ElsewhereError, match="does not answer"):
        HttpClient(f"http://127.0.0.1:{port}").request("GET", "/x", largest=1000)


def test_redirect_is_followed_by_nobody() -> None:
    """It is an answer with that status."""
    data = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with saying(data) as (port, _):
        assert HttpClient(f"http://127.0.0.1:{port}").request("GET").status == 302


def test_who_connects_too_slowly_gets_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time may be over before there is a connection that could be cut off."""
    clients: list[HttpClient] = []

    class Slow(HTTPConnection):
        """Connects when the time is over."""

        def connect(self) -> None:
            while not (clients[0]._connection and clients[0]._connection.was_cut):
                pass
            super().connect()

    monkeypatch.setattr(http, "HTTPConnection", Slow)
    with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, got):
        clients.append(HttpClient(f"http://127.0.0.1:{port}", seconds=0.05))
        with pytest.raises(ElsewhereError, match="TimeoutError"):
            clients[0].request("GET")
    assert b"".join(got) == b""


def test_whoever_has_a_certificate_of_his_own_is_not_believed(tmp_path: Path) -> None:
    """Nothing is sent to anybody whom no authority knows."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, address = datetime.now(UTC), x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "own.pem").write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with saying(data, context) as (port, got), pytest.raises(ElsewhereError, match="SSL"):
        HttpClient(f"https://127.0.0.1:{port}").request("GET")
    assert got == []
