"""What a look at one thing comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...errors import Problem
from ...text import NOTHING, Text, joined, plain


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
    text: Text
    fix: Text = NOTHING
    problem: Problem | None = None
    note: bool = False  # whether `check` says it, too, though it is in order

    @property
    def whole(self) -> Text:
        """All that it says."""
        return self.problem.text if self.problem else joined("; ", self.text, self.fix)


def ok(text: Text, *, note: bool = False) -> Finding:
    """As it should be."""
    return Finding(State.OK, text, note=note)


def warning(text: Text | str, fix: Text | str = NOTHING) -> Finding:
    """Calls are served, and somebody should know it."""
    return Finding(State.WARNING, plain(text), plain(fix))


def wrong(text: Text | str, fix: Text | str = NOTHING) -> Finding:
    """Calls, or what is kept of them, are not as configured."""
    return Finding(State.WRONG, plain(text), plain(fix))


def unknown(text: Text, fix: Text | str = NOTHING) -> Finding:
    """Could not be looked at."""
    return Finding(State.UNKNOWN, text, plain(fix))


def of_problem(problem: Problem, state: State) -> Finding:
    """A problem of the configuration."""
    return Finding(state, problem.said, problem.remedy, problem)
