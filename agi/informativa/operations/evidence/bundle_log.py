"""One log in a bundle: its key, the checkpoints that cover the period, and the proofs that connect them.

Receipts lead to the newest checkpoint. A witness may have signed an earlier one: a consistency proof
(RFC 9162 2.1.4), in the form of C2SP tlog-witness, shows that the newest extends it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ...evidence.checkpoint import open_checkpoint
from ...evidence.note import parse
from ...evidence.tree import consistency_proof, verify_consistency
from ...evidence.witness import AddCheckpoint
from ...model.errors import EvidenceError
from ...model.text import Text
from .receipt_maker import ReadableLog, SignedTree


@dataclass(frozen=True)
class BundledLog:
    """One log in a bundle."""

    log: str
    """The origin of the log."""
    epoch: int
    """The number of the log among the controller's: 1, 2, …"""
    key: str
    """The public key by which it is published."""
    size: int
    """The number of records its newest checkpoint has."""
    checkpoints: int
    """The number of checkpoints the bundle has."""
    witnesses: tuple[str, ...]
    """The names that other signatures of the newest checkpoint bear."""


class LogFiles:
    """The files of one log that has the period's leaves `first` to `last`, and their description, `bundled`.
    Raises EvidenceError if something is not as it was signed."""

    def __init__(self, epoch: int, published: ReadableLog, signed: SignedTree, first: int, last: int) -> None:
        self._published, self._signed = published, signed
        self._sizes = self._covering(first, last)
        log_key = (signed.key.name, signed.key.key_id)
        signatures = parse(signed.data).signatures
        others = (signature.name for signature in signatures if (signature.name, signature.key_id) != log_key)
        self._folder = f"log/{epoch}"
        self.bundled = BundledLog(
            log=signed.checkpoint.origin,
            epoch=epoch,
            key=str(signed.key),
            size=signed.checkpoint.size,
            checkpoints=len(self._sizes),
            witnesses=tuple(dict.fromkeys(others)),
        )

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files, each with its name in the bundle."""
        yield f"{self._folder}/key", f"{self._signed.key}\n".encode()
        yield f"{self._folder}/checkpoint", self._signed.data
        for size in self._sizes:
            data = self._signed.data
            if size != self._signed.checkpoint.size:
                data = self._checkpoint(size)
                yield f"{self._folder}/consistency/{size}", self._consistency(size, data)
            yield f"{self._folder}/checkpoints/{size}", data

    def _covering(self, first: int, last: int) -> list[int]:
        """Return the sizes of the checkpoints for the bundle, in order: from the first that has leaf `first`
        to the first that has leaf `last`, and the newest."""
        newest = self._signed.checkpoint.size
        available = [size for size in self._published.sizes() if first < size <= newest]
        period = available[: bisect_right(available, last) + 1]
        return sorted({*period, newest})

    def _checkpoint(self, size: int) -> bytes:
        data = self._published.checkpoint_of(size)
        if data is None:
            raise EvidenceError(
                Text(
                    "The checkpoint of {size} records is not in {folder} any more",
                    "put it back; what is wrong says: informativa evidence audit",
                    size=size,
                    folder=self._published.folder,
                )
            )
        return data

    def _consistency(self, size: int, data: bytes) -> bytes:
        """Return the proof from a checkpoint to the newest, after verifying it against both."""
        old, new = open_checkpoint(data, [self._signed.key]).checkpoint, self._signed.checkpoint
        proof = consistency_proof(size, new.size, self._signed.hashes)
        verify_consistency(old.size, new.size, old.root, new.root, proof)
        return AddCheckpoint(size, proof, self._signed.data).body
