"""The findings of a monitor, and what a look at somebody else's logs comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...evidence.note_standing import NoteVerdict
from ...evidence.notes import NoteKind
from ..document import Sentence, Time
from .note_words import RuleChange


class FindingKind(StrEnum):
    """The kinds of findings."""

    FORK = "fork"
    """The log contradicts what it signed before."""
    BEHIND = "behind"
    """Less is published than is known to be signed."""
    STILL = "still"
    """No witness has confirmed the log lately."""
    NOTE = "note"
    """A note in the log."""
    FEW = "few"
    """A day with few records: a hint, and nothing is proven by it."""


@dataclass(frozen=True)
class MonitorFinding:
    """One thing that the monitor found."""

    kind: FindingKind
    """Its kind."""
    log: str
    """The origin of the log."""
    open: bool
    """True as long as somebody should look into it; false for what is only told."""
    message: Sentence
    """The finding in words."""
    at: Time
    """The time of the look that found it."""
    size: int | None = None
    """The number of leaves of the checkpoint, of the signed one if less is published, or of the day."""
    index: int | None = None
    """The leaf of the note, from 0."""
    note: NoteKind | None = None
    """The kind of the note; null if it cannot be read."""
    standing: NoteVerdict | None = None
    """The standing of the note."""
    approved_by: tuple[str, ...] = ()
    """The names of the keys that approved the note."""
    instruction: str | None = None
    """The controller's instruction that the note names."""
    changes: tuple[RuleChange, ...] = ()
    """The values that a rule changes."""


@dataclass(frozen=True)
class MonitoredLog:
    """A log that is followed."""

    log: str
    """Its origin."""
    size: int
    """The number of leaves that were verified."""
    at: Time | None
    """The time since which no quorum of witnesses has confirmed it; null if none did."""
    witnesses: tuple[str, ...]
    """The witnesses that signed its newest checkpoint; without any it is the company's own word."""
    ended: bool
    """True if it goes on in another log."""


@dataclass(frozen=True)
class Look:
    """The result of one look at all logs."""

    logs: tuple[MonitoredLog, ...]
    """The logs that are followed."""
    findings: tuple[MonitorFinding, ...]
    """All that is so now."""
    news: tuple[MonitorFinding, ...]
    """The findings that were not told before."""
    problems: tuple[Sentence, ...]
    """The reasons why something could not be looked at or told."""

    @property
    def exit_code(self) -> int:
        """1 for a fork, 3 for another open finding, 2 if something could not be looked at, else 0."""
        if any(finding.kind is FindingKind.FORK for finding in self.findings):
            return 1
        if any(finding.open for finding in self.findings):
            return 3
        return 2 if self.problems else 0
