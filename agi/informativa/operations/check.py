"""Check of a configuration and all that it names, without Asterisk and without the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..model import Answer, Asks, Line, PlannedChoice, errors, name_and_id
from ..model.countries import variants
from ..system.patience import run
from .doctor.examination import check_configuration
from .doctor.findings import Finding, State
from .document import AbsolutePath, Seconds, Sentence
from .problems import Problem


@dataclass(frozen=True)
class CheckedNotice:
    """A notice of a line's plan, as it is played now."""

    notice: str
    """The name of the notice in the configuration."""
    title: Annotated[Sentence, Field(exclude=True)]
    """The name that people give it, with the one in the configuration."""
    version: str
    """The version in force."""
    language: str
    """The line's language."""
    seconds: Seconds
    """The length of the prompt in that language; 0 where there is none."""
    countries: tuple[str, ...] | None = None
    """The countries of the operators for whose callers it is, `others` for all that the plan does not name;
    only where it is for some."""


@dataclass(frozen=True)
class CheckedChoice:
    """A choice of a line's plan, as it is asked now."""

    choice: str
    """The name of the choice in the configuration."""
    title: Annotated[Sentence, Field(exclude=True)]
    """The name that people give it, with the one in the configuration."""
    asks: Asks
    """The kind of choice: what the caller is asked."""
    after: int
    """The number of notices that come before it."""
    keys: Mapping[Answer, str]
    """The key of each answer, in the order in which the prompt tells them."""
    version: str
    """The version of its wording that is in force."""
    language: str
    """The line's language."""
    seconds: Seconds
    """The length of the prompt in that language; 0 where there is none."""
    wait: Seconds
    """The seconds for the answer after it."""
    countries: tuple[str, ...] | None = None
    """The countries of the operators whose callers are asked, `others` for all that the plan does not name;
    only where it is for some."""


@dataclass(frozen=True)
class CheckedLine:
    """A line and its plan."""

    number: str
    """The called number."""
    controller: str
    """The controller's name in the configuration."""
    company: Annotated[str, Field(exclude=True)]
    """The name that people give the controller."""
    notices: tuple[CheckedNotice, ...]
    """In the order of the plan."""
    new_caller: Seconds
    """The seconds for which a new caller is held, with all notices and questions, if he presses no key."""
    choices: tuple[CheckedChoice, ...] | None = None
    """In the order of the plan; only where there are some."""


@dataclass(frozen=True)
class Checked:
    """The result of a check of the configuration."""

    ok: bool
    """True if nothing is wrong."""
    file: AbsolutePath
    """The configuration."""
    problems: tuple[Problem, ...]
    """The mistakes."""
    warnings: tuple[Sentence, ...]
    """Facts that somebody should know."""
    notes: tuple[Sentence, ...]
    """Facts that are in order and worth telling."""
    service: str | None
    """The address at which the service answers; null where something is wrong, as are all that follow."""
    metrics: str | None
    """The address at which it gives its metrics; null where it does not."""
    controllers: tuple[str, ...] | None
    """The controllers' names in the configuration."""
    lines: tuple[CheckedLine, ...] | None


def check(file: Path, now: datetime) -> Checked:
    """Check everything, and report all problems at once, and warnings.

    The parsed configuration is stored for scripts.
    """
    case, findings = run(check_configuration(file, keep=True))
    problems = tuple(_problem(finding, file) for finding in findings if finding.state is State.WRONG)
    doubtful = (State.WARNING, State.UNKNOWN) if case.configuration else (State.WARNING,)
    valid = None if problems else case.configuration
    return Checked(
        ok=not problems,
        file=file,
        problems=problems,
        warnings=tuple(finding.sentence for finding in findings if finding.state in doubtful),
        notes=tuple(finding.finding for finding in findings if finding.state is State.OK and finding.note),
        service=valid.listen if valid else None,
        metrics=(valid.metrics or None) if valid else None,
        controllers=tuple(valid.controllers) if valid else None,
        lines=tuple(_line(line, now) for line in valid.lines) if valid else None,
    )


def _problem(finding: Finding, file: Path) -> Problem:
    return Problem.of(
        finding.problem or errors.ConfigProblem(str(file), None, "", finding.finding, finding.fix)
    )


def _line(line: Line, now: datetime) -> CheckedLine:
    controller = line.controller
    versions = [(step, step.notice.current(now)) for step in line.plan]
    notices = tuple(
        CheckedNotice(
            step.notice.id,
            name_and_id(step.notice.id, controller.names),
            version.id,
            line.language,
            prompt.seconds if (prompt := version.prompt(line.language)) else 0.0,
            _countries(step.countries),
        )
        for step, version in versions
    )
    choices = tuple(_choice(planned, line, now) for planned in line.choices) or None
    seconds = max(variant.seconds_of_new_caller(now) for variant in variants(line))
    return CheckedLine(line.number, controller.id, controller.name, notices, seconds, choices)


def _choice(planned: PlannedChoice, line: Line, now: datetime) -> CheckedChoice:
    choice = planned.choice
    version = choice.wording.current(now)
    prompt = version.prompt(line.language)
    return CheckedChoice(
        choice.id,
        name_and_id(choice.id, line.controller.names),
        choice.asks,
        planned.after,
        choice.keys,
        version.id,
        line.language,
        prompt.seconds if prompt else 0.0,
        choice.wait,
        _countries(planned.countries),
    )


def _countries(countries: frozenset[str]) -> tuple[str, ...] | None:
    return tuple(sorted(countries)) or None
