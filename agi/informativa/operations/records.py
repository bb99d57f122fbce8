"""What is on record: all of it as it is read, a page of it, and what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from .. import bootstrap, plausibility
from ..config import Configuration
from ..errors import InformativaError, LedgerError
from ..ledgers.following import Follower
from ..ledgers.sqlite import SqliteStore
from ..model import Controller, Record, RecordFilter, SharedDatabase
from ..text import Text

ALL = RecordFilter()
NEWEST = 1 << 62  # no record has such a number


@dataclass(frozen=True)
class ControllerRecord:
    """A record and whose it is; of which box, '' for this one."""

    controller: Controller
    record: Record
    box: str = ""


@dataclass(frozen=True)
class Page:
    """Some records, the newest first; `before` is what to ask for the next page with, `None` at the end."""

    records: tuple[Record, ...]
    before: int | None


@contextmanager
def opened(controller: Controller) -> Iterator[SqliteStore | None]:
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
    ledger = bootstrap.store(controller)
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
        for box, record in bootstrap.on_all_boxes(shared, controller, own, last):
            yield ControllerRecord(controller, record, box)


def page(
    controller: Controller, wanted: RecordFilter = ALL, before: int | None = None, count: int = 50
) -> Page:
    """Up to `count` of those that are wanted, the newest first, from before a record. Raises
    InformativaError."""
    own = of_zone(wanted, controller)
    with opened(controller) as ledger:
        first = NEWEST if before is None else before
        found = ledger.backwards(own, first, count + 1) if ledger else []
    shown = tuple(found[:count])
    return Page(shown, shown[-1].number if len(found) > count else None)


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
        self._ledgers = [_Ledger(each, bootstrap.follower(each)) for each in controllers]
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
