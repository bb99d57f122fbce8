"""Check of backups: that there is one, and that it is not old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

from ...model.text import Foreign, Text, command
from ..backup import listing
from .findings import Finding, ok, warning
from .system import System


def backups(system: System) -> Iterator[Finding]:
    """Check that the newest backup of all companies is not older than the configuration allows."""
    plan = system.configured.backup
    if plan is None:
        yield ok(Text("no folder for backups is configured (`backup:`)"), note=True)
        return
    folder, fix = Path(plan.folder), command("informativa", "backup", "make", "-c", system.file)
    try:
        newest = listing.newest(folder)
    except OSError as error:
        reason = Foreign(error.strerror or str(error))
        text = Text("the folder of backups {folder} cannot be read ({why})", folder=folder, why=reason)
        yield warning(text, Text("Mount it, or make it once: mkdir -p -m 700 {folder}", folder=folder))
        return
    if newest is None:
        yield warning(Text("there is no backup in {folder}", folder=folder), fix)
        return
    facts = {"day": f"{newest:%Y-%m-%d %H:%M}", "folder": folder}
    if plan.warn_after.after(newest, UTC) < system.now:
        text = Text("the newest backup in {folder} is old: of {day} (UTC)", **facts)
        yield warning(text, Text("{make}; and look why: journalctl -u informativa-backup", make=fix))
    else:
        yield ok(Text("the newest backup in {folder} is of {day} (UTC)", **facts))
