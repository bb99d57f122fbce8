"""A configuration that was laid, for a terminal."""

from __future__ import annotations

from ...operations.init import NewConfiguration
from ..messages import Language


def written(made: NewConfiguration, say: Language) -> str:
    """Where it is, and what to do next."""
    return say(
        "Wrote {file} with two example companies, their keys and the prompts. The second is not live"
        " until its papers are named.\nNext: edit {file}, then type: informativa check -c {file}",
        file=made.file,
    )
