"""The finding: the result of one check."""

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
    """One sentence on the state of something; unless that is `OK`, `fix` says what to do or type, and
    `problem` is the mistake of the configuration, if there is one."""

    state: State
    text: Text
    fix: Text = NOTHING
    problem: Problem | None = None
    note: bool = False  # whether `check` shows it although it is in order

    @property
    def whole(self) -> Text:
        """The whole sentence: the problem with its remedy, or the text with the fix."""
        return self.problem.text if self.problem else joined("; ", self.text, self.fix)


def ok(text: Text, *, note: bool = False) -> Finding:
    """Build a finding that something is in order."""
    return Finding(State.OK, text, note=note)


def warning(text: Text | str, fix: Text | str = NOTHING) -> Finding:
    """Build a finding that somebody should know although calls are served."""
    return Finding(State.WARNING, plain(text), plain(fix))


def wrong(text: Text | str, fix: Text | str = NOTHING) -> Finding:
    """Build a finding that calls or their records are not as configured."""
    return Finding(State.WRONG, plain(text), plain(fix))


def unknown(text: Text, fix: Text | str = NOTHING) -> Finding:
    """Build a finding that something could not be checked."""
    return Finding(State.UNKNOWN, text, plain(fix))


def of_problem(problem: Problem, state: State) -> Finding:
    """Build a finding from a problem of the configuration."""
    return Finding(state, problem.said, problem.remedy, problem)
