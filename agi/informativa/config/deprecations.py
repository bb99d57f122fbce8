"""What the configuration may still be, and should be no more: told by every `check`, each with its remedy.

A setting is deprecated in one version and refused in a later format of the file, which `informativa config
upgrade` brings about (formats.py): so no upgrade of the program alone makes a mistake of what was none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..text import Text, clause
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import Settings

DEFAULT_TOKEN = "keys/agi.token"  # noqa: S105  # where it is, not what it is


@dataclass(frozen=True)
class Deprecation:
    """That a setting is not `written`, or that it is; since which version of informativa, and from which
    format on it is a mistake, if from any. `message` says what it leads to and what to do; {listen}, {token}
    and {file} may stand in it."""

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


def tell(settings: Settings, found: Findings) -> None:
    """Note each that applies: as a warning, or as a mistake where the file's format has it no more."""
    for each in DEPRECATIONS:
        if found.lacks(each.setting) or found.stands(each.setting) != each.written:
            continue
        if not each.written and found.misspelt(each.setting):
            continue
        place = each.setting if each.written else each.setting[:-1]
        message = each.message.format(listen=settings.service.listen, token=DEFAULT_TOKEN, file=found.file)
        if each.refused_in is not None and settings.format >= each.refused_in:
            found.wrong(place, message)
        else:
            told = Text("{what} (deprecated since {since})", what=clause(message.statement), since=each.since)
            found.warn(place, told, message.advice)
