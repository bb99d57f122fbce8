"""Comparison of a list of calls, such as the telephone exchange's own, with the ledgers: calls without a
record, and records without a call.

A call and its record share Asterisk's id of the call. Where one of the two has none, they belong together by
line and time, one to one: first within three seconds of the call's start; then, of an erased caller, whose
record has the minute for its time, within that minute; then anywhere in the call, for a notice may come after
a menu. Where records were deleted because of their age, what is left is how many calls an hour had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path

from ...config import Configuration
from ...ledgers.recorded_calls import RecordedCall
from ...model import Controller, Line, RecordFilter
from ...model.errors import InformativaError
from ...model.text import Text
from ...process import storage
from ..controllers import require_ledger
from ..document import AbsolutePath, Sentence, Time
from ..records import no_other_boxes
from .call_list import CallList, ListedCall, ListTimes, UnreadableRow, opened_list, shown_id
from .call_matching import COUNTS, QUARTER, CallMatching, UnmatchedCall, UnmatchedRecord

SHOWN = 100  # calls, records, rows and days that are named
_MARGIN = timedelta(days=1)  # no call lasts longer
_SECOND = timedelta(seconds=1)
_STEP = 10_000  # rows between two reports of progress
_END = 1 << 40  # seconds since 1970; no call is of that time

Progress = Callable[[int, int], None]
"""Called with the number of bytes of the list that were read, and its size."""


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
    box: str
    """The box that has it; empty for this one."""
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
    all_boxes: bool
    """True if the ledgers of all boxes were read."""
    box: str
    """The name of this box where others share a database; else empty."""
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


@dataclass(frozen=True)
class ComparedPeriod:
    """The days to compare, both included; `None` for as far as the list goes."""

    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.first and self.last and self.last < self.first:
            raise InformativaError(
                Text("The period ends before it begins: {first}, {last}.", first=self.first, last=self.last),
                Text("Give the first day with --from, and the last one with --to."),
            )

    def since(self, zone: tzinfo) -> datetime | None:
        """Return the first moment of the period."""
        return datetime.combine(self.first, time(), zone) if self.first else None

    def until(self, zone: tzinfo) -> datetime | None:
        """Return the first moment after the period."""
        return datetime.combine(self.last + timedelta(days=1), time(), zone) if self.last else None


@dataclass(frozen=True)
class ListSource:
    """A list of calls, and the choices of whoever has it compared."""

    file: Path
    columns: Mapping[str, str]
    """Headers or places of columns, by the names of `call_list.LIST`."""
    period: ComparedPeriod
    zone: tzinfo | None
    """The zone of times that name none; `None` for that of each line's company."""
    all_boxes: bool = False


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
    LedgerError and SharedDatabaseError.
    """
    if source.all_boxes and configuration.shared is None:
        raise no_other_boxes("--all-boxes")
    names = {company.id for company in companies}
    spelled = {text: line for text, line in configuration.spelled.items() if line.controller.id in names}
    zone = source.zone or (companies[0].zone if companies else UTC)
    with opened_list(source.file) as opened, closing(CallMatching()) as matching:
        listed = CallList(opened, source.columns, spelled, ListTimes(source.zone, zone))
        size = source.file.stat().st_size
        reading = _Reading(source.period.since(zone), source.period.until(zone), zone)
        matching.add_calls(reading.within(listed, lambda: progress(opened.tell(), size)))
        lines = matching.lines()
        if not reading.calls:
            raise _nothing_in_it(reading)
        present = [company for company in companies if {*_lines_of(company, spelled)} & lines]
        if not present and not matching.has_ids():
            raise _no_line(spelled)
        since, until = reading.period
        existing = [company for company in companies if Path(company.ledger).exists()]
        purges, compared = dict[str, datetime | None](), present or existing or companies[:1]
        for company in compared:
            require_ledger(company)
            note(company)
            records = _records(configuration, company, source, since - _MARGIN, until + _MARGIN)
            purges[company.id] = _add(matching, company, records, _lines_of(company, spelled))
        matching.match(since, until)
        if not matching.count("on_lines"):
            raise _no_line(spelled)
        return _result(configuration, source, listed, reading, matching, compared, purges)


def _lines_of(company: Controller, spelled: Mapping[str, Line]) -> list[str]:
    return sorted({line.number for line in spelled.values() if line.controller.id == company.id})


class _Reading:
    """The rows of the list that are of the period or near it, and counts of all."""

    def __init__(self, since: datetime | None, until: datetime | None, zone: tzinfo) -> None:
        self._since, self._until, self._zone = since, until, zone
        self._least = int((since - _MARGIN).timestamp()) if since else 0
        self._most = int((until + _MARGIN).timestamp()) if until else _END
        self.first, self.last = _END, 0
        self.calls = self.outside = self.unreadable = 0
        self.unreadable_rows: list[UnreadableRow] = []

    def within(self, listed: CallList, report: Callable[[], None]) -> Iterator[ListedCall]:
        """Yield the calls of the period, and of a day before and after."""
        least, most = self._least, self._most
        for call in listed.calls():
            if not listed.rows % _STEP:
                report()
            if isinstance(call, UnreadableRow):
                self.unreadable += 1
                if len(self.unreadable_rows) < SHOWN:
                    self.unreadable_rows.append(call)
                continue
            start = call.start
            if least <= start < most:
                self.calls += 1
                self.first, self.last = min(self.first, start), max(self.last, start)
                yield call
            else:
                self.outside += 1

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The period that was asked for, or else from the first call to the last."""
        first, last = _moment(self.first), _moment(self.last) + _SECOND
        return self._since or first.astimezone(self._zone), self._until or last.astimezone(self._zone)


def _nothing_in_it(reading: _Reading) -> InformativaError:
    if reading.outside:
        return InformativaError(
            Text("The list has no call of those days."), Text("Give other days with --from and --to.")
        )
    if reading.unreadable:
        first = reading.unreadable_rows[0]
        return InformativaError(
            Text(
                "No row of the list can be understood; of line {line}: {why}.",
                line=first.row,
                why=first.reason,
            ),
            Text("Name its columns: --columns id=HEADER,line=HEADER,start=HEADER"),
        )
    return InformativaError(Text("The list is empty."), Text("Name the one that has the calls."))


def _no_line(spelled: Mapping[str, Line]) -> InformativaError:
    numbers = sorted({line.number for line in spelled.values()})
    shown = ", ".join(numbers[:10]) + (", …" if len(numbers) > 10 else "")
    return InformativaError(
        Text("No call of the list is to a line of informativa ({lines}).", lines=shown or Text("none")),
        Text("Name the column that has the called number: --columns line=HEADER"),
    )


def _records(
    configuration: Configuration, company: Controller, source: ListSource, since: datetime, until: datetime
) -> Iterator[tuple[str, RecordedCall]]:
    """Read the records of a company's calls, each with its box: those of this box from its ledger, for it may
    not have sent all of them."""
    with storage.existing_ledger(company) as ledger:
        for call in ledger.calls(since, until) if ledger else ():
            yield "", call
    if source.all_boxes and configuration.shared is not None:
        shared = configuration.shared
        search = RecordFilter(since=since, until=until)
        for box, record in storage.on_all_boxes(shared, company, search, None):
            recorded = RecordedCall.of(record) if box != shared.box else None
            if recorded is not None:
                yield box, recorded


def _add(
    matching: CallMatching,
    company: Controller,
    records: Iterable[tuple[str, RecordedCall]],
    lines: Sequence[str],
) -> datetime | None:
    """Add a company's records; return the time before which they were deleted because of their age."""
    matching.add_records(company.id, records)
    with storage.existing_ledger(company) as ledger:
        cutoff = ledger.purged_before() if ledger else None
    if cutoff is not None:
        matching.add_purge(lines, cutoff)
    return cutoff


def _result(
    configuration: Configuration,
    source: ListSource,
    listed: CallList,
    reading: _Reading,
    matching: CallMatching,
    compared: Sequence[Controller],
    purges: Mapping[str, datetime | None],
) -> CallComparison:
    ids = {company.id for company in compared}
    owners = {line.number: line.controller for line in configuration.lines if line.controller.id in ids}
    since, until = reading.period
    counted = {} if source.all_boxes else _recorded_counts(compared, purges, since)
    days = list(_days(matching, owners, purges, counted))
    counts = {name: matching.count(name) for name in COUNTS}
    uncounted = bool(counts["purged"]) and source.all_boxes
    fewer = any(day.purged and day.recorded < day.calls for day in days)
    zone = since.tzinfo or UTC
    return CallComparison(
        list=source.file,
        since=since,
        until=until,
        controllers=tuple(purges),
        all_boxes=source.all_boxes,
        box=configuration.shared.box if configuration.shared else "",
        rows=listed.rows,
        outside=reading.outside,
        **counts,
        recorded=sum(counts[name] for name in ("by_id", "by_time", "by_minute", "without_call")),
        elsewhere=counts["calls"] - counts["on_lines"],
        unreadable=reading.unreadable,
        master=listed.is_master,
        agrees=not (
            counts["without_record"] or counts["without_call"] or reading.unreadable or uncounted or fewer
        ),
        calls_without_record=tuple(_call(call, owners, zone) for call in matching.missing_calls(SHOWN)),
        records_without_call=tuple(_record(record, zone) for record in matching.records_without_call(SHOWN)),
        rows_unreadable=tuple(RowNotRead(row.row, row.reason) for row in reading.unreadable_rows),
        days=tuple(days[:SHOWN]),
        days_more=max(0, len(days) - SHOWN),
    )


def _call(call: UnmatchedCall, owners: Mapping[str, Controller], zone: tzinfo) -> CallWithoutRecord:
    owner = owners.get(call.line)
    at = _moment(call.start).astimezone(owner.zone if owner else zone)
    return CallWithoutRecord(owner.id if owner else None, call.line, at, shown_id(call.id), call.row)


def _record(record: UnmatchedRecord, zone: tzinfo) -> RecordWithoutCall:
    at = datetime.fromtimestamp(record.at, UTC).astimezone(zone)
    return RecordWithoutCall(record.company, record.box, record.number, record.line, at, record.call or None)


def _days(
    matching: CallMatching,
    owners: Mapping[str, Controller],
    purges: Mapping[str, datetime | None],
    counted: Mapping[tuple[str, date], int],
) -> Iterator[DayOfLine]:
    """Yield the days on which the numbers of calls differ, in order. Of days whose records were deleted
    because of their age the ledger's counters count."""
    numbers: dict[tuple[date, str], tuple[int, int]] = {}
    for line, quarter, calls, recorded in matching.quarters():
        zone = owners[line].zone if line in owners else UTC
        key = _moment(quarter * QUARTER).astimezone(zone).date(), line
        earlier = numbers.get(key, (0, 0))
        numbers[key] = earlier[0] + calls, earlier[1] + recorded
    for (day, line), (calls, recorded) in sorted(numbers.items()):
        owner = owners.get(line)
        cutoff = purges.get(owner.id) if owner else None
        purged = owner is not None and cutoff is not None and day <= cutoff.astimezone(owner.zone).date()
        on_record = max(recorded, counted.get((line, day), 0)) if purged else recorded
        if on_record != calls:
            yield DayOfLine(line, day, calls, on_record, purged)


def _recorded_counts(
    compared: Sequence[Controller], purges: Mapping[str, datetime | None], since: datetime
) -> dict[tuple[str, date], int]:
    """Return the ledgers' numbers of calls by line and day, until shortly after the time from before which
    records were deleted."""
    counts: dict[tuple[str, date], int] = {}
    for company in compared:
        cutoff = purges[company.id]
        if cutoff is None:
            continue
        hour = since.replace(minute=0, second=0, microsecond=0)
        for entry in storage.hours(company, hour, cutoff + 2 * _MARGIN):
            if entry.status is None:
                key = entry.line, entry.at.astimezone(company.zone).date()
                counts[key] = counts.get(key, 0) + entry.count
    return counts


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
