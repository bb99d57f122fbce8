"""Peers of a FastAGI service that are slow, broken, hostile, or just hold a call."""

from __future__ import annotations

import socket
from types import TracebackType


def environment(**more: str) -> bytes:
    """What Asterisk says of a call at its start; `more` adds and replaces variables (without `agi_`)."""
    variables = {
        "network": "yes",
        "network_script": "notice",
        "request": "agi://127.0.0.1/notice",
        "uniqueid": "1700000000.1",
        "language": "it",
        "callerid": "+393331234567",
        "calleridname": "Mario",
        "callingpres": "0",
        "threadid": "1",
        "arg_1": "+390212345678",
    } | more
    return "".join(f"agi_{name}: {value}\n" for name, value in variables.items()).encode("latin-1") + b"\n"


class Held:
    """A call that stays in its notice until the context ends."""

    def __init__(self, port: int, **more: str) -> None:
        self._peer = socket.create_connection(("127.0.0.1", port), 30)
        self._peer.sendall(environment(**{"arg_1": more.pop("line", "+390212345678"), **more}))
        with self._peer.makefile("rb") as commands:
            assert commands.readline() == b"ANSWER\n"
            self._peer.sendall(b"200 result=0\n")
            assert commands.readline().startswith(b"STREAM FILE ")

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._peer.close()
