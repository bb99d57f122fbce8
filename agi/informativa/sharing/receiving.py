"""Reception of the records of other boxes: requests of several ledgers in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from ..ledgers import boxes
from ..ledgers.sqlite import SqliteStore
from ..model import Record, SharedDatabase
from . import box_statements
from .connection import Connection, translated
from .rows import COLUMNS, readable

PAGE = 1000  # records of a request
LARGE_PAGE = 20_000  # where no calls wait for it
_RECORD = COLUMNS.index("record")

Rows = Sequence[Sequence[Any]]
Passed = dict[tuple[str, bytes], tuple[tuple[int, int], tuple[int, int]]]
"""Two pairs of positions by a box's name and its ledger's identity: what a ledger has stored, and up to which
nothing came after that. It is about records of the other box, so it stays true when this ledger is closed and
opened again; where the ledger has stored other positions meanwhile, it does not count."""


@dataclass(frozen=True)
class PageRequest:
    """A request for the records of another box, whose ledger has this identity, after one and up to another:
    those that inform callers, or have their answers, and with `seen` also calls of callers who knew a notice;
    with `seen` `None` answers alone."""

    company: int
    box: str
    identity: bytes
    after: int
    upto: int
    seen: bool | None


_VALUES = attrgetter(*(field.name for field in fields(PageRequest)))


class Receiver:
    """The receiver of other boxes' records for one ledger. `passed` may outlive it (see `Passed`). Every
    method raises LedgerError."""

    def __init__(self, store: SqliteStore, company: int, passed: Passed | None = None) -> None:
        self._store, self._company = store, company
        self._expected: dict[str, tuple[bytes, int, int]] = {}
        self._passed: Passed = {} if passed is None else passed
        self.boxes: set[str] = set()
        """The other boxes that ever sent something."""

    def expect(self, box: str, identity: bytes, upto: int, answered: int) -> None:
        """Remember that a box's records are in the database up to a number, with their answers up to another.
        They are of the ledger with this identity: another machine may have had the name before, which a
        server that was promoted does not know."""
        self.boxes.add(box)
        self._expected[box] = bytes(identity), upto, answered

    @property
    def expects(self) -> bool:
        """True if a box sent something that is not here yet, as far as it was looked at."""
        return bool(self._expected)

    def requests(self, *, seen: bool) -> list[PageRequest]:
        """Return the next request to each box that sent more than is here."""
        if not self._expected:
            return []
        received, requests = boxes.received(self._store, self._expected), []
        for box, (identity, upto, answered) in sorted(self._expected.items()):
            position, answers = self._position(received, box, identity)
            if answers < (behind := min(position, answered)):
                requests.append(PageRequest(self._company, box, identity, answers, behind, None))
            elif position < upto:
                requests.append(PageRequest(self._company, box, identity, position, upto, seen))
            else:
                del self._expected[box]
        return requests

    def take_in(self, request: PageRequest, page: Rows | None, count: int, *, alone: bool = False) -> int:
        """Take in one page, as `take_in_all`. Return the number of the last record up to which all are here
        now."""
        self.take_in_all([(request, page)], count, alone=alone)
        return end_of(request, page, count)

    def take_in_all(
        self, answers: Sequence[tuple[PageRequest, Rows | None]], count: int, *, alone: bool = False
    ) -> None:
        """Take in the pages that answer requests for so many records, all or none; `None` where the server
        has not got all of them, since it is not the one that reported them. `alone` is true if no calls wait.

        Where the pages are empty only memory changes: most records say nothing of their callers that another
        box must know, and a transaction for each would cost more than all else."""
        received = boxes.received(self._store, {request.box for request, _rows in answers})
        pages = list[_Page]()
        for request, rows in answers:
            if rows is None:
                self._expected.pop(request.box, None)
            else:
                pages.append(self._page(received, request, rows, count))
        if any(page.records or page.is_far for page in pages):
            boxes.take_in(self._store, [page.received for page in pages], alone=alone)
            for page in pages:
                self._passed.pop(page.place, None)
        else:
            self._passed.update((page.place, page.passed) for page in pages)
        for page in pages:
            self._settle(page)

    def _settle(self, page: _Page) -> None:
        """Expect nothing more of a box of which all is here now."""
        (box, page_identity), (position, answers) = page.place, page.position
        identity, upto, answered = self._expected.get(box, (b"", 0, 0))
        if identity == page_identity and position >= upto and answers >= min(position, answered):
            del self._expected[box]

    def _position(self, received: boxes.Received, box: str, identity: bytes) -> tuple[int, int]:
        """Return the number of the last record that is here, or was passed over, and that of the last one
        whose answers are."""
        stored = received.of(box, identity)
        base, position = self._passed.get((box, identity), (stored, stored))
        return position if base == stored else stored

    def _page(self, received: boxes.Received, request: PageRequest, page: Rows, count: int) -> _Page:
        """Return a page with the positions after it."""
        box, identity = request.box, request.identity
        stored, end = received.of(box, identity), end_of(request, page, count)
        upto, answers = self._position(received, box, identity)
        if request.seen is None:
            answers = end
        else:
            upto = end
            expected, _upto, answered = self._expected.get(box, (b"", 0, 0))
            if request.after <= answers and end <= answered and identity == expected:
                answers = end
        return _Page((box, identity), stored, (upto, answers), list(readable(page)))


@dataclass(frozen=True)
class _Page:
    """The records of a page that can be read, and the positions before and after it: of the last record that
    was received, and of the last one whose answers were."""

    place: tuple[str, bytes]
    stored: tuple[int, int]
    position: tuple[int, int]
    records: Sequence[Record]

    @property
    def is_far(self) -> bool:
        """True if so much was passed over that it is to be stored: a box that starts reads it again."""
        return max(self.position[0] - self.stored[0], self.position[1] - self.stored[1]) >= PAGE

    @property
    def passed(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The entry of `Passed`."""
        return self.stored, self.position

    @property
    def received(self) -> boxes.ReceivedPage:
        """The page as the ledger stores it."""
        return boxes.ReceivedPage(*self.place, self.records, *self.position)


def receive(
    connection: Connection, database: SharedDatabase, requests: Sequence[PageRequest], count: int
) -> list[Rows | None]:
    """Return the page that answers each request, of at most `count` records, in one round trip. Raises
    SharedDatabaseError."""
    columns = map(list, zip(*map(_VALUES, requests), strict=True))
    with translated(database):
        rows = connection.execute(
            box_statements.RECEIVE, (list(range(len(requests))), *columns, count)
        ).fetchall()
    pages: list[Rows | None] = [None] * len(requests)
    for number, answers in groupby(rows, itemgetter(0)):
        records = [row[1:] for row in answers]
        pages[number] = sorted((row for row in records if row[_RECORD] is not None), key=itemgetter(_RECORD))
    return pages


def end_of(request: PageRequest, page: Rows | None, count: int) -> int:
    """Return the number of the last record up to which all are here after the page that answers a request for
    so many records."""
    if page is None:
        return request.after
    return int(page[-1][_RECORD]) if len(page) == count else request.upto


def at_once(requests: Iterable[PageRequest], count: int) -> list[PageRequest]:
    """Return the first requests, as many as ask for not much more than `count` records; one at least."""
    chosen, records = list[PageRequest](), 0
    for request in requests:
        chosen.append(request)
        records += min(request.upto - request.after, count)
        if records >= count:
            break
    return chosen
