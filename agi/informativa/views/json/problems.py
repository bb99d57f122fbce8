"""What is wrong: with the configuration, or with what was asked for."""

from __future__ import annotations

from typing import Literal

from ... import errors
from .shapes import Document, Shape, said


class Problem(Shape):
    """One thing that is wrong: with the configuration (file, line, key), or with what was asked for."""

    code: str
    """Which kind of error it is."""
    file: str | None
    """The file that it stands in."""
    line: int | None
    """The line in that file."""
    key: str | None
    """The key path, such as `controllers.acme.retention`."""
    message: str
    """What is wrong."""
    remedy: str | None
    """What to do or type."""

    @classmethod
    def of(cls, problem: errors.Problem, code: str = "configuration") -> Problem:
        """As an error carries it."""
        return cls(
            code=code,
            file=problem.file or None,
            line=problem.line,
            key=problem.key or None,
            message=str(problem.message),
            remedy=said(problem.remedy),
        )


class Failure(Document):
    """In place of what was asked for: what is wrong."""

    ok: Literal[False] = False
    problems: list[Problem]

    @classmethod
    def of(cls, error: errors.InformativaError) -> Failure:
        """Each of the problems that an error has."""
        return cls(problems=[Problem.of(problem, error.code) for problem in errors.problems(error)])
