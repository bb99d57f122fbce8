"""Reception of the records of other boxes: requests of several ledgers in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from ..ledgers import boxes
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from . import box_statements
from .connection import Connection, translated
from .rows import COLUMNS, readable

PAGE = 1000  # records of a request
LARGE_PAGE = 20_000  # where no calls wait for it
_RECORD = COLUMNS.index("record")

Rows = Sequence[Sequence[Any]]


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


class Receiver:
    """The receiver of other boxes' records for one ledger. Every method raises LedgerError."""

    def __init__(self, store: SqliteStore, company: int) -> None:
        self._store, self._company = store, company
        self._expected: dict[str, tuple[bytes, int, int]] = {}
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
        received, requests = boxes.received(self._store), []
        for box, (identity, upto, answered) in sorted(self._expected.items()):
            position, answers = received.of(box, identity)
            if answers < (behind := min(position, answered)):
                requests.append(PageRequest(self._company, box, identity, answers, behind, None))
            elif position < upto:
                requests.append(PageRequest(self._company, box, identity, position, upto, seen))
            else:
                del self._expected[box]
        return requests

    def take_in(self, request: PageRequest, page: Rows | None, count: int, *, alone: bool = False) -> int:
        """Take in the page that answers a request for so many records, `None` where the server has not got
        all of them, since it is not the one that reported them. Return the number of the last record up to
        which all are here now. `alone` is true if no calls wait."""
        if page is None:
            self._expected.pop(request.box, None)
            return request.after
        end = int(page[-1][_RECORD]) if len(page) == count else request.upto
        if request.seen is None:
            upto, answers = None, end
        else:
            upto, answers = end, boxes.received(self._store).of(request.box, request.identity)[1]
            identity, _upto, answered = self._expected.get(request.box, (b"", 0, 0))
            if request.after <= answers and end <= answered and identity == request.identity:
                answers = end
        boxes.take_in(
            self._store, request.box, readable(page), upto, answers, identity=request.identity, alone=alone
        )
        return end


def receive(
    connection: Connection, database: SharedDatabase, requests: Sequence[PageRequest], count: int
) -> list[Rows | None]:
    """Return the page that answers each request, of at most `count` records, in one round trip. Raises
    SharedDatabaseError."""
    columns = map(list, zip(*map(astuple, requests), strict=True))
    with translated(database):
        rows = connection.execute(
            box_statements.RECEIVE, (list(range(len(requests))), *columns, count)
        ).fetchall()
    pages: list[Rows | None] = [None] * len(requests)
    for number, answers in groupby(rows, itemgetter(0)):
        records = [row[1:] for row in answers]
        pages[number] = sorted((row for row in records if row[_RECORD] is not None), key=itemgetter(_RECORD))
    return pages


def at_once(requests: Iterable[PageRequest], count: int) -> list[PageRequest]:
    """Return the first requests, as many as ask for not much more than `count` records; one at least."""
    chosen, records = list[PageRequest](), 0
    for request in requests:
        chosen.append(request)
        records += min(request.upto - request.after, count)
        if records >= count:
            break
    return chosen
