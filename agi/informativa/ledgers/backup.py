"""Copies of a ledger: as it was before it was migrated, beside it, whole or not at all, and not for ever.

A copy holds the same pseudonyms as the ledger. So it is as private, is gone after `DAYS`, and goes when a
caller is erased.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path

from ..errors import LedgerError
from ..files import create
from ..frozen import dataclass
from ..text import Text
from . import wal_files

DAYS = 30  # long enough to notice that something is wrong with an upgrade
SPARE = 16 << 20  # bytes that stay free on the disk
_SIDES = ("", "-journal", "-wal", "-shm")  # what SQLite has, or leaves, beside a database

# What a copy says that was made of the same records as another.
_SAME = "SELECT coalesce(max(record), 0), count(*), total(at), count(pseudonym) FROM event"


@dataclass(frozen=True)
class Backup:
    """One copy: of which form of the ledger, and on which day (UTC) it was made."""

    file: Path
    schema: int
    made: date

    @property
    def ends(self) -> date:
        """The day on which it is deleted."""
        return self.made + timedelta(days=DAYS)


def backups(ledger: Path) -> list[Backup]:
    """The copies from before migrations that there are, the oldest first. Raises OSError."""
    name = re.compile(re.escape(ledger.name) + r"\.schema-(\d+)\.(\d{4}-\d\d-\d\d)")
    found = []
    for file in ledger.parent.iterdir():
        with contextlib.suppress(ValueError):  # no day, so none of ours: 2026-02-30
            if of := name.fullmatch(file.name):
                found.append(Backup(file, int(of[1]), date.fromisoformat(of[2])))
    return sorted(found, key=lambda backup: (backup.made, backup.schema))


def copies(ledger: Path) -> list[Path]:
    """All files that we make of a ledger's content, and what SQLite leaves beside them. Raises OSError."""
    name, sides = re.escape(ledger.name), "|".join(_SIDES)
    ours = rf"{name}\.(schema-\d+\.\d{{4}}-\d\d-\d\d|rescued-[\dT-]+)|\.{name}\.(part|restored)"
    named = re.compile(rf"({ours})({sides})|\.{name}-wal\.spare")
    return sorted(file for file in ledger.parent.iterdir() if named.fullmatch(file.name))


def make(ledger: Path, schema: int, now: datetime) -> Path:
    """Copy the ledger as it is now; the caller holds its write lock. Replaces an earlier copy of this form,
    but for one of the same records, which is left in its place: a migration that fails is tried again.

    Raises LedgerError where there is no room for it, OSError and sqlite3.Error.
    """
    earlier = [each.file for each in backups(ledger) if each.schema == schema]
    backup = ledger.with_name(f"{ledger.name}.schema-{schema}.{now:%Y-%m-%d}")
    source = sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)
    with contextlib.closing(source):
        same = source.execute(_SAME).fetchone()
        for file in reversed(earlier):
            if _says(file) == same:
                return file
        _require_room(ledger, source)
        copy_to(source, ledger, backup)
    for file in earlier:
        if file != backup:
            file.unlink(missing_ok=True)
    return backup


def rescue(source: sqlite3.Connection, ledger: Path, now: datetime) -> Path:
    """Copy what this connection sees, which is more than what the ledger holds. Raises as `make` does."""
    rescued = ledger.with_name(f"{ledger.name}.rescued-{now:%Y-%m-%dT%H-%M-%S}")
    copy_to(source, ledger, rescued)
    return rescued


def copy_to(source: sqlite3.Connection, ledger: Path, copy: Path) -> None:
    """Copy what this connection sees to a file beside the ledger, for who owns that. Raises OSError and
    sqlite3.Error."""
    part = _part(ledger)
    try:
        _clear(part)
        made = create(part, like=(ledger if ledger.exists() else ledger.parent).stat())
        uri = f"{part.absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as target:
            # SQLite opens by the name, and whoever owns the folder may have put a link there meanwhile.
            if not wal_files.opened((made.st_dev, made.st_ino)):
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


def _says(copy: Path) -> tuple[object, ...] | None:
    """What a copy holds, as `_SAME` asks; `None` if it cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as there:
            found: tuple[object, ...] = there.execute(_SAME).fetchone()
            return found
    except sqlite3.Error:
        return None


def needed_room(source: sqlite3.Connection) -> int:
    """How many bytes must be free: for the copy, and as much again for what the migration writes before it is
    done."""
    pages, size = (source.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
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
    """Take away what a copy that was cut off left; a stale journal would spoil the next."""
    for end in _SIDES:
        Path(f"{part}{end}").unlink(missing_ok=True)


def _sync(path: Path, how: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | how)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
