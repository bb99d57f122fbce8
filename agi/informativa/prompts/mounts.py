"""File systems that may stall, because another machine, or another program, answers for them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

_REMOTE = ("9p", "afs", "autofs", "ceph", "cifs", "fuse", "gfs", "gluster", "lustre", "nfs", "ocfs", "smb")
"""Beginnings of the kernel's names of their types: `nfs4`, `fuse.sshfs`, `smb3`."""


_TABLE = Path("/proc/self/mountinfo")
_MOST_LINKS = 40  # on the way to a file, as Linux follows


def remote_devices(table: Path = _TABLE) -> set[int]:
    """Return the devices of mounted remote file systems, as in `st_dev` (proc(5)).

    Empty if the kernel has no such table.
    """
    devices = set()
    for fields in _remote(table):
        major, _, minor = fields[2].partition(":")
        devices.add(os.makedev(int(major), int(minor)))
    return devices


def remote_mounts(table: Path = _TABLE) -> set[str]:
    """Return the folders on which remote file systems are mounted."""
    return {_unescaped(fields[4]) for fields in _remote(table)}


def mount_behind(file: Path, mounts: Collection[str]) -> str:
    """Return the first of these mounts on the way to a file, also by links; '' for none. No mount is touched,
    because it may not answer."""
    if not mounts:
        return ""
    names, path, links = str(file.absolute()).split("/")[::-1], "", 0
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        path = path.rpartition("/")[0] if name == ".." else f"{path}/{name}"
        if path in mounts:
            return path
        with suppress(OSError):  # not a link, or not there
            target = str(Path(path).readlink())
            links += 1
            if links > _MOST_LINKS:
                return ""
            path = "" if target.startswith("/") else path.rpartition("/")[0]
            names += target.split("/")[::-1]
    return ""


def _remote(table: Path) -> Iterator[list[str]]:
    """Yield the fields of each remote file system's row, up to the hyphen."""
    try:
        rows = table.read_text(errors="replace").splitlines()
    except OSError:
        return
    for row in rows:
        fields, _, kind = row.partition(" - ")
        if kind.startswith(_REMOTE):
            yield fields.split(" ")


def _unescaped(folder: str) -> str:
    """Return a folder's real name: the kernel writes blanks and the like as octal numbers."""
    for character in " \t\n\\":
        folder = folder.replace(f"\\{ord(character):03o}", character)
    return folder
