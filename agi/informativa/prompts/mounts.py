"""Which file systems may stall: those that another machine, or another program, answers for."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

_REMOTE = ("9p", "afs", "autofs", "ceph", "cifs", "fuse", "gfs", "gluster", "lustre", "nfs", "ocfs", "smb")
"""How the kernel's names of their types begin: `nfs4`, `fuse.sshfs`, `smb3`."""


_TABLE = Path("/proc/self/mountinfo")
_MOST_LINKS = 40  # on the way to a file, as Linux follows


def remote_devices(table: Path = _TABLE) -> set[int]:
    """The devices of remote file systems that are mounted, as `st_dev` has them (proc(5)).

    Empty where the kernel has no such table.
    """
    devices = set()
    for fields in _remote(table):
        major, _, minor = fields[2].partition(":")
        devices.add(os.makedev(int(major), int(minor)))
    return devices


def remote_mounts(table: Path = _TABLE) -> set[str]:
    """The folders on which remote file systems are mounted."""
    return {_unescaped(fields[4]) for fields in _remote(table)}


def mount_behind(file: Path, mounts: Collection[str]) -> str:
    """Give the mount of these to which one comes first on the way to a file, also by links; '' for none. None
    is touched: it may not answer."""
    if not mounts:
        return ""
    names, place, links = str(file.absolute()).split("/")[::-1], "", 0
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        place = place.rpartition("/")[0] if name == ".." else f"{place}/{name}"
        if place in mounts:
            return place
        with suppress(OSError):  # no link, or nothing
            target = str(Path(place).readlink())
            links += 1
            if links > _MOST_LINKS:
                return ""
            place = "" if target.startswith("/") else place.rpartition("/")[0]
            names += target.split("/")[::-1]
    return ""


def _remote(table: Path) -> Iterator[list[str]]:
    """The fields of each remote file system's row, as far as those before the hyphen."""
    try:
        rows = table.read_text(errors="replace").splitlines()
    except OSError:
        return
    for row in rows:
        fields, _, kind = row.partition(" - ")
        if kind.startswith(_REMOTE):
            yield fields.split(" ")


def _unescaped(place: str) -> str:
    """A folder as it is called: the kernel writes blanks and the like as octal numbers."""
    for character in " \t\n\\":
        place = place.replace(f"\\{ord(character):03o}", character)
    return place
