"""Copies of a ledger as it was before it was migrated: beside it, whole or not at all, and not for ever.

A copy holds the same pseudonyms as the ledger. So it is as private, is gone after `DAYS`, and goes when a
caller is erased.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from ..errors import LedgerError
from ..files import create
from ..i18n import _

DAYS = 30  # long enough to notice that something is wrong with an upgrade
SPARE = 16 << 20  # bytes that stay free on the disk


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
    """The copies that there are, the oldest first. Raises OSError."""
    name = re.compile(re.escape(ledger.name) + r"\.schema-(\d+)\.(\d{4}-\d\d-\d\d)")
    found = []
    for file in ledger.parent.iterdir():
        with contextlib.suppress(ValueError):  # no day, so none of ours: 2026-02-30
            if of := name.fullmatch(file.name):
                found.append(Backup(file, int(of[1]), date.fromisoformat(of[2])))
    return sorted(found, key=lambda backup: (backup.made, backup.schema))


def make(ledger: Path, schema: int, now: datetime) -> Path:
    """Copy the ledger as it is now; the caller holds its write lock. Replaces an earlier copy of this form.

    Raises LedgerError where there is no room for it, OSError and sqlite3.Error.
    """
    backup = ledger.with_name(f"{ledger.name}.schema-{schema}.{now:%Y-%m-%d}")
    part = ledger.with_name(f".{ledger.name}.part")
    earlier = [each.file for each in backups(ledger) if each.schema == schema]
    source = sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)
    try:
        _require_room(ledger, source)
        _clear(part)
        create(part, like=ledger.stat())
        with contextlib.closing(sqlite3.connect(part)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        _sync(part)
        part.replace(backup)
        _sync(ledger.parent)
    finally:
        source.close()
        _clear(part)
    for file in earlier:
        if file != backup:
            file.unlink(missing_ok=True)
    return backup


def _require_room(ledger: Path, source: sqlite3.Connection) -> None:
    """For the copy, and as much again for what the migration writes before it is done."""
    pages, size = (source.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
    needed, free = 2 * pages * size + SPARE, shutil.disk_usage(ledger.parent).free
    if free < needed:
        raise LedgerError(
            _(
                "There is no room to copy the ledger {ledger} before it is migrated: {needed} MB are needed,"
                " {free} MB are free. Nothing was changed."
            ).format(ledger=ledger, needed=-(-needed // 10**6), free=free // 10**6),
            _("Make room, look with `df -h {folder}`, then type: informativa check").format(
                folder=ledger.parent
            ),
        )


def _clear(part: Path) -> None:
    """Take away what a copy that was cut off left; a stale journal would spoil the next."""
    for end in ("", "-journal", "-wal", "-shm"):
        Path(f"{part}{end}").unlink(missing_ok=True)


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
