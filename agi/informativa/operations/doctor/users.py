"""Users of this machine: the owner of a listening socket, and the rights of a user on a file."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...model.text import command
from ...system.files import closed_folder
from ...system.processes import descriptors

_LISTENS = "0A"  # TCP_LISTEN, in /proc/net/tcp


@dataclass(frozen=True)
class Socket:
    """A socket that listens on this machine: its address as the kernel writes it, its owner, its inode."""

    address: str
    uid: int
    inode: str


def listening(port: int) -> Iterator[Socket]:
    """Yield the sockets that listen on that TCP port of this machine, which Linux shows every user (proc(5),
    /proc/net/tcp)."""
    for table in ("tcp", "tcp6"):
        try:
            rows = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            _slot, local, _remote, state, _queues, _timer, _retransmits, uid, _timeout, inode, *_ = (
                row.split()
            )
            address, _colon, local_port = local.partition(":")
            if state == _LISTENS and int(local_port, 16) == port:
                yield Socket(address, int(uid), inode)


def listener(port: int) -> int | None:
    """Return the id of the user who listens on that TCP port of this machine; `None` if nobody does."""
    return next((socket.uid for socket in listening(port)), None)


def holder(inode: str) -> int:
    """Return the id of the process that has a socket open; 0 if the system does not show it to us."""
    name = f"socket:[{inode}]"
    return next((descriptor.process for descriptor in descriptors() if descriptor.name == name), 0)


def name(uid: int) -> str:
    """Return the name of a user; the number if there is no name."""
    return _user_names(uid, pwd.getpwuid)


def group(gid: int) -> str:
    """Return the name of a group; the number if there is no name."""
    return _user_names(gid, grp.getgrgid)


def _user_names(number: int, look_up: Callable[[int], Sequence[Any]]) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)


def denied(uid: int, file: Path, right: int) -> bool:
    """Return whether a file exists that a user may not read, write or execute (os.R_OK, os.W_OK, os.X_OK).

    For our own user the system answers. For other users the modes decide: of the file, of the folders above
    it, and of those above its link's target. A file beside a ledger (-wal, -shm) may vanish meanwhile.
    """
    try:
        return file.exists() and not _may(uid, file, right)
    except FileNotFoundError:
        return False


def opening(uid: int, file: Path) -> str:
    """Return the command that opens the first folder on the way to a file that a user may not enter; '' if he
    may enter them all."""
    folder = blocking(uid, file)
    return command("chmod", "a+x", folder) if folder else ""


def blocking(uid: int, file: Path) -> Path | None:
    """Return the first folder on the way to a file that a user may not enter; `None` if he may enter all."""
    if uid == os.geteuid():
        return closed_folder(file)
    if uid == 0:
        return None
    groups = _groups(uid)
    return closed_folder(file, lambda folder: _allowed(folder.stat(), uid, groups, os.X_OK))


def _may(uid: int, file: Path, right: int) -> bool:
    if uid == os.geteuid():
        file.stat()
        return os.access(file, right)
    if uid == 0:
        return True
    groups = _groups(uid)
    ends = {file.absolute(), file.resolve()}
    above = {folder for end in ends for folder in end.parents}
    return all(_allowed(end.stat(), uid, groups, right) for end in ends) and all(
        _allowed(folder.stat(), uid, groups, os.X_OK) for folder in above
    )


def _groups(uid: int) -> list[int]:
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return []
    return os.getgrouplist(user.pw_name, user.pw_gid)


def _allowed(status: os.stat_result, uid: int, groups: list[int], right: int) -> bool:
    shift = 6 if status.st_uid == uid else 3 if status.st_gid in groups else 0
    return bool(status.st_mode >> shift & right)
