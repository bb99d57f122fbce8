"""A file that was made for a configuration, for a terminal."""

from __future__ import annotations

from ...operations.generated import Generated
from ..messages import Language


def written(made: Generated, say: Language) -> str:
    """Where it is, and what to type next."""
    return say("Wrote {file}. Next: {then}", file=made.file, then=made.next)
