"""What is older than the retention, for a terminal."""

from __future__ import annotations

from ...operations.retention import OldCopy, Purged
from ..messages import Language
from .callers import copy_gone


def done(each: OldCopy | Purged, say: Language) -> str:
    """Of one copy of a ledger, or of one controller's records, what became of it."""
    if isinstance(each, Purged):
        return _purged(each, say)
    if each.deleted:
        return copy_gone(each.file, True, say)
    return say(
        "{file}, a copy from before an upgrade, holds older records until {day}",
        file=each.file,
        day=each.ends,
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
