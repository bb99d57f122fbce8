"""References of records about records: the texts by which they name leaves, logs that ended, and the records
of a purge. Those of a purge are of version 1: where a rule of the log has notes written, these say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..model import Event, Reason, RecordKind
from . import rows

if TYPE_CHECKING:  # it loads OpenSSL, which a call does not need
    from ..evidence.checkpoint import Checkpoint

AND = "; "
_LEAVES = "; leaves "
_RESTING = ", and resting on them "
_END = re.compile(r"after ([0-9]{1,18}) records of (\S+), root [0-9a-f]{64}")
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")
_PURGED = re.compile(r"\d+ records?, (\d+) to (\d+), from before (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")


def leaves_text(leaves: Iterable[int], resting: Iterable[int] = ()) -> str:
    """Return the text by which a record about records names their leaves, and those that rested on them: `;
    leaves 0-63 70, and resting on them 71`, empty if there are none. The leaves of all logs of a ledger are
    counted together."""
    own_ranges, resting_ranges = _ranges(leaves), _ranges(resting)
    return (f"{_LEAVES}{own_ranges}" if own_ranges else "") + (
        f"{_RESTING}{resting_ranges}" if resting_ranges else ""
    )


def follows(last: Checkpoint) -> str:
    """Return the text of the first record of a log about a log that ended before it, with its last
    checkpoint. The texts of several logs are joined by `AND`."""
    return f"after {last.size} records of {last.origin}, root {last.root.hex()}"


def ended(reference: str) -> Iterator[tuple[str, int]]:
    """Yield the origins and sizes of the logs in a text that `follows` made; nothing for another text."""
    for part in reference.split(AND):
        if end := _END.fullmatch(part):
            yield end[2], int(end[1])


def reference_before(reference: str, end: int) -> str:
    """Return the text of a record about records without the leaves from row `end` of `leaf` on."""
    rows_before = (
        (row for leaf_range in ranges for row in range(leaf_range.start, min(leaf_range.stop, end)))
        for ranges in indices(reference)
    )
    return reference.partition(_LEAVES)[0] + leaves_text(*rows_before)


def indices(reference: str) -> tuple[list[range], list[range]]:
    """Return the leaves that a text of `leaves_text` names, and those that rested on them. Raises ValueError
    for another text."""
    own_text, _, resting_text = reference.partition(_LEAVES)[2].partition(_RESTING)
    return _parsed(own_text), _parsed(resting_text)


def as_text(reference: bytes | None) -> str:
    """Return a reference that was read as bytes; what is no valid UTF-8 becomes text that no record has."""
    return (reference or b"").decode("utf-8", "surrogateescape")


def is_note(reference: str) -> bool:
    """Return whether a reference is a note's, which is JSON, unlike all of version 1."""
    return reference.startswith("{")


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


def _ranges(numbers: Iterable[int]) -> str:
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return " ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


def _parsed(text: str) -> list[range]:
    ranges = []
    for part in text.split():
        bounds = _RANGE.fullmatch(part)
        if not bounds:
            raise ValueError(f"{part!r} names no leaves")
        ranges.append(range(int(bounds[1]), int(bounds[2] or bounds[1]) + 1))
    return ranges
