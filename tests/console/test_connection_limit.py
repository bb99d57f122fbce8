"""Clients that take all places that they can get."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from console import raw
from console.served import ServedConsole, served
from informativa.console import hardening, server
from informativa.console.server import CONNECTIONS
from lab.process import until

SHARE = 5
CROWD, OTHER = "203.0.113.9", "203.0.113.10"


@pytest.fixture(autouse=True)
def share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the share of one address small enough to be taken by a test."""
    assert hardening.PER_ADDRESS < CONNECTIONS / 3
    for module in ("hardening", "server"):
        monkeypatch.setattr(f"informativa.console.{module}.PER_ADDRESS", SHARE)


def from_elsewhere(office: ServedConsole) -> int:
    """The status that another address gets."""
    parts = urlsplit(office.address)
    with socket.create_connection((parts.hostname, parts.port), raw.PATIENCE, ("127.0.0.2", 0)) as opened:
        opened.sendall(f"GET /login HTTP/1.1\r\nhost: {parts.netloc}\r\nconnection: close\r\n\r\n".encode())
        return raw.Answer(b"".join(iter(lambda: opened.recv(65536), b""))).status


def test_one_address_leaves_places_to_others(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds its share of connections gets no more, others are served, and so is it when it has left
    one."""
    monkeypatch.setattr(server, "HEAD_TIMEOUT", 600.0)  # none of them is silent for too long
    with ExitStack() as stack:
        connections = [stack.enter_context(raw.connected(office.address)) for _number in range(SHARE)]
        assert raw.request(office.address).status == 0
        assert from_elsewhere(office) == 200
        connections[0].close()
        until(lambda: raw.request(office.address).status == 200, raw.PATIENCE, lambda: "It is kept out.")


def test_one_address_behind_a_server_leaves_places_to_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server in front has as many connections as it likes; whoever asks through it is counted by the
    address that it adds, whatever he put before that himself, and whoever comes otherwise by his own."""
    monkeypatch.setattr(hardening, "BODY_TIMEOUT", 600.0)
    with ExitStack() as stack:
        office = stack.enter_context(served(folder, proxies=("127.0.0.1",)))
        for number in range(2 * SHARE):
            connection = stack.enter_context(raw.connected(office.address))
            head = f"POST /language HTTP/1.1\r\nhost: {urlsplit(office.address).netloc}\r\n"
            head += f"x-forwarded-for: 198.51.100.{number}, {CROWD}\r\ncontent-length: 9\r\n"
            connection.sendall(f"{head}content-type: {raw.FORM}\r\n\r\n".encode())

        def asks(address: str) -> int:
            return raw.request(office.address, x_forwarded_for=address).status

        until(lambda: asks(CROWD) == 503, raw.PATIENCE, lambda: "It has all places.")
        assert asks(OTHER) == 200
        assert asks(f"{CROWD}, {OTHER}") == 200
        assert from_elsewhere(office) == 200
