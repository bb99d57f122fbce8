"""Logs that grow and fork in memory, a witness on a port of its own, and requests to it, for tests."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from informativa.evidence import note, tree
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.witness import AddCheckpoint, Response, logs_of
from informativa.evidence.witness_server import Approvals, Limits, WitnessServer, in_a_thread
from informativa.evidence.witness_store import WitnessFolder, WitnessStore

ORIGIN = "acme.example/informativa/acme/pbx-1/1"
SIGNER = Signer(ORIGIN, bytes(range(32)))


class MemoryLog:
    """Leaves, given by their content, and what a log says of them."""

    def __init__(self, *entries: bytes, signer: Signer = SIGNER) -> None:
        self.leaves = [tree.leaf_hash(entry) for entry in entries]
        self.signer = signer

    @classmethod
    def of(cls, size: int, fork: int | None = None, signer: Signer = SIGNER) -> MemoryLog:
        """One of so many leaves, which are others from number `fork` on."""
        entries = [b"%d" % index if fork is None or index < fork else b"x%d" % index for index in range(size)]
        return cls(*entries, signer=signer)

    def hash(self, level: int, index: int, /) -> bytes:
        """Return the hash of a complete subtree."""
        return tree.root(self.leaves[index << level : (index + 1) << level])

    def checkpoint(self, size: int) -> Checkpoint:
        """Return the checkpoint of the first leaves."""
        return Checkpoint(self.signer.name, size, tree.root(self.leaves[:size]))

    def note(self, size: int) -> bytes:
        """The same, signed."""
        return note.sign(self.checkpoint(size).text, self.signer)

    def request(self, old: int, size: int) -> AddCheckpoint:
        """Return a request to a witness."""
        return AddCheckpoint(old, tree.consistency_proof(old, size, self.hash), self.note(size))


def connected(port: int) -> socket.socket:
    """A connection; a test that waits for ever fails."""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def post(body: bytes, *headers: str, path: str = "/add-checkpoint") -> bytes:
    """A request."""
    lines = [f"POST {path} HTTP/1.1", "Host: witness", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answer(connection: socket.socket) -> tuple[int, str, bytes]:
    """Status, content type and body of the next answer; 0 where the connection was closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return 0, "", received
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    while len(body) < length:
        body += connection.recv(65536)
    kind = re.search(rb"Content-Type: ([^\r]+)", head)[1].decode()  # type: ignore[index]
    return int(head[9:12]), kind, body


def asked(port: int, sent: bytes) -> tuple[int, str, bytes]:
    """One connection for one request."""
    with connected(port) as connection:
        connection.sendall(sent)
        return answer(connection)


@contextmanager
def serving(folder: Path, limits: Limits | None = None, approvals: Approvals | None = None) -> Iterator[int]:
    """The witness in a folder, which is made if need be, for SIGNER's log; its port."""
    if not (folder / "witness.key").exists():
        WitnessFolder(folder).make("home.example")
    with serving_logs(folder, limits, approvals) as (port, keys):
        keys.append(SIGNER.verifier)
        yield port


@contextmanager
def serving_logs(
    folder: Path, limits: Limits | None = None, approvals: Approvals | None = None
) -> Iterator[tuple[int, list[Verifier]]]:
    """The witness in a folder; its port, and the keys of the logs that it knows, to which a test adds."""
    witness_folder, keys = WitnessFolder(folder), list[Verifier]()
    ready, started = threading.Event(), list[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]()

    async def run() -> None:
        with closing(WitnessStore(witness_folder)) as store, ThreadPoolExecutor(1) as pool:

            async def decide(body: bytes) -> Response:
                return await in_a_thread(store, logs_of(keys), witness_folder.witness(), pool)(body)

            server = WitnessServer(decide, limits, approvals=approvals)
            stop = asyncio.Event()
            started.append(((await server.start("127.0.0.1", 0))[1], asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()
            await server.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait()
    port, loop, stop = started[0]
    try:
        yield port, keys
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
