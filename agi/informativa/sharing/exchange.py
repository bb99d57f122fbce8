"""The exchange of one box, step by step: it sends a ledger's records to the database where boxes meet, and
takes in others.

Records go out in their order, a batch in one transaction with the number of the last one; so the database
always has all records up to a number, also on a standby that was promoted with the last ones missing. Each
step raises SharedDatabaseError and leaves everything as it was, or complete: the next exchange goes on from
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg

from ..call.caller import pseudonym
from ..ledgers import boxes, erasure_requests, leaves, rows
from ..ledgers.erasure import erase, forget
from ..ledgers.erasure_requests import ErasureRequest, Standing
from ..ledgers.sqlite import SqliteStore
from ..model import RecordKind, SharedDatabase
from ..model.text import Text
from . import callers, membership, schema, sealed_caller
from . import rows as shared_rows
from .connection import Connection, translated
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
    """The exchange of one ledger of one box, over one connection. Blocking; for one thread. Every method
    raises LedgerError too. `keys` are all keys that the box has of the company, the current one first."""

    def __init__(
        self,
        store: SqliteStore,
        connection: Connection,
        database: SharedDatabase,
        controller: str,
        about: About = About(),  # it is frozen
        keys: Sequence[bytes] = (),
    ) -> None:
        self._store, self._connection, self._database = store, connection, database
        self._controller, self._keys = controller, tuple(keys)
        self._sql = shared_rows.Statements(controller, connection.schema)
        self._box = database.box
        self._identity = boxes.identity(store)
        self._proofs: ProofSender | None = None  # the schema may be of an earlier informativa
        if connection.schema >= schema.EVIDENCE:
            self._proofs = ProofSender(store, connection, controller, self._box, self._identity)
        self.sent = 0
        """The number of our last record that is there."""
        self.newest = store.newest()
        """The number of our newest record at the last look."""
        self.others = 0
        """The number of other boxes."""
        self._erasures = 0
        self._erased = set[tuple[int, frozenset[bytes]]]()  # orders that are done here and not yet reported
        self._take_part(about)

    def close(self) -> None:
        """Close the ledger and the connection."""
        self._connection.close()
        self._store.close()

    def _take_part(self, about: About) -> None:
        """Register this box, for the first time or again. Raises BoxRefusedError."""
        with translated(self._database):
            if membership.look_up(self._connection, self._sql, self._database) is None:
                self._forget_erased()  # first: cut off, it is begun anew
            new = self._connection.execute(self._sql.take_part, (self._box, self._identity)).rowcount
            if new:  # its erasures under another name are unknown there
                erasure_requests.lost(self._store, erasure_requests.kept(self._store))
            self._look()
        self.say(about)

    def _forget_erased(self) -> None:
        """Erase again the callers whom the boxes erased since a backup of this ledger, which now takes
        another name.

        The records under its earlier names show which of them are erased by now. Callers known from other
        boxes alone are erased if nothing of them is there any more.
        """
        run = self._connection.execute
        names = [name for (name,) in run(self._sql.earlier_names, (self._identity, self._box)).fetchall()]
        if not names:
            return
        records = (record for (record,) in run(self._sql.erased_of, (names,)).fetchall())
        erased = boxes.pseudonyms_of(self._store, records)
        for page in boxes.learnt_of(self._store):
            erased.update(pseudonym for (pseudonym,) in run(self._sql.known_nowhere, (page,)).fetchall())
        if erased:
            erase(self._store.file, sorted(erased), datetime.now(UTC))

    def _look(self) -> int:
        """Read this box's row in the database. Return the number up to which erasures were applied. Raises
        BoxRefusedError."""
        with translated(self._database):
            row = membership.look_up(self._connection, self._sql, self._database)
        row = membership.require_identity(self._database, row, self._identity)
        self._erasures = row.erasures
        if row.retired:
            raise membership.refused(
                self._database,
                Text(
                    "{box} was retired there",
                    "Give this one another name (shared.box), and load the configuration anew.",
                ),
            )
        if row.record != self.sent:  # at the beginning, after another sender, or after a failover
            self.sent = row.record
            if self._proofs:
                self._proofs.forget()
            with translated(self._database):
                membership.require_same_ledger(
                    self._connection, self._sql, self._database, self._store, self.sent
                )
        if self._proofs:
            self._proofs.proven = row.proven
        return row.applied

    def send(self) -> int:
        """Send the next page of our records. Return their number; 0 also where `erase` must look first: a
        caller is to be erased, or the rows there are not those that were sent, as behind pgbouncer, whose
        clients stay connected when another server takes over that has not got all of it."""
        page = boxes.page(self._store, self.sent, PAGE)
        if not page:
            return 0
        self.newest = self._store.newest() if len(page) == PAGE else page[-1][0]
        with translated(self._database):
            try:
                sent = self._send(page)
            except (psycopg.DataError, UnicodeError):  # PostgreSQL's text has no NUL, say
                sent = self._send(shared_rows.plain(page))
        return len(page) if sent else 0

    def _send(self, page: Sequence[Sequence[Any]]) -> bool:
        """Send a page, in three round trips for any number of records. Return `False` if the box's row has
        changed."""
        proofs = self._proofs
        columns = shared_rows.arrays(self._box, page, proofs=proofs is not None)
        last, run = page[-1][0], self._connection.execute
        with self._connection.pipeline() as pipeline, self._connection.transaction():
            values = (last, last, self._box, self._identity, self._erasures, self.sent)
            updated = run(self._sql.sending, values)
            pipeline.sync()
            if updated.rowcount != 1:  # the row has changed
                return False
            inserted = run(self._sql.send, columns)
            pipeline.sync()
            if inserted.rowcount < len(page):
                self._require_same(page)
            for row in page:
                self._follow(row)
            proven = proofs.after(page) if proofs else 0
            if proofs and proven != proofs.proven:
                proving = (proven, self._box, self._identity, self._erasures, proofs.proven)
                run(proofs.sql.proving, proving)
        self.sent = last
        if proofs:
            proofs.proven = proven
        return True

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
        if row[_KIND] == RecordKind.PURGE:
            first, last, end = rows.purged(row[_REFERENCE])
            self._connection.execute(self._sql.purge, (self._box, first, last, end))
        elif row[_KIND] == RecordKind.ERASURE:
            _erased_leaves, resting = leaves.indices(row[_REFERENCE])
            erased = boxes.erased(self._store)
            self._connection.execute(self._sql.erase, (self._box, erased))
            dependents = boxes.records_of(self._store, resting)
            self._connection.execute(self._sql.rests_no_more, (self._box, dependents))

    def send_proofs(self) -> int:
        """Send the next part of the proofs of our records. Return the size of it, 0 for nothing."""
        if self._proofs is None:
            return 0
        with translated(self._database):
            return self._proofs.prove(self.sent, self._erasures) or self._proofs.send()

    def erase(self, at: datetime | None = None) -> int:
        """Order erasures again that this box requested and the database does not have; or else erase the
        callers of other boxes' orders. Return the number of callers; orders of this box are carried out at
        the next turn."""
        requests = erasure_requests.kept(self._store)
        if self._look() >= self._erasures and not requests:
            return 0
        now = at or datetime.now(UTC)
        # In one transaction, so that it is of one server: behind pgbouncer another may take over meanwhile.
        with translated(self._database), self._connection.transaction():
            applied = self._look()
            unknown, completed = self._sort_requests(requests, now)
            # Orders go first: the orders that have their numbers now must stay, since they show the loss.
            erased = 0 if unknown else self._apply(applied, now)
        with translated(self._database):  # only now: two boxes at once would not see each other
            self._connection.execute(self._sql.done_everywhere)
        for request in unknown:
            note = partial(erasure_requests.ordered, self._store, request.id)
            callers.order(
                self._connection,
                self._database,
                self._controller,
                request.pseudonyms,
                note,
                sealed=request.sealed,
            )
        forget(self._store, completed)
        return erased + len(unknown)

    def _apply(self, applied: int, at: datetime) -> int:
        """Erase the callers of pending orders. A caller without a record, too, may stand in a copy, or in
        data that an erasure could not clean: so each is really erased, and leaves a record of that.

        An order may wait for a key, which the box that asked had and this one has not. All orders before the
        first such one count as applied; those after it are carried out all the same, once.
        """
        pending = self._connection.execute(self._sql.pending, (applied,)).fetchall()
        earlier, self._erased = self._erased, set()
        waiting = None
        for number, pseudonyms, sealed in pending:
            all_pseudonyms, complete = self._all_pseudonyms(pseudonyms, sealed or ())
            order = number, frozenset(pseudonyms)  # a number may be given again after a failover
            if order not in earlier:
                erase(self._store.file, all_pseudonyms, at)
            self._erased.add(order)
            if not complete and waiting is None:
                waiting = number
        applied_now = self._erasures if waiting is None else waiting - 1
        if applied < applied_now:
            if self._proofs:
                self._proofs.close_erased()
            self._connection.execute(self._sql.applied, (applied_now, self._box, self._identity))
        return len(self._erased - earlier)

    def _all_pseudonyms(
        self, pseudonyms: Sequence[bytes], sealed: Sequence[bytes]
    ) -> tuple[Sequence[bytes], bool]:
        """Return the caller's pseudonyms under this box's keys too, and whether all are known. A box of an
        earlier informativa sends no sealed caller, and its pseudonyms alone are used."""
        if not sealed or sealed_caller.covers(sealed, self._keys):
            return pseudonyms, True
        caller = sealed_caller.unseal(sealed, self._keys)
        if caller is None:
            return pseudonyms, False
        return list({*pseudonyms, *(pseudonym(caller, key) for key in self._keys)}), True

    def _sort_requests(
        self, requests: Sequence[ErasureRequest], now: datetime
    ) -> tuple[list[ErasureRequest], list[ErasureRequest]]:
        """Return the requests that the database does not have, and the requests that all boxes have carried
        out."""
        numbers = [request.number for request in requests if request.number is not None]
        order_rows = self._connection.execute(self._sql.orders, (numbers,)).fetchall()
        newest, applied = order_rows[0][:2]
        pseudonyms_of = {
            number: set(pseudonyms) for _newest, _applied, number, pseudonyms in order_rows if number
        }

        def in_standing(wanted_standing: Standing) -> list[ErasureRequest]:
            return [
                request
                for request in requests
                if request.standing(now, newest, applied, pseudonyms_of.get(request.number or 0))
                is wanted_standing
            ]

        return in_standing(Standing.UNKNOWN), in_standing(Standing.THROUGH)

    def receive(
        self,
        *,
        seen: bool = False,
        alone: bool = False,
        progress: Callable[[str, int, int], None] = lambda _box, _at, _of: None,
    ) -> int:
        """Take in all records that inform callers and that other boxes sent since. Return their number. With
        `seen` also calls of callers who knew a notice; `alone` in larger pages, where no calls wait.
        `progress` is called for each page: with a box, the last record so far, and the last of all."""
        with translated(self._database):
            boxes_there = self._connection.execute(self._sql.boxes, (self._box,)).fetchall()
        self.others = len(boxes_there)
        received_of, count_taken = boxes.received(self._store), 0
        for box, upto in boxes_there:
            position = received_of.get(box, 0)
            while position < upto:
                count = LARGE_PAGE if alone else PAGE
                page = self._page(box, position, upto, count, seen=seen)
                if page is None:
                    break
                position = page[-1][0] if len(page) == count else upto
                boxes.take_in(self._store, box, shared_rows.readable(page), position, alone=alone)
                count_taken += len(page)
                progress(box, position, upto)
        return count_taken

    def _page(
        self, box: str, after: int, upto: int, count: int, *, seen: bool
    ) -> list[tuple[Any, ...]] | None:
        """Return records of another box, in one round trip; `None` where the server has not got all of them,
        since it is not the one that reported `upto`."""
        run = self._connection.execute
        with translated(self._database):
            with self._connection.pipeline(), self._connection.transaction():
                sent = run(self._sql.sent, (box,))  # first: what comes meanwhile must not count
                records = run(self._sql.receive, (box, after, upto, seen, count))
            (sent_upto,) = sent.fetchone() or (0,)
            return records.fetchall() if sent_upto >= upto else None

    def say(self, about: About) -> None:
        """Report that this box is alive, and its newest record; and see whether its log has grown."""
        self.newest = self._store.newest()
        with translated(self._database):
            facts = (
                self.newest,
                about.program,
                about.keys,
                about.configuration,
                self._box,
                self._identity,
            )
            self._connection.execute(self._sql.say, facts)
        if self._proofs:
            self._proofs.look()
