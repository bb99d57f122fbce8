"""Which file systems may stall: those that another machine, or another program, answers for."""

from __future__ import annotations

import os
from pathlib import Path

_REMOTE = ("9p", "afs", "autofs", "ceph", "cifs", "fuse", "gfs", "gluster", "lustre", "nfs", "ocfs", "smb")
"""How the kernel's names of their types begin: `nfs4`, `fuse.sshfs`, `smb3`."""


def remote_devices(table: Path = Path("/proc/self/mountinfo")) -> set[int]:
    """The devices of remote file systems that are mounted, as `st_dev` has them (proc(5)).

    Empty where the kernel has no such table.
    """
    try:
        rows = table.read_text(errors="replace").splitlines()
    except OSError:
        return set()
    devices = set()
    for row in rows:
        fields, _, kind = row.partition(" - ")
        if kind.startswith(_REMOTE):
            major, _, minor = fields.split(" ")[2].partition(":")
            devices.add(os.makedev(int(major), int(minor)))
    return devices
