"""What is on record: all of it as it is read, a page of it, and what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from .. import plausibility, storage
from ..config import Configuration
from ..errors import InformativaError, LedgerError
from ..ledgers.following import Follower
from ..ledgers.sqlite import SqliteStore
from ..model import Controller, Record, RecordFilter, RecordKind, SharedDatabase
from ..text import Text

ALL = RecordFilter()
NEWEST = 1 << 62  # no record has such a number
REACH = 100_000  # records that a page goes back over at most: what reads in some 60 ms
LATE = timedelta(days=1)  # after a call within which it is on record, whatever clocks and spools did
_LAST = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = 1000  # records that are read with the ledger open


@dataclass(frozen=True)
class ControllerRecord:
    """A record and whose it is; of which box, '' for this one."""

    controller: Controller
    record: Record
    box: str = ""


@dataclass(frozen=True)
class Page:
    """Some records, the newest first; `before` is what to ask for the next page with, `None` at the end.
    `begun` is the number from before which it looked; `later`, where that was passed over which was recorded
    LATE after what is wanted, what to ask for that with. `looked` is when the last record was recorded that
    was looked at, where the look ended before there were as many as were asked for, and not at the end."""

    records: tuple[Record, ...]
    before: int | None
    looked: datetime | None = None
    begun: int = 1
    later: int | None = None


@dataclass(frozen=True)
class Extract:
    """Records to take away: which numbers were looked through, and those of them that are wanted, while they
    are read."""

    first: int
    last: int
    records: Iterator[Record]


@contextmanager
def opened(controller: Controller, *, read_only: bool = False) -> Iterator[SqliteStore | None]:
    """Its ledger; `None` where there is none. Raises InformativaError if it cannot be read."""
    try:
        exists = Path(controller.ledger).exists()
    except PermissionError as error:
        raise InformativaError(
            Text("{ledger} cannot be looked into (permission denied).", ledger=controller.ledger),
            Text("Run this as the user who owns it."),
        ) from error
    if not exists:
        yield None
        return
    ledger = storage.store(controller, read_only=read_only)
    try:
        yield ledger
    finally:
        ledger.close()


def of_zone(wanted: RecordFilter, controller: Controller) -> RecordFilter:
    """The same filter for one controller: times without an offset are of its zone.

    Raises InformativaError where nothing can be between them.
    """

    def aware(at: datetime | None) -> datetime | None:
        return None if at is None else plausibility.moment(at.isoformat(), controller.zone)

    since, until = aware(wanted.since), aware(wanted.until)
    if since is not None and until is not None and since >= until:
        raise InformativaError(
            Text("Nothing is from {since} on and before {until}.", since=wanted.since, until=wanted.until),
            Text("Give an earlier --since or a later --until."),
        )
    return replace(wanted, since=since, until=until)


def read(
    ledger: SqliteStore, wanted: RecordFilter = ALL, last: int | None = None, before: int | None = None
) -> Iterator[Record]:
    """Those that are wanted, or the last so many of them, the oldest first, while they are read; only from
    before a record, where one is given. Times have an offset."""
    end = NEWEST if before is None else min(before, NEWEST)
    first = ledger.first_of_last(wanted, min(last, NEWEST), end) if last else 1
    return ledger.search(wanted, first, end)


def read_all(
    controllers: Sequence[Controller],
    wanted: RecordFilter = ALL,
    last: int | None = None,
    before: int | None = None,
) -> Iterator[ControllerRecord]:
    """Those of one company after those of the other; times without an offset are of each one's zone. Raises
    InformativaError."""
    for controller in controllers:
        own = of_zone(wanted, controller)
        with opened(controller) as ledger:
            for record in read(ledger, own, last, before) if ledger else ():
                yield ControllerRecord(controller, record)


def no_other_boxes(option: str) -> InformativaError:
    """Why an option that is about all boxes cannot be had."""
    return InformativaError(
        Text("There are no other boxes: the configuration names no database that they share."),
        Text("Leave {option} out, or see `shared` in the reference.", option=option),
    )


def everywhere(
    controllers: Sequence[Controller],
    shared: SharedDatabase | None,
    wanted: RecordFilter = ALL,
    last: int | None = None,
) -> Iterator[ControllerRecord]:
    """Those of all boxes, in the order in which they happened, one company's after those of the other. Raises
    InformativaError where there is no database that boxes share, and SharedDatabaseError."""
    if shared is None:
        raise no_other_boxes("--all-boxes")
    for controller in controllers:
        own = of_zone(wanted, controller)
        for box, record in storage.on_all_boxes(shared, controller, own, last):
            yield ControllerRecord(controller, record, box)


def page(
    controller: Controller, wanted: RecordFilter = ALL, before: int | None = None, count: int = 50
) -> Page:
    """Up to `count` of those that are wanted, the newest first, from before a record. Nothing is indexed for
    what is wanted, so it goes back over no more than REACH of them; where no record is named, from LATE after
    the time that is wanted. Raises InformativaError."""
    own = of_zone(wanted, controller)
    with opened(controller, read_only=True) as ledger:
        if ledger is None:
            return Page((), None)
        newest = _end(ledger, None)
        end = _end(ledger, before) if before is not None else _recorded_from(ledger, own.until, newest)
        first = max(1, end - REACH)
        found = ledger.backwards(own, first, end, count + 1)
        last = next(ledger.records(first), None) if first > 1 else None
    seen = Page(tuple(found[:count]), None, None, end, newest if before is None and end < newest else None)
    if len(found) > count:
        return replace(seen, before=found[count - 1].number)
    if last is None or last.number >= end or (own.since and _recorded(last) < own.since - LATE):
        return seen  # what was before was purged, or is too old
    return replace(seen, before=first, looked=_recorded(last))


def _recorded(record: Record) -> datetime:
    return record.event.recorded or record.event.at


def _recorded_from(ledger: SqliteStore, until: datetime | None, newest: int) -> int:
    """A number from which on all calls were recorded LATE after a time or still later, by halves: calls'
    numbers and these times go up together, which of papers that were entered long ago is not so."""
    low, high = (1, newest) if until and until < _LAST - LATE else (newest, newest)
    while until and low < high:
        middle = (low + high) // 2
        near = islice(ledger.records(middle), _AT_ONCE)
        found = next((each for each in near if each.event.kind is RecordKind.PHONE), None)
        if found is None or found.number >= high or _recorded(found) >= until + LATE:
            high = middle
        else:
            low = found.number + 1
    return low


def _end(ledger: SqliteStore, before: int | None) -> int:
    newest = ledger.newest() + 1
    return newest if before is None else max(1, min(before, newest))


def extract(
    controller: Controller, wanted: RecordFilter = ALL, before: int | None = None, reach: int = REACH
) -> Extract:
    """Those that are wanted among the last so many from before a record, the oldest first. Raises
    InformativaError, also while they are read."""
    own = of_zone(wanted, controller)
    with opened(controller, read_only=True) as ledger:
        end = _end(ledger, before) if ledger else 1
    first = max(1, end - reach)
    return Extract(first, end - 1, _extracted(controller, own, first, end))


def _extracted(controller: Controller, wanted: RecordFilter, first: int, end: int) -> Iterator[Record]:
    """Whoever takes them slowly holds no ledger open meanwhile."""
    for begin in range(first, end, _AT_ONCE):
        with opened(controller, read_only=True) as ledger:
            found = list(ledger.search(wanted, begin, min(begin + _AT_ONCE, end))) if ledger else []
        yield from found


def line_number(configuration: Configuration, line: str | None) -> str:
    """A line as records have it, from any of its spellings; '' for all of them. Raises InformativaError."""
    if line is None:
        return ""
    if line not in configuration.spelled:
        known = ", ".join(found.number for found in configuration.lines)
        raise InformativaError(
            Text("There is no line {line}.", line=line), Text("There are: {known}.", known=known)
        )
    return configuration.spelled[line].number


@dataclass
class _Ledger:
    """One that is followed, and what was last said to be wrong with it."""

    controller: Controller
    follower: Follower
    begun: bool = False
    complaint: str = ""


class Following:
    """Tells of calls as they are recorded, beginning with the last `count` of each ledger. Reads the ledgers
    and nothing else, so that it needs no service, no Asterisk, and holds no call.

    A ledger that cannot be read is a complaint, once for each reason, and is asked again the next time.
    """

    def __init__(
        self,
        controllers: Sequence[Controller],
        wanted: RecordFilter,
        count: int,
        complain: Callable[[LedgerError], None],
    ) -> None:
        self._ledgers = [_Ledger(each, storage.follower(each)) for each in controllers]
        self._wanted, self._count, self._complain = wanted, count, complain

    def news(self) -> list[ControllerRecord]:
        """Those since the last look, in the order in which they happened."""
        found = [
            ControllerRecord(ledger.controller, record)
            for ledger in self._ledgers
            for record in self._news(ledger)
            if self._wanted.takes(record.event)
        ]
        return sorted(found, key=lambda each: each.record.event.at)

    def _news(self, ledger: _Ledger) -> list[Record]:
        try:
            if not ledger.begun:
                ledger.follower.start(self._count, self._wanted.line)
                ledger.begun = True
            found = ledger.follower.news()
        except LedgerError as error:
            if str(error) != ledger.complaint:
                ledger.complaint = str(error)
                self._complain(error)
            return []
        ledger.complaint = ""
        return found

    def close(self) -> None:
        """Let go of the ledgers."""
        for ledger in self._ledgers:
            ledger.follower.close()
