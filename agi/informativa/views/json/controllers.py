"""The controllers of a configuration."""

from __future__ import annotations

from collections.abc import Sequence

from ...operations import controller_state
from .shapes import Document, Shape, said


class ControllerState(Shape):
    """How one controller stands."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    live: bool
    """Whether anything is put on record for it."""
    why: str | None
    """Why it is not live."""
    lines: list[str]
    """The called numbers."""
    processor: str | None
    """Who takes its calls, where it is not the controller itself."""
    ledger: str
    """The ledger's file."""
    records: int | None
    """How many records it has; null where it cannot be read."""
    error: str | None
    """Why it cannot be read."""

    @classmethod
    def of(cls, found: controller_state.ControllerState) -> ControllerState:
        """As the configuration and the ledger have it."""
        owner = found.controller
        return cls(
            controller=owner.id,
            name=owner.name,
            live=not owner.refused,
            why=said(owner.refused),
            lines=[line.number for line in found.lines],
            processor=found.processor or None,
            ledger=owner.ledger,
            records=found.records,
            error=said(found.error),
        )


class Controllers(Document):
    """All controllers of the configuration."""

    controllers: list[ControllerState]

    @classmethod
    def of(cls, found: Sequence[controller_state.ControllerState]) -> Controllers:
        """In the order of the configuration."""
        return cls(controllers=[ControllerState.of(each) for each in found])
