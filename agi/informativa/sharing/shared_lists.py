"""The private lists of a box's erasures where boxes meet, each beside its note: so a bundle that is made on
any box names what an erasure took, also when the box that noted it is gone.

A list ties one caller's calls together. So it is sealed under the company's key, which whoever only has the
database does not have, and goes from there as soon as its box needs it no more. Nobody believes it but where
the note's commitment binds it (`loss_notes.read_list`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from ..evidence.erased_leaves import ErasedLeaves
from ..evidence.log_folder import LogFolder
from ..ledgers import leaves, loss_notes, private_lists
from ..ledgers.erasure_notes import NotedErasure
from ..ledgers.sqlite import SqliteStore
from ..model.errors import EvidenceError
from . import envelopes
from .connection import Connection
from .erasure_statements import ErasureStatements


class SharedLists:
    """The lists of one box, as others read them there: by row of the ledger's `leaf`, sealed. `firsts` has
    the row of leaf 0 of each log, by its epoch."""

    def __init__(self, sealed: Mapping[int, bytes], firsts: Mapping[int, int], keys: Sequence[bytes]) -> None:
        self._sealed, self._firsts, self._keys = sealed, firsts, keys

    def private_list(self, epoch: int, index: int) -> bytes | None:
        """Return the list of the erasure that leaf `index` of an epoch notes; `None` if none is there that
        the keys open."""
        first = self._firsts.get(epoch)
        sealed = None if first is None else self._sealed.get(first + index)
        return None if sealed is None else envelopes.unseal(envelopes.LIST, sealed, self._keys)


class ListSender:
    """The sender of one ledger's lists, over the connection of its exchange. `keys` are all keys that the box
    has of the company, the current one first; without any it sends nothing. Raises LedgerError and the errors
    of the connection."""

    def __init__(
        self, store: SqliteStore, connection: Connection, company: int, box: str, keys: Sequence[bytes]
    ) -> None:
        self._store, self._connection, self._box, self._keys = store, connection, box, keys
        self._folder = LogFolder(store.file)
        self._sql = ErasureStatements(company)

    def send(self, noted: Iterable[NotedErasure]) -> None:
        """Put the lists of these erasures beside their notes, where these are there."""
        for erasure in noted if self._keys else ():
            with suppress(OSError):  # nobody needs it any more, since a moment ago
                sealed = envelopes.seal(envelopes.LIST, erasure.file.read_bytes(), self._keys[0])
                self._connection.execute(self._sql.send_list, (sealed, self._box, erasure.record))

    def compare(self, noted: Sequence[NotedErasure]) -> None:
        """Put those of these erasures' lists beside their notes that are missing there, or are sealed under
        another key than the current one; and take away those that nobody needs any more."""
        if not self._keys:
            return
        if records := [erasure.record for erasure in noted]:
            values = (self._box, records, envelopes.key_id(self._keys[0]))
            missing = {
                record for (record,) in self._connection.execute(self._sql.unlisted, values).fetchall()
            }
            self.send(erasure for erasure in noted if erasure.record in missing)
        with self._store.connected() as connection:
            records = private_lists.not_needed(connection, self._folder)
            logs = leaves.logs(connection)
        existing = self._connection.execute(self._sql.own_lists, (self._box, records)) if records else ()
        if records := [record for record, sealed in existing if self._is_of_own_leaves(bytes(sealed), logs)]:
            self._connection.execute(self._sql.drop_lists, (self._box, records))

    def _is_of_own_leaves(self, sealed: bytes, logs: Sequence[leaves.LedgerLog]) -> bool:
        """Return whether a list names no leaf of a box that left for good, which nothing else accounts for:
        then it is missing here by some accident. One that cannot be opened may name some."""
        try:
            listed = ErasedLeaves.parse(envelopes.unseal(envelopes.LIST, sealed, self._keys) or b"")
        except EvidenceError:
            return False
        return not any(loss_notes.places_elsewhere(logs, listed.erased))
