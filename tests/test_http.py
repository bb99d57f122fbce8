"""Connections that are cut off."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
from urllib3.exceptions import HTTPError

from informativa.system.http import PersistentConnection

PATIENCE = 30.0  # seconds until an answer that never comes is a failure


@pytest.mark.parametrize("length", ["", "content-length: 1000\r\n"], ids=["until the end", "of a length"])
def test_an_answer_of_any_form_is_cut_off(length: str) -> None:
    """Also one that ends with its connection, which http.client gives away then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = PersistentConnection(PATIENCE)
        ended = threading.Event()

        def read() -> None:
            response = connection.request("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", {})
            begun.set()
            with suppress(HTTPError):  # of a length, it is incomplete
                response.read(1000)
            ended.set()

        begun = threading.Event()
        threading.Thread(target=read, daemon=True).start()
        with server.accept()[0] as peer:
            peer.recv(65536)
            peer.sendall(f"HTTP/1.1 200 OK\r\n{length}\r\nx".encode())
            assert begun.wait(PATIENCE)
            connection.cut()
            assert ended.wait(PATIENCE)
        connection.close()
