"""The exchange of one box, step by step: it sends a ledger's records to the database where boxes meet, and
takes in others.

Records go out in their order, a batch in one transaction with the number of the last one; so the database
always has all records up to a number, also on a standby that was promoted with the last ones missing. Each
step raises SharedDatabaseError and leaves everything as it was, or complete: the next exchange goes on from
it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from ..ledgers import boxes, references
from ..ledgers.sqlite import SqliteStore
from ..model import RecordKind, SharedDatabase
from ..model.text import Text
from . import membership
from . import rows as shared_rows
from .connection import Connection, translated
from .erasure_orders import Erasures
from .membership import LedgerRow
from .proof_sender import ProofSender

PAGE = 1000  # records of a transaction
LARGE_PAGE = 20_000  # where no calls wait for it
_KIND, _REFERENCE = map(shared_rows.COLUMNS.index, ("kind", "reference"))


@dataclass(frozen=True)
class About:
    """The report of a box about itself, for comparison with others: the program's version, fingerprints of
    the company's keys, and a digest of the settings that decide about its callers."""

    program: str = ""
    keys: str = ""
    configuration: str = ""


class Exchange:
    """The exchange of one ledger of one box, over a connection. Blocking; for one thread. Every method
    raises LedgerError too. `keys` are all keys that the box has of the company, the current one first;
    `company` is its number there, if the connection was opened for another company."""

    def __init__(
        self,
        store: SqliteStore,
        connection: Connection,
        database: SharedDatabase,
        controller: str,
        about: About = About(),  # it is frozen
        keys: Sequence[bytes] = (),
        company: int | None = None,
    ) -> None:
        number = connection.company if company is None else company
        self._store, self._connection, self._database = store, connection, database
        self._sql = shared_rows.Statements(number)
        self._box = database.box
        self._identity = boxes.identity(store)
        self._proofs = ProofSender(store, connection, number, controller, self._box, self._identity)
        self.sent = 0
        """The number of our last record that is there."""
        self.newest = store.newest()
        """The number of our newest record at the last look."""
        self.others = 0
        """The number of other boxes."""
        self._reported: tuple[int, str, str] | None = None
        self._answered = self._refusals = 0  # up to which records: all answers are there; refusals were sent
        self._newest_erasure = 0
        self._erasures = Erasures(store, connection, database, number, controller, self._identity, keys)
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
            if membership.look_up(self._connection, self._sql, self._database) is None:
                self._erasures.erase_again()  # first: cut off, it is begun anew
            new = self._connection.execute(self._sql.take_part, (self._box, self._identity)).rowcount
            if new:  # its erasures under another name are unknown there
                self._erasures.order_all_again()
            self._look()
        with translated(self._database):
            self._connection.execute(shared_rows.SEEN, (self._box, about.program))
        self.report(about)

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
            with translated(self._database):
                membership.require_same_ledger(
                    self._connection, self._sql, self._database, self._store, self.sent
                )
        self._proofs.proven = row.proven
        self._answered = row.answered
        return row

    def send(self) -> int:
        """Send the next page of our records. Return their number; 0 also where `erase` must look first: a
        caller is to be erased, or the rows there are not those that were sent, as behind pgbouncer, whose
        clients stay connected when another server takes over that has not got all of it."""
        page = boxes.page(self._store, self.sent, PAGE)
        if not page:
            return 0
        if len(page) == PAGE:
            self.newest = self._store.newest()
            if not self._send_refusals(page[-1][0]):
                return 0
        else:
            self.newest = page[-1][0]
        return len(page) if self._send_plain(page, self._send) else 0

    def _send_refusals(self, after: int) -> bool:
        """Send what callers refused or withdrew in records behind the next page, before their turn: another
        box must not rely on a consent for as long as it takes to send all before. Return `False` if the box's
        row has changed."""
        self._refusals = max(self._refusals, after)
        while page := boxes.refusals(self._store, self._refusals, PAGE):
            if not self._send_plain(page, self._insert):
                return False
            self._refusals = page[-1][0]
        self._refusals = max(self._refusals, self.newest)
        return True

    def _send_plain(
        self, page: Sequence[Sequence[Any]], send: Callable[[Sequence[Sequence[Any]]], bool]
    ) -> bool:
        """Send a page, without what PostgreSQL's text does not take: NUL, say."""
        with translated(self._database):
            try:
                return send(page)
            except (psycopg.DataError, UnicodeError):
                return send(shared_rows.plain(page))

    def _insert(self, page: Sequence[Sequence[Any]]) -> bool:
        """Insert records whose turn has not come."""
        run = self._connection.execute
        with self._connection.transaction():
            (self._connection.batch,) = self._count_batch().fetchone() or (0,)
            if run(self._sql.sending, self._sending(self.sent)).rowcount != 1:
                return False
            run(self._sql.send, shared_rows.arrays(self._box, page))
        return True

    def _sending(self, last: int) -> dict[str, object]:
        """Return the values of `sending`, with the number of the last record that is there then."""
        return {
            "record": last,
            "newest": last,
            "box": self._box,
            "identity": self._identity,
            "erasures": self._newest_erasure,
            "sent": self.sent,
        }

    def _send(self, page: Sequence[Sequence[Any]]) -> bool:
        """Send a page, in three round trips for any number of records. Return `False` if the box's row has
        changed."""
        proofs = self._proofs
        columns = shared_rows.arrays(self._box, page)
        last, run = page[-1][0], self._connection.execute
        with self._connection.pipeline() as pipeline, self._connection.transaction():
            counted = self._count_batch()
            updated = run(self._sql.sending, self._sending(last))
            pipeline.sync()
            if updated.rowcount != 1:  # the row has changed
                return False
            (self._connection.batch,) = counted.fetchone() or (0,)
            inserted = run(self._sql.send, columns)
            pipeline.sync()
            if inserted.rowcount < len(page):
                self._require_same(page)
            for row in page:
                self._follow(row)
            proven = proofs.after(page)
            if proven != proofs.proven:
                proving = (proven, self._box, self._identity, self._newest_erasure, proofs.proven)
                run(proofs.sql.proving, proving)
        if self._answered == self.sent:
            self._answered = last
        self.sent = last
        proofs.proven = proven
        return True

    def _count_batch(self) -> psycopg.Cursor[tuple[Any, ...]]:
        """Count the transaction that begins, by which other boxes know that there is news."""
        values = {"known": self._connection.batch, "random": secrets.randbits(62), "box": self._box}
        return self._connection.execute(shared_rows.BATCH, values)

    def _require_same(self, page: Sequence[Sequence[Any]]) -> None:
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

    def _follow(self, row: Sequence[Any]) -> None:
        """Apply a record about records (a purge, an erasure) there too."""
        if row[_KIND] == RecordKind.PURGE and row[_REFERENCE].startswith("{"):
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
            (self._connection.batch,) = self._count_batch().fetchone() or (0,)
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
        with translated(self._database):
            ledgers = self._connection.execute(self._sql.ledgers, (self._box,)).fetchall()
        self.others, count_taken = len(ledgers), 0
        received_of, answers_of = (boxes.received(self._store, answers=only) for only in (False, True))
        count = LARGE_PAGE if alone else PAGE
        for box, upto, answered in ledgers:
            position, answers_at = received_of.get(box, 0), answers_of.get(box, 0)
            while answers_at < (behind := min(position, answered)):
                page = self._page(box, answers_at, behind, count, None)
                if page is None:
                    break
                answers_at = page[-1][0] if len(page) == count else behind
                boxes.take_in(self._store, box, shared_rows.readable(page), None, answers_at, alone=alone)
                count_taken += len(page)
            while position < upto:
                page = self._page(box, position, upto, count, seen)
                if page is None:
                    break
                end = page[-1][0] if len(page) == count else upto
                answers_at = end if position <= answers_at and end <= answered else answers_at
                position = end
                records = shared_rows.readable(page)
                boxes.take_in(self._store, box, records, position, answers_at, alone=alone)
                count_taken += len(page)
                progress(box, position, upto)
        return count_taken

    def _page(
        self, box: str, after: int, upto: int, count: int, seen: bool | None
    ) -> list[tuple[Any, ...]] | None:
        """Return records of another box, in one round trip, those with answers where `seen` is `None`; `None`
        where the server has not got all of them, since it is not the one that reported `upto`."""
        run = self._connection.execute
        with translated(self._database):
            with self._connection.pipeline(), self._connection.transaction():
                sent = run(self._sql.sent, (box,))  # first: what comes meanwhile must not count
                if seen is None:
                    records = run(self._sql.receive_answers, (box, after, upto, count))
                else:
                    records = run(self._sql.receive, (box, after, upto, seen, count))
            (sent_upto,) = sent.fetchone() or (0,)
            return records.fetchall() if sent_upto >= upto else None

    def report(self, about: About) -> None:
        """Report this box's newest record, and what others compare, unless that was reported; and see whether
        its log has grown."""
        self.newest = self._store.newest()
        facts = self.newest, about.keys, about.configuration
        if facts != self._reported:
            with translated(self._database):
                self._connection.execute(self._sql.say, (*facts, self._box, self._identity, *facts))
            self._reported = facts
        self._proofs.look()
