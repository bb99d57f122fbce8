"""What a check of the configuration came to."""

from __future__ import annotations

from ...operations import check
from ...operations.problems import Problem
from .shapes import Document, Seconds, Shape


class CheckedNotice(Shape):
    """A notice of a line's plan, as it is played now."""

    notice: str
    """Which notice."""
    version: str
    """The version in force."""
    language: str
    """The line's language."""
    seconds: Seconds
    """How long the prompt is in that language; 0 where there is none."""


class CheckedLine(Shape):
    """A line and its plan."""

    number: str
    """The called number."""
    controller: str
    """The controller's name in the configuration."""
    notices: list[CheckedNotice]
    """In the order of the plan."""

    @classmethod
    def of(cls, found: check.CheckedLine) -> CheckedLine:
        """As it is configured."""
        notices = [
            CheckedNotice(
                notice=each.notice, version=each.version, language=each.language, seconds=each.seconds
            )
            for each in found.plan
        ]
        return cls(number=found.line.number, controller=found.line.controller.id, notices=notices)


class Checked(Document):
    """What a check of the configuration came to."""

    ok: bool
    """Whether nothing is wrong."""
    file: str
    """The configuration."""
    problems: list[Problem]
    """What is wrong."""
    warnings: list[str]
    """What somebody should know."""
    notes: list[str]
    """What is as it should be, and yet said."""
    service: str | None
    """On which address the service answers; null where something is wrong, as are all that follow."""
    metrics: str | None
    """On which address it tells its figures; null where it does not."""
    controllers: list[str] | None
    """The controllers' names in the configuration."""
    lines: list[CheckedLine] | None

    @classmethod
    def of(cls, found: check.Checked) -> Checked:
        """As it was found."""
        of = found.configuration
        return cls(
            ok=not found.problems,
            file=str(found.file.absolute()),
            problems=[Problem.of(one) for one in found.problems],
            warnings=[str(one) for one in found.warnings],
            notes=[str(one) for one in found.notes],
            service=of.listen if of else None,
            metrics=(of.metrics or None) if of else None,
            controllers=list(of.controllers) if of else None,
            lines=[CheckedLine.of(each) for each in found.lines] if of else None,
        )
