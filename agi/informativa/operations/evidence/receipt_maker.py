"""How a receipt is made of a record and its leaf, wherever they and the log lie: here, or where boxes
meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from ...errors import EvidenceError, TreeProofError
from ...evidence import commitment
from ...evidence.checkpoint import Checkpoint, open_checkpoint
from ...evidence.log_folder import LogFolder
from ...evidence.note import Verifier
from ...evidence.proof import Proof
from ...evidence.receipt import Person, Receipt, receipt_extra
from ...evidence.tiles import TileHashes
from ...evidence.tree import HashReader, inclusion_proof, verify_inclusion
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Identified, Record
from ...text import Text

_HASHES = 4096  # of subtrees that are kept


class OpenedLeaf(Protocol):
    """The leaf of a record, of this box's ledger or of another's: which one, the commitment to whom the
    record is about (32 bytes), and what opens it."""

    @property
    def leaf(self) -> int: ...  # as ledgers.leaves.Leaf
    @property
    def who(self) -> bytes: ...
    @property
    def salt_what(self) -> bytes | None: ...
    @property
    def salt_who(self) -> bytes | None: ...
    @property
    def binding(self) -> bytes | None: ...
    @property
    def migrated(self) -> bool: ...


class NamedLog(Protocol):
    """One log of a ledger: `first` is the leaf of the ledger that is its leaf 0."""

    @property
    def epoch(self) -> int: ...  # as ledgers.leaves.LedgerLog
    @property
    def origin(self) -> str: ...
    @property
    def first(self) -> int: ...


class ReadableLog(Protocol):
    """What is published of a log, wherever it lies. Raises as `log_folder.PublishedLog`, and what the place
    raises."""

    @property
    def folder(self) -> Path | Text:
        """Where it lies."""

    def key(self) -> Verifier | None:
        """By which it was signed, as the place says."""

    def checkpoint(self) -> bytes | None:
        """The newest one, `None` before the first."""

    def checkpoint_of(self, size: int) -> bytes | None:
        """That of a size."""

    def sizes(self) -> list[int]:
        """Of which sizes there are checkpoints, in order."""

    def timestamps(self) -> list[tuple[int, bytes]]:
        """Which checkpoints have a time-stamp, by their sizes in order, and the stamps."""

    def tile(self, path: str) -> bytes:
        """The content of a tile: `tiles.Read`."""


@dataclass(frozen=True)
class MadeReceipt:
    """The receipt of one record of a box, '' for this one, the key and the epoch of the log that it is in.
    Whoever checks it takes the key from elsewhere."""

    controller: Controller
    record: Record
    receipt: Receipt
    key: Verifier
    epoch: int
    box: str = ""

    @property
    def name(self) -> str:
        """That of its file, without what follows the point."""
        return "-".join(filter(None, (self.controller.id, self.box, str(self.record.number))))


@dataclass(frozen=True)
class WaitingRecord:
    """A record of a box that has no receipt yet: the next checkpoint has it; or, if it is not `sent`, only
    its own box has what proves it."""

    controller: Controller
    record: Record
    box: str = ""
    sent: bool = True


@dataclass(frozen=True)
class SignedTree:
    """A log as of its newest checkpoint: that, its note, the key that signed it, the hashes of its tree."""

    checkpoint: Checkpoint
    data: bytes
    key: Verifier
    hashes: HashReader


class ReceiptMaker:
    """Makes receipts of one box's records, of each of its `logs` as of the newest checkpoint that is
    `published`; none that does not hold."""

    def __init__(
        self,
        controller: Controller,
        logs: Sequence[NamedLog],
        published: Callable[[int], ReadableLog],
        *,
        opened: Identified | None = None,
        box: str = "",
    ) -> None:
        self._controller, self._caller, self._box = controller, opened, box
        self._logs, self.published = logs, published
        self.origin = logs[-1].origin if logs else ""
        self._signed: dict[int, SignedTree | None] = {}

    @classmethod
    def of_ledger(
        cls, controller: Controller, store: SqliteStore, *, opened: Identified | None = None
    ) -> ReceiptMaker:
        """For the records of this box."""
        return cls(controller, store.logs(), LogFolder(Path(controller.ledger)).published, opened=opened)

    def made(self, record: Record, leaf: OpenedLeaf | None) -> MadeReceipt | WaitingRecord:
        """The receipt of a record, which has that leaf. Raises EvidenceError where it cannot be opened, or it
        or its log is not what was signed."""
        log = self.log_of(leaf) if leaf else None
        signed = self.newest(log.epoch) if log else None
        if leaf is None or log is None or signed is None or leaf.leaf - log.first >= signed.checkpoint.size:
            return WaitingRecord(self._controller, record, self._box, sent=leaf is not None)
        index = leaf.leaf - log.first
        facts = commitment.facts(record.event, log.origin, index, record.number, migrated=leaf.migrated)
        salt, who = _opened(record, leaf)
        opening = self._opening_key(record, leaf)
        extra = receipt_extra(facts, salt, who, opening)
        path = inclusion_proof(index, signed.checkpoint.size, signed.hashes)
        receipt = Receipt(facts, salt, who, Proof(index, path, signed.data, extra), opening)
        try:
            receipt.proof.check_inclusion(receipt.commitments.entry, signed.checkpoint)
        except TreeProofError as error:
            raise self._altered(record, receipt, signed) from error
        return MadeReceipt(self._controller, record, receipt, signed.key, log.epoch, self._box)

    def _altered(self, record: Record, receipt: Receipt, signed: SignedTree) -> EvidenceError:
        """Which of the two is not what was signed: the record, or the hashes of the tree."""
        audit = Text("Type: informativa evidence audit --controller {id}", id=self._controller.id)
        there = Text("Its own box has what was signed; type there: informativa evidence audit")
        checkpoint, proof = signed.checkpoint, receipt.proof
        leaf = signed.hashes(0, proof.index)
        try:
            verify_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root)
        except TreeProofError:
            said = Text("The tree of {log} is not what was signed: nothing proves record {number}.")
        else:
            said = (
                Text("Record {number} of {box} is not what it was when it was written.")
                if self._box
                else Text("Record {number} is not what it was when it was written.")
            )
        said = said.format(number=record.number, box=self._box, log=checkpoint.origin)
        return EvidenceError(said, there if self._box else audit, code="altered")

    def log_of(self, leaf: OpenedLeaf) -> NamedLog | None:
        """That in which a leaf lies; `None` where it is not known yet."""
        return next((log for log in reversed(self._logs) if log.first <= leaf.leaf), None)

    def newest(self, epoch: int) -> SignedTree | None:
        """A log as of its newest checkpoint, once that was looked up; `None` before the first."""
        if epoch not in self._signed:
            published = self.published(epoch)
            key, data = published.key(), published.checkpoint()
            if key is None or data is None:
                self._signed[epoch] = None
            else:
                checkpoint = open_checkpoint(data, [key]).checkpoint
                # Neighbours share nearly all of their paths.
                hashes = lru_cache(_HASHES)(TileHashes(checkpoint.size, published.tile))
                self._signed[epoch] = SignedTree(checkpoint, data, key, hashes)
        return self._signed[epoch]

    def _opening_key(self, record: Record, leaf: OpenedLeaf) -> bytes | None:
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


def _opened(record: Record, leaf: OpenedLeaf) -> tuple[bytes, Person | bytes]:
    """The salt of the facts, and who it was about as far as that can be opened. Raises EvidenceError."""
    if leaf.salt_what is None:
        raise EvidenceError(
            Text("Record {number} was purged: nothing opens it any more.", number=record.number),
            code="purged",
        )
    if leaf.salt_who is None:
        return leaf.salt_what, leaf.who
    return leaf.salt_what, Person(commitment.person(record.event, leaf.binding), leaf.salt_who)
