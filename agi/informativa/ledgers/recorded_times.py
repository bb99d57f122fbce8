"""The times at which the records of a ledger say that they were put on record, as an audit reads them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..evidence.leaf_times import TOLERANCE, UNKNOWN
from ..model.text import Text
from . import leaves, rows
from .audit_reading import reading
from .ledger_file import translated

_NAMES = [name.strip() for name in rows.COLUMNS.split(",")]
_ROW, _WHAT = 0, 2
_RECORDED = leaves.LEAF_COLUMNS + _NAMES.index("recorded")
_MINUTE = 60_000_000  # microseconds


class RecordedTimes:
    """The times of leaves from one row of `leaf` up to another, each in POSIX seconds, of which only the
    whole minutes are there, as an erasure leaves them. `UNKNOWN` is that of a note, which says it
    itself, and of each that was not added."""

    def __init__(self, first: int, end: int) -> None:
        self._first = first
        self.seconds = array("q", [UNKNOWN]) * max(end - first, 0)

    def add(self, leaf_rows: Iterable[tuple[Any, ...]]) -> None:
        """Add the times of these rows of `leaves.OPENED`, whose values have the right types."""
        seconds, first = self.seconds, self._first
        for row in leaf_rows:
            if row[_WHAT] is not None:
                seconds[row[_ROW] - first] = row[_RECORDED] // _MINUTE * 60


def steps_back(ledger: Path) -> list[Text]:
    """Return a sentence if the clock was put back while records were made, over a connection of its own.
    Raises LedgerError."""
    with translated(ledger), reading(ledger) as connection:
        count, record = connection.execute(leaves.STEPS_BACK, (TOLERANCE * _MINUTE,)).fetchone()
    if not count:
        return []
    return [
        Text.counted(
            "The clock was put back by more than {minutes} minutes once, before record {record} was made.",
            "The clock was put back by more than {minutes} minutes {count} times, first before record"
            " {record} was made.",
            count,
            minutes=TOLERANCE,
            record=record,
        )
    ]
