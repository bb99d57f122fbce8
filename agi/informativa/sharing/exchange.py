"""The exchange of one box, step by step: it sends a ledger's records to the database where boxes meet, and
takes in others.

Records go out in their order, a batch in one transaction with the number of the last one; so the database
always has all records up to a number, also on a standby that was promoted with the last ones missing. Each
step raises SharedDatabaseError and leaves everything as it was, or complete: the next exchange goes on from
it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog

from ..ledgers import boxes, references
from ..ledgers.sqlite import SqliteStore
from ..model import RecordKind, SharedDatabase
from ..model.text import Text
from . import box_statements, membership, receiving
from . import rows as shared_rows
from .connection import Connection, translated
from .erasure_orders import Erasures
from .erasure_statements import ErasureStatements
from .membership import About, LedgerRow
from .proof_sender import ProofSender
from .reading import other_ledgers
from .receiving import LARGE_PAGE, Passed, Receiver, Rows
from .retirements import OtherLedger, Retirements

PAGE = 1000  # records of a transaction
log = structlog.get_logger("informativa")

_KIND, _REFERENCE = map(shared_rows.COLUMNS.index, ("kind", "reference"))


class Exchange:
    """The exchange of one ledger of one box, over a connection. Blocking; for one thread. Every method
    raises LedgerError too. `keys` are all keys that the box has of the company, the current one first;
    `company` is its number there, if the connection was opened for another company; `passed` is remembered
    from connection to connection (see `receiving.Passed`)."""

    def __init__(
        self,
        store: SqliteStore,
        connection: Connection,
        database: SharedDatabase,
        controller: str,
        about: About = About(),  # noqa: B008  # it is frozen
        keys: Sequence[bytes] = (),
        company: int | None = None,
        passed: Passed | None = None,
    ) -> None:
        number = self.company = connection.company if company is None else company
        self._store, self._connection, self._database = store, connection, database
        self._sql = shared_rows.Statements(number)
        self.receiver = Receiver(store, number, passed)
        """The receiver of what other boxes recorded."""
        self._box = database.box
        self._identity = boxes.identity(store)
        self._proofs = ProofSender(store, connection, number, controller, self._box, self._identity)
        self.sent = 0
        """The number of our last record that is there."""
        self.newest = store.newest()
        """The number of our newest record at the last look."""
        self.has_rest = False
        """True if something goes after the last page that was sent: records, answers, proofs or orders."""
        self._reported: tuple[int, str, str] | None = None
        self._answered = self._refusals = 0  # up to which records: all answers are there; refusals were sent
        self._newest_erasure = 0
        self._erasures = Erasures(store, connection, database, number, controller, self._identity, keys)
        self._retirements = Retirements(store, connection, database, number, controller)
        self._take_part(about)

    def close(self) -> None:
        """Close the ledger and the connection."""
        self._connection.close()
        self.leave()

    def leave(self) -> None:
        """Close the ledger alone: others go on over the connection."""
        self._store.close()

    def _take_part(self, about: About) -> None:
        """Register this box, for the first time or again. Raises BoxRefusedError."""
        with translated(self._database):
            while membership.look_up(self._connection, self._sql, self._database) is None:
                self._erasures.erase_again()  # first: cut off, it is begun anew
                if self._join():
                    break
            self._look()
        say_alive(self._connection, self._database, about)
        self.report(about)

    def _join(self) -> bool:
        """Register this box for the first time, while nobody can order an erasure. Return `False` if one was
        ordered, and done by all others, since `erase_again` looked; then that is to be repeated."""
        with self._connection.transaction():
            self._connection.execute(ErasureStatements(self.company).lock_company)
            existing = other_ledgers(self._connection, self.company, self._box)
            if self._erasures.unerased(existing, self._box):
                return False
            self._erasures.note_lost(existing)
            new = self._connection.execute(self._sql.take_part, (self._box, self._identity)).rowcount
            if new:  # its erasures under another name are unknown there
                self._erasures.order_all_again()
        return True

    def _look(self) -> LedgerRow:
        """Read this ledger's row in the database. Raises BoxRefusedError."""
        with translated(self._database):
            row = membership.look_up(self._connection, self._sql, self._database)
        row = membership.require_identity(self._database, row, self._identity)
        self._newest_erasure = row.erasures
        if row.retired:
            raise membership.refused(
                self._database,
                Text(
                    "{box} was retired there",
                    "Give this one another name (shared.box), and load the configuration anew.",
                ),
            )
        if row.record != self.sent:  # at the beginning, after another sender, or after a failover
            self.sent = self._refusals = row.record
            self._proofs.forget()
            self._erasures.forget()
            with translated(self._database):
                membership.require_same_ledger(
                    self._connection, self._sql, self._database, self._store, self.sent
                )
        self._proofs.proven = row.proven
        self._answered = row.answered
        return row

    @property
    def others(self) -> int:
        """The number of other boxes that ever sent something."""
        return len(self.receiver.boxes)

    def send(self) -> int:
        """Send the next page of our records. Return their number; 0 also where `erase` must look first: a
        caller is to be erased, or the rows there are not those that were sent, as behind pgbouncer, whose
        clients stay connected when another server takes over that has not got all of it."""
        page = self.page()
        sent = send_together(self._connection, self._database, [(self, page)]) if page else []
        return len(page) if sent else 0

    def page(self) -> Rows:
        """Return the next page of our records, none where `erase` must look first. What callers refused
        behind a full page is sent before."""
        page = boxes.page(self._store, self.sent, PAGE)
        if len(page) == PAGE:
            self.newest = self._store.newest()
            return page if self._send_refusals(page[-1][0]) else []
        if page:
            self.newest = page[-1][0]
        return page

    def _send_refusals(self, after: int) -> bool:
        """Send what callers refused or withdrew in records behind the next page, before their turn: another
        box must not rely on a consent for as long as it takes to send all before. Return `False` if the box's
        row has changed."""
        self._refusals = max(self._refusals, after)
        while page := boxes.refusals(self._store, self._refusals, PAGE):
            if not send_together(self._connection, self._database, [(self, page)], in_turn=False):
                return False
            self._refusals = page[-1][0]
        self._refusals = max(self._refusals, self.newest)
        return True

    def standing(self, page: Rows) -> tuple[object, ...]:
        """Return the values of `box_statements.sending` for a page whose turn it is, or with `()`
        for one that is sent before its turn, which leaves the box's position as it is."""
        last = page[-1][0] if page else self.sent
        proven = self._proofs.proven
        return (
            self.company, last, self._identity, self._newest_erasure, self.sent, proven,
            self._proofs.after(page),
        )  # fmt: skip

    def confirm(self, page: Rows) -> None:
        """Take a page whose turn it was as sent."""
        last = page[-1][0]
        if self._answered == self.sent:
            self._answered = last
        self.sent = last
        proven = self._proofs.after(page)
        self.has_rest = (
            len(page) >= PAGE
            or self._answered < last
            or self._proofs.lags(proven, page)
            or any(row[_KIND] == RecordKind.ERASURE for row in page)
        )
        self._proofs.proven = proven
        if self._reported is not None:
            self._reported = (max(self._reported[0], last), *self._reported[1:])

    def require_same(self, page: Sequence[Sequence[Any]]) -> None:
        """Refuse to go on unless the records that are there already are equal to those of the page: nothing
        is doubled, and nothing lost."""
        numbers = [row[0] for row in page]
        existing = self._connection.execute(self._sql.existing, (self._box, numbers)).fetchall()
        local_records = {row[0]: [row[at] for at in membership.COMPARED] for row in page}
        for row in existing:
            if not membership.same_record(local_records[row[0]], row):
                raise membership.refused(
                    self._database,
                    Text(
                        "another record {number} is there under the name {box}",
                        "Two machines send under one name: give each its own (shared.box).",
                    ),
                    number=row[0],
                )

    def follow(self, row: Sequence[Any]) -> None:
        """Apply a record about records (a purge, an erasure) there too."""
        if row[_KIND] == RecordKind.PURGE and references.is_note(row[_REFERENCE]):
            for numbers in boxes.purged_by(self._store, row[_REFERENCE]):
                self._connection.execute(self._sql.purge_records, (numbers,))
        elif row[_KIND] == RecordKind.PURGE:
            first, last, end = references.purged(row[_REFERENCE])
            self._connection.execute(self._sql.purge, (self._box, first, last, end))
        elif row[_KIND] == RecordKind.ERASURE:
            self._erasures.follow(row[0], row[_REFERENCE])

    def send_answers(self) -> int:
        """Send the next answers of records that were sent before the database took answers. Return their
        number."""
        if self._answered >= self.sent:
            return 0
        page = boxes.answers(self._store, self._answered, self.sent, PAGE)
        upto = page[-1][0] if len(page) == PAGE else self.sent
        guard = (self._box, self._identity, self._newest_erasure, self._answered, self.sent)
        run = self._connection.execute
        with translated(self._database), self._connection.transaction():
            (self._connection.batch,) = _count_batch(self._connection, self._box).fetchone() or (0,)
            if run(self._sql.answering, (upto, *guard)).rowcount != 1:
                return 0
            if page:
                run(self._sql.answer, (*map(list, zip(*page, strict=True)), self._box))
        self._answered = upto
        return len(page)

    def send_proofs(self) -> int:
        """Send the next part of the proofs of our records. Return the size of it, 0 for nothing."""
        with translated(self._database):
            return self._proofs.prove(self.sent, self._newest_erasure) or self._proofs.send()

    def erase(self, at: datetime | None = None) -> int:
        """Carry out the erasures that other boxes ordered, as `Erasures.carry_out`. Return the number of
        callers."""
        return self._erasures.carry_out(self._look, at or datetime.now(UTC))

    @property
    def has_requests(self) -> bool:
        """True if this box has asked others to erase callers, and was not told yet that all have done it."""
        return self._erasures.requested

    def has_own_erasures(self) -> bool:
        """Return whether there is something about this box's own erasures to be done (see
        `Erasures.has_own_work`)."""
        return self._erasures.has_own_work()

    def receive(
        self,
        *,
        seen: bool = False,
        alone: bool = False,
        progress: Callable[[str, int, int], None] = lambda _box, _at, _of: None,
    ) -> int:
        """Take in all records that inform callers, or have their answers, and that other boxes sent since.
        Return their number. With `seen` also calls of callers who knew a notice; `alone` in larger pages,
        where no calls wait. `progress` is called for each page: with a box, the last record so far, and the
        last of all."""
        self.expect_all()
        count, taken_in = LARGE_PAGE if alone else PAGE, 0
        while requests := receiving.at_once(self.receiver.requests(seen=seen), count):
            pages = receiving.receive(self._connection, self._database, requests, count)
            for request, page in zip(requests, pages, strict=True):
                end = self.receiver.take_in(request, page, count, alone=alone)
                taken_in += len(page or ())
                if page is not None and request.seen is not None:
                    progress(request.box, end, request.upto)
        return taken_in

    def expect_all(self) -> None:
        """Look how far the records of all other boxes are in the database, and which of them left for
        good."""
        with translated(self._database):
            rows = self._connection.execute(self._sql.ledgers, (self._box,)).fetchall()
        ledgers = list[OtherLedger]()
        for box, record, answered, identity, *standing in rows:
            ledgers.append(OtherLedger(box, record, identity, *standing))
            self.expect(box, identity, record, answered, left=ledgers[-1].retired)
        self._retirements.compare(ledgers)

    def expect(self, box: str, identity: bytes, upto: int, answered: int, *, left: bool = False) -> bool:
        """Remember how far another box's records are in the database (see `Receiver.expect`), and whether it
        left for good. Return whether callers may have to be erased for that."""
        self.receiver.expect(box, identity, upto, answered)
        return self._erasures.returned.expect(box, upto, left=left)

    def report(self, about: About, *, changed: bool = True) -> bool:
        """Report this box's newest record, and what others compare, unless that was reported. Return whether
        there may be proofs to send. `changed` is false if the ledger has not changed since then."""
        if changed:
            self.newest = self._store.newest()
        facts = self.newest, about.keys, about.configuration
        if facts != self._reported:
            with translated(self._database):
                self._connection.execute(self._sql.say, (*facts, self._box, self._identity, *facts))
            self._reported = facts
        looks = changed or self._proofs.has_news()
        if looks:
            self._proofs.look()
        return looks


def say_alive(connection: Connection, database: SharedDatabase, about: About) -> None:
    """Report that this box is alive, and how far its clock is ahead of the server's as it was measured the
    last time, to half a round trip; it is measured anew. Raises SharedDatabaseError."""
    before = time.time()
    with translated(database):
        values = (database.box, about.program, connection.clock_ahead)
        (server,) = connection.execute(box_statements.SEEN, values).fetchone() or (before,)
    connection.clock_ahead = (before + time.time()) / 2 - float(server)


def send_together(
    connection: Connection,
    database: SharedDatabase,
    pages: Sequence[tuple[Exchange, Rows]],
    *,
    in_turn: bool = True,
) -> Sequence[Exchange]:
    """Send pages of the ledgers of several companies of one box, in one transaction and three round trips for
    any number of records. Return the exchanges whose pages are there now: the row of another has changed, or
    somebody locks it. Pages that are not `in_turn` do not count as sent. Raises SharedDatabaseError,
    LedgerError and BoxRefusedError, and then nothing was sent."""
    with translated(database):
        try:
            return _send_together(connection, database.box, pages, in_turn=in_turn)
        except (psycopg.DataError, UnicodeError):  # NUL, say, which PostgreSQL's text does not take
            plain = [(exchange, shared_rows.plain(page)) for exchange, page in pages]
            return _send_together(connection, database.box, plain, in_turn=in_turn)


def _send_together(
    connection: Connection, box: str, pages: Sequence[tuple[Exchange, Rows]], *, in_turn: bool
) -> Sequence[Exchange]:
    standings = [exchange.standing(page if in_turn else ()) for exchange, page in pages]
    with connection.pipeline() as pipeline, connection.transaction():
        counted = _count_batch(connection, box)
        accepted = connection.execute(box_statements.SENDING, box_statements.sending(box, standings))
        pipeline.sync()
        (connection.batch,) = counted.fetchone() or (0,)
        companies = {company for (company,) in accepted.fetchall()}
        sent = [(exchange, page) for exchange, page in pages if exchange.company in companies]
        if not sent:
            return []
        values = box_statements.arrays(box, [(exchange.company, page) for exchange, page in sent])
        inserted = connection.execute(box_statements.SEND, values)
        pipeline.sync()
        if in_turn:
            complete = inserted.rowcount == sum(len(page) for _exchange, page in sent)
            for exchange, page in sent:
                if not complete:
                    exchange.require_same(page)
                for row in page:
                    exchange.follow(row)
    if in_turn:
        for exchange, page in sent:
            exchange.confirm(page)
    return [exchange for exchange, _page in sent]


def _count_batch(connection: Connection, box: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """Count the transaction that begins, by which other boxes know that there is news."""
    values = {"known": connection.batch, "random": secrets.randbits(62), "box": box}
    return connection.execute(box_statements.BATCH, values)
