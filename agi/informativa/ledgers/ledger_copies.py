"""Copies of a ledger's content beside it: complete or absent, as private as the ledger, and deleted when a
caller is erased."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from pathlib import Path

from ..system.files import create, descriptors_of

_SIDES = ("", "-journal", "-wal", "-shm")  # files that SQLite keeps, or leaves behind, beside a database


def copies(ledger: Path) -> list[Path]:
    """Return all files that informativa makes of a ledger's content, and those that SQLite leaves beside
    them. Raises OSError."""
    name, sides = re.escape(ledger.name), "|".join(_SIDES)
    pattern = re.compile(rf"({name}\.rescued-[\dT-]+|\.{name}\.(part|restored))({sides})")
    return sorted(file for file in ledger.parent.iterdir() if pattern.fullmatch(file.name))


def copy_to(source: sqlite3.Connection, ledger: Path, copy: Path) -> None:
    """Copy what this connection sees to a file beside the ledger, which belongs to the ledger's owner. Raises
    OSError and sqlite3.Error."""
    part = _part(ledger)
    try:
        _clear(part)
        status = create(part, like=(ledger if ledger.exists() else ledger.parent).stat())
        uri = f"{part.absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as target:
            # SQLite opens it by name, and the owner of the folder may have put a link there meanwhile.
            if not descriptors_of(status):
                raise FileExistsError(f"{part} was replaced while in use")
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        _sync(part, os.O_NOFOLLOW | os.O_NONBLOCK)  # no link and no pipe
        part.replace(copy)
        _sync(ledger.parent, os.O_DIRECTORY)
    finally:
        _clear(part)


def _part(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name}.part")


def _clear(part: Path) -> None:
    """Delete what an interrupted copy left; a stale journal would spoil the next one."""
    for end in _SIDES:
        Path(f"{part}{end}").unlink(missing_ok=True)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
