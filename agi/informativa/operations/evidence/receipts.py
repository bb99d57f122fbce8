"""Receipts: for one record, or for all of a caller's, what an auditor checks without us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ... import bootstrap
from ...errors import EvidenceError, InformativaError
from ...evidence import commitment
from ...evidence.checkpoint import Checkpoint, open_checkpoint
from ...evidence.log_folder import LogFolder
from ...evidence.note import Verifier
from ...evidence.proof import Proof
from ...evidence.receipt import Person, Receipt, receipt_extra
from ...evidence.tiles import TileHashes
from ...evidence.tree import HashReader, inclusion_proof
from ...ledgers.leaves import Leaf, LedgerLog
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Identified, Record
from ...text import Text
from ..callers import pseudonyms

_HASHES = 4096  # of subtrees that are kept


@dataclass(frozen=True)
class MadeReceipt:
    """The receipt of one record, and the key of the log that it is in. Whoever checks it takes the key from
    elsewhere."""

    controller: Controller
    record: Record
    receipt: Receipt
    key: Verifier


@dataclass(frozen=True)
class WaitingRecord:
    """A record that has no receipt yet: the next checkpoint has it."""

    controller: Controller
    record: Record


def of_record(controller: Controller, number: int) -> MadeReceipt:
    """The receipt of one record. Raises InformativaError where there is no such record, EvidenceError where
    it cannot be opened or is in no checkpoint yet."""
    with _reading(controller) as store:
        record = store.record(number)
        if record is None:
            raise InformativaError(
                Text("There is no record {number} in the ledger of {id}.", number=number, id=controller.id),
                Text("Which there are: informativa ledger show --controller {id}", id=controller.id),
            )
        made = ReceiptMaker(controller, store).made(record)
    if isinstance(made, WaitingRecord):
        raise EvidenceError(
            Text("Record {number} is in no checkpoint yet.", number=number),
            Text(
                "Wait a minute, or type: informativa evidence checkpoint --controller {id}", id=controller.id
            ),
            code="no-checkpoint-yet",
        )
    return made


def of_caller(
    controller: Controller, caller: Identified, *, opened: bool = False
) -> list[MadeReceipt | WaitingRecord]:
    """The receipts of all of a caller's records; `opened`, they show whose number it is to whoever knows it.
    Raises as above."""
    with _reading(controller) as store:
        maker = ReceiptMaker(controller, store, opened=caller if opened else None)
        records = [record for each in pseudonyms(controller, caller) for record in store.of_caller(each)]
        return [maker.made(record) for record in sorted(records, key=lambda record: record.number)]


@dataclass(frozen=True)
class SignedTree:
    """A log as of its newest checkpoint: that, its note, the key that signed it, the hashes of its tree."""

    checkpoint: Checkpoint
    data: bytes
    key: Verifier
    hashes: HashReader


class ReceiptMaker:
    """Makes receipts of one ledger, of each log as of its newest checkpoint."""

    def __init__(
        self, controller: Controller, store: SqliteStore, *, opened: Identified | None = None
    ) -> None:
        self._controller, self._store, self._caller = controller, store, opened
        self._folder, self._logs = LogFolder(Path(controller.ledger)), store.logs()
        self._signed: dict[int, SignedTree | None] = {}

    def made(self, record: Record, leaf: Leaf | None = None) -> MadeReceipt | WaitingRecord:
        """The receipt of a record, which has that leaf. Raises EvidenceError where it cannot be opened."""
        leaf = leaf or self._store.leaf(record.number)
        if leaf is None:
            return WaitingRecord(self._controller, record)
        log = self.log_of(leaf)
        signed, index = self.newest(log.epoch), leaf.leaf - log.first
        if signed is None or index >= signed.checkpoint.size:
            return WaitingRecord(self._controller, record)
        facts = commitment.facts(record.event, log.origin, index, record.number, migrated=leaf.migrated)
        salt, who = _opened(record, leaf)
        opening = self._opening_key(record, leaf)
        extra = receipt_extra(facts, salt, who, opening)
        path = inclusion_proof(index, signed.checkpoint.size, signed.hashes)
        receipt = Receipt(facts, salt, who, Proof(index, path, signed.data, extra), opening)
        if receipt.commitments != leaf.commitments:
            raise EvidenceError(
                Text("Record {number} is not what it was when it was written.", number=record.number),
                Text("Type: informativa evidence audit --controller {id}", id=self._controller.id),
                code="altered",
            )
        return MadeReceipt(self._controller, record, receipt, signed.key)

    def log_of(self, leaf: Leaf) -> LedgerLog:
        """That in which a leaf lies."""
        return next(log for log in reversed(self._logs) if log.first <= leaf.leaf)

    def newest(self, epoch: int) -> SignedTree | None:
        """A log as of its newest checkpoint, once that was looked up; `None` before the first."""
        if epoch not in self._signed:
            published = self._folder.published(epoch)
            key, data = published.key(), published.checkpoint()
            if key is None or data is None:
                self._signed[epoch] = None
            else:
                checkpoint = open_checkpoint(data, [key]).checkpoint
                # Neighbours share nearly all of their paths.
                hashes = lru_cache(_HASHES)(TileHashes(checkpoint.size, published.tiles.read))
                self._signed[epoch] = SignedTree(checkpoint, data, key, hashes)
        return self._signed[epoch]

    def _opening_key(self, record: Record, leaf: Leaf) -> bytes | None:
        """By the key under which the record was bound: the present one, or one before it."""
        if self._caller is None or leaf.salt_who is None or leaf.binding is None:
            return None
        for key in (self._controller.key, *self._controller.old_keys):
            opening = commitment.opening_key(key, leaf.salt_who)
            if commitment.binding(opening, self._caller) == leaf.binding:
                return opening
        raise EvidenceError(
            Text(
                "Record {number} cannot be opened for this caller: its key is not there.",
                number=record.number,
            ),
            Text("Put the old key back beside the new one; receipts without --open need none."),
            code="no-opening-key",
        )


def _opened(record: Record, leaf: Leaf) -> tuple[bytes, Person | bytes]:
    """The salt of the facts, and who it was about as far as that can be opened. Raises EvidenceError."""
    if leaf.salt_what is None:
        raise EvidenceError(
            Text("Record {number} was purged: nothing opens it any more.", number=record.number),
            code="purged",
        )
    if leaf.salt_who is None:
        return leaf.salt_what, leaf.commitments.who
    return leaf.salt_what, Person(commitment.person(record.event, leaf.binding), leaf.salt_who)


@contextmanager
def _reading(controller: Controller) -> Iterator[SqliteStore]:
    with closing(bootstrap.store(controller, read_only=True)) as store:
        yield store
