"""Who has the ports that the service is to have."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ...config import Configuration
from ...text import Foreign, Text, joined
from . import port_owner, probe, users
from .findings import Finding, ok, wrong
from .system import System, in_thread


@dataclass(frozen=True)
class Occupant:
    """Who listens on a port: a process (0 where we may not know) of a user; `ours` if it is informativa."""

    process: int
    user: str
    ours: bool


async def ports(system: System) -> AsyncIterator[Finding]:
    """The service has its ports, or can have them, and they are nobody else's."""
    configuration = system.configured
    wanted = {"listen": configuration.listen, "metrics": configuration.metrics}
    for setting, address in wanted.items():
        if not address:
            continue
        occupant = await in_thread(_port, setting, address)
        if isinstance(occupant, Finding):
            yield occupant
        elif occupant is not None:
            ours = occupant.ours or (
                "serve" in _words(occupant.process) and await _answers(setting, address, configuration.tokens)
            )
            yield _taken(setting, address, replace(occupant, ours=ours))
    for finding in await in_thread(neighbours, system.configured, system.asterisk_files.folder):
        yield finding


def neighbours(configuration: Configuration, asterisk: Path) -> list[Finding]:
    """That the service's port is another FastAGI server's, on a machine that has that one."""
    found = port_owner.owner(configuration.port, asterisk)
    return [wrong(*port_owner.said(configuration.listen, found))] if found else []


def _port(setting: str, address: str) -> Occupant | Finding | None:
    """Who has one, where it is not free, or why nobody can have it."""
    try:
        return occupied(address)
    except OSError as error:
        text = Text("{setting}: {address} cannot be listened on ({reason})")
        reason = Foreign(os.strerror(error.errno or 0))
        said = text.format(setting=f"service.{setting}", address=address, reason=reason)
        return wrong(said, Text("Give it an address of this machine."))


async def _answers(setting: str, address: str, tokens: Sequence[str]) -> bool:
    """Whether informativa answers there, whatever its process is called: a package runs it by its Python."""
    host, _colon, port = address.rpartition(":")
    with suppress(OSError):
        if setting == "listen":
            return await probe.status(host, int(port), tokens) is not None
        return await probe.metrics(host, int(port))
    return False


def _taken(setting: str, address: str, occupant: Occupant) -> Finding:
    """What stands at a port that somebody has."""
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


def occupied(address: str) -> Occupant | None:
    """Who listens on `address` and port; `None` if it is free. Raises OSError if it cannot be had at all."""
    host, _colon, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the service does
        try:
            probe.bind((host, int(port)))
            probe.listen()
            return None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return next(_occupants(host, int(port)), Occupant(0, "?", False))


def _occupants(host: str, port: int) -> Iterator[Occupant]:
    """Who listens there; the process Linux tells only to its user and to root."""
    for one in users.listening(port):
        if one.address in _written(host):
            process = users.holder(one.inode)
            yield Occupant(process, users.name(one.uid), _is_service(process))


def _written(host: str) -> set[str]:
    """An address, and those that stand for all, as the kernel writes them: in the machine's byte order."""
    packed = ipaddress.IPv4Address(host).packed
    number = f"{int.from_bytes(packed, sys.byteorder):08X}"
    mapped = f"{0xFFFF0000 if sys.byteorder == 'little' else 0xFFFF:08X}"
    return {number, "0" * 8, "0" * 32, "0" * 16 + mapped + number}


def _is_service(process: int) -> bool:
    words = _words(process)
    return "serve" in words and any(Path(word).name == "informativa" for word in words[:2])


def _words(process: int) -> list[str]:
    """With which a process was started; none where it has ended, or nobody may know."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []
