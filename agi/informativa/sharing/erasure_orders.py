"""Erasures on all boxes, by orders in the database where they meet.

The box that erases a caller orders it of the others (`order`). Each box carries out the orders of the others
as soon as it reaches the database, before it sends anything more, and orders again what it requested and the
database lost (`Erasures`). Each erases in its own ledger as `ledgers/erasure.py` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..evidence.log_folder import LogFolder
from ..ledgers import (
    boxes,
    erasure,
    erasure_notes,
    erasure_requests,
    instructions,
    lost_records,
    own_logs,
    references,
)
from ..ledgers.erasure_notes import NotedErasure
from ..ledgers.erasure_requests import ErasureRequest, Standing
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from ..model.errors import BoxRefusedError, LedgerError
from . import sealed_caller
from .administration import RegisteredBox
from .box_statements import NOTIFY
from .connection import Connection, connect, translated
from .erasure_statements import ErasureStatements
from .membership import LedgerRow, Membership, membership
from .reading import other_boxes, other_ledgers
from .retired_leaves import RetiredLeaves
from .returned_callers import ReturnedCallers, erase_here
from .rows import Statements
from .shared_lists import ListSender


@dataclass(frozen=True)
class ErasureOrder:
    """The other boxes that are to erase a caller, the number of their records of him in the database, all the
    pseudonyms under which any box knew him, and the reason why the database takes nothing from this box, if
    any."""

    boxes: tuple[RegisteredBox, ...]
    records: int
    pseudonyms: tuple[bytes, ...]
    refused: BoxRefusedError | None


def would_order(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes], store: SqliteStore | None
) -> ErasureOrder:
    """Return the result that `order` would have. Raises SharedDatabaseError."""
    database = database.of(controller)
    with connect(database, controller) as connection, translated(database):
        this = membership(connection, Statements(connection.company), database, store)
        return _collect(connection, connection.company, this, pseudonyms)


def order(
    database: SharedDatabase,
    controller: str,
    request: ErasureRequest,
    store: SqliteStore,
    *,
    waits: bool = False,
) -> ErasureOrder:
    """Order all boxes to erase the caller of a request, each as soon as it reaches the database; his records
    there are erased at once, or if it `waits` for the controller's approval, those of each box when this has
    erased them. The ledger `store` keeps the request, and erased or noted him already: its box counts as
    done, if the database takes it for that box.

    Raises SharedDatabaseError and LedgerError, after which the order may be valid or not; then the service
    orders it.
    """
    database = database.of(controller)
    try:
        with connect(database, controller) as connection:
            return _order(
                connection, connection.company, database, request, store, done_here=True, waits=waits
            )
    except BaseException:
        with suppress(LedgerError):
            erasure_requests.mark_lost(store, [request])  # the service need not wait
        raise


def _order(
    connection: Connection,
    company: int,
    database: SharedDatabase,
    request: ErasureRequest,
    store: SqliteStore,
    *,
    done_here: bool,
    waits: bool,
) -> ErasureOrder:
    """Order it over a connection. A box that is sending at this moment is waited for, and sends nothing more
    before it has read the order."""
    sql, run = ErasureStatements(company), connection.execute
    with translated(database), connection.transaction():
        run(sql.lock_company)  # a box that takes part for the first time has no row to be locked
        all_boxes = run(sql.lock_ledgers).fetchall()
        this = membership(connection, Statements(company), database, store if done_here else None)
        placed = _collect(connection, company, this, request.pseudonyms)
        all_pseudonyms = list(placed.pseudonyms)
        retired = RetiredLeaves(store, connection, company)
        places = retired.of_others(all_pseudonyms, this.name)
        erased_records = run(sql.records_of_others, (all_pseudonyms, this.name)).fetchall()
        waits = retired.note(all_pseudonyms, request) or waits
        (newest,) = run(sql.newest_erasure).fetchone() or (0,)  # counts where no box took part yet
        number = 1 + max((newest, *(erasures for _name, erasures, _retired in all_boxes)))
        run(sql.add_erasure, (number, all_pseudonyms, list(request.sealed) or None))
        run(sql.count_erasure, (number,))
        run(sql.await_approval if waits else sql.erase_caller, (all_pseudonyms,))
        if this.name and set(all_pseudonyms) <= set(request.pseudonyms):
            run(sql.applied_here, (number, this.name, number - 1))
        run(sql.done_everywhere)  # where there is no other box
        run(NOTIFY)
        # Before this is valid:
        erasure_requests.store_order(store, request.id, number, all_pseudonyms, places)
        with store.transaction(), store.connected() as ledger:
            lost_records.store_erased(ledger, erased_records)
    return placed


def _collect(
    connection: Connection, company: int, this: Membership, pseudonyms: Sequence[bytes]
) -> ErasureOrder:
    sql, run = Statements(company), connection.execute
    his = run(ErasureStatements(company).his, (list(pseudonyms),)).fetchall()
    all_pseudonyms = [pseudonym for (pseudonym,) in his]
    values = {"pseudonyms": all_pseudonyms, "box": this.name}
    cursor = run(f"SELECT count(*) FROM ({sql.of_caller}) AS his", values)  # noqa: S608
    (records,) = cursor.fetchone() or (0,)
    return ErasureOrder(other_boxes(connection, sql, this), records, tuple(all_pseudonyms), this.refused)


@dataclass
class Erasures:
    """The erasures of one box, over the connection of its exchange. Its ledger has this `identity`; `keys`
    are all keys that it has of the company. Raises LedgerError too."""

    store: SqliteStore
    connection: Connection
    database: SharedDatabase
    company: int
    controller: str
    identity: bytes
    keys: Sequence[bytes]

    def __post_init__(self) -> None:
        self._sql = ErasureStatements(self.company)
        self.requested = False
        """True if this box has asked others to erase callers, and not all have done it by the last look."""
        self._carried_out = set[tuple[int, frozenset[bytes]]]()  # orders that are not yet reported as applied
        self._folder = LogFolder(self.store.file)
        self._retired = RetiredLeaves(self.store, self.connection, self.company)
        self._lists = ListSender(self.store, self.connection, self.company, self.database.box, self.keys)
        self._not_done: list[NotedErasure] | None = None  # `None` before the first look
        self._erased_again = set[bytes]()
        self.returned = ReturnedCallers(
            self.store, self.connection, self.database, self.company, self.controller, self._retired
        )

    def forget(self) -> None:
        """Forget what is there: it may be another server."""
        self._not_done = None
        self.returned.forget()

    def erase_again(self, *, refused: bool = False) -> None:
        """Erase again the callers whom the boxes erased while the database did not know this ledger by this
        name: it is a backup under another name, or a standby took over without it.

        The records under its earlier names show which of them are erased by now: those with the same
        commitment, as a copy of a ledger may have gone on with others under these numbers. Callers known from
        other boxes alone are erased if the database has the record that told of them, by its number, and
        nothing of them is there any more. Two ledgers may have had a box's name, so what those send that are
        not there now, or have lost their last records, is received once more.

        A box that is `refused` under its name may be a backup that was put back under that one: its records
        there count as those under an earlier name. Later nobody could say it, if a standby took over from
        before.
        """
        existing = self._other_ledgers()
        if refused and not existing:
            return  # it may see nothing of the company
        if pseudonyms := self.unerased(existing, "" if refused else self.database.box):
            boxes.receive_again(self.store, existing)
            now = datetime.now(UTC)
            erase_here(self.store, self.controller, sorted(pseudonyms), now)
            self._erased_again |= pseudonyms  # they may wait for an approval, and stand here until then

    def _other_ledgers(self) -> boxes.Existing:
        return other_ledgers(self.connection, self.company, self.database.box)

    def unerased(self, existing: boxes.Existing, name: str) -> set[bytes]:
        """Return the pseudonyms of the callers whom `erase_again` would erase, by the ledgers that are there.
        Records of this ledger under its `name` do not count."""
        run = self.connection.execute
        values = (self.identity, name)
        pseudonyms = set[bytes]()
        if names := [name for (name,) in run(self._sql.earlier_names, values).fetchall()]:
            pseudonyms |= boxes.pseudonyms_of(self.store, run(self._sql.erased_of, (names,)).fetchall())
        for page in boxes.learnt_of(self.store, boxes.existing_records(self.store, existing)):
            pseudonyms.update(pseudonym for (pseudonym,) in run(self._sql.known_nowhere, (page,)).fetchall())
        return pseudonyms - self._erased_again

    def note_lost(self, existing: boxes.Existing) -> None:
        """Remember whom `unerased` could not judge: the record that told of them is not there (any more)."""
        lost_records.note_tails(self.store, boxes.existing_records(self.store, existing))

    def order_all_again(self) -> None:
        """Mark all requests of this box as to be ordered again: the database knows none of its orders."""
        erasure_requests.mark_lost(self.store, erasure_requests.stored_requests(self.store))

    def follow(self, record: int, reference: str) -> None:
        """Erase in the database what the record of an erasure says that this box erased. What a note says is
        erased there once it is done here, and its list goes beside it at once."""
        with self.store.connected() as connection:
            noted = erasure_notes.of_record(connection, self._folder, record)
            self._lists.send([] if noted is None else [noted])
            if noted is not None and erasure_notes.not_done(connection, [noted]):
                if self._not_done is not None and noted not in self._not_done:
                    self._not_done.append(noted)
                return
        if noted is not None:
            self._erase_there(noted.named.resting)
            self._retired.erase(noted.named.elsewhere)
        elif not references.is_note(reference):
            _own_leaves, resting_leaves = references.indices(reference)
            self._erase_there(resting_leaves)

    def _erase_there(self, resting_leaves: Iterable[range]) -> None:
        """Erase in the database all that is erased here, and what rests on these rows of `leaf`.

        Where a caller is still there whose erasure did not wait for this, the database was put back from an
        old copy: other boxes may have taken him in from it. So they are asked once more to erase him."""
        box, run = self.database.box, self.connection.execute
        numbers = boxes.erased(self.store)
        callers = run(self._sql.callers_of, (box, numbers)).fetchall()
        if approved := self.returned.all_his([pseudonym for pseudonym, waited in callers if waited]):
            run(self._sql.approve, (approved,))
            self._retired.erase_of(approved)
        self.returned.erase([pseudonym for pseudonym, waited in callers if not waited])
        run(self._sql.erase, (box, numbers))
        run(self._sql.rests_no_more, (box, boxes.records_of(self.store, resting_leaves)))

    def follow_done(self) -> None:
        """Erase in the database what was noted before, and has been done here since the last look. At the
        first look that is all, since nobody knows what was done while there was no connection."""
        with self.store.connected() as connection:
            is_first = self._not_done is None
            noted = self._not_done
            if noted is None:
                noted = list(erasure_notes.noted(connection, self._folder))
            self._not_done = erasure_notes.not_done(connection, noted)
        if is_first:
            with translated(self.database):
                self._lists.compare(noted)
        if done := [erasure for erasure in noted if erasure not in self._not_done]:
            with translated(self.database), self.connection.transaction():
                self._erase_there([leaf_range for erasure in done for leaf_range in erasure.named.resting])
                self._retired.erase([place for erasure in done for place in erasure.named.elsewhere])

    def has_own_work(self) -> bool:
        """Return whether this box requested erasures that are not known to be done everywhere; what was noted
        before and has been done here since is erased in the database on the way."""
        self.follow_done()
        self.returned.look()
        self.requested = bool(erasure_requests.stored_requests(self.store))
        return self.requested

    def carry_out(self, look: Callable[[], LedgerRow], now: datetime) -> int:
        """Order again the erasures that this box requested and the database does not have, which it carries
        out at the next turn; if there are none, carry out the orders of all boxes that it has not yet. `look`
        reads this box's row. Return the number of callers of either. Raises SharedDatabaseError."""
        self.follow_done()
        self.returned.look()
        requests, row = erasure_requests.stored_requests(self.store), look()
        self.requested = bool(requests)
        if row.applied >= row.erasures and not requests:
            return 0
        # In one transaction, so that it is of one server: behind pgbouncer another may take over meanwhile.
        with translated(self.database), self.connection.transaction():
            row = look()
            unknown, completed = self._sort(requests, now)
            # Orders go first: the orders that have their numbers now must stay, since they show the loss.
            erased, keyed = (0, []) if unknown else self._apply(row, now)
        with translated(self.database):  # only now: two boxes at once would not see each other
            self.connection.execute(self._sql.done_everywhere)
            self._retired.note_left(completed)
        place = self.connection, self.company, self.database
        for request in unknown:
            _order(*place, request, self.store, done_here=False, waits=self._waits())
        for request in keyed:
            _order(*place, request, self.store, done_here=True, waits=self._waits())
        erasure.forget(self.store, completed)
        self.requested = len(completed) < len(requests) + len(keyed)
        return erased + len(unknown) + len(keyed)

    def _sort(
        self, requests: Sequence[ErasureRequest], now: datetime
    ) -> tuple[list[ErasureRequest], list[ErasureRequest]]:
        """Return the requests that the database does not have, and the requests that all boxes have carried
        out."""
        numbers = [request.number for request in requests if request.number is not None]
        order_rows = self.connection.execute(self._sql.orders, (numbers,)).fetchall()
        newest, applied = order_rows[0][:2]
        pseudonyms_of = {
            number: set(pseudonyms) for _newest, _applied, number, pseudonyms in order_rows if number
        }
        by_standing: dict[Standing, list[ErasureRequest]] = {standing: [] for standing in Standing}
        for request in requests:
            pseudonyms = pseudonyms_of.get(request.number or 0)
            by_standing[request.standing(now, newest, applied, pseudonyms)].append(request)
        return by_standing[Standing.UNKNOWN], by_standing[Standing.COMPLETED]

    def _waits(self) -> bool:
        """Return whether an erasure of this box waits for the controller's approval: then an order that is
        made again may be of that one."""
        with self.store.connected() as connection:
            return bool(own_logs.waiting_erasures(connection))

    def _apply(self, row: LedgerRow, at: datetime) -> tuple[int, list[ErasureRequest]]:
        """Erase the callers of pending orders. A caller without a record, too, may stand in a copy, or in
        data that an erasure could not clean: so each is really erased, and leaves a record of that.

        An order may wait for a key, which the box that asked had and this one has not. All orders before the
        first such one count as applied; those after it are carried out all the same, once.

        Return the number of callers, and requests for those whom this box knows under further keys.
        """
        pending = self.connection.execute(self._sql.pending, (row.applied,)).fetchall()
        earlier, self._carried_out = self._carried_out, set()
        waiting, erased, requests = None, set[bytes](), list[ErasureRequest]()
        for number, pseudonyms, sealed in pending:
            all_pseudonyms, complete = sealed_caller.all_pseudonyms(pseudonyms, sealed or (), self.keys)
            keyed = set(all_pseudonyms).difference(pseudonyms)
            known = any(self.store.history(pseudonym) for pseudonym in keyed)
            order_key = number, frozenset(pseudonyms)  # a number may be given again after a failover
            if order_key not in earlier:
                if not erased:  # what came in since, and the server lost, is sent again
                    boxes.receive_again(self.store, self._other_ledgers())
                given = sealed_caller.instruction(sealed or ())
                instruction = given if instructions.is_instruction(given) else f"order-{number}"
                erase_here(self.store, self.controller, all_pseudonyms, at, instruction)
                erased.update(all_pseudonyms)
            if keyed:
                requests += self._request_keyed(number, keyed, all_pseudonyms, sealed or (), known=known)
            self._carried_out.add(order_key)
            if not complete and waiting is None:
                waiting = number
        self.returned.learn_again(erased)
        applied = row.erasures if waiting is None else waiting - 1
        if row.applied < applied:
            self.connection.execute(self._sql.close_erased)
            self.connection.execute(self._sql.applied, (applied, self.database.box, self.identity))
        return len(self._carried_out - earlier), requests

    def _request_keyed(
        self,
        number: int,
        keyed: Iterable[bytes],
        pseudonyms: Iterable[bytes],
        sealed: Sequence[bytes],
        *,
        known: bool,
    ) -> list[ErasureRequest]:
        """Return a request that all boxes erase the caller of an order under keys that the box that ordered
        it has not, too, unless that is ordered: other boxes without these keys may have learnt him from
        records under them, and boxes that left for good erase nothing any more. None if he was not `known`
        here under them and nothing of him is there."""
        run = self.connection.execute
        run(self._sql.lock_company)  # two boxes that have these keys do it one after the other
        his = self.returned.all_his(keyed)
        stored = run(self._sql.await_approval, (his,)).rowcount  # nobody takes them in until it is ordered
        later = run(self._sql.pending, (number,)).fetchall()
        if not (stored or known) or any(set(his) <= set(ordered) for _number, ordered, _sealed in later):
            return []
        request = replace(erasure_requests.for_service(sorted({*pseudonyms, *his})), sealed=tuple(sealed))
        with self.store.transaction(), self.store.connected() as connection:
            erasure_requests.store_request(connection, request)
        return [request]
