"""Who runs a program on this machine, and what that user may do with a file, as far as can be seen."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import closed_folder
from ...processes import descriptors
from ...text import command

_LISTENS = "0A"  # TCP_LISTEN, in /proc/net/tcp


@dataclass(frozen=True)
class Socket:
    """One that listens on this machine: its address as the kernel writes it, whose it is, its inode."""

    address: str
    uid: int
    inode: str


def listening(port: int) -> Iterator[Socket]:
    """Who listens on that TCP port of this machine, as Linux tells everybody (proc(5), /proc/net/tcp)."""
    for table in ("tcp", "tcp6"):
        try:
            rows = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            _slot, local, _remote, state, _queues, _timer, _retransmits, uid, _timeout, inode, *_ = (
                row.split()
            )
            address, _colon, its_port = local.partition(":")
            if state == _LISTENS and int(its_port, 16) == port:
                yield Socket(address, int(uid), inode)


def listener(port: int) -> int | None:
    """The user id of whoever listens on that TCP port of this machine; `None` if nobody does."""
    return next((one.uid for one in listening(port)), None)


def holder(inode: str) -> int:
    """The process that has a socket open; 0 if none shows it to us."""
    for link in descriptors():
        with suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":  # noqa: PTH115  # no path is meant
                return int(link.parts[2])
    return 0


def name(uid: int) -> str:
    """Its name; its number if it has none."""
    return _named(uid, pwd.getpwuid)


def group(gid: int) -> str:
    """The same of a group."""
    return _named(gid, grp.getgrgid)


def _named(number: int, look_up: Callable[[int], Sequence[Any]]) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)


def denied(uid: int, file: Path, right: int) -> bool:
    """Whether a file is there that a user may not read, write or execute (os.R_OK, os.W_OK, os.X_OK).

    Of ourselves the system knows. Of others the modes tell, of the file and of the folders above it and
    above what it links to. What lies beside a ledger (-wal, -shm) comes and goes while others look at it.
    """
    try:
        return file.exists() and not _may(uid, file, right)
    except FileNotFoundError:
        return False


def opening(uid: int, file: Path, otherwise: str) -> str:
    """The command by which a user gets at a file: that lets him into the first folder that he may not enter;
    what is given for the file itself, where there is none."""
    folder = blocking(uid, file)
    return command("chmod", "a+x", folder) if folder else otherwise


def blocking(uid: int, file: Path) -> Path | None:
    """The first folder on the way to a file that a user may not enter; `None` if he gets there."""
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
        known = pwd.getpwuid(uid)
    except KeyError:
        return []
    return os.getgrouplist(known.pw_name, known.pw_gid)


def _allowed(status: os.stat_result, uid: int, groups: list[int], right: int) -> bool:
    shift = 6 if status.st_uid == uid else 3 if status.st_gid in groups else 0
    return bool(status.st_mode >> shift & right)
