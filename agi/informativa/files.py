"""Files that are put in place as a whole, also by root in a folder where others may write."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def put(file: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Write `file` as a whole or not at all: with the mode that it has, or 0644; by root, for the owner of
    `like`. Follows no link that somebody left in its way. Raises OSError."""
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    mode = 0o644
    with contextlib.suppress(FileNotFoundError):
        mode = file.lstat().st_mode & 0o777
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        os.fchmod(out.fileno(), mode)
        if like is not None and os.geteuid() == 0:
            os.fchown(out.fileno(), like.st_uid, like.st_gid)
    part.replace(file)
