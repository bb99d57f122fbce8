"""A small DNS server of the test's own, and programs that ask it instead of the machine's."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.debian import Unavailable

_PORT = 53  # the only one that resolv.conf can mean
_A, _SRV, _IN, _TTL = 1, 33, 1, 60
_NO_SUCH_NAME = 3
_ANSWER, _AUTHORITATIVE = 0x8000, 0x0400
# /etc/resolv.conf may be a link into a folder that every program of the machine reads; what is mounted here
# only those see that run in the same mount namespace.
_ENTER = 'mount --bind "$0" "$(realpath /etc/resolv.conf)" && exec "$@"'


@dataclass(frozen=True)
class Srv:
    """A place where a service may be had: the lowest priority first, within one the heavier more often."""

    priority: int
    target: str
    port: int
    weight: int = 0


class Dns:
    """Answers for SRV records, and for their targets with 127.0.0.1; a context manager.

    It listens on a loopback address that nobody else has, on port 53: `prefix` is the command under which a
    program asks it and no other.
    """

    def __init__(self, folder: Path) -> None:
        self.records: dict[str, list[Srv]] = {}
        """Records by name, as `_agi._tcp.lab.example`."""
        self.answers = True
        """True if it answers; else it takes every question and says nothing, as a network that is cut."""
        self.asked: list[tuple[str, int]] = []
        """The names and types that were asked for so far."""
        self._resolv_conf = folder / "resolv.conf"
        self._socket = _bound()
        self.address: str = self._socket.getsockname()[0]
        self.options("")
        self._thread = threading.Thread(target=self._serve, daemon=True, name="DNS")

    def __enter__(self) -> Dns:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.address, _PORT))
        self._thread.join()
        self._socket.close()

    @property
    def prefix(self) -> list[str]:
        """The command to run a program under; ``Unavailable`` where nothing may be mounted."""
        unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        command = [*unshare, "sh", "-c", _ENTER, str(self._resolv_conf)]
        if not shutil.which("unshare"):
            raise Unavailable("unshare is not on this machine.", "Install util-linux.")
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
        if tried.returncode:
            raise Unavailable(
                f"No other resolv.conf can be mounted here: {tried.stderr.strip()}.", "Run this as root."
            )
        return command

    def options(self, text: str) -> None:
        """Put options such as `timeout:1 attempts:1` into resolv.conf, which is read for each question."""
        line = f"options {text}\n" if text else ""
        self._resolv_conf.write_text(f"nameserver {self.address}\n{line}")

    def _serve(self) -> None:
        while True:
            question, peer = self._socket.recvfrom(512)
            if not question:
                return
            name, kind, end = _question(question)
            self.asked.append((name, kind))
            if self.answers:
                self._socket.sendto(self._answer(question[:end], name, kind), peer)

    def _answer(self, question: bytes, name: str, kind: int) -> bytes:
        targets = {record.target for records in self.records.values() for record in records}
        payloads = []
        if kind == _SRV:
            payloads = [_srv(record) for record in self.records.get(name, ())]
        elif kind == _A and name in targets:
            payloads = [socket.inet_aton("127.0.0.1")]
        known = name in targets or name in self.records
        number, asked = struct.unpack_from("!HH", question)
        flags = _ANSWER | _AUTHORITATIVE | (asked & 0x0100) | (0 if known else _NO_SUCH_NAME)
        # Each answer's name is a pointer to that of the question, which begins at byte 12 (RFC 1035, 4.1.4).
        answers = [struct.pack("!HHHIH", 0xC00C, kind, _IN, _TTL, len(data)) + data for data in payloads]
        return struct.pack("!6H", number, flags, 1, len(payloads), 0, 0) + question[12:] + b"".join(answers)


def _question(message: bytes) -> tuple[str, int, int]:
    """The name and type that a message asks for, and where its question ends (RFC 1035, 4.1)."""
    labels, place = [], 12
    while length := message[place]:
        labels.append(message[place + 1 : place + 1 + length].decode("ascii"))
        place += 1 + length
    return ".".join(labels).lower(), struct.unpack_from("!H", message, place + 1)[0], place + 5


def _srv(record: Srv) -> bytes:
    labels = record.target.encode("ascii").split(b".")
    name = b"".join(bytes([len(label)]) + label for label in (*labels, b""))
    return struct.pack("!HHH", record.priority, record.weight, record.port) + name


def _bound() -> socket.socket:
    """A socket on port 53 of the first loopback address where it is free."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for address in _addresses():
        try:
            server.bind((address, _PORT))
        except PermissionError as error:
            server.close()
            raise Unavailable("Port 53 may not be taken here.", "Run this as root.") from error
        except OSError:
            continue
        return server
    server.close()
    raise Unavailable("Port 53 is taken on every loopback address that was tried.", "Free one.")


def _addresses() -> Iterator[str]:
    numbers: Iterable[tuple[int, int]] = itertools.product(range(1, 5), range(1, 255))
    return (f"127.53.{third}.{fourth}" for third, fourth in numbers)
