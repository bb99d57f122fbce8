"""A file that was made for a configuration, for a terminal."""

from __future__ import annotations

from ...operations.generated import Generated
from ..messages import Language


def file_message(generated: Generated, say: Language) -> str:
    """Return the message of the file, and the next command."""
    return say("Wrote {file}. Next: {then}", file=generated.file, then=generated.next)
