"""The texts of records about purges, where no rule of the log has notes written (version 1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from ..model import Event, Reason, RecordKind
from . import rows

_PURGED = re.compile(r"\d+ records?, (\d+) to (\d+), from before (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")


def purge_note(numbers: Sequence[int], leaves: str, cutoff: datetime, at: datetime) -> Event:
    """Build the record about the purge of these records. `leaves` names the leaves that they had."""
    which = f"{numbers[0]} to {numbers[-1]}, from before {cutoff:%Y-%m-%d %H:%M} UTC"
    reference = f"{records_in_words(len(numbers))}, {which}{leaves}"
    return rows.note(RecordKind.PURGE, Reason.RETENTION, at, reference)


def purged(reference: str) -> tuple[int, int, int]:
    """Return the numbers of the first and the last record that `purge_note` named, and the time before which
    all of them happened (microseconds since 1970). Raises ValueError for another text."""
    match = _PURGED.match(reference)
    if not match:
        raise ValueError("it is no note of a purge")
    cutoff = datetime.strptime(f"{match[3]}+0000", "%Y-%m-%d %H:%M%z") + timedelta(minutes=1)
    return int(match[1]), int(match[2]), rows.microseconds(cutoff)


def records_in_words(number: int) -> str:
    """Return a number of records in words."""
    return f"{number} record" if number == 1 else f"{number} records"
