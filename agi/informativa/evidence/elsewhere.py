"""Others who have checkpoints of a log: publishing targets and witnesses. Nothing is signed against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..model.errors import ForkError
from ..model.text import Text
from .checkpoint import Checkpoint
from .log_folder import PublishedLog
from .note import Verifier
from .tiles import TileHashes
from .tree import root_at


@dataclass(frozen=True)
class LocalLog:
    """A log on this machine: its tiles, which are those of `size` leaves, its key, and the last signed
    checkpoint (before the first one that of the empty tree)."""

    published: PublishedLog
    key: Verifier
    size: int
    last: bytes

    def hashes(self) -> TileHashes:
        """Return the reader of the hashes of complete subtrees."""
        return TileHashes(self.size, self.published.tiles.read)


class CheckpointSource(Protocol):
    """Another place that has checkpoints of a log."""

    @property
    def name(self) -> str:
        """The name that an admin knows it by."""

    def newest(self, own: LocalLog) -> Checkpoint | None:
        """Return the newest checkpoint there that the log's key signed, or `None` if there is none yet.
        Raises ElsewhereError if nobody answers in a way that can be understood, and ForkError if the log
        there cannot be this one."""


def require_ours(theirs: Checkpoint, own: LocalLog, name: str) -> None:
    """Check that the log on this machine begins with a checkpoint from elsewhere. Raises ForkError."""
    if theirs.size > own.size:
        raise longer_elsewhere(name, theirs.size, own.size)
    if root_at(theirs.size, own.hashes()) != theirs.root:
        raise another_log(name, theirs.size)


def another_log(name: str, size: int) -> ForkError:
    """Return the error for a log of that size elsewhere that is not the one on this machine."""
    return ForkError(
        Text(
            "{name} has another log of {size} records than the one that is here",
            "keep both, and find out which was changed: informativa evidence audit",
            name=name,
            size=size,
        )
    )


def longer_elsewhere(name: str, there: int, here: int) -> ForkError:
    """Return the error for a log that has more records elsewhere (`there`) than on this machine (`here`)."""
    return ForkError(
        Text(
            "{name} has {there} records of the log and here are {here} that were signed",
            "what is here was put back to an older state; type:"
            " informativa ledger restore COPY --controller NAME",
            name=name,
            there=there,
            here=here,
        )
    )
