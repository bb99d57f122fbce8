"""Problems and failed commands, as programs read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..model import errors
from ..model.text import Text
from .document import OptionalSentence, Sentence


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: with the configuration (file, line, key), or with what was asked for."""

    code: str
    """The kind of the error."""
    file: str | None
    """The file that it stands in."""
    line: int | None
    """The line in that file."""
    key: str | None
    """The key path, such as `controllers.acme.retention`."""
    message: Sentence
    """The mistake, in a sentence."""
    remedy: OptionalSentence
    """The action or command that corrects it."""

    @classmethod
    def of(cls, problem: errors.ConfigProblem, code: str = errors.ConfigError.code) -> Problem:
        """Build it from a problem that an error of this code carries."""
        return cls(
            code=code,
            file=problem.file or None,
            line=problem.line,
            key=problem.key or None,
            message=problem.message,
            remedy=problem.remedy,
        )

    @property
    def text(self) -> Text:
        """The whole problem as one sentence: its place, the mistake and the remedy."""
        return errors.ConfigProblem(
            self.file or "", self.line, self.key or "", self.message, self.remedy
        ).text


@dataclass(frozen=True)
class Failure:
    """In place of what was asked for: what is wrong."""

    ok: Literal[False] = field(default=False, init=False)
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, error: errors.InformativaError) -> Failure:
        """Build it from an error, with all problems that it carries."""
        return cls(tuple(Problem.of(problem, error.code) for problem in errors.problems(error)))
