"""What is older than each controller's retention, and goes: records, and copies of ledgers that hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .. import storage
from ..errors import InformativaError
from ..maintenance import PATIENCE_SECONDS
from ..model import Controller, SharedDatabase
from ..text import Foreign, Text
from .callers import opened

if TYPE_CHECKING:
    from ..sharing.administration import OldRecords


@dataclass(frozen=True)
class OldCopy:
    """A copy of a ledger from before an upgrade; the last of its records are past the retention on the day on
    which it `ends`."""

    file: Path
    ends: date
    deleted: bool


@dataclass(frozen=True)
class Purged:
    """How many records of one controller from before a time; `None` both where no retention is set. `done`
    is whether they are deleted, or would be."""

    controller: Controller
    done: bool
    before: datetime | None
    records: int | None
    copies: tuple[OldCopy, ...]
    retired: tuple[OldRecords, ...] = ()
    """Of boxes that left for good, in the database where boxes meet, by that database's clock."""


Progress = Callable[[OldCopy | Purged], None]
"""Told each copy and each controller as it is done."""


def purge(
    controllers: Sequence[Controller],
    now: datetime,
    *,
    really: bool,
    shared: SharedDatabase | None = None,
    progress: Progress = lambda _done: None,
) -> tuple[Purged, ...]:
    """Delete what is older than each controller's retention, or tell what would be.

    Raises InformativaError.
    """
    found = []
    for controller in controllers:
        copies = tuple(_copies(controller, now, really, progress))
        found.append(_purged(controller, now, really, copies, shared))
        progress(found[-1])
    return tuple(found)


def _copies(controller: Controller, now: datetime, really: bool, progress: Progress) -> list[OldCopy]:
    copies = []
    for backup in storage.backups(controller):
        over = really and backup.ends <= now.date()
        if over:
            _drop(backup.file)
        copies.append(OldCopy(backup.file, backup.ends, over))
        progress(copies[-1])
    return copies


def _purged(
    controller: Controller,
    now: datetime,
    really: bool,
    copies: tuple[OldCopy, ...],
    shared: SharedDatabase | None,
) -> Purged:
    if controller.retention is None:
        return Purged(controller, really, None, None, copies)
    before, records = controller.retention.before(now, controller.zone), 0
    if Path(controller.ledger).exists():
        with opened(controller) as store:
            records = store.purge(before, now) if really else store.older(before)
            if really:
                store.empty_log(PATIENCE_SECONDS)  # where what was deleted still stands
    if really:
        storage.access_log(controller).purge(storage.looks_kept_since(controller, now))
    retired = storage.purge_retired(shared, controller, really=really) if shared else []
    return Purged(controller, really, before, records, copies, tuple(retired))


def _drop(file: Path) -> None:
    """Delete a copy whose time is over. Raises InformativaError."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be deleted ({why}).", file=file, why=Foreign(error.strerror or "")),
            Text("Delete it: rm {file}", file=file),
        ) from error
