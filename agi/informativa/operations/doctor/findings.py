"""The finding: the result of one check."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import Field, InstanceOf

from ...model.errors import ConfigProblem
from ...model.text import NOTHING, Text, joined, plain
from ..document import OptionalSentence, Sentence

LOOK_AT_LOAD = Text("Look at the disk and at the load of this machine, and at Asterisk's.")
"""The remedy for what took too long, or met an error of the disk."""


class State(StrEnum):
    """The state of one thing. A thing that could not be checked is `unknown`, never one of the others."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    check: Sentence  # empty until an examination names it
    """The name of the check."""
    state: State
    """The state of the thing that was checked."""
    finding: Sentence
    """The result as a sentence."""
    fix: OptionalSentence = NOTHING
    """The action or command that corrects it."""
    problem: Annotated[InstanceOf[ConfigProblem] | None, Field(exclude=True)] = None
    """The mistake of the configuration, if it is one: `informativa check` shows its place."""
    note: Annotated[bool, Field(exclude=True)] = False
    """True if `informativa check` shows it although it is in order."""
    check_id: Annotated[str, Field(exclude=True)] = field(default="", compare=False)
    """The id of the check; empty until an examination names it."""

    @property
    def sentence(self) -> Text:
        """The whole sentence: the problem with its remedy, or the finding with the fix."""
        return self.problem.text if self.problem else joined("; ", self.finding, self.fix)


def ok(text: Text, *, note: bool = False) -> Finding:
    """Build a finding that something is in order."""
    return Finding(NOTHING, State.OK, text, note=note)


def warning(text: Text | str, fix: Text | str = NOTHING) -> Finding:
    """Build a finding that somebody should know although calls are served."""
    return Finding(NOTHING, State.WARNING, plain(text), plain(fix))


def wrong(text: Text | str, fix: Text | str = NOTHING) -> Finding:
    """Build a finding that calls or their records are not as configured."""
    return Finding(NOTHING, State.WRONG, plain(text), plain(fix))


def unknown(text: Text, fix: Text | str = NOTHING) -> Finding:
    """Build a finding that something could not be checked."""
    return Finding(NOTHING, State.UNKNOWN, text, plain(fix))


def of_problem(problem: ConfigProblem, state: State) -> Finding:
    """Build a finding from a problem of the configuration."""
    return Finding(NOTHING, state, problem.statement, problem.remedy, problem)
