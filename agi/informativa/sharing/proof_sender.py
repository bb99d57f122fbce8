"""The sender of one box's log, so that the others can prove its records too: the leaves of records that are
there already, the tiles of its tree, and each checkpoint that it signed.

New records bring their leaves along. Those that an earlier informativa sent, or that had no leaf yet, get
theirs here, a page in one transaction with the number up to which they have it. Tiles come before their
checkpoint, so a standby that was promoted has all that its newest checkpoint needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from ..evidence.checkpoint import Checkpoint
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.tiles import ENTRIES, Tile, fetch, tiles_of
from ..ledgers import boxes
from ..ledgers.leaves import LedgerLog
from ..ledgers.sqlite import SqliteStore
from ..model.errors import EvidenceError
from ..system.turns import OnceLogged
from .connection import Connection
from .proof_statements import ProofStatements
from .rows import INFORMS

PAGE = 1000  # leaves of a transaction
TILES = 128  # of a transaction: a megabyte

log = structlog.get_logger("informativa")


class ProofSender:
    """The sender of one ledger's proofs, over the connection of its exchange. Raises psycopg.Error, and
    LedgerError."""

    def __init__(
        self,
        store: SqliteStore,
        connection: Connection,
        company: int,
        controller: str,
        box: str,
        identity: bytes,
    ) -> None:
        self._store, self._connection = store, connection
        self.sql = ProofStatements(company)
        self._controller, self._box, self._identity = controller, box, identity
        self._notes: dict[int, bytes] = {}  # by epoch, the checkpoint that is there
        self._steps: Iterator[int] = iter(())
        self._under_way = False
        self._written: dict[Path, int] | None = None  # when each checkpoint's file was, at the last look
        self._errors = OnceLogged("other boxes cannot prove our records")
        self.proven = 0
        """The number of our first leaf that may be missing there; all before it are complete."""

    def after(self, page: Sequence[Sequence[Any]]) -> int:
        """Return the value of `proven` once these rows of the ledger are there with their leaves."""
        leaves = [row[INFORMS + 1] for row in page]
        follows = leaves == list(range(self.proven, self.proven + len(leaves)))
        return self.proven + len(leaves) if follows else self.proven

    def lags(self, proven: int, page: Sequence[Sequence[Any]]) -> bool:
        """Return whether there is something to send after this page, which moves `proven`: leaves before its
        own, or a checkpoint."""
        return self._under_way or proven != self.proven + len(page)

    def prove(self, sent: int, erasures: int) -> int:
        """Send the leaves of the next page of records up to `sent`. Return their number; 0 if the box's row
        has changed."""
        page = boxes.proofs(self._store, self.proven, PAGE)
        unsent = next((at for at, row in enumerate(page) if row[0] is not None and row[0] > sent), len(page))
        page = page[:unsent]
        if not page:
            return 0
        next_leaf = page[-1][1] + 1
        leaves_of_records = [row for row in page if row[0] is not None]
        run = self._connection.execute
        with self._connection.transaction():
            values = (next_leaf, self._box, self._identity, erasures, self.proven)
            if run(self.sql.proving, values).rowcount != 1:
                return 0
            if leaves_of_records:
                run(self.sql.prove, (*map(list, zip(*leaves_of_records, strict=True)), self._box))
        self.proven = next_leaf
        return len(page)

    def forget(self) -> None:
        """Forget what is there: the rows there have changed, and all of it must be looked at once more."""
        self._notes, self._steps, self._under_way, self._written = {}, iter(()), False, None

    def has_news(self) -> bool:
        """Return whether a checkpoint was signed, or cosigned, since the last look. A log that was begun
        since shows in the ledger alone."""
        return self._written is None or any(_modified(file) != at for file, at in self._written.items())

    def look(self) -> None:
        """Prepare to send a checkpoint that is not there yet; `send` sends it. An error in its files is
        logged, and holds nothing up."""
        if not self._under_way:
            self._steps, self._under_way = self._all_steps(), True

    def send(self) -> int:
        """Send the next tiles or the next checkpoint. Return their number, 0 where there are none."""
        try:
            sent = next(self._steps, 0)
        except EvidenceError as error:
            self._errors.tell(self._controller, controller=self._controller, error=str(error))
            sent = 0
        self._under_way = sent > 0
        return sent

    def _all_steps(self) -> Iterator[int]:
        folder, self._written = LogFolder(self._store.file), {}
        for ledger_log in self._store.logs():
            published = folder.published(ledger_log.epoch)
            file = published.folder / "checkpoint"
            self._written[file] = _modified(file)  # first: what comes meanwhile must not count
            key, note = published.key(), published.checkpoint()
            if key is None or note is None or self._notes.get(ledger_log.epoch) == note:
                continue
            yield from self._log_steps(ledger_log, published, str(key), note)
            self._notes[ledger_log.epoch] = note
        self._errors.over(self._controller)

    def _log_steps(
        self, ledger_log: LedgerLog, published: PublishedLog, key: str, note: bytes
    ) -> Iterator[int]:
        run, size = self._connection.execute, Checkpoint.unverified(note).size
        run(self.sql.send_log, (self._box, ledger_log.epoch, ledger_log.origin, ledger_log.first, key))
        (signed_size,) = run(self.sql.signed, (self._box, ledger_log.epoch)).fetchone() or (0,)
        if signed_size > size:
            return
        tiles = (tile for tile in tiles_of(size, signed_size) if tile.level != ENTRIES)
        while page := list(islice(tiles, TILES)):
            yield self._send_tiles(ledger_log.epoch, page, published)
        run(self.sql.send_checkpoint, (self._box, ledger_log.epoch, size, note.decode()))
        yield 1

    def _send_tiles(self, epoch: int, page: Sequence[Tile], published: PublishedLog) -> int:
        levels, numbers = [tile.level for tile in page], [tile.index for tile in page]
        hashes = [fetch(tile, published.tiles.read) for tile in page]
        self._connection.execute(self.sql.send_tiles, (self._box, epoch, levels, numbers, hashes))
        return len(page)


def _modified(file: Path) -> int:
    """Return when a file was written, in nanoseconds since 1970; 0 if it is not there."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
