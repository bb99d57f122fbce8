"""Records of erased callers that boxes which left for good have in the database.

Such a box notes nothing any more. So the box that erases a caller names these leaves in the private list of
its own note, before they are erased: with its own records if it can ask the database then (`leaves_of`),
otherwise in a note of their own when it orders the erasure (`RetiredLeaves.note`). A box may leave after that
and before it has noted the erasure. So the request has the leaves of all boxes, as they were when it was
ordered, and before it is forgotten those of boxes that left are noted (`RetiredLeaves.note_left`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..evidence.erased_leaves import LeafPlace
from ..evidence.log_folder import LogFolder
from ..ledgers import erasure, erasure_notes, erasure_requests, instructions, own_logs
from ..ledgers.erasure_requests import ErasureRequest
from ..ledgers.sqlite import SqliteStore
from ..model import SharedDatabase
from . import sealed_caller
from .connection import Connection, connect, translated
from .erasure_statements import ErasureStatements


def leaves_of(
    database: SharedDatabase, controller: str, pseudonyms: Sequence[bytes]
) -> tuple[LeafPlace, ...]:
    """Return the leaves of a caller in the logs of boxes that left for good. Raises SharedDatabaseError."""
    database = database.of(controller)
    with connect(database, controller) as connection, translated(database):
        sql = ErasureStatements(connection.company)
        his = connection.execute(sql.his, (list(pseudonyms),)).fetchall()
        return _leaves(connection, sql, [pseudonym for (pseudonym,) in his])


@dataclass
class RetiredLeaves:
    """These leaves, over a connection of the box whose ledger is `store`. All pseudonyms of a caller are
    given. Methods raise LedgerError and the errors of the connection."""

    store: SqliteStore
    connection: Connection
    company: int

    def __post_init__(self) -> None:
        self._sql = ErasureStatements(self.company)

    def note(self, pseudonyms: Sequence[bytes], request: ErasureRequest | None = None) -> bool:
        """Note the erasure of these callers' leaves that no note of this box names yet, for a request, by
        default one that is under way. Return whether the new note waits for an approval."""
        places = _leaves(self.connection, self._sql, pseudonyms)
        if not places:
            return False
        request = request or self._under_way(pseudonyms)
        noted = erasure.note_elsewhere(self.store, places, _instruction(request), datetime.now(UTC))
        if noted is None:
            return False
        with self.store.connected() as ledger:
            return noted.waits(ledger)

    def of_others(self, pseudonyms: Sequence[bytes], box: str) -> tuple[LeafPlace, ...]:
        """Return the leaves of callers in the logs of all boxes but one."""
        rows = self.connection.execute(self._sql.leaves_of_others, (list(pseudonyms), box)).fetchall()
        return _places(rows)

    def note_left(self, requests: Sequence[ErasureRequest]) -> None:
        """Note the erasure of the leaves of requests whose boxes left since the requests were ordered, if no
        note of this box names them yet: such a box may have noted nothing of the erasure itself."""
        if not any(request.places for request in requests):
            return
        left = {origin for (origin,) in self.connection.execute(self._sql.logs_of_retired).fetchall()}
        for request in requests:
            places = [place for place in request.places if place.origin in left]
            erasure.note_elsewhere(self.store, places, _instruction(request), datetime.now(UTC))

    def erase_of(self, pseudonyms: Sequence[bytes]) -> None:
        """Erase the leaves of callers whose erasure was approved, or needs no approval, except the leaves in
        a note of this box that waits for its approval."""
        places = _leaves(self.connection, self._sql, pseudonyms)
        waiting = self._waiting() if places else set[LeafPlace]()
        if waiting.isdisjoint(places):
            self.connection.execute(self._sql.erase_awaiting_of_retired, (list(pseudonyms),))
        else:
            self.erase([place for place in places if place not in waiting])

    def erase(self, places: Sequence[LeafPlace]) -> None:
        """Erase leaves that waited for the approval of a note of this box, which they have now."""
        if places:
            values = [place.origin for place in places], [place.index for place in places]
            self.connection.execute(self._sql.erase_leaves_of_retired, values)

    def _under_way(self, pseudonyms: Sequence[bytes]) -> ErasureRequest | None:
        requests = erasure_requests.stored_requests(self.store)
        return next((request for request in requests if {*request.pseudonyms} & {*pseudonyms}), None)

    def _waiting(self) -> set[LeafPlace]:
        """Return those that are named by notes which wait for their approval."""
        with self.store.connected() as ledger:
            notes = {standing.entry.note for standing in own_logs.waiting_erasures(ledger)}
            noted = erasure_notes.noted(ledger, LogFolder(self.store.file)) if notes else ()
            lists = (noting.named for noting in noted if noting.note in notes)
            return {place for named in lists for place in named.elsewhere}


def _leaves(
    connection: Connection, sql: ErasureStatements, pseudonyms: Sequence[bytes]
) -> tuple[LeafPlace, ...]:
    return _places(connection.execute(sql.leaves_of_retired, (list(pseudonyms),)).fetchall())


def _places(rows: Iterable[tuple[str, int]]) -> tuple[LeafPlace, ...]:
    return tuple(LeafPlace(origin, index) for origin, index in rows)


def _instruction(request: ErasureRequest | None) -> str:
    """Return the controller's instruction that came with a request; '' for none."""
    given = sealed_caller.instruction(request.sealed if request else ())
    return given if instructions.is_instruction(given) else ""
