"""Comparison of a list of calls, such as the telephone exchange's own, with the ledgers: calls without a
record, and records without a call.

A call and its record share Asterisk's id of the call. Where one of the two has none, they belong together by
line and time, one to one: first within three seconds of the call's start; then, of an erased caller, whose
record has the minute for its time, within that minute; then anywhere in the call, for a notice may come after
a menu. Where records were deleted because of their age, what is left is how many calls an hour had.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

from ...config import Configuration
from ...model import Controller, Line
from ...model.errors import InformativaError
from ...model.text import Text
from ...process import storage
from ..controllers import require_ledger
from ..day_range import DayRange
from .call_list import CallList, ListTimes, opened_list, shown_id
from .call_matching import COUNTS, CallMatching, UnmatchedCall, UnmatchedRecord
from .compared_days import counted_calls, differing_days
from .comparison_document import CallComparison, CallWithoutRecord, RecordWithoutCall, RowNotRead
from .list_reading import MARGIN, SHOWN, ListReading

# A period that begins before or ends after one of these cannot be widened by the margin.
_EARLIEST, _LATEST = (
    (datetime.min + 3 * MARGIN).replace(tzinfo=UTC),
    (datetime.max - 3 * MARGIN).replace(tzinfo=UTC),
)

Progress = Callable[[int, int], None]
"""Called with the number of bytes of the list that were read, and its size."""


@dataclass(frozen=True)
class ListSource:
    """A list of calls, and the choices of whoever has it compared."""

    file: Path
    columns: Mapping[str, str]
    """Headers or places of columns, by the names of `call_list.LIST`."""
    first: date | None
    """The first day to compare; `None` for as far as the list goes."""
    last: date | None
    """The last day, which is in it; `None` for as far as the list goes."""
    zone: tzinfo | None
    """The zone of times that name none; `None` for that of each line's company."""


def compare(
    configuration: Configuration,
    companies: Sequence[Controller],
    source: ListSource,
    progress: Progress,
    note: Callable[[Controller], None],
) -> CallComparison:
    """Compare a list of calls with the records of these companies. `note` is called for each company before
    its records are read.

    Raises InformativaError for a list that cannot be understood or has no call of these companies,
    and LedgerError.
    """
    names = {company.id for company in companies}
    spelled = {text: line for text, line in configuration.spelled.items() if line.controller.id in names}
    zone = source.zone or (companies[0].zone if companies else UTC)
    asked = DayRange(source.first or date.min, source.last or date.max, zone)
    with closing(CallMatching()) as matching:
        with opened_list(source.file) as opened:
            size = os.fstat(opened.fileno()).st_size
            listed = CallList(opened, source.columns, spelled, ListTimes(source.zone, zone))
            reading = ListReading(listed, asked)
            matching.add_calls(reading.calls(lambda: progress(opened.tell(), size)))
        lines = matching.lines()
        present = [company for company in companies if {*_lines_of(company, spelled)} & lines]
        if not present and not matching.has_ids():
            raise _no_line(spelled)
        existing = [company for company in companies if Path(company.ledger).exists()]
        compared, cutoffs = present or existing or companies[:1], dict[str, datetime | None]()
        for company in compared:
            require_ledger(company)
            note(company)
            cutoffs[company.id] = _add_records(matching, company, reading.period)
            if cutoff := cutoffs[company.id]:
                matching.add_purge(_lines_of(company, spelled), cutoff)
        matching.match(*reading.period)
        if not matching.count("on_lines"):
            raise _no_line(spelled)
        return _result(configuration, source, listed, reading, matching, compared, cutoffs)


def _lines_of(company: Controller, spelled: Mapping[str, Line]) -> list[str]:
    return sorted({line.number for line in spelled.values() if line.controller.id == company.id})


def _no_line(spelled: Mapping[str, Line]) -> InformativaError:
    numbers = sorted({line.number for line in spelled.values()})
    shown = ", ".join(numbers[:10]) + (", …" if len(numbers) > 10 else "")
    return InformativaError(
        Text("No call of the list is to a line of informativa ({lines}).", lines=shown or Text("none")),
        Text("Name the column that has the called number: --columns line=HEADER"),
    )


def _add_records(
    matching: CallMatching, company: Controller, period: tuple[datetime, datetime]
) -> datetime | None:
    """Add a company's records of a period and near it. Return the time before which records were deleted
    because of their age."""
    since, until = max(period[0], _EARLIEST) - MARGIN, min(period[1], _LATEST) + MARGIN
    cutoff = None
    with storage.existing_ledger(company) as ledger:
        if ledger is not None:
            matching.add_records(company.id, ledger.calls(since, until))
            cutoff = ledger.purged_before()
    return cutoff


def _result(
    configuration: Configuration,
    source: ListSource,
    listed: CallList,
    reading: ListReading,
    matching: CallMatching,
    compared: Sequence[Controller],
    cutoffs: Mapping[str, datetime | None],
) -> CallComparison:
    ids = {company.id for company in compared}
    owners = {line.number: line.controller for line in configuration.lines if line.controller.id in ids}
    since, until = reading.period
    counted = counted_calls(compared, cutoffs, since, until)
    days = list(differing_days(matching, owners, cutoffs, counted))
    counts = {name: matching.count(name) for name in COUNTS}
    fewer = any(day.purged and day.recorded < day.calls for day in days)
    zone = since.tzinfo or UTC
    return CallComparison(
        list=source.file,
        since=since,
        until=until,
        controllers=tuple(cutoffs),
        rows=listed.rows,
        outside=reading.outside,
        **counts,
        recorded=sum(counts[name] for name in ("by_id", "by_time", "by_minute", "without_call")),
        elsewhere=counts["calls"] - counts["on_lines"],
        unreadable=reading.unreadable,
        master=listed.is_master,
        agrees=not (counts["without_record"] or counts["without_call"] or reading.unreadable or fewer),
        calls_without_record=tuple(_call(call, owners, zone) for call in matching.missing_calls(SHOWN)),
        records_without_call=tuple(_record(record, zone) for record in matching.records_without_call(SHOWN)),
        rows_unreadable=tuple(RowNotRead(row.row, row.reason) for row in reading.unreadable_rows),
        days=tuple(days[:SHOWN]),
        days_more=max(0, len(days) - SHOWN),
    )


def _call(call: UnmatchedCall, owners: Mapping[str, Controller], zone: tzinfo) -> CallWithoutRecord:
    owner = owners.get(call.line)
    at = datetime.fromtimestamp(call.start, UTC).astimezone(owner.zone if owner else zone)
    return CallWithoutRecord(owner.id if owner else None, call.line, at, shown_id(call.id), call.row)


def _record(record: UnmatchedRecord, zone: tzinfo) -> RecordWithoutCall:
    at = datetime.fromtimestamp(record.at, UTC).astimezone(zone)
    return RecordWithoutCall(record.company, record.number, record.line, at, record.call or None)
