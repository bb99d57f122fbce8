"""What is older than the retention, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...operations.retention import OldCopy, Purged
from ..messages import Language
from .callers import copy_gone

if TYPE_CHECKING:
    from ...sharing.administration import OldRecords


def done(each: OldCopy | Purged, say: Language) -> Iterator[str]:
    """Of one copy of a ledger, or of one controller's records, what became of it."""
    if isinstance(each, Purged):
        yield _purged(each, say)
        for old in each.retired:
            yield _retired(old, each.done, say)
    elif each.deleted:
        yield copy_gone(each.file, True, say)
    else:
        yield say(
            "{file}, a copy from before an upgrade, holds older records until {day}",
            file=each.file,
            day=each.ends,
        )


def _retired(old: OldRecords, done: bool, say: Language) -> str:
    facts = {"box": old.box, "count": old.records}
    if done:
        return say.counted(
            "    {count} record of {box}, which left for good, deleted in the shared database",
            "    {count} records of {box}, which left for good, deleted in the shared database",
            old.records,
            **facts,
        )
    return say.counted(
        "    {count} record of {box}, which left for good, would be deleted in the shared database",
        "    {count} records of {box}, which left for good, would be deleted in the shared database",
        old.records,
        **facts,
    )


def _purged(each: Purged, say: Language) -> str:
    owner = each.controller
    if each.before is None:
        return say(
            "{name} ({id}): no retention is set, records are kept for ever", name=owner.name, id=owner.id
        )
    count = each.records or 0
    facts = {"name": owner.name, "id": owner.id, "count": count, "cutoff": each.before}
    if each.done:
        return say.counted(
            "{name} ({id}): {count} record from before {cutoff:%Y-%m-%d} deleted",
            "{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} deleted",
            count,
            **facts,
        )
    return say.counted(
        "{name} ({id}): {count} record from before {cutoff:%Y-%m-%d} would be deleted",
        "{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} would be deleted",
        count,
        **facts,
    )
