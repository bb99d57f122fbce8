"""Making of receipts from a record and its leaf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

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
from ...model.errors import EvidenceError, TreeProofError
from ...model.text import Text

_HASHES = 4096  # hashes of subtrees in the cache


class OpenedLeaf(Protocol):
    """The leaf of a record: its index, the commitment to the person (32 bytes), the salts and the binding
    that open it, and the digest of the binding's key."""

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
    def opening(self) -> bytes | None: ...


class NamedLog(Protocol):
    """One log of a ledger; `first` is the index in the ledger of the log's leaf 0."""

    @property
    def epoch(self) -> int: ...  # as ledgers.leaves.LedgerLog
    @property
    def origin(self) -> str: ...
    @property
    def first(self) -> int: ...


class ReadableLog(Protocol):
    """The published files of a log. Raises as `log_folder.PublishedLog`."""

    @property
    def folder(self) -> Path | Text:
        """The place of the log, for messages."""

    def key(self) -> Verifier | None:
        """Return the log's public key, as this place has it; `None` if it has none."""

    def checkpoint(self) -> bytes | None:
        """Return the newest checkpoint; `None` before the first."""

    def checkpoint_of(self, size: int) -> bytes | None:
        """Return the checkpoint of `size` records, if there is one."""

    def sizes(self) -> list[int]:
        """Return the sizes of all checkpoints, in order."""

    def tile(self, path: str) -> bytes:
        """Return the content of a tile, as `tiles.Read`."""


@dataclass(frozen=True)
class RecordReceipt:
    """The receipt of one record."""

    controller: Controller
    record: Record
    receipt: Receipt
    key: Verifier
    """The key of the log. A check of the receipt must take the key from elsewhere."""
    epoch: int
    """The number of the log among those of the ledger."""

    @property
    def name(self) -> str:
        """The name of the receipt's file, without the extension."""
        return f"{self.controller.id}-{self.record.number}"


@dataclass(frozen=True)
class RecordWithoutReceipt:
    """A record without a receipt: it waits for the next checkpoint, or is a note, which the log itself
    shows."""

    controller: Controller
    record: Record
    is_note: bool = False
    """`True` for a note, which is its own entry of the log."""


@dataclass(frozen=True)
class SignedTree:
    """A log at its newest checkpoint: the checkpoint, its signed note, the key, and the hashes of the
    tree."""

    checkpoint: Checkpoint
    data: bytes
    key: Verifier
    hashes: HashReader


class ReceiptMaker:
    """A maker of receipts for a ledger's records, at the newest published checkpoint of each of its `logs`.
    It makes no receipt that does not hold."""

    def __init__(
        self,
        controller: Controller,
        logs: Sequence[NamedLog],
        published: Callable[[int], ReadableLog],
        *,
        opened: Identified | None = None,
    ) -> None:
        self._controller, self._caller = controller, opened
        self.logs, self.published = logs, published
        self.origin = logs[-1].origin if logs else ""
        self._signed: dict[int, SignedTree | None] = {}

    @classmethod
    def of_ledger(
        cls, controller: Controller, store: SqliteStore, *, opened: Identified | None = None
    ) -> ReceiptMaker:
        """Build a maker for the records of a ledger."""
        return cls(controller, store.logs(), LogFolder(Path(controller.ledger)).published, opened=opened)

    def make(self, record: Record, leaf: OpenedLeaf | None) -> RecordReceipt | RecordWithoutReceipt:
        """Make the receipt of a record with its leaf; a note needs none. Raises EvidenceError if the record
        cannot be opened, or if it or its log is not what was signed."""
        log = self.log_of(leaf) if leaf else None
        signed = self.newest(log.epoch) if log else None
        is_note = leaf and leaf.salt_what is None and record.event.kind in commitment.ABOUT_RECORDS
        if leaf is None or log is None or signed is None or not self.is_signed(leaf):
            return RecordWithoutReceipt(self._controller, record, bool(is_note))
        index = leaf.leaf - log.first
        if is_note:
            path = inclusion_proof(index, signed.checkpoint.size, signed.hashes)
            entry = commitment.NOTE_TAG + record.event.reference.encode("utf-8", "surrogateescape")
            self._require_signed(record, entry, Proof(index, path, signed.data), signed)
            return RecordWithoutReceipt(self._controller, record, is_note=True)
        facts = commitment.facts(record.event, log.origin, index, record.number)
        salt, person = _open_leaf(record, leaf)
        opening = self._opening_key(record, leaf)
        extra = receipt_extra(facts, salt, person, opening)
        path = inclusion_proof(index, signed.checkpoint.size, signed.hashes)
        proof = Proof(index, path, signed.data, extra)
        receipt = Receipt(facts, salt, person, proof, opening)
        self._require_signed(record, receipt.entry, proof, signed)
        return RecordReceipt(self._controller, record, receipt, signed.key, log.epoch)

    def _require_signed(self, record: Record, entry: bytes, proof: Proof, signed: SignedTree) -> None:
        """Check that the entry of a record is in the tree. Raises EvidenceError."""
        try:
            proof.check_inclusion(entry, signed.checkpoint)
        except TreeProofError as error:
            raise self._altered(record, proof, signed) from error

    def _altered(self, record: Record, proof: Proof, signed: SignedTree) -> EvidenceError:
        """Build the error that names which is not what was signed: the record, or the hashes of the tree."""
        audit = Text("Type: informativa evidence audit --controller {id}", id=self._controller.id)
        checkpoint = signed.checkpoint
        leaf = signed.hashes(0, proof.index)
        try:
            verify_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root)
        except TreeProofError:
            text = Text("The tree of {log} is not what was signed: nothing proves record {number}.")
        else:
            text = Text("Record {number} is not what it was when it was written.")
        text = text.format(number=record.number, log=checkpoint.origin)
        return EvidenceError(text, audit, code="altered")

    def log_of(self, leaf: OpenedLeaf) -> NamedLog | None:
        """Return the log that has a leaf; `None` if it is not known yet."""
        return next((log for log in reversed(self.logs) if log.first <= leaf.leaf), None)

    def is_signed(self, leaf: OpenedLeaf) -> bool:
        """Return whether the newest checkpoint of its log has a leaf."""
        log = self.log_of(leaf)
        signed = self.newest(log.epoch) if log else None
        return bool(log and signed and leaf.leaf - log.first < signed.checkpoint.size)

    def newest(self, epoch: int) -> SignedTree | None:
        """Return a log at its newest checkpoint, which is read once; `None` before the first."""
        if epoch not in self._signed:
            published = self.published(epoch)
            key, data = published.key(), published.checkpoint()
            if key is None or data is None:
                self._signed[epoch] = None
            else:
                checkpoint = open_checkpoint(data, [key]).checkpoint
                # Neighbouring leaves share nearly all hashes of their paths.
                hashes = lru_cache(_HASHES)(TileHashes(checkpoint.size, published.tile))
                self._signed[epoch] = SignedTree(checkpoint, data, key, hashes)
        return self._signed[epoch]

    def _opening_key(self, record: Record, leaf: OpenedLeaf) -> bytes | None:
        """Return the opening key of a record's binding, by the present key or an old one; `None` if none is
        asked for. Raises EvidenceError if no key fits."""
        if self._caller is None or leaf.salt_who is None or leaf.binding is None:
            return None
        for key in self._controller.keys:
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


def _open_leaf(record: Record, leaf: OpenedLeaf) -> tuple[bytes, Person | bytes]:
    """Return the salt of the facts, and the person, or the commitment to it after an erasure. Raises
    EvidenceError if the record was purged."""
    if leaf.salt_what is None:
        raise EvidenceError(
            Text("Record {number} was purged: nothing opens it any more.", number=record.number),
            code="purged",
        )
    if leaf.salt_who is None:
        return leaf.salt_what, leaf.who
    person = commitment.person(record.event, leaf.binding, leaf.opening)
    return leaf.salt_what, Person(person, leaf.salt_who)
