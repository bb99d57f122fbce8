"""FastAGI servers of other programs that may run on an Asterisk's machine, and their ports."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...model.text import Text


@dataclass(frozen=True)
class _Server:
    """One FastAGI server: its port, its name, and a part of its process's command line.

    `signs` returns, for Asterisk's folder, the files that show that it is installed: it may be stopped now,
    and take the port at its next start.
    """

    port: int
    name: str
    command: str
    signs: Callable[[Path], tuple[Path, ...]]


# core's node/fastagi-server.js; wazo-agid's config.yml; VICIdial's FastAGI_log.pl
_SERVERS = (
    _Server(
        4573,
        "FreePBX (core-fastagi)",
        "fastagi-server",
        lambda folder: (folder / "extensions_additional.conf", folder.parent / "freepbx.conf"),
    ),
    _Server(4573, "Wazo (wazo-agid)", "wazo-agid", lambda folder: (folder.parent / "wazo-agid",)),
    _Server(
        4577,
        "VICIdial (FastAGI_log.pl)",
        "FastAGI_log",
        lambda folder: (folder.parent / "astguiclient.conf",),
    ),
)


def owner(port: int, asterisk: Path) -> str:
    """Return the name of the server that is installed or runs on this machine and has this port; '' if
    none."""
    names = (
        server.name
        for server in _SERVERS
        if server.port == port
        and (any(sign.exists() for sign in server.signs(asterisk)) or _runs(server.command))
    )
    return next(names, "")


def usual(port: int) -> str:
    """Return the names of the servers that usually have this port; '' if none."""
    return ", ".join(server.name for server in _SERVERS if server.port == port)


def conflict(address: str, owner: str) -> tuple[Text, Text]:
    """Return the sentence that an address is the port of `owner`, and the remedy."""
    return (
        Text(
            "{address} is the port of {owner}, which is on this machine: one of the two dies, or gets the"
            " other's calls",
            address=address,
            owner=owner,
        ),
        Text("set service.listen to another port, then write the dialplan again and restart the service"),
    )


def _runs(command: str) -> bool:
    for process in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208  # some end meanwhile
        with suppress(OSError):
            if command.encode() in Path("/proc", process, "cmdline").read_bytes():
                return True
    return False
