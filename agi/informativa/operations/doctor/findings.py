"""What a look at one thing comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...errors import Problem


class State(StrEnum):
    """How one thing is. What could not be looked at counts as nothing else."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One sentence on how something is; where it is not as it should be, `fix` says what to do or type, and
    `problem` where it stands in the configuration, if it does."""

    state: State
    text: str
    fix: str = ""
    problem: Problem | None = None
    note: bool = False  # whether `check` says it, too, though it is in order

    def __str__(self) -> str:
        return str(self.problem) if self.problem else f"{self.text}; {self.fix}" if self.fix else self.text


def ok(text: str, *, note: bool = False) -> Finding:
    """As it should be."""
    return Finding(State.OK, text, note=note)


def warning(text: str, fix: str) -> Finding:
    """Calls are served, and somebody should know it."""
    return Finding(State.WARNING, text, fix)


def wrong(text: str, fix: str) -> Finding:
    """Calls, or what is kept of them, are not as configured."""
    return Finding(State.WRONG, text, fix)


def unknown(text: str, fix: str = "") -> Finding:
    """Could not be looked at."""
    return Finding(State.UNKNOWN, text, fix)


def told(problem: Problem, state: State) -> Finding:
    """A problem of the configuration."""
    text, remedy = problem.said, problem.remedy
    if not remedy:  # most messages have it behind a semicolon
        text, _semicolon, remedy = text.partition("; ")
    return Finding(state, text, remedy, problem)
