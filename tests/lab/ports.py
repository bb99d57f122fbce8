"""Ports of 127.0.0.1 that stay free until whoever asked for them uses them, and when it does so again.

A port that the kernel picks (`bind` to 0) may be anybody's a moment later: the kernel gives the same ones to
each connection that goes out. So these lie below what it picks from (Linux: ip_local_port_range), and each
process has a block of its own, held by an abstract Unix socket, which the kernel frees when its holder dies.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import socket
from collections.abc import Iterator

PORTS = range(20_000, 32_000)  # below them is the RTP of the lab's Asterisks
BLOCK = 100


class NoPortError(Exception):
    """All blocks are held, or all ports of ours are taken; says which."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port, of TCP or another ``kind``, that nobody has, and nobody else of the lab gets while this process
    lives. The one that was given longest ago comes again, once it is free."""
    for port in itertools.islice(_turns(), BLOCK):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise NoPortError(f"All {BLOCK} ports of this process are taken: {list(_block()[0])}.")


@functools.cache
def _turns() -> Iterator[int]:
    return itertools.cycle(_block()[0])


@functools.cache
def _block() -> tuple[range, socket.socket]:
    """Ours, and what holds it."""
    for start in PORTS[::BLOCK]:
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0informativa lab ports {start}")
        except OSError:  # another process of the lab
            held.close()
        else:
            return range(start, start + BLOCK), held
    raise NoPortError(f"All {len(PORTS) // BLOCK} blocks of {BLOCK} ports are held: see /proc/net/unix.")
