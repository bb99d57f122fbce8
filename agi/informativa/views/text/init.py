"""A new configuration, for a terminal."""

from __future__ import annotations

from ...operations.init import NewConfiguration
from ..messages import Language


def written(configuration: NewConfiguration, say: Language) -> str:
    """Return the message of the files, and the next step."""
    return say(
        "Wrote {file} with two example companies, their keys and the prompts. The second is not live"
        " until its papers are named.\nNext: edit {file}, then type: informativa check -c {file}",
        file=configuration.file,
    )
