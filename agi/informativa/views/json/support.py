"""A bundle for support."""

from __future__ import annotations

from ...operations.support import bundle
from .shapes import Document


class SupportBundle(Document):
    """A file for somebody who helps."""

    file: str
    """Where it was written."""
    bytes: int
    """How large it is."""
    members: list[str]
    """What is in it."""

    @classmethod
    def of(cls, made: bundle.SupportBundle) -> SupportBundle:
        """As it was written."""
        return cls(file=str(made.file.absolute()), bytes=made.size, members=list(made.members))
