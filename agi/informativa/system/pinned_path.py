"""Paths that stay what they are while root works with them, also where a folder on the way is another
user's.

He may exchange a name in it for a link at any moment: after root looked, and before root acts. So root opens
a path name by name, and works with what was opened (proc(5), /proc/PID/fd).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..model.errors import InformativaError
from ..model.text import Text

_MOST_LINKS = 40  # as the kernel follows (path_resolution(7))


@contextmanager
def pin(path: Path) -> Iterator[Path]:
    """Provide another name of an existing file or folder, /proc/self/fd/NUMBER, for the time of a block: it
    stays the same one, whatever happens on the way there.

    A link on the way must belong to root, to us, or to the owner of what is reached in the end, who gains
    nothing by it (the rule of protected_symlinks, proc(5)). Raises InformativaError where it does not, and
    OSError.
    """
    descriptor, owners = _open_by_names(path.absolute())
    try:
        if owners - {0, os.geteuid(), os.fstat(descriptor).st_uid}:
            raise InformativaError(
                Text("A link of another user leads to {file}.", file=path),
                Text("See where it leads: {command}", command=f"namei -l {path}"),
            )
        yield Path("/proc/self/fd", str(descriptor))
    finally:
        os.close(descriptor)


def another_users_folder(folder: Path) -> Path | None:
    """Return the first folder on the way to one, from the root on, and of the targets of links, in which
    another user than root and us may exchange names; `None` where nobody may."""
    for place in dict.fromkeys(
        part for end in (folder.absolute(), folder.resolve()) for part in (*reversed(end.parents), end)
    ):
        if place.is_dir():
            status = place.lstat()
            everybody = status.st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
            if status.st_uid not in (0, os.getuid()) or (everybody and not place.is_symlink()):
                return place
    return None


def _open_by_names(path: Path) -> tuple[int, set[int]]:
    """Open an absolute path (O_PATH), and return the owners of the links on the way, too. Raises OSError."""
    owners: set[int] = set()
    names, links = [*reversed(path.parts)], 0
    descriptor = os.open(names.pop(), os.O_PATH)
    try:
        while names:
            name = names.pop()
            following = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=descriptor)
            status = os.fstat(following)
            if stat.S_ISLNK(status.st_mode):
                target = os.readlink("", dir_fd=following)  # of this very link
                os.close(following)
                owners.add(status.st_uid)
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                names += reversed(Path(target).parts)
            else:
                os.close(descriptor)
                descriptor = following
    except OSError as error:
        os.close(descriptor)
        error.filename = str(path)
        raise
    return descriptor, owners
