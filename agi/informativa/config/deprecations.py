"""Deprecations: uses of the configuration that still work and should end. Every `check` reports them, each
with its remedy.

A setting is deprecated in one version and refused in a later format of the file, which `informativa config
upgrade` writes (document.py): so no upgrade of the program alone turns a valid file into a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model.text import Text, clause
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import Settings

DEFAULT_TOKEN = "keys/agi.token"  # noqa: S105  # its place, not its value


@dataclass(frozen=True)
class Deprecation:
    """A deprecated use: a setting that is not `written`, or that is; since which version of informativa, and
    from which format on it is a mistake, if from any. `message` states the consequence and the remedy;
    {listen}, {token} and {file} may stand in it."""

    setting: KeyPath
    since: str
    message: Text
    written: bool = False
    refused_in: int | None = None


DEPRECATIONS = (
    Deprecation(
        ("service", "listen"),
        "0.2.0",
        Text(
            "names no `listen`: 0.1 took port 4573 then, and this informativa takes {listen}",
            "write `listen: {listen}` under it",
        ),
        refused_in=2,
    ),
    Deprecation(
        ("service", "token"),
        "0.2.0",
        Text(
            "names no `token`, so any program of this machine is taken for Asterisk",
            "write `token: {token}` under it, then type: informativa keys rotate --agi -c {file}",
        ),
    ),
)


def tell(settings: Settings, findings: Findings) -> None:
    """Note each deprecation that applies: as a warning, or as a mistake where the file's format does not
    allow it any more."""
    for deprecation in DEPRECATIONS:
        if findings.lacks(deprecation.setting) or findings.is_set(deprecation.setting) != deprecation.written:
            continue
        if not deprecation.written and findings.misspelt(deprecation.setting):
            continue
        place = deprecation.setting if deprecation.written else deprecation.setting[:-1]
        message = deprecation.message.format(
            listen=settings.service.listen, token=DEFAULT_TOKEN, file=findings.file
        )
        if deprecation.refused_in is not None and settings.format >= deprecation.refused_in:
            findings.add_problem(place, message)
        else:
            warning = Text(
                "{what} (deprecated since {since})", what=clause(message.statement), since=deprecation.since
            )
            findings.add_warning(place, warning, message.advice)
