"""A file system that never answers, as a network folder whose server is gone; for root, on Linux.

It is FUSE, whose daemon is this process: it says hello to the kernel, and then reads no request. So whoever
looks at anything in the folder waits in the kernel, and can be killed. When the daemon's descriptor is
closed, at the latest with this process, the kernel answers all of them with an error.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_NOSUID, _NODEV = 2, 4  # linux/mount.h
_FORCE, _DETACH = 1, 2
_HEADER = struct.Struct("=IIQQIIII")  # linux/fuse.h: fuse_in_header
_REPLY = struct.Struct("=IiQ")  # fuse_out_header
_INIT = struct.Struct("=IIIIHHIIHHI28x")  # fuse_init_out
_MAJOR, _MINOR, _PARALLEL = 7, 31, 1 << 18  # FUSE_PARALLEL_DIROPS: nobody waits for another's look


def why_not() -> str:
    """Why there can be none here; '' where there can."""
    if os.geteuid() != 0:
        return "only root mounts file systems"
    return "" if os.access("/dev/fuse", os.R_OK | os.W_OK) else "there is no /dev/fuse"


@contextmanager
def stalled(folder: Path) -> Iterator[None]:
    """Have nothing in that folder answer. Raises OSError where it cannot be mounted."""
    daemon = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    place = os.fsencode(folder)
    try:
        options = f"fd={daemon},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        _succeed(_libc.mount(b"stalled", place, b"fuse.stalled", _NOSUID | _NODEV, options))
        try:
            _say_hello(daemon)
            yield
        finally:
            _succeed(_libc.umount2(place, _FORCE | _DETACH))
    finally:
        os.close(daemon)


def _say_hello(daemon: int) -> None:
    """Answer the one request that the kernel makes of itself."""
    unique = _HEADER.unpack_from(os.read(daemon, 1 << 17))[2]
    body = _INIT.pack(_MAJOR, _MINOR, 0, _PARALLEL, 12, 9, 4096, 1, 1, 0, 0)
    os.write(daemon, _REPLY.pack(_REPLY.size + len(body), 0, unique) + body)


def _succeed(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
