"""What one box sends of a ledger to the database where boxes meet, and takes in from there, step by step.

Records go out in their order, a batch in one transaction with the number up to which they are there; so what
is there is always all up to a number, also on a standby that was promoted with the last ones missing. Each
step raises SharedDatabaseError and leaves everything as it was, or whole: whoever comes next goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg

from ..caller import pseudonym
from ..ledgers import boxes, erasure_requests, leaves, rows
from ..ledgers.erasure import erase, forget
from ..ledgers.erasure_requests import Request
from ..ledgers.sqlite import SqliteStore
from ..model import RecordKind, SharedDatabase
from ..text import Text
from . import callers, membership, schema, sealed_caller
from . import rows as shared_rows
from .connection import Connection, translated
from .proof_sender import ProofSender
from .requests import Standing, standing

PAGE = 1000  # records of a transaction
LARGE_PAGE = 20_000  # where no calls wait for it
_KIND, _REFERENCE = map(shared_rows.COLUMNS.index, ("kind", "reference"))


@dataclass(frozen=True)
class About:
    """What a box says of itself, for whoever compares them: the program's version, fingerprints of the
    company's keys, and a digest of what decides about its callers."""

    program: str = ""
    keys: str = ""
    configuration: str = ""


class Exchange:
    """One ledger of one box, over one connection. Blocking; for one thread. Every method raises LedgerError
    too. `keys` are all that the box has of the company, the current one first."""

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
        """Up to which of our records they are there."""
        self.newest = store.newest()
        """Our newest record, when we last looked."""
        self.others = 0
        """How many other boxes there are."""
        self._erasures = 0
        self._erased = set[tuple[int, frozenset[bytes]]]()  # orders that are done here and not yet counted
        self._take_part(about)

    def close(self) -> None:
        """Let go of the ledger and of the connection."""
        self._connection.close()
        self._store.close()

    def _take_part(self, about: About) -> None:
        """Be one of the boxes, from now on or again. Raises BoxRefusedError."""
        with translated(self._database):
            if membership.look_up(self._connection, self._sql, self._database) is None:
                self._forget_erased()  # first: cut off, it is begun anew
            new = self._connection.execute(self._sql.take_part, (self._box, self._identity)).rowcount
            if new:  # of what was erased under another name nothing is known
                erasure_requests.lost(self._store, erasure_requests.kept(self._store))
            self._look()
        self.say(about)

    def _forget_erased(self) -> None:
        """Of a ledger that was put back, and takes another name: erase again whom the boxes erased since.

        Its records that are there under its earlier names say which of them are erased by now, and of whom it
        knows by others alone nothing is there any more.
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
        """What the database says of this box now; up to which of the erasures they were applied. Raises
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
        if row.record != self.sent:  # at the beginning, or somebody else sent, or another server took over
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
        """The next page of our records; how many they were. Nothing where `erase` must look first: somebody
        is to be erased, or what is there is not what was sent, as behind pgbouncer, whose clients stay
        connected when another server takes over that has not got all of it."""
        page = boxes.page(self._store, self.sent, PAGE)
        if not page:
            return 0
        self.newest = self._store.newest() if len(page) == PAGE else page[-1][0]
        with translated(self._database):
            try:
                done = self._send(page)
            except (psycopg.DataError, UnicodeError):  # PostgreSQL's text has no NUL, say
                done = self._send(shared_rows.plain(page))
        return len(page) if done else 0

    def _send(self, page: Sequence[Sequence[Any]]) -> bool:
        """Three round trips, however many records."""
        proofs = self._proofs
        given = shared_rows.arrays(self._box, page, proofs=proofs is not None)
        last, run = page[-1][0], self._connection.execute
        with self._connection.pipeline() as pipeline, self._connection.transaction():
            told = (last, last, self._box, self._identity, self._erasures, self.sent)
            now = run(self._sql.sending, told)
            pipeline.sync()
            if now.rowcount != 1:  # it is not as we know it
                return False
            inserted = run(self._sql.send, given)
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
        """That what was there already is what would have been sent: nothing is doubled, and nothing lost."""
        numbers = [row[0] for row in page]
        there = self._connection.execute(self._sql.there, (self._box, numbers)).fetchall()
        own = {row[0]: [row[at] for at in membership.COMPARED] for row in page}
        for row in there:
            if not membership.same_record(own[row[0]], row):
                raise membership.refused(
                    self._database,
                    Text(
                        "another record {number} is there under the name {box}",
                        "Two machines send under one name: give each its own (shared.box).",
                    ),
                    number=row[0],
                )

    def _follow(self, row: Sequence[Any]) -> None:
        """What a record about records took here goes there too."""
        if row[_KIND] == RecordKind.PURGE:
            first, last, before = rows.purged(row[_REFERENCE])
            self._connection.execute(self._sql.purge, (self._box, first, last, before))
        elif row[_KIND] == RecordKind.ERASURE:
            _own, resting = leaves.indices(row[_REFERENCE])
            erased = boxes.erased(self._store)
            self._connection.execute(self._sql.erase, (self._box, erased))
            rests = boxes.records_of(self._store, resting)
            self._connection.execute(self._sql.rests_no_more, (self._box, rests))

    def send_proofs(self) -> int:
        """The next of what the other boxes need to prove our records; how much it was, 0 for nothing."""
        if self._proofs is None:
            return 0
        with translated(self._database):
            return self._proofs.prove(self.sent, self._erasures) or self._proofs.send()

    def erase(self, at: datetime | None = None) -> int:
        """Ask again for whom this box was asked to erase and the database does not know of; or else erase
        whom another box was asked to. How many callers; what was asked for is done by the next turn."""
        requests = erasure_requests.kept(self._store)
        if self._look() >= self._erasures and not requests:
            return 0
        now = at or datetime.now(UTC)
        # In one transaction, so that it is of one server: behind pgbouncer another may take over meanwhile.
        with translated(self._database), self._connection.transaction():
            applied = self._look()
            unknown, through = self._compared(requests, now)
            # First asked: what has their numbers now stays, by which they are known to be lost.
            erased = 0 if unknown else self._apply(applied, now)
        with translated(self._database):  # only now: two boxes at once would not see each other
            self._connection.execute(self._sql.done_everywhere)
        for each in unknown:
            note = partial(erasure_requests.ordered, self._store, each.id)
            callers.order(
                self._connection, self._database, self._controller, each.pseudonyms, note, sealed=each.sealed
            )
        forget(self._store, through)
        return erased + len(unknown)

    def _apply(self, applied: int, at: datetime) -> int:
        """Whoever is not on record may stand in a copy, or in what an erasure could not clean: so each is
        really erased, and leaves its note.

        Up to the first that waits for a key, which the box that asked had and this one has not, all count as
        applied; those after it are done all the same, once.
        """
        pending = self._connection.execute(self._sql.pending, (applied,)).fetchall()
        before, self._erased = self._erased, set()
        waiting = None
        for number, pseudonyms, sealed in pending:
            all_known, complete = self._all_pseudonyms(pseudonyms, sealed or ())
            order = number, frozenset(pseudonyms)  # a number may be given again after a failover
            if order not in before:
                erase(self._store.file, all_known, at)
            self._erased.add(order)
            if not complete and waiting is None:
                waiting = number
        upto = self._erasures if waiting is None else waiting - 1
        if applied < upto:
            if self._proofs:
                self._proofs.close_erased()
            self._connection.execute(self._sql.applied, (upto, self._box, self._identity))
        return len(self._erased - before)

    def _all_pseudonyms(
        self, pseudonyms: Sequence[bytes], sealed: Sequence[bytes]
    ) -> tuple[Sequence[bytes], bool]:
        """Those of a caller under this box's keys too, and whether all are known. A box of an earlier
        informativa asks without what is sealed, and by its pseudonyms alone."""
        if not sealed or sealed_caller.covers(sealed, self._keys):
            return pseudonyms, True
        caller = sealed_caller.unseal(sealed, self._keys)
        if caller is None:
            return pseudonyms, False
        return list({*pseudonyms, *(pseudonym(caller, key) for key in self._keys)}), True

    def _compared(self, requests: Sequence[Request], now: datetime) -> tuple[list[Request], list[Request]]:
        """Which of them the database does not know, and which all boxes have done."""
        numbers = [each.number for each in requests if each.number is not None]
        found = self._connection.execute(self._sql.orders, (numbers,)).fetchall()
        newest, applied = found[0][:2]
        there = {number: set(pseudonyms) for _newest, _applied, number, pseudonyms in found if number}

        def those(which: Standing) -> list[Request]:
            return [
                each
                for each in requests
                if standing(each, now, newest, applied, there.get(each.number or 0)) is which
            ]

        return those(Standing.UNKNOWN), those(Standing.THROUGH)

    def receive(
        self,
        *,
        seen: bool = False,
        alone: bool = False,
        progress: Callable[[str, int, int], None] = lambda _box, _at, _of: None,
    ) -> int:
        """All that other boxes told their callers since; how many records. With `seen` also when they called
        who knew a notice; `alone` in larger pages, where no calls wait. `progress` hears of each page: a box,
        up to which record, of how many."""
        with translated(self._database):
            there = self._connection.execute(self._sql.boxes, (self._box,)).fetchall()
        self.others = len(there)
        have, taken = boxes.received(self._store), 0
        for box, upto in there:
            at = have.get(box, 0)
            while at < upto:
                count = LARGE_PAGE if alone else PAGE
                found = self._page(box, at, upto, count, seen=seen)
                if found is None:
                    break
                at = found[-1][0] if len(found) == count else upto
                boxes.take_in(self._store, box, shared_rows.readable(found), at, alone=alone)
                taken += len(found)
                progress(box, at, upto)
        return taken

    def _page(
        self, box: str, after: int, upto: int, count: int, *, seen: bool
    ) -> list[tuple[Any, ...]] | None:
        """Records of another box; `None` where the server has not got all of them, since it is another than
        the one that said how far they go. In one round trip."""
        run = self._connection.execute
        with translated(self._database):
            with self._connection.pipeline(), self._connection.transaction():
                now = run(self._sql.sent, (box,))  # first: what comes meanwhile must not count
                found = run(self._sql.receive, (box, after, upto, seen, count))
            (there,) = now.fetchone() or (0,)
            return found.fetchall() if there >= upto else None

    def say(self, about: About) -> None:
        """That this box is there, and how far it is; and see whether its log went on."""
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
