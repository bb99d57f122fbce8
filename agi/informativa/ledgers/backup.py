"""Copies of a ledger beside it, made before a migration: complete or absent, and deleted after some days.

A copy holds the same pseudonyms as the ledger. So it is as private as the ledger, is deleted after `DAYS`,
and also when a caller is erased.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path

from ..model.errors import LedgerError
from ..model.frozen import dataclass
from ..model.text import Text
from ..system.files import create, descriptors_of

DAYS = 30  # long enough to notice that something is wrong with an upgrade
SPARE = 16 << 20  # bytes that stay free on the disk
_SIDES = ("", "-journal", "-wal", "-shm")  # files that SQLite keeps, or leaves behind, beside a database

# The same result for two copies means that they were made of the same records.
_STATE = "SELECT coalesce(max(record), 0), count(*), total(at), count(pseudonym) FROM event"


@dataclass(frozen=True)
class Backup:
    """One copy: its file, the number of its schema, and the day (UTC) on which it was made."""

    file: Path
    schema: int
    created: date

    @property
    def deleted_on(self) -> date:
        """The day on which it is deleted."""
        return self.created + timedelta(days=DAYS)


def backups(ledger: Path) -> list[Backup]:
    """Return the copies that were made before migrations, the oldest first. Raises OSError."""
    pattern = re.compile(re.escape(ledger.name) + r"\.schema-(\d+)\.(\d{4}-\d\d-\d\d)")
    copies = []
    for file in ledger.parent.iterdir():
        with contextlib.suppress(ValueError):  # not a date, so not one of our files: 2026-02-30
            if match := pattern.fullmatch(file.name):
                copies.append(Backup(file, int(match[1]), date.fromisoformat(match[2])))
    return sorted(copies, key=lambda backup: (backup.created, backup.schema))


def copies(ledger: Path) -> list[Path]:
    """Return all files that informativa makes of a ledger's content, and those that SQLite leaves beside
    them. Raises OSError."""
    name, sides = re.escape(ledger.name), "|".join(_SIDES)
    copy_names = rf"{name}\.(schema-\d+\.\d{{4}}-\d\d-\d\d|rescued-[\dT-]+)|\.{name}\.(part|restored)"
    pattern = re.compile(rf"({copy_names})({sides})")
    return sorted(file for file in ledger.parent.iterdir() if pattern.fullmatch(file.name))


def make(ledger: Path, schema: int, now: datetime) -> Path:
    """Copy the ledger as it is now, while the caller holds its write lock, and return the copy. An earlier
    copy of this schema is replaced; but if it is of the same records, it is kept and returned: a migration
    that failed is being tried again.

    Raises LedgerError if there is no room for the copy, OSError and sqlite3.Error.
    """
    earlier = [copy.file for copy in backups(ledger) if copy.schema == schema]
    backup = ledger.with_name(f"{ledger.name}.schema-{schema}.{now:%Y-%m-%d}")
    source = sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)
    with contextlib.closing(source):
        state = source.execute(_STATE).fetchone()
        for file in reversed(earlier):
            if _copy_state(file) == state:
                return file
        _require_room(ledger, source)
        copy_to(source, ledger, backup)
    for file in earlier:
        if file != backup:
            file.unlink(missing_ok=True)
    return backup


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


def _copy_state(copy: Path) -> tuple[object, ...] | None:
    """Return the result of `_STATE` for a copy; `None` if it cannot be read."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            state: tuple[object, ...] = connection.execute(_STATE).fetchone()
            return state
    except sqlite3.Error:
        return None


def needed_room(source: sqlite3.Connection) -> int:
    """Return how many bytes must be free: for the copy, and as much again for what the migration writes
    before it ends."""
    pages, size = (source.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("page_count", "page_size"))
    return int(2 * pages * size + SPARE)


def _require_room(ledger: Path, source: sqlite3.Connection) -> None:
    import shutil  # not for the scripts that migrate nothing

    needed, free = needed_room(source), shutil.disk_usage(ledger.parent).free
    if free < needed:
        raise LedgerError(
            Text(
                "There is no room to copy the ledger {ledger} before it is migrated: {needed} MB are needed,"
                " {free} MB are free. Nothing was changed.",
                ledger=ledger,
                needed=-(-needed // 10**6),
                free=free // 10**6,
            ),
            Text("Make room, look with `df -h {folder}`, then type: informativa check", folder=ledger.parent),
        )


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
