"""A witness, for programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ...operations.evidence.witness import WitnessedLog, WitnessKey
from .shapes import Document, Shape, Time


class WitnessedCheckpoint(Shape):
    """The last checkpoint of a log that the witness signed."""

    log: str
    """The origin of the log."""
    size: int
    """How many records it has."""
    root: str
    """The root of the tree, in hexadecimal."""
    at: Time
    """When it was signed."""


class Witness(Document):
    """A witness of one's own."""

    key: str
    """Its public key."""
    folder: str
    """Where its private key lies."""
    logs: list[WitnessedCheckpoint]
    """What it signed last."""

    @classmethod
    def of(cls, found: WitnessKey, signed: Iterable[WitnessedLog]) -> Witness:
        """As it is now."""
        return cls(
            key=str(found.key),
            folder=str(found.folder),
            logs=[
                WitnessedCheckpoint(
                    log=each.origin,
                    size=each.size,
                    root=each.root.hex(),
                    at=datetime.fromtimestamp(each.at, UTC),
                )
                for each in signed
            ],
        )
