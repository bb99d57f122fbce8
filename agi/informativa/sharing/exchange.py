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

from ..errors import BoxRefusedError
from ..ledgers import boxes, erasure_requests, leaves, rows
from ..ledgers.erasure import erase, forget
from ..ledgers.erasure_requests import Request
from ..ledgers.sqlite import SqliteStore
from ..model import RecordKind, SharedDatabase
from ..text import Text
from . import callers, schema
from . import rows as shared_rows
from .connection import Connection, translated
from .proof_sender import ProofSender
from .requests import Standing, standing

PAGE = 1000  # records of a transaction
LARGE_PAGE = 20_000  # where no calls wait for it
_KIND, _REFERENCE = map(shared_rows.COLUMNS.index, ("kind", "reference"))
_COMPARED = [shared_rows.COLUMNS.index(name) for name in ("record", "at", "status", "reason", "erased")]
_MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True)
class About:
    """What a box says of itself, for whoever compares them: the program's version, fingerprints of the
    company's keys, and a digest of what decides about its callers."""

    program: str = ""
    keys: str = ""
    configuration: str = ""


class Exchange:
    """One ledger of one box, over one connection. Blocking; for one thread. Every method raises LedgerError
    too."""

    def __init__(
        self,
        store: SqliteStore,
        connection: Connection,
        database: SharedDatabase,
        controller: str,
        about: About = About(),  # it is frozen
    ) -> None:
        self._store, self._connection, self._database = store, connection, database
        self._controller = controller
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
        self._take_part(about)

    def close(self) -> None:
        """Let go of the ledger and of the connection."""
        self._connection.close()
        self._store.close()

    def _take_part(self, about: About) -> None:
        """Be one of the boxes, from now on or again. Raises BoxRefusedError."""
        with translated(self._database):
            new = self._connection.execute(self._sql.take_part, (self._box, self._identity)).rowcount
            if new:  # of what was erased under another name nothing is known
                erasure_requests.lost(self._store, erasure_requests.kept(self._store))
            self._look()
        self.say(about)

    def _look(self) -> int:
        """What the database says of this box now; up to which of the erasures they were applied. Raises
        BoxRefusedError."""
        with translated(self._database):
            found = self._connection.execute(self._sql.box, (self._box,)).fetchone()
        if found is None or found[0] != self._identity:
            raise self._refused(
                Text(
                    "another machine, or an earlier ledger of this one, has the name {box} there",
                    "Give this one a name of its own (shared.box), and load the configuration anew.",
                )
            )
        _identity, there, self._erasures, applied, retired, proven = found
        if retired:
            raise self._refused(
                Text(
                    "{box} was retired there",
                    "Give this one another name (shared.box), and load the configuration anew.",
                )
            )
        if there != self.sent:  # at the beginning, or somebody else sent, or another server took over
            self.sent = there
            if self._proofs:
                self._proofs.forget()
            with translated(self._database):
                self._require_same_ledger()
        if self._proofs:
            self._proofs.proven = proven
        return int(applied)

    def _require_same_ledger(self) -> None:
        """That what is there under this name came of this ledger: not of one that was put back since, or of a
        copy of it that went on elsewhere."""
        last = self._connection.execute(self._sql.last, (self._box,)).fetchone()
        own = boxes.page(self._store, last[0] - 1, 1) if last else []
        if last and own and own[0][0] == last[0]:
            same = _same([own[0][at] for at in _COMPARED], last)
        else:  # it was purged, on either side
            same = self.sent <= self.newest
        if not same:
            raise self._refused(
                Text(
                    "what is there under the name {box} is not of this ledger: a backup was put back, or two"
                    " machines have one ledger",
                    "Give it another name (shared.box), under which its records are sent once more, and"
                    " retire the old name: informativa boxes retire {box}",
                )
            )

    def _refused(self, why: Text, **more: object) -> BoxRefusedError:
        """With what `why` says, and the advice in it."""
        why = why.format(box=self._box, **more)
        said = Text("The shared database {database} takes nothing from this box: {why}.")
        return BoxRefusedError(said.format(database=self._database.name, why=why.statement), why.advice)

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
        own = {row[0]: [row[at] for at in _COMPARED] for row in page}
        for row in there:
            if not _same(own[row[0]], row):
                raise self._refused(
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
            callers.order(self._connection, self._database, self._controller, each.pseudonyms, note)
        forget(self._store, through)
        return erased + len(unknown)

    def _apply(self, applied: int, at: datetime) -> int:
        """Whoever is not on record may stand in a copy, or in what an erasure could not clean: so each is
        really erased, and leaves its note."""
        pending = self._connection.execute(self._sql.pending, (applied,)).fetchall()
        for _number, pseudonyms in pending:
            erase(self._store.file, pseudonyms, at)
        if applied < self._erasures:
            if self._proofs:
                self._proofs.close_erased()
            self._connection.execute(self._sql.applied, (self._erasures, self._box))
        return len(pending)

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
            facts = (self.newest, about.program, about.keys, about.configuration, self._box)
            self._connection.execute(self._sql.say, facts)
        if self._proofs:
            self._proofs.look()


def _same(own: Sequence[Any], there: Sequence[Any]) -> bool:
    """Whether two rows are one record; an erasure may have come to one of them and not to the other yet."""
    (number, at, status, reason, erased), (its, its_at, its_status, its_reason, its_erased) = own, there
    if erased or its_erased:
        at, its_at = at - at % _MINUTE, its_at - its_at % _MINUTE
    return (number, at, status, reason) == (its, its_at, its_status, its_reason)
