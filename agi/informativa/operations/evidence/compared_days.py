"""Days on which a list of calls and the ledgers have different numbers of calls on a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from ...model import Controller
from ...process import storage
from .call_matching import QUARTER, CallMatching
from .comparison_document import DayOfLine

_HOUR = timedelta(hours=1)  # a call of the last minutes is recorded in the hour after
_AFTER = timedelta(days=2)  # a day that a purge took a part of ends sooner than this after its cutoff


def differing_days(
    matching: CallMatching,
    owners: Mapping[str, Controller],
    cutoffs: Mapping[str, datetime | None],
    counted: Mapping[tuple[str, date], int],
) -> Iterator[DayOfLine]:
    """Yield the days on which the numbers of calls differ, in order. Of days before a company's cutoff, whose
    records were deleted because of their age, the numbers `counted` by its ledger count."""
    numbers: dict[tuple[date, str], tuple[int, int]] = {}
    for line, quarter, calls, recorded in matching.quarters():
        zone = owners[line].zone if line in owners else UTC
        key = datetime.fromtimestamp(quarter * QUARTER, UTC).astimezone(zone).date(), line
        earlier = numbers.get(key, (0, 0))
        numbers[key] = earlier[0] + calls, earlier[1] + recorded
    for (day, line), (calls, recorded) in sorted(numbers.items()):
        owner = owners.get(line)
        cutoff = cutoffs.get(owner.id) if owner else None
        purged = owner is not None and cutoff is not None and day <= cutoff.astimezone(owner.zone).date()
        on_record = max(recorded, counted.get((line, day), 0)) if purged else recorded
        if on_record != calls:
            yield DayOfLine(line, day, calls, on_record, purged)


def counted_calls(
    companies: Sequence[Controller],
    cutoffs: Mapping[str, datetime | None],
    since: datetime,
    until: datetime,
) -> dict[tuple[str, date], int]:
    """Return the ledgers' numbers of calls by line and day, in the hours of a period until shortly after the
    cutoff, before which records were deleted. Raises LedgerError."""
    counts: dict[tuple[str, date], int] = {}
    for company in companies:
        cutoff = cutoffs[company.id]
        if cutoff is None:
            continue
        hour = since.replace(minute=0, second=0, microsecond=0)
        for entry in storage.hours(company, hour, min(until + _HOUR, cutoff + _AFTER)):
            if entry.status is None:
                key = entry.line, entry.at.astimezone(company.zone).date()
                counts[key] = counts.get(key, 0) + entry.count
    return counts
