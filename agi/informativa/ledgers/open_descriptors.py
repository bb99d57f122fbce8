"""The descriptors by which this process has the files of ledgers open.

SQLite opens these files, and does not say by which descriptors. They are found by device and inode. No file
is opened to look at it: POSIX ends all our locks on a file when any descriptor of it is closed
(https://www.sqlite.org/src/file/src/os_unix.c).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

_NEWEST = 16  # descriptors that are looked at before all others

Identity = tuple[int, int] | None
"""The device and inode of a file; `None` for one that does not exist."""
Result = TypeVar("Result")

_LAST_DESCRIPTORS: dict[Identity, int] = {}
"""A descriptor of each file that was open when all descriptors of this process were looked at last."""


def is_open(*identities: Identity) -> bool:
    """Return whether this process has these files open. Always true outside Linux, where it cannot be
    known."""
    if not Path("/proc/self/fd").exists():
        return True
    # To look at all descriptors takes milliseconds in a service that has hundreds of ledgers open. A file was
    # most often opened just now; but all connections to a ledger in one process share one index.
    missing = {identity for identity in identities if not _is_open_as_before(identity)}
    if missing:
        missing -= set(_lately_opened_files().values())
    if missing:
        open_files = {identity: descriptor for descriptor, identity in _open_files().items()}
        _LAST_DESCRIPTORS.clear()
        _LAST_DESCRIPTORS.update(open_files)
        missing -= open_files.keys()
    return not missing


def _is_open_as_before(identity: Identity) -> bool:
    """Return whether this process has the file open by the descriptor that it had last."""
    descriptor = _LAST_DESCRIPTORS.get(identity)
    return descriptor is not None and _is_behind(descriptor, identity)


def _is_behind(descriptor: int, identity: Identity) -> bool:
    """Return whether this descriptor is open, and the file is behind it."""
    return identity in _identities([descriptor]).values()


def all_of(identity: Identity) -> list[int]:
    """Return all descriptors by which this process has a file open."""
    return _of_file(identity, _open_files())


def look(identity: Identity, examine: Callable[[int], Result]) -> Result | None:
    """Examine an open file by one of its descriptors, and return the result; `None` if this process has none
    of it. `examine` changes nothing. Raises OSError.

    The newest descriptors are tried before all others: a service has hundreds of ledgers open.
    """
    for open_files in (_lately_opened_files, _open_files):
        result = _examine(identity, _of_file(identity, open_files()), examine)
        if result is not None:
            return result
    return None


def _of_file(identity: Identity, open_files: Mapping[int, Identity]) -> list[int]:
    return [descriptor for descriptor, open_file in open_files.items() if open_file == identity]


def _examine(
    identity: Identity, descriptors: Sequence[int], examine: Callable[[int], Result]
) -> Result | None:
    """Examine the file by the first of these descriptors that is still its own.

    Beside our own connection to a ledger there may be another, which is closed at any moment: by another
    thread or, where a cursor of it was left when it was closed (sqlite3_close_v2), by the garbage collector.
    Its number may be another file's then. So the file is compared afterwards.
    """
    for descriptor in descriptors:
        try:
            result = examine(descriptor)
        except OSError:
            if _is_behind(descriptor, identity):
                raise
        else:
            if _is_behind(descriptor, identity):
                return result
    return None


def overwrite_log(identity: Identity, data: bytes) -> None:
    """Write over the first bytes of a log that this process has open, and of no other file: by a duplicate
    of a descriptor, which nobody else closes. That ends no lock when it is closed: SQLite locks bytes of the
    ledger and the index alone."""
    for descriptor in all_of(identity):
        try:
            duplicate = os.dup(descriptor)
        except OSError as error:
            if error.errno == errno.EBADF:
                continue
            raise
        try:
            if _is_behind(duplicate, identity):
                os.pwrite(duplicate, data, 0)
                return
        finally:
            os.close(duplicate)


def _lately_opened_files() -> dict[int, Identity]:
    """Return the identities of some files that this process has open, by descriptor: mostly the newest."""
    free = os.open(os.devnull, os.O_RDONLY)  # it gets the lowest free descriptor
    os.close(free)
    return _identities(range(free - _NEWEST, free))


def _open_files() -> dict[int, Identity]:
    """Return the identities of the files that this process has open, by descriptor."""
    try:
        return _identities(map(int, os.listdir("/proc/self/fd")))  # noqa: PTH208
    except FileNotFoundError:
        return {}


def _identities(descriptors: Iterable[int]) -> dict[int, Identity]:
    """Return the identities of the files behind these descriptors, as far as they are open."""
    identities: dict[int, Identity] = {}
    for descriptor in descriptors:
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        identities[descriptor] = status.st_dev, status.st_ino
    return identities


def chunks(identity: Identity) -> Iterator[bytes] | None:
    """Return the bytes of an open file, 1 MB at a time; `None` if this process does not have it open. Reading
    raises OSError."""
    descriptors = all_of(identity)
    return _chunks(identity, descriptors) if descriptors else None


def _chunks(identity: Identity, descriptors: Sequence[int]) -> Iterator[bytes]:
    offset = 0
    while (chunk := _examine(identity, descriptors, partial(_chunk, offset))) != b"":
        if chunk is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        yield chunk
        offset += len(chunk)


def _chunk(offset: int, descriptor: int) -> bytes:
    return os.pread(descriptor, 1 << 20, offset)
