"""What a bundle has of one log: its key, the checkpoints that cover the period, and what ties them together.

Receipts are of the newest checkpoint. That an earlier one, which a witness or an authority saw earlier, has
the same records is shown by a consistency proof from it to the newest (RFC 9162 2.1.4), as C2SP tlog-witness
writes it. What an authority stamped is the checkpoint with the log's own signature alone, and lies beside the
stamp as it was stamped.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import EvidenceError
from ...evidence.checkpoint import open_checkpoint
from ...evidence.note import parse
from ...evidence.timestamp import stamped_bytes
from ...evidence.tree import consistency_proof, verify_consistency
from ...evidence.witness import AddCheckpoint
from ...text import Text
from .receipt_maker import ReadableLog, SignedTree


@dataclass(frozen=True)
class BundledLog:
    """One log in a bundle: of which box, '' where there is only this one, which epoch, its name and key, how
    many leaves its newest checkpoint has, how many checkpoints the bundle has of it and how many time-stamps,
    and whose names other signatures of the newest one bear."""

    box: str
    epoch: int
    origin: str
    key: str
    size: int
    checkpoints: int
    timestamps: int
    witnesses: tuple[str, ...]


class LogFiles:
    """The files of one log that has the period's leaves `first` to `last`, and what they come to. Raises
    EvidenceError where something is not as it was signed."""

    def __init__(
        self, epoch: int, published: ReadableLog, signed: SignedTree, first: int, last: int, box: str = ""
    ) -> None:
        self._published, self._signed = published, signed
        self._stamps = {
            size: stamp for size, stamp in published.timestamps() if first < size <= signed.checkpoint.size
        }
        self._sizes = self._covering(first, last)
        own = (signed.key.name, signed.key.key_id)
        others = (each.name for each in parse(signed.data).signatures if (each.name, each.key_id) != own)
        self._folder = f"log/{box}/{epoch}" if box else f"log/{epoch}"
        self.bundled = BundledLog(
            box=box,
            epoch=epoch,
            origin=signed.checkpoint.origin,
            key=str(signed.key),
            size=signed.checkpoint.size,
            checkpoints=len(self._sizes),
            timestamps=len(self._stamps),
            witnesses=tuple(dict.fromkeys(others)),
        )

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Each with its name in the bundle."""
        yield f"{self._folder}/key", f"{self._signed.key}\n".encode()
        yield f"{self._folder}/checkpoint", self._signed.data
        for size in self._sizes:
            data = self._signed.data
            if size != self._signed.checkpoint.size:
                data = self._checkpoint(size)
                yield f"{self._folder}/consistency/{size}", self._consistency(size, data)
            yield f"{self._folder}/checkpoints/{size}", data
            if size in self._stamps:
                yield f"{self._folder}/timestamps/{size}.tsr", self._stamps[size]
                yield f"{self._folder}/timestamps/{size}.note", stamped_bytes(data, self._signed.key)

    def _covering(self, first: int, last: int) -> list[int]:
        """The sizes from the first that has leaf `first` to the first that has leaf `last`, those with a
        stamp, and the newest."""
        newest = self._signed.checkpoint.size
        there = [size for size in self._published.sizes() if first < size <= newest]
        period = there[: bisect_right(there, last) + 1]
        return sorted({*period, *self._stamps, newest})

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
        """The proof from a checkpoint to the newest, which is held against both."""
        old, new = open_checkpoint(data, [self._signed.key]).checkpoint, self._signed.checkpoint
        proof = consistency_proof(size, new.size, self._signed.hashes)
        verify_consistency(old.size, new.size, old.root, new.root, proof)
        return AddCheckpoint(size, proof, self._signed.data).body
