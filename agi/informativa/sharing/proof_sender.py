"""What one box sends of its log, so that the others can prove its records too: the leaves of records that are
there already, the tiles of its tree, and each checkpoint that it signed.

New records bring their leaves along. Those that an earlier informativa sent, or that had no leaf yet, get
theirs here, a page in one transaction with the number up to which they have it. Tiles come before the
checkpoint that speaks of them, so a standby that was promoted has all that its newest checkpoint needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import psycopg
import structlog

from ..errors import EvidenceError
from ..evidence.checkpoint import Checkpoint
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.tiles import ENTRIES, Tile, fetch, tiles_of
from ..ledgers import boxes
from ..ledgers.leaves import LedgerLog
from ..ledgers.sqlite import SqliteStore
from .proof_statements import ProofStatements
from .rows import INFORMS, month

PAGE = 1000  # leaves of a transaction
TILES = 128  # of a transaction: a megabyte

log = structlog.get_logger("informativa")


class ProofSender:
    """Of one ledger, over the connection of its exchange. Raises psycopg.Error, and LedgerError."""

    def __init__(
        self, store: SqliteStore, connection: psycopg.Connection, controller: str, box: str, identity: bytes
    ) -> None:
        self._store, self._connection = store, connection
        self.sql = ProofStatements(controller)
        self._controller, self._box, self._identity = controller, box, identity
        self._notes: dict[int, bytes] = {}  # by epoch, the checkpoint that is there
        self._steps: Iterator[int] = iter(())
        self._under_way = False
        self._complaint = ""
        self.proven = 0
        """Before which of our leaves all that are to be there are there."""

    def after(self, page: Sequence[Sequence[Any]]) -> int:
        """Where `proven` is when these rows of the ledger are there with their leaves."""
        found = [row[INFORMS + 1] for row in page]
        follows = found == list(range(self.proven, self.proven + len(found)))
        return self.proven + len(found) if follows else self.proven

    def prove(self, sent: int, erasures: int) -> int:
        """Give the next page of records up to `sent` their leaves; how many there were. Nothing where the
        database is not as we know it."""
        page = boxes.proofs(self._store, self.proven, PAGE)
        waiting = next((at for at, row in enumerate(page) if row[0] is not None and row[0] > sent), len(page))
        page = page[:waiting]
        if not page:
            return 0
        following = page[-1][2] + 1
        given = [(month(at), record, *rest) for record, at, *rest in page if record is not None]
        run = self._connection.execute
        with self._connection.transaction():
            told = (following, self._box, self._identity, erasures, self.proven)
            if run(self.sql.proving, told).rowcount != 1:
                return 0
            if given:
                run(self.sql.prove, (*map(list, zip(*given, strict=True)), self._box))
        self.proven = following
        return len(page)

    def close_erased(self) -> None:
        """Take away what opens a record which a box that knows of no salts erased (I9)."""
        self._connection.execute(self.sql.close_erased)

    def forget(self) -> None:
        """What is there is not what was: look at all of it once more."""
        self._notes, self._steps, self._under_way = {}, iter(()), False

    def look(self) -> None:
        """Whether there is a checkpoint that is not there yet; `send` sends it. Its files may be damaged:
        that is told, and holds nothing up."""
        if not self._under_way:
            self._steps, self._under_way = self._all_steps(), True

    def send(self) -> int:
        """The next tiles or the next checkpoint; how many, 0 where there are none."""
        try:
            sent = next(self._steps, 0)
        except EvidenceError as error:
            self._complain(error)
            sent = 0
        self._under_way = sent > 0
        return sent

    def _complain(self, error: EvidenceError) -> None:
        if str(error) != self._complaint:
            self._complaint = str(error)
            log.error("other boxes cannot prove our records", controller=self._controller, error=str(error))

    def _all_steps(self) -> Iterator[int]:
        folder = LogFolder(self._store.file)
        for each in self._store.logs():
            published = folder.published(each.epoch)
            key, note = published.key(), published.checkpoint()
            if key is None or note is None or self._notes.get(each.epoch) == note:
                continue
            yield from self._log_steps(each, published, str(key), note)
            self._notes[each.epoch] = note
        self._complaint = ""

    def _log_steps(self, own: LedgerLog, published: PublishedLog, key: str, note: bytes) -> Iterator[int]:
        run, size = self._connection.execute, Checkpoint.unverified(note).size
        run(self.sql.send_log, (self._box, own.epoch, own.origin, own.first, key))
        (there,) = run(self.sql.signed, (self._box, own.epoch)).fetchone() or (0,)
        if there > size:
            return
        tiles = (tile for tile in tiles_of(size, there) if tile.level != ENTRIES)
        while some := list(islice(tiles, TILES)):
            yield self._send_tiles(own.epoch, some, published)
        run(self.sql.send_checkpoint, (self._box, own.epoch, size, note.decode()))
        yield 1

    def _send_tiles(self, epoch: int, some: Sequence[Tile], published: PublishedLog) -> int:
        levels, numbers = [tile.level for tile in some], [tile.index for tile in some]
        hashes = [fetch(tile, published.tiles.read) for tile in some]
        self._connection.execute(self.sql.send_tiles, (self._box, epoch, levels, numbers, hashes))
        return len(some)
