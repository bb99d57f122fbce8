"""Erased callers who come back with a server that lost something, or with an old ledger of another box.

A box that asked others to erase a caller remembers which of their records that were, by number and
commitment. A server that was put back from an old copy has them unerased; or it lost them, and a box whose
ledger was put back from a backup as well sends them anew. Then all boxes are asked once more to erase him.

A box that takes part again after a standby lost it does not know whom the others erased meanwhile. It judges
a caller whom it knows from another box by that one's record there. Where that record is lost, too, it waits
until the other box has sent it again, or left for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ..ledgers import boxes, erasure, erasure_requests, lost_records, own_logs
from ..ledgers.lost_records import ErasedRecord
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from ..model.hooks import ErasureUnfinishedError, HookMessage
from .box_statements import KNOWN
from .connection import Connection, translated
from .erasure_statements import ErasureStatements
from .reading import other_ledgers
from .retired_leaves import RetiredLeaves
from .rows import readable

RESTORED = "restored"
"""The instruction for what was erased since a backup."""

log = structlog.get_logger("informativa")


def erase_here(
    store: SqliteStore,
    controller: str,
    pseudonyms: Sequence[bytes],
    at: datetime,
    instruction: str = RESTORED,
) -> None:
    """Erase callers from this box's ledger, and log the acts of theirs that the company's hook will not get
    any more. Raises LedgerError."""
    undelivered = tuple[HookMessage, ...]()
    try:
        undelivered = erasure.erase(store.file, pseudonyms, at, instruction=instruction).undelivered
    except ErasureUnfinishedError as error:
        undelivered = error.undelivered
        raise
    finally:
        if acts := [message.summary for message in undelivered]:
            log.warning("not delivered to the hook", controller=controller, acts=acts)


@dataclass
class ReturnedCallers:
    """The erased callers of one ledger who came back, over the connection of its exchange. Every method may
    raise LedgerError."""

    store: SqliteStore
    connection: Connection
    database: SharedDatabase
    company: int
    controller: str
    retired: RetiredLeaves

    def __post_init__(self) -> None:
        self._sql = ErasureStatements(self.company)
        self._records: dict[str, int] = {}  # how far each box's are there
        self._left = set[str]()  # boxes that left for good
        self._tails: dict[str, int] = {}  # see `lost_records.tails`
        self._awaited = set[str]()  # boxes that have not sent (again) what is to be looked at
        self._sent: set[str] | None = None  # those of them that have since the last look; `None`: look at all

    def forget(self) -> None:
        """Forget what is there: it may be another server."""
        self._sent = None

    def expect(self, box: str, record: int, *, left: bool) -> bool:
        """Remember that another box's records are in the database up to number `record`, and whether the box
        left for good. Return whether `look` has work: the server has fewer records than before, or has some
        that `look` waited for."""
        before, self._records[box] = self._records.get(box, 0), record
        news = record > before
        if left and box not in self._left:
            self._left.add(box)
            news = True
        if record < before:
            self.forget()
        elif self._sent is not None and news and box in self._awaited:
            self._sent.add(box)
        return self._sent is None or bool(self._sent)

    def look(self) -> None:
        """Erase from this ledger the callers whom other boxes erased, and ask all boxes to erase again the
        callers whose records are back in the database. Raises SharedDatabaseError."""
        if self._sent is not None and not self._sent:
            return
        sent, self._sent = self._sent, set()
        if sent is None:
            self._tails, self._awaited = lost_records.tails(self.store), set()
        erased = [record for record in lost_records.erased(self.store) if sent is None or record[0] in sent]
        if self._tails or erased:
            with translated(self.database), self.connection.transaction():
                self._erase_unknown()
                self._awaited -= sent or set()
                self.erase(self._look_at_records(erased))
                self._awaited |= self._tails.keys()

    def _erase_unknown(self) -> None:
        """Erase from this ledger the callers whom it knows by other boxes' records, and who are not in the
        database although those boxes have sent these records again, or left for good."""
        present = {
            name: tail
            for name, tail in self._tails.items()
            if name in self._left or self._records.get(name, 0) >= tail
        }
        if not present:
            return
        existing, unknown = other_ledgers(self.connection, self.company, self.database.box), set[bytes]()
        for page in boxes.learnt_of(self.store, present):
            rows = self.connection.execute(self._sql.known_nowhere, (page,)).fetchall()
            unknown.update(pseudonym for (pseudonym,) in rows)
        if unknown:
            # Another ledger of that name may have come so far: what the right one sends is taken in again.
            boxes.receive_again(self.store, existing)
            erase_here(self.store, self.controller, sorted(unknown), datetime.now(UTC))
        lost_records.forget_tails(self.store, present)
        self._tails = {name: tail for name, tail in self._tails.items() if name not in present}

    def _look_at_records(self, erased: Sequence[ErasedRecord]) -> list[bytes]:
        """Return the callers of erased records that are there unerased. While an erasure of this box waits
        for an approval they may be right there."""
        if not erased:
            return []
        with self.store.connected() as ledger:
            waits = bool(own_logs.waiting_erasures(ledger))
        columns = map(list, zip(*erased, strict=True))
        rows = self.connection.execute(self._sql.returned, (*columns,)).fetchall()
        self._awaited |= {name for name, pseudonym in rows if waits or pseudonym is None}
        return [] if waits else [pseudonym for _name, pseudonym in rows if pseudonym is not None]

    def erase(self, pseudonyms: Sequence[bytes]) -> None:
        """Ask all boxes once more to erase these callers, unless that is under way, and let nobody take them
        in until then. It is ordered at the next turn, since this one may hold the row of this box there."""
        if not (his := self.all_his(pseudonyms)):
            return
        self.connection.execute(self._sql.await_approval, (his,))
        self.retired.note(his)
        self.retired.erase_of(his)
        under_way = {
            pseudonym
            for request in erasure_requests.stored_requests(self.store)
            for pseudonym in request.pseudonyms
        }
        if missing := set(his) - under_way:
            request = erasure_requests.for_service(sorted(missing))
            with self.store.transaction(), self.store.connected() as connection:
                erasure_requests.store_request(connection, request)
            log.warning(
                "erased callers were in the shared database: all boxes are asked once more to erase them",
                controller=self.controller,
                callers=len(missing),
            )

    def all_his(self, pseudonyms: Iterable[bytes]) -> list[bytes]:
        """Return all pseudonyms of these callers, none for none."""
        if not (given := list(pseudonyms)):
            return []
        rows = self.connection.execute(self._sql.his, (given,)).fetchall()
        return [pseudonym for (pseudonym,) in rows]

    def learn_again(self, pseudonyms: Iterable[bytes]) -> None:
        """Take in what callers were told elsewhere after an order to erase them. A server that was promoted
        may not know that this box carried out the order, which then erases here what came in since."""
        if not (his := list(pseudonyms)):
            return
        values = {"company": self.company, "pseudonyms": his, "since": 0, "box": self.database.box}
        rows = self.connection.execute(KNOWN, values).fetchall()
        boxes.learn(self.store, [(row[0], record) for row in rows for record in readable([row[1:]])])
