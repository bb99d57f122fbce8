"""A reader of all boxes' records and their proofs in the database. It trusts none of them: a receipt is
checked against a signed checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from ..evidence.commitment import ABOUT_RECORDS
from ..evidence.encoding import HASH_SIZE
from ..evidence.note import Verifier
from ..evidence.tiles import Tile
from ..ledgers import rows
from ..model import Record, SharedDatabase
from ..model.errors import TileMissingError
from ..model.text import Text
from .administration import RegisteredBox
from .connection import Connection, connect, translated
from .proof_statements import ProofStatements
from .reading import with_box
from .rows import READ, Statements

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class SharedLeaf:
    """The leaf of a record of another box: its number in the ledger, the commitment to the person, and the
    values that open it. Like `ledgers.leaves.Leaf`, without the commitment to the facts, which follows from
    them. A note, which is its own entry, commits to nothing."""

    leaf: int
    who: bytes
    salt_what: bytes | None
    salt_who: bytes | None
    binding: bytes | None
    opening: bytes | None


@dataclass(frozen=True, slots=True)
class SharedLog:
    """One log of a box: its epoch, its name, the leaf of the ledger that is its leaf 0, and its public
    key."""

    box: str
    epoch: int
    origin: str
    first: int
    key: str


class SharedPublishedLog:
    """The public part of one log of a box, like `log_folder.PublishedLog`."""

    def __init__(self, reader: ProofReader, log: SharedLog) -> None:
        self._reader, self._log = reader, log
        self.folder = Text("the database")

    def key(self) -> Verifier:
        """Return the public key, as the box reports it. Raises EvidenceFormatError."""
        return Verifier.parse(self._log.key)

    def checkpoint(self) -> bytes | None:
        """Return the newest checkpoint, `None` before the first."""
        return self._reader.newest(self._log.box, self._log.epoch)

    def checkpoint_of(self, size: int) -> bytes | None:
        """Return the checkpoint of a size."""
        return self._reader.checkpoint(self._log.box, self._log.epoch, size)

    def sizes(self) -> list[int]:
        """Return the sizes of all checkpoints, in order."""
        return self._reader.sizes(self._log.box, self._log.epoch)

    def tile(self, path: str) -> bytes:
        """Return the hashes of a tile: `tiles.Read`."""
        return self._reader.tile(self._log.box, self._log.epoch, path)


@dataclass(frozen=True, slots=True)
class ProvableRecord:
    """A record of a box; without a leaf where that box sent none: it has an earlier informativa, or has not
    sent it yet."""

    box: str
    record: Record
    leaf: SharedLeaf | None


class ProofReader:
    """A reader of one company's proofs, over one connection. Every method raises SharedDatabaseError."""

    def __init__(self, database: SharedDatabase, connection: Connection) -> None:
        self._database, self._connection = database, connection
        self._sql = ProofStatements(connection.company)

    def logs(self) -> list[SharedLog]:
        """Return all logs that any box ever had, those of one box in order."""
        return [SharedLog(*row) for row in self._rows(self._sql.logs)]

    def record(self, box: str, number: int) -> ProvableRecord | None:
        """Return one record of a box, if it is there."""
        return next(_provable(self._rows(self._sql.record, box, number)), None)

    def of_caller(self, pseudonyms: Sequence[bytes], but: str) -> list[ProvableRecord]:
        """Return all records of a caller on all boxes `but` one, those of one box in order."""
        return list(_provable(self._rows(self._sql.of_caller, list(pseudonyms), but)))

    def boxes(self) -> list[RegisteredBox]:
        """Return all boxes that ever took part, by name."""
        rows_of_boxes = self._rows(Statements(self._connection.company).every_ledger)
        return sorted((RegisteredBox(*row) for row in rows_of_boxes), key=attrgetter("name"))

    def leaves(self, box: str, first: int, last: int) -> int:
        """Return the number of records that have one of these leaves."""
        return int(self._rows(self._sql.leaves, box, first, last)[0][0])

    def notes(self, box: str) -> list[ProvableRecord]:
        """Return a box's records about records, in order."""
        return list(_provable(self._rows(self._sql.notes, box)))

    def lists(self, box: str) -> dict[int, bytes]:
        """Return the sealed lists of a box's erasures, each by the row of `leaf` of its note."""
        return {leaf: bytes(sealed) for leaf, sealed in self._rows(self._sql.lists, box)}

    def proven(self, box: str) -> int:
        """Return the first row of `leaf` of a box that may be missing here; 0 if it sends none."""
        proven = self._rows(self._sql.proven, box)
        return max((number for (number,) in proven), default=0)

    def closed(self, box: str, end: int) -> Iterator[tuple[range, bool]]:
        """Yield the rows of `leaf` of a box, before the row `end`, that nothing here opens, in order: their
        facts, or only whom they are about."""
        at = 0
        for first, stop, is_closed in self._rows(self._sql.leaf_ranges, box, end):
            if at < first:
                yield range(at, first), True
            if is_closed:
                yield range(first, stop), False
            at = stop
        if at < end:
            yield range(at, end), True

    def of_period(self, box: str, since: datetime, until: datetime) -> Iterator[ProvableRecord]:
        """Iterate over a box's records that happened from `since` on and before `until`, in order, while they
        are read."""
        values = (box, rows.microseconds(since), rows.microseconds(until))
        with (
            translated(self._database),
            self._connection.transaction(),
            self._connection.cursor(name="provable") as cursor,
        ):
            cursor.itersize = _PAGE
            yield from _provable(cursor.execute(self._sql.of_period, values))

    def published(self, log: SharedLog) -> SharedPublishedLog:
        """Return the public part of a log."""
        return SharedPublishedLog(self, log)

    def newest(self, box: str, epoch: int) -> bytes | None:
        """Return the newest checkpoint of a log, `None` before the first."""
        return self._note(self._sql.newest, box, epoch)

    def checkpoint(self, box: str, epoch: int, size: int) -> bytes | None:
        """Return the checkpoint of a size."""
        return self._note(self._sql.checkpoint, box, epoch, size)

    def sizes(self, box: str, epoch: int) -> list[int]:
        """Return the sizes of all checkpoints, in order."""
        return [size for (size,) in self._rows(self._sql.sizes, box, epoch)]

    def tile(self, box: str, epoch: int, path: str) -> bytes:
        """Return the hashes of a tile, by its path: `tiles.Read`. Raises TileMissingError where it is not
        there, or not that far, and EvidenceFormatError for another path."""
        tile = Tile.parse(path)
        for (hashes,) in self._rows(self._sql.tile, box, epoch, tile.level, tile.index):
            if len(hashes) >= tile.width * HASH_SIZE:
                full_hashes: bytes = hashes[: tile.width * HASH_SIZE]
                return full_hashes
        raise TileMissingError(Text("The tile {path} of {box} is not in the database.", path=path, box=box))

    def _note(self, statement: str, *values: object) -> bytes | None:
        return next((note.encode() for (note,) in self._rows(statement, *values)), None)

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with translated(self._database):
            return self._connection.execute(statement, values).fetchall()


@contextmanager
def open_reader(database: SharedDatabase, controller: str) -> Iterator[ProofReader]:
    """Open the database for reading. Raises SharedDatabaseError."""
    database = database.of(controller)
    with connect(database, controller) as connection:
        yield ProofReader(database, connection)


def _provable(rows_of_records: Iterable[Sequence[Any]]) -> Iterator[ProvableRecord]:
    """Iterate over records from rows of a box, COLUMNS, ANSWER, and EVIDENCE."""
    for row in rows_of_records:
        ((box, record),) = with_box([row[: READ + 1]])
        leaf, who, salt_what, salt_who, binding, opening, _version, _migrated = row[READ + 1 :]
        opens = salt_what, salt_who, binding, opening
        is_note = who is None and record.event.kind in ABOUT_RECORDS
        has_proof = leaf is not None and (who is not None or is_note)
        proof = SharedLeaf(leaf, who or b"", *opens) if has_proof else None
        yield ProvableRecord(box, record, proof)
