"""Ports of 127.0.0.1 that stay free until whoever asked for them uses them, and when it does so again.

A port that the kernel picks (`bind` to 0) may be anybody's a moment later: the kernel gives the same ones to
each connection that goes out. So these lie below what it picks from (Linux: ip_local_port_range), and each
process has a block of its own, held by an abstract Unix socket, which the kernel frees when its holder dies.
A process that was forked takes a block of its own, for its parent goes on with the other.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import socket
import threading

PORTS = range(20_000, 32_000)  # below them is the RTP of the lab's Asterisks
BLOCK = 100


class NoPortError(Exception):
    """All blocks are held, or all ports of ours are taken; says which."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port, of TCP or another ``kind``, that nobody has, and nobody else of the lab gets while this
    process lives. The one that was given longest ago comes again, once it is free."""
    with _turn:
        block = _block(os.getpid())
        block.require_held()
        for port in itertools.islice(block.turns, BLOCK):
            with contextlib.suppress(OSError), socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
                return port
    raise NoPortError(f"All {BLOCK} ports of this process are taken: {list(block.ports)}.")


def answers(port: int) -> bool:
    """Return whether somebody listens at this port of TCP."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _Block:
    """Ports of one process, in turns, and the socket that holds them."""

    def __init__(self, start: int, claim: socket.socket) -> None:
        self.ports, self.claim = range(start, start + BLOCK), claim
        self.turns = itertools.cycle(self.ports)
        self._name = claim.getsockname()

    def require_held(self) -> None:
        """Raise NoPortError if something in this process closed the socket, so that others get the ports."""
        try:
            name = self.claim.getsockname()
        except OSError:
            name = None
        if name != self._name:
            raise NoPortError(f"Something closed descriptor {self.claim.fileno()}, which held {self.ports}.")


@functools.cache
def _block(_process: int) -> _Block:
    for start in PORTS[::BLOCK]:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0informativa lab ports {start}")
        except OSError:  # another process of the lab
            claim.close()
        else:
            return _Block(start, claim)
    raise NoPortError(f"All {len(PORTS) // BLOCK} blocks of {BLOCK} ports are held: see /proc/net/unix.")


def _begin_anew() -> None:
    """Forget a turn that another thread of the parent may have taken, which does not live here."""
    global _turn
    _turn = threading.Lock()


_turn = threading.Lock()
os.register_at_fork(after_in_child=_begin_anew)
