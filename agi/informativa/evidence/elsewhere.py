"""Others who have checkpoints of a log: publishing targets and witnesses. Nothing is signed against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..errors import ForkError
from ..text import Text
from .checkpoint import Checkpoint
from .log_folder import PublishedLog
from .note import Verifier
from .tiles import TileHashes
from .tree import root_at


@dataclass(frozen=True)
class OwnLog:
    """A log as it is here: its tiles, which are those of `size` leaves, its key, and the last checkpoint that
    was signed; before the first one that of the empty tree."""

    published: PublishedLog
    key: Verifier
    size: int
    last: bytes

    def hashes(self) -> TileHashes:
        """Of complete subtrees."""
        return TileHashes(self.size, self.published.tiles.read)


class Elsewhere(Protocol):
    """Somebody else who has checkpoints of a log."""

    @property
    def name(self) -> str:
        """As an admin knows it."""

    def newest(self, own: OwnLog) -> Checkpoint | None:
        """The newest checkpoint there that the log's key signed; `None` where there is none yet. Raises
        ElsewhereError where nobody answers, or not in a way that can be understood, ForkError where the
        log there cannot be this one."""


def require_ours(there: Checkpoint, own: OwnLog, name: str) -> None:
    """That the log here begins with a checkpoint from elsewhere. Raises ForkError."""
    if there.size > own.size:
        raise newer(name, there.size, own.size)
    if root_at(there.size, own.hashes()) != there.root:
        raise ForkError(
            Text(
                "{name} has another log of {size} records than the one that is here",
                "keep both, and find out which was changed: informativa evidence audit",
                name=name,
                size=there.size,
            )
        )


def newer(name: str, there: int, here: int) -> ForkError:
    """Why nothing more can be said of a log that is longer elsewhere."""
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
