"""Files that are put in place as a whole, also by root in a folder where others may write.

Whoever owns a folder may put a link, or another folder, under any name in there at any moment. So root
works by descriptors: of the folder, in which names are looked up, and of what was made, whose mode and owner
are set.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO
from weakref import WeakValueDictionary

_LOOK = (
    getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY
)  # O_PATH: a folder that may only be passed through
_CHUNK = 1 << 18  # bytes that are read at once
_choosing = threading.Lock()
_locks: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()  # by folder that is being made


def put(
    file: Path,
    data: bytes,
    like: os.stat_result | None = None,
    *,
    secret: bool = False,
    for_folders_owner: bool = False,
    durable: bool = False,
) -> None:
    """Write `file` as a whole or not at all: with the mode that it has, or 0644; a `secret` one is at most
    for its owner and group. By root, for the owner of `like`, or of the folder that it really gets into, or
    else of the file that it replaces. Follows no link
    that somebody left in its way. Raises OSError, also where a device is in its place or it is one of the
    links in /dev. What is `durable` survives a power loss once this returns.
    """
    most = 0o640 if secret else 0o777
    with putting(file, like, most=most, for_folders_owner=for_folders_owner, durable=durable) as out:
        out.write(data)


@contextmanager
def putting(
    file: Path,
    like: os.stat_result | None = None,
    *,
    most: int = 0o777,
    for_folders_owner: bool = False,
    durable: bool = False,
) -> Iterator[BinaryIO]:
    """The same for what is written bit by bit: it is in place when this ends, or not at all where that fails.
    The mode is at `most` that."""
    with _within(file) as folder:
        there = _replaced(file, folder)
        if for_folders_owner:
            like = os.fstat(folder)
        part = f".{file.name}.part"
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        mode = (there.st_mode & 0o777 if there else 0o644) & most
        try:
            with _creating(part, folder, like or there, mode, durable=durable) as out:
                yield out
            os.replace(part, file.name, src_dir_fd=folder, dst_dir_fd=folder)
            if durable:
                _sync(folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise


def create(
    file: Path, data: bytes = b"", like: os.stat_result | None = None, mode: int = 0o600
) -> os.stat_result:
    """A new file, and which it is; by root, for the owner of `like`. Raises OSError, FileExistsError if there
    is one."""
    with _within(file) as folder, _creating(file.name, folder, like, mode) as out:
        out.write(data)
        return os.fstat(out.fileno())


def point(link: Path, target: Path) -> None:
    """Have `link` lead to `target`. Raises OSError, FileExistsError if something else is there."""
    with _within(link) as folder:
        with suppress(FileNotFoundError):
            if not stat.S_ISLNK(os.stat(link.name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            if os.readlink(link.name, dir_fd=folder) == str(target):
                return
        part = f".{link.name}.part"
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        os.symlink(target, part, dir_fd=folder)
        os.replace(part, link.name, src_dir_fd=folder, dst_dir_fd=folder)


def make_folder(folder: Path, like: os.stat_result | None = None, mode: int = 0o755) -> None:
    """Make a folder, by root for the owner of `like`; missing ones around it, and it without `like`, for the
    owner of the one that is there. Whichever thread makes it: none goes on before it has its mode and its
    owner, which what is put into it takes over. Raises OSError."""
    with _making(folder):
        if not folder.exists():
            make_folder(folder.parent)
            with _within(folder) as around, suppress(FileExistsError):
                os.mkdir(folder.name, mode, dir_fd=around)
                _give(folder.name, around, like or os.fstat(around), mode)


def _making(folder: Path) -> threading.Lock:
    """Give the lock of whoever makes that folder: one that hangs holds nobody who makes another."""
    with _choosing:
        return _locks.setdefault(folder.absolute(), threading.Lock())


def give_folder(folder: Path, like: os.stat_result) -> None:
    """As root, let a folder that we have just made belong to somebody else. Raises OSError."""
    with _within(folder) as around:
        _give(folder.name, around, like)


@contextmanager
def reading(file: Path, largest: int | None = None) -> Iterator[BufferedReader]:
    """Open a regular file to read, also through a link: nothing else ends, or answers at once.

    Raises OSError, with EINVAL for a pipe, a socket or a device, and EFBIG for more than `largest` bytes.
    """
    _require_regular(file, file.stat(), largest)  # before a device does something because it is opened
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as opened:
        _require_regular(file, os.fstat(descriptor), largest)  # it may have been exchanged since
        yield opened


def read(file: Path, largest: int) -> bytes:
    """The content of a regular file. Raises OSError as `reading` does, also where it grows meanwhile."""
    content = bytearray()
    with reading(file, largest) as opened:
        while chunk := opened.read(_CHUNK):
            content += chunk
            if len(content) > largest:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
    return bytes(content)


def closed_folder(file: Path, may_enter: Callable[[Path], bool] | None = None) -> Path | None:
    """The first folder on the way to a file, from the root on, that may not be entered, by us or by whom that
    tells; also on the way to what it links to. `None` where nothing is in the way."""
    enters = may_enter or (lambda folder: os.access(folder, os.X_OK))
    ends = [file.absolute()]
    with suppress(OSError):
        ends.append(file.resolve())
    for end in ends:
        for folder in reversed(end.parents):
            with suppress(OSError):
                if folder.exists() and not enters(folder):
                    return folder
    return None


def obstacle(folder: Path) -> Path | None:
    """Find what stands where a folder is to be, or on the way to it, and is none: the first from the root on,
    also a link that leads nowhere. `None` where the folder is there, or can be made."""
    for place in (*reversed(folder.absolute().parents), folder.absolute()):
        with suppress(OSError):
            place.lstat()
            if not place.is_dir():
                return place
    return None


def _require_regular(file: Path, status: os.stat_result, largest: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(file))
    if largest is not None and status.st_size > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))


def read_foreign(file: Path, largest: int) -> bytes | None:
    """What somebody else wrote; `None` if that is no file. Follows no link, waits for nobody. Raises
    OSError."""
    with _within(file) as folder:
        descriptor = os.open(file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read(largest)


@contextmanager
def _within(file: Path) -> Iterator[int]:
    """The folder of a file, however it is called meanwhile. What goes wrong is told by the file's path."""
    try:
        folder = os.open(file.parent, _LOOK)
        try:
            yield folder
        finally:
            os.close(folder)
    except OSError as error:
        error.filename = str(file)
        raise


def _sync(folder: int) -> None:
    """What was made or renamed in it is on the disk. (One opened with O_PATH cannot be synced itself.)"""
    opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _creating(
    name: str, folder: int, like: os.stat_result | None, mode: int, *, durable: bool = False
) -> Iterator[BinaryIO]:
    made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    with os.fdopen(made, "wb") as out:
        os.fchmod(made, mode)
        if like is not None and os.geteuid() == 0:
            os.fchown(made, like.st_uid, like.st_gid)
        yield out
        if durable:
            out.flush()
            os.fsync(made)


def _give(name: str, around: int, like: os.stat_result, mode: int = 0) -> None:
    """Set the mode of a folder that we made, if given, and by root its owner. Raises PermissionError where
    another one took its place."""
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=around)
    try:
        if os.fstat(made).st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        if mode:
            os.fchmod(made, mode)
        if os.geteuid() == 0:
            os.fchown(made, like.st_uid, like.st_gid)
    finally:
        os.close(made)


def _replaced(file: Path, folder: int) -> os.stat_result | None:
    """What is lost when the file is put in place; no link, whose mode lets everybody write."""
    if not file.name:  # `/` and `.` have no name in a folder around them
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    try:
        there = os.stat(file.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(there.st_mode):
        return there
    if stat.S_ISLNK(there.st_mode) and file.absolute().parent != Path("/dev"):
        return None
    number = errno.EISDIR if stat.S_ISDIR(there.st_mode) else errno.EINVAL
    raise OSError(number, os.strerror(number), str(file))
