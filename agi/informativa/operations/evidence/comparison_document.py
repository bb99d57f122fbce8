"""The comparison of a list of calls with the ledgers, as programs read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..document import AbsolutePath, Sentence, Time


@dataclass(frozen=True)
class CallWithoutRecord:
    """A call of the list that is not on record."""

    controller: str | None
    """The company whose line it is."""
    line: str
    """The called number."""
    at: Time
    """The time when it began."""
    call: str | None
    """Asterisk's id of the call; null where the list has none, or one that may be a telephone number."""
    row: int
    """The line of the list that it is on."""


@dataclass(frozen=True)
class RecordWithoutCall:
    """A record of a call that is not in the list."""

    controller: str
    """The company whose record it is."""
    record: int
    """The number of the record, the first of its call."""
    line: str
    """The called number."""
    at: Time
    """The time of the record."""
    call: str | None
    """Asterisk's id of the call; null for an erased caller's."""


@dataclass(frozen=True)
class RowNotRead:
    """A row of the list that could not be understood."""

    row: int
    """Its line in the file."""
    reason: Sentence
    """The reason."""


@dataclass(frozen=True)
class DayOfLine:
    """A day on which the list and the ledgers have different numbers of calls on a line."""

    line: str
    """The called number."""
    day: date
    """The day, in the zone of the line's company."""
    calls: int
    """The number of calls in the list, without those that no record is expected of."""
    recorded: int
    """The number of calls on record."""
    purged: bool
    """True if records of that day were deleted because of their age: then it is the ledger's counter, which
    they leave as it is."""


@dataclass(frozen=True)
class CallComparison:
    """A list of calls beside the ledgers. Whoever called is in none of it."""

    list: AbsolutePath
    """The list."""
    since: Time
    """The beginning of the period that was compared: of the list, or as it was asked for."""
    until: Time
    """The end of the period, which is not in it."""
    controllers: tuple[str, ...]
    """The companies whose ledgers were read."""
    rows: int
    """The number of rows of the list."""
    outside: int
    """The number of rows of other times, which were left out."""
    calls: int
    """The number of calls of the period; several rows of one call, as after a transfer, are one."""
    elsewhere: int
    """The number of calls to other numbers, which were left out."""
    on_lines: int
    """The number of calls to lines of these companies."""
    by_id: int
    """The number of these with a record of the same call id."""
    by_time: int
    """The number with a record of the same line and time."""
    by_minute: int
    """The number with a record of the same line and minute, of an erased caller."""
    unanswered: int
    """The number without a record that were not answered, or were over within a second."""
    purged: int
    """The number without a record of days whose records were deleted because of their age."""
    without_record: int
    """The number of all others: calls that should be on record, and are not."""
    recorded: int
    """The number of calls that are on record for the lines of the list, in the period."""
    without_call: int
    """The number of these that are not in the list."""
    other_lines: int
    """The number of calls on record for lines that the list does not have at all."""
    without_id: int
    """The number of calls of which the list has no id that Asterisk made."""
    unreadable: int
    """The number of rows that could not be understood."""
    master: bool
    """True if the list is Asterisk's Master.csv."""
    agrees: bool
    """True if all calls that should be are on record, all records have their call, and all rows were
    understood."""
    calls_without_record: tuple[CallWithoutRecord, ...]
    """The calls of `without_record`, at most 100, in the order of their times."""
    records_without_call: tuple[RecordWithoutCall, ...]
    """The records of `without_call`, at most 100, in the order of their times."""
    rows_unreadable: tuple[RowNotRead, ...]
    """The rows of `unreadable`, at most 100."""
    days: tuple[DayOfLine, ...]
    """Days on which the numbers of calls differ, at most 100."""
    days_more: int
    """The number of further days."""
