"""What came of an import."""

from __future__ import annotations

from ...operations import importing
from .shapes import Document


class Import(Document):
    """What came of an import."""

    read: int
    """How many rows were read."""
    recorded: int
    """How many of them were put on record."""
    known_before: int
    """How many were on record already."""
    unusual: int
    """How many numbers were taken that are unusually short or long."""
    rejected: int
    """How many could not be taken."""
    rejects: str | None
    """The file that says why, by line."""

    @classmethod
    def of(cls, found: importing.Imported) -> Import:
        """As it was counted."""
        rejects = str(found.rejects) if found.rejects else None
        return cls(
            read=found.read,
            recorded=found.recorded,
            known_before=found.known,
            unusual=found.unusual,
            rejected=found.rejected,
            rejects=rejects,
        )
