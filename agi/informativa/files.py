"""Files that are put in place as a whole, also by root in a folder where others may write."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def put(file: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Write `file` as a whole or not at all: with the mode that it has, or 0644; by root, for the owner of
    `like`, or else of the file that it replaces. Follows no link that somebody left in its way. Raises
    OSError, also where a device is in its place or it is one of the links in /dev.
    """
    there = _replaced(file)
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    create(part, data, like or there, there.st_mode & 0o777 if there else 0o644)
    part.replace(file)


def create(
    file: Path, data: bytes = b"", like: os.stat_result | None = None, mode: int = 0o600
) -> os.stat_result:
    """A new file, and which it is; by root, for the owner of `like`. Raises OSError, FileExistsError if there
    is one.

    Mode and owner go by the descriptor: whoever owns the folder may put a link to another file under the
    name meanwhile, and would be given that.
    """
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        os.fchmod(out.fileno(), mode)
        if like is not None and os.geteuid() == 0:
            os.fchown(out.fileno(), like.st_uid, like.st_gid)
        return os.fstat(out.fileno())


def _replaced(file: Path) -> os.stat_result | None:
    """What is lost when the file is put in place; no link, whose mode lets everybody write."""
    try:
        there = file.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISREG(there.st_mode):
        return there
    if stat.S_ISLNK(there.st_mode) and file.absolute().parent != Path("/dev"):
        return None
    number = errno.EISDIR if stat.S_ISDIR(there.st_mode) else errno.EINVAL
    raise OSError(number, os.strerror(number), str(file))
