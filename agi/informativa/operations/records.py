"""Records of the ledgers: all of them in order, a page, an extract, and new ones as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from ..config import Configuration
from ..evidence.commitment import KEPT
from ..ledgers.following import Follower
from ..ledgers.sqlite import SqliteStore
from ..model import Controller, Record, RecordFilter, RecordKind, plausibility
from ..model.errors import InformativaError, LedgerError
from ..model.text import Text
from ..process import storage

ALL = RecordFilter()
CALLS = RecordFilter(without=tuple(sorted(KEPT)))
"""The records of calls and other deliveries, without those about records."""
_PAPERS = (RecordKind.OPERATOR, RecordKind.WEBSITE, RecordKind.CONTRACT)
KIND_GROUPS: Mapping[str, tuple[RecordKind, ...]] = {
    "calls": (RecordKind.PHONE,),
    "papers": _PAPERS,
    "erasures": (RecordKind.ERASURE,),
    "notes": tuple(kind for kind in RecordKind if kind in KEPT and kind is not RecordKind.ERASURE),
}
"""The kinds of records as people ask for them. Imports are among the papers: no record says whether it was
typed or imported."""
NEWEST = 1 << 62  # no record has such a number
REACH = 100_000  # records that a page reads at most: reading them takes some 60 ms
LATE = timedelta(days=1)  # within this time after a call it is on record, whatever clocks and spools did
_LAST = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = 1000  # records that are read with the ledger open


@dataclass(frozen=True)
class ControllerRecord:
    """A record, and the controller whose it is."""

    controller: Controller
    record: Record


@dataclass(frozen=True)
class Page:
    """Some records, the newest first, and the numbers by which a reader pages on."""

    records: tuple[Record, ...]
    before: int | None
    """The number to ask for the next page with; `None` at the end."""
    looked: datetime | None = None
    """The time at which the last record that was read was recorded, where reading ended early: before there
    were enough records, and not at the end."""
    begun: int = 1
    """The number below which reading began."""
    later: int | None = None
    """The number to ask with for records that were skipped because they were recorded later than LATE after
    the requested time; `None` where none were."""


@dataclass(frozen=True)
class Extract:
    """Records to export."""

    first: int
    """The lowest number that was read."""
    last: int
    """The highest number that was read."""
    records: Iterator[Record]
    """The matching records, which are read while they are taken."""


def of_zone(record_filter: RecordFilter, controller: Controller) -> RecordFilter:
    """Return the filter for one controller: times without an offset are in its zone.

    Raises InformativaError where no time is between them.
    """

    def aware(at: datetime | None) -> datetime | None:
        return None if at is None else plausibility.moment(at.isoformat(), controller.zone)

    since, end = aware(record_filter.since), aware(record_filter.until)
    if since is not None and end is not None and since >= end:
        raise InformativaError(
            Text(
                "Nothing is from {since} on and before {until}.",
                since=record_filter.since,
                until=record_filter.until,
            ),
            Text("Give an earlier --since or a later --until."),
        )
    return replace(record_filter, since=since, until=end)


def read(
    ledger: SqliteStore, record_filter: RecordFilter = ALL, last: int | None = None, before: int | None = None
) -> Iterator[Record]:
    """Return the matching records, or the last `last` of them, in the order of their numbers, while they are
    read; with `before` only those with lower numbers. Times in the filter have an offset."""
    end = NEWEST if before is None else min(before, NEWEST)
    first = ledger.first_of_last(record_filter, min(last, NEWEST), end) if last else 1
    return ledger.search(record_filter, first, end)


def read_all(
    controllers: Sequence[Controller],
    record_filter: RecordFilter = ALL,
    last: int | None = None,
    before: int | None = None,
) -> Iterator[ControllerRecord]:
    """Return the matching records, one company's after another's; times without an offset are in each
    company's zone. Raises InformativaError."""
    for controller in controllers:
        filter_in_zone = of_zone(record_filter, controller)
        with storage.existing_ledger(controller) as ledger:
            for record in read(ledger, filter_in_zone, last, before) if ledger else ():
                yield ControllerRecord(controller, record)


def known_pseudonym(controller: Controller, caller: bytes) -> bytes | None:
    """Return the pseudonym that begins so, of the newest record that has such a one; `None` for no caller, or
    one who is not on record. Raises InformativaError."""
    with storage.existing_ledger(controller) as ledger:
        matches = read(ledger, RecordFilter(caller=caller), last=1) if ledger and caller else iter(())
        return next((record.event.pseudonym for record in matches), None)


def page(
    controller: Controller, record_filter: RecordFilter = ALL, before: int | None = None, count: int = 50
) -> Page:
    """Return up to `count` matching records, the newest first, with numbers below `before`.

    No index helps with the filter, so at most REACH records are read. Without `before`, reading begins LATE
    after the end of the filter. Raises InformativaError.
    """
    filter_in_zone = of_zone(record_filter, controller)
    with storage.existing_ledger(controller) as ledger:
        if ledger is None:
            return Page((), None)
        newest = _end(ledger, None)
        end = (
            _end(ledger, before)
            if before is not None
            else _recorded_from(ledger, filter_in_zone.until, newest)
        )
        first = max(1, end - REACH)
        records = ledger.backwards(filter_in_zone, first, end, count + 1)
        last = next(ledger.records(first), None) if first > 1 else None
    partial_page = Page(
        tuple(records[:count]), None, None, end, newest if before is None and end < newest else None
    )
    if len(records) > count:
        return replace(partial_page, before=records[count - 1].number)
    if (
        last is None
        or last.number >= end
        or (filter_in_zone.since and _recorded(last) < filter_in_zone.since - LATE)
    ):
        return partial_page  # older records were purged, or are out of range
    return replace(partial_page, before=first, looked=_recorded(last))


def _recorded(record: Record) -> datetime:
    return record.event.recorded or record.event.at


def _recorded_from(ledger: SqliteStore, end: datetime | None, newest: int) -> int:
    """Return a number from which on all calls were recorded LATE after a time or still later, by bisection.
    The numbers of calls rise with these times; those of papers that were entered long after do not."""
    low, high = (1, newest) if end and end < _LAST - LATE else (newest, newest)
    while end and low < high:
        middle = (low + high) // 2
        records = islice(ledger.records(middle), _AT_ONCE)
        call = next((record for record in records if record.event.kind is RecordKind.PHONE), None)
        if call is None or call.number >= high or _recorded(call) >= end + LATE:
            high = middle
        else:
            low = call.number + 1
    return low


def _end(ledger: SqliteStore, before: int | None) -> int:
    newest = ledger.newest() + 1
    return newest if before is None else max(1, min(before, newest))


def extract(
    controller: Controller, record_filter: RecordFilter = ALL, before: int | None = None, reach: int = REACH
) -> Extract:
    """Return the matching records among the last `reach` below `before`, in the order of their numbers.
    Raises InformativaError, also while they are read."""
    filter_in_zone = of_zone(record_filter, controller)
    with storage.existing_ledger(controller) as ledger:
        end = _end(ledger, before) if ledger else 1
    first = max(1, end - reach)
    return Extract(first, end - 1, _extracted(controller, filter_in_zone, first, end))


def _extracted(controller: Controller, record_filter: RecordFilter, first: int, end: int) -> Iterator[Record]:
    """Read the records in short turns: a slow reader keeps no ledger open."""
    for begin in range(first, end, _AT_ONCE):
        with storage.existing_ledger(controller) as ledger:
            records = list(ledger.search(record_filter, begin, min(begin + _AT_ONCE, end))) if ledger else []
        yield from records


def line_number(configuration: Configuration, line: str | None) -> str:
    """Return a line's number as records have it, from any of its spellings; '' for `None`. Raises
    InformativaError."""
    if line is None:
        return ""
    if line not in configuration.spelled:
        numbers = ", ".join(configured.number for configured in configuration.lines)
        raise InformativaError(
            Text("There is no line {line}.", line=line), Text("There are: {known}.", known=numbers)
        )
    return configuration.spelled[line].number


@dataclass
class _Ledger:
    """A ledger that is followed, and the last complaint about it."""

    controller: Controller
    follower: Follower
    begun: bool = False
    complaint: str = ""


class RecordFollower:
    """A reader that returns calls as they are recorded, beginning with the last `count` of each ledger. It
    reads the ledgers and nothing else, so it needs no service and no Asterisk, and delays no call.

    A ledger that cannot be read is a complaint, once for each reason, and is tried again the next time.
    """

    def __init__(
        self,
        controllers: Sequence[Controller],
        record_filter: RecordFilter,
        count: int,
        complain: Callable[[LedgerError], None],
    ) -> None:
        self._ledgers = [_Ledger(controller, storage.follower(controller)) for controller in controllers]
        self._filter, self._count, self._complain = record_filter, count, complain

    def news(self) -> list[ControllerRecord]:
        """Return the records since the last call, in the order in which they happened."""
        records = [
            ControllerRecord(ledger.controller, record)
            for ledger in self._ledgers
            for record in self._news(ledger)
            if self._filter.matches(record.event)
        ]
        return sorted(records, key=lambda entry: entry.record.event.at)

    def _news(self, ledger: _Ledger) -> list[Record]:
        try:
            if not ledger.begun:
                ledger.follower.start(self._count, self._filter.line)
                ledger.begun = True
            records = ledger.follower.new_records()
        except LedgerError as error:
            if str(error) != ledger.complaint:
                ledger.complaint = str(error)
                self._complain(error)
            return []
        ledger.complaint = ""
        return records

    def close(self) -> None:
        """Close the ledgers."""
        for ledger in self._ledgers:
            ledger.follower.close()
