"""Writing of files as a whole, also by root in a folder where others may write.

The owner of a folder may put a link, or another folder, under any name in there at any moment. So root works
by descriptors: of the folder, in which names are looked up, and of the new file, whose mode and owner are
set.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO
from weakref import WeakValueDictionary

from ..model.errors import InformativaError
from ..model.text import Text, command

_LOOK = (
    getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY
)  # O_PATH: a folder that may only be passed through
_CHUNK = 1 << 18  # bytes that are read at once
_choosing = threading.Lock()
_locks: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()  # by folder that is being made


def write_file(
    file: Path,
    data: bytes,
    like: os.stat_result | None = None,
    *,
    secret: bool = False,
    for_folders_owner: bool = False,
    durable: bool = False,
) -> None:
    """Write `file` as a whole or not at all. It keeps the mode that it has, or gets 0644; a `secret` one is
    at most for its owner and group. If root writes, the file belongs to the owner of `like`, or with
    `for_folders_owner` to the owner of the folder that it really gets into, or else to the owner of the file
    that it replaces. Follows no link that somebody left in its way. A `durable` file survives a power loss
    once this returns.

    Raises OSError, also where a device is in its place or it is one of the links in /dev.
    """
    most = 0o640 if secret else 0o777
    with open_for_replacement(
        file, like, most=most, for_folders_owner=for_folders_owner, durable=durable
    ) as out:
        out.write(data)


@contextmanager
def open_for_replacement(
    file: Path,
    like: os.stat_result | None = None,
    *,
    most: int = 0o777,
    for_folders_owner: bool = False,
    durable: bool = False,
) -> Iterator[BinaryIO]:
    """Open `file` to be written bit by bit, like `put`: it is in place when the block ends, or not at all
    where that fails. The mode is at `most` that."""
    with _within(file) as folder:
        existing = _replaced(file, folder)
        if for_folders_owner:
            like = os.fstat(folder)
        part = f".{file.name}.part"
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        mode = (existing.st_mode & 0o777 if existing else 0o644) & most
        try:
            with _creating(part, folder, like or existing, mode, durable=durable) as out:
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
    """Create a new file and return its status; by root, for the owner of `like`. Raises OSError,
    FileExistsError if there is one."""
    with _within(file) as folder, _creating(file.name, folder, like, mode) as out:
        out.write(data)
        return os.fstat(out.fileno())


def descriptors_of(file: os.stat_result) -> list[int]:
    """Return the descriptors by which this process has a file open."""
    descriptors = []
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        with suppress(OSError):  # closed meanwhile
            if os.path.samestat(os.fstat(descriptor), file):
                descriptors.append(descriptor)
    return descriptors


def point(link: Path, target: Path) -> None:
    """Make `link` lead to `target`. Raises OSError, FileExistsError if something else is there."""
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
    """Make a folder and the missing ones around it. If root makes them, the folder belongs to the owner of
    `like`; the ones around it, and the folder without `like`, to the owner of the first one that exists.
    With several threads, none goes on before the folder has its mode and its owner, which files put into it
    take over. Raises OSError."""
    with _folder_lock(folder):
        if not folder.exists():
            make_folder(folder.parent)
            with _within(folder) as around, suppress(FileExistsError):
                os.mkdir(folder.name, mode, dir_fd=around)
                _give(folder.name, around, like or os.fstat(around), mode)


def _folder_lock(folder: Path) -> threading.Lock:
    """Return the lock for making that folder: a thread that hangs does not hold one that makes another
    folder."""
    with _choosing:
        return _locks.setdefault(folder.absolute(), threading.Lock())


def give_folder(folder: Path, like: os.stat_result) -> None:
    """Give a folder that we have just made to the owner of `like`, as root. Raises OSError."""
    with _within(folder) as around:
        _give(folder.name, around, like)


@contextmanager
def reading(file: Path, largest: int | None = None) -> Iterator[BufferedReader]:
    """Open a regular file to read, also through a link: any other kind may never end, or never answer.

    Raises OSError, with EINVAL for a pipe, a socket or a device, and EFBIG for more than `largest` bytes.
    """
    _require_regular(file, file.stat(), largest)  # before a device does something because it is opened
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as stream:
        _require_regular(file, os.fstat(descriptor), largest)  # it may have been exchanged since
        yield stream


def read(file: Path, largest: int) -> bytes:
    """Return the content of a regular file. Raises OSError as `reading` does, also where it grows
    meanwhile."""
    content = bytearray()
    with reading(file, largest) as stream:
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > largest:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
    return bytes(content)


def closed_folder(file: Path, may_enter: Callable[[Path], bool] | None = None) -> Path | None:
    """Return the first folder on the way to a file, from the root on, that we may not enter (or not according
    to `may_enter`); also on the way to the target of its link. `None` where nothing is in the way."""
    can_enter = may_enter or (lambda folder: os.access(folder, os.X_OK))
    targets = [file.absolute()]
    with suppress(OSError):
        targets.append(file.resolve())
    for folder in dict.fromkeys(folder for target in targets for folder in reversed(target.parents)):
        with suppress(OSError):
            if folder.exists() and not can_enter(folder):
                return folder
    return None


def obstacle(folder: Path) -> Path | None:
    """Return the first path, from the root on, that stands in place of a folder or on the way to it and is no
    folder, also a link that leads nowhere. `None` where the folder exists, or can be made."""
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


def read_foreign(file: Path, largest: int, *owners: int) -> bytes | None:
    """Return the content of a file that somebody else wrote; `None` if it is no regular file, or not of one
    of these `owners`. Follows no link, waits for nobody. Raises OSError."""
    with _within(file) as folder:
        descriptor = os.open(file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (owners and status.st_uid not in owners):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(largest)


@contextmanager
def _within(file: Path) -> Iterator[int]:
    """Open the folder of a file; the descriptor stays valid if the folder is renamed. An OSError names the
    file's path."""
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
    """Sync a folder, so that new and renamed files in it are on the disk. (One opened with O_PATH cannot be
    synced itself.)"""
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _creating(
    name: str, folder: int, like: os.stat_result | None, mode: int, *, durable: bool = False
) -> Iterator[BinaryIO]:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as out:
        os.fchmod(descriptor, mode)
        if like is not None and os.geteuid() == 0:
            os.fchown(descriptor, like.st_uid, like.st_gid)
        yield out
        if durable:
            out.flush()
            os.fsync(descriptor)


def _give(name: str, around: int, like: os.stat_result, mode: int = 0) -> None:
    """Set the mode of a folder that we made, if given, and by root its owner. Raises PermissionError where
    another one took its place."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=around)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        if mode:
            os.fchmod(descriptor, mode)
        if os.geteuid() == 0:
            os.fchown(descriptor, like.st_uid, like.st_gid)
    finally:
        os.close(descriptor)


def _replaced(file: Path, folder: int) -> os.stat_result | None:
    """Return the status of the file that is replaced; `None` for a missing one and for a link, whose mode
    lets everybody write."""
    if not file.name:  # `/` and `.` have no name in a folder around them
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    try:
        status = os.stat(file.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(status.st_mode):
        return status
    if stat.S_ISLNK(status.st_mode) and file.absolute().parent != Path("/dev"):
        return None
    number = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
    raise OSError(number, os.strerror(number), str(file))


def permission_denied(file: Path) -> InformativaError:
    """Return the error for a file that may not be looked at. It names the folder on the way that keeps
    whoever runs this out, and the user who may."""
    place = closed_folder(file) or file
    try:
        owner = place.stat().st_uid
    except OSError:  # nobody but root is sure to reach it
        owner = 0
    if owner == os.geteuid():
        remedy = Text("It is yours, but closed: {command}", command=command("ls", "-ld", place))
    else:
        sudo = command("sudo", *(("-u", _user_name(owner)) if owner else ()))
        remedy = Text("Type the same with `{sudo}` before it.", sudo=sudo)
    return InformativaError(
        Text("{user} may not look at {file}.", user=_user_name(os.geteuid()), file=place), remedy
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"  # as sudo takes it
