"""Checks of the service's ports: each is free, or the service's own."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ...config import Configuration
from ...model.text import Foreign, Text, joined
from ...system.patience import in_thread
from . import port_owner, probe, users
from .findings import Finding, ok, wrong
from .system import System


@dataclass(frozen=True)
class Listener:
    """A process that listens on a port, and its user; `process` is 0 if the system does not show it to us,
    and `ours` is true if it is informativa."""

    process: int
    user: str
    ours: bool


async def ports(system: System) -> AsyncIterator[Finding]:
    """Check that the service has its ports, or can have them, and that no other program uses them."""
    configuration = system.configured
    addresses = {"listen": configuration.listen, "metrics": configuration.metrics}
    for setting, address in addresses.items():
        if not address:
            continue
        occupant = await in_thread(_port, setting, address)
        if isinstance(occupant, Finding):
            yield occupant
        elif occupant is not None:
            is_ours = occupant.ours or (
                "serve" in _words(occupant.process) and await _answers(setting, address, system)
            )
            yield _port_in_use(setting, address, replace(occupant, ours=is_ours))
    for finding in await in_thread(neighbours, system.configured, system.asterisk_files.folder):
        yield finding


def neighbours(configuration: Configuration, asterisk: Path) -> list[Finding]:
    """Return a finding if the service's port belongs to another FastAGI server on this machine; `asterisk` is
    Asterisk's folder."""
    owner = port_owner.owner(configuration.port, asterisk)
    return [wrong(*port_owner.conflict(configuration.listen, owner))] if owner else []


def _port(setting: str, address: str) -> Listener | Finding | None:
    """Return the occupant of a port, a finding if it cannot be opened at all, or `None` if it is free."""
    try:
        return occupied(address)
    except OSError as error:
        text = Text("{setting}: {address} cannot be listened on ({reason})")
        reason = Foreign(os.strerror(error.errno or 0))
        text = text.format(setting=f"service.{setting}", address=address, reason=reason)
        return wrong(text, Text("Give it an address of this machine."))


async def _answers(setting: str, address: str, system: System) -> bool:
    """Return whether informativa answers there. Its process may have any name: a package starts it by its own
    Python."""
    if setting == "listen":
        return await system.answer() is not None
    host, _colon, port = address.rpartition(":")
    with suppress(OSError):
        return await probe.metrics(host, int(port))
    return False


def _port_in_use(setting: str, address: str, occupant: Listener) -> Finding:
    """Return the finding about a port that is in use."""
    setting = f"service.{setting}"
    names = {"address": address, "process": occupant.process, "user": occupant.user}
    if occupant.process and not occupant.ours:
        text = Text("{setting}: {address} is taken by process {process} of {user}", setting=setting, **names)
        if owner := port_owner.usual(int(address.rpartition(":")[2])):
            text = joined(" ", text, Text("(it is the port of {owner})", owner=owner))
        return wrong(text, Text("Stop that, or set another port."))
    text = (
        Text("{address}: the service runs (process {process} of {user}).")
        if occupant.ours
        else Text("{address} is taken by a program of {user}; as root, check says whether it is the service.")
    )
    return ok(text.format(**names), note=True)


def occupied(address: str) -> Listener | None:
    """Return the process that listens on `address` (HOST:PORT), or `None` if it is free. Raises OSError if
    nothing can listen there."""
    host, _colon, port = address.rpartition(":")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the service does
        try:
            listener.bind((host, int(port)))
            listener.listen()
            return None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return next(_occupants(host, int(port)), Listener(0, "?", False))


def _occupants(host: str, port: int) -> Iterator[Listener]:
    """Yield the processes that listen there. Linux shows a process's id only to its user and to root."""
    for listening in users.listening(port):
        if listening.address in _kernel_addresses(host):
            process = users.holder(listening.inode)
            yield Listener(process, users.name(listening.uid), _is_service(process))


def _kernel_addresses(host: str) -> set[str]:
    """Return an address and the wildcard addresses as the kernel writes them: in the machine's byte order."""
    packed = ipaddress.IPv4Address(host).packed
    number = f"{int.from_bytes(packed, sys.byteorder):08X}"
    mapped = f"{0xFFFF0000 if sys.byteorder == 'little' else 0xFFFF:08X}"
    return {number, "0" * 8, "0" * 32, "0" * 16 + mapped + number}


def _is_service(process: int) -> bool:
    words = _words(process)
    return "serve" in words and any(Path(word).name == "informativa" for word in words[:2])


def _words(process: int) -> list[str]:
    """Return the words of a process's command line; none if it has ended, or may not be read."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []
