"""Other programs' FastAGI servers that may be on an Asterisk's machine, and the ports that are theirs."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...text import Text


@dataclass(frozen=True)
class _Server:
    """One of them: its port, its name, its process's, and which files show that it is there, by Asterisk's
    folder: it may be stopped just now, and take the port at its next start."""

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
    """Whose port it is on this machine, which has that program; '' if nobody's."""
    found = (
        one.name
        for one in _SERVERS
        if one.port == port and (any(sign.exists() for sign in one.signs(asterisk)) or _runs(one.command))
    )
    return next(found, "")


def usual(port: int) -> str:
    """Whose port it is wherever that program is, '' if nobody's."""
    return ", ".join(one.name for one in _SERVERS if one.port == port)


def said(address: str, owner: str) -> tuple[Text, Text]:
    """What is wrong with the address, and what to do."""
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
    for process in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208  # of which some end meanwhile
        with suppress(OSError):
            if command.encode() in Path("/proc", process, "cmdline").read_bytes():
                return True
    return False
