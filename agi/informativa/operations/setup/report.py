"""The result of setup, or of taking it back: one step for each file and command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ...model.text import NOTHING
from ..document import OptionalSentence, Sentence


class SetupPart(StrEnum):
    """The part of an installation to which a step belongs."""

    CONFIGURATION = "configuration"
    SERVICE = "service"
    DIALPLAN = "dialplan"


class SetupAction(StrEnum):
    """The action of a step."""

    WRITE = "write"
    DELETE = "delete"
    RESTORE = "restore"
    RUN = "run"


class SetupState(StrEnum):
    """The state of a step: ahead, done, not needed, or failed; or that its file stays."""

    PLANNED = "planned"
    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    STAYS = "stays"


@dataclass(frozen=True)
class SetupStep:
    """One file that setup writes or takes back, or one command that it runs."""

    part: SetupPart
    """The part of the installation."""
    action: SetupAction
    """The action on it."""
    target: str
    """The path of the file, or the command."""
    state: SetupState
    """Its state: done, ahead, not needed, or failed."""
    reason: OptionalSentence = NOTHING
    """The cause why it failed, or stays; null otherwise."""
    owner: str | None = None
    """The user and group of the file, as chown writes them; null for a command."""
    mode: str | None = None
    """The rights of the file, as chmod writes them; null for a command."""
    difference: tuple[str, ...] = ()
    """The change of its text, as diff writes it."""


@dataclass(frozen=True)
class SetupReport:
    """The result of setting a PBX up, or of taking that back."""

    configuration: Path
    """The path of the configuration."""
    asterisk: Path | None
    """Asterisk's folder; null where it was not needed."""
    user: str | None
    """The user of the service; null where it was not needed."""
    undo: bool
    """True if setup was taken back."""
    written: bool
    """True if anything was changed; false for a preview, and where nothing was left to do."""
    in_order: bool
    """True if no step failed."""
    steps: tuple[SetupStep, ...]
    """The steps, in their order."""
    by_hand: tuple[Sentence, ...] = ()
    """Steps that are left to do by hand."""
    warnings: tuple[Sentence, ...] = ()
    """Reasons why it may not work as it should."""
    next: tuple[str, ...] = ()
    """Commands to type then, in this order."""
