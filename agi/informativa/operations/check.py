"""Check of a configuration and all that it names, without Asterisk and without the service."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .. import storage
from ..config import Configuration, inspect
from ..errors import ConfigError, LedgerError, Problem
from ..model import Line
from ..text import Text
from .doctor.examination import locally
from .doctor.findings import State


@dataclass(frozen=True)
class CheckedNotice:
    """A notice of a line's plan, in its version in force."""

    notice: str
    version: str
    language: str
    seconds: float
    """The length of the prompt in the line's language; 0 where there is none."""


@dataclass(frozen=True)
class CheckedLine:
    """A line with its plan, in the plan's order."""

    line: Line
    plan: tuple[CheckedNotice, ...]


@dataclass(frozen=True)
class Checked:
    """The result of a check."""

    file: Path
    problems: tuple[Problem, ...]
    warnings: tuple[Text, ...]
    notes: tuple[Text, ...]
    """Facts that are in order and worth telling."""
    configuration: Configuration | None
    """The configuration; `None` where something is wrong."""
    lines: tuple[CheckedLine, ...]
    """The lines; empty where something is wrong."""


def check(file: Path, now: datetime) -> Checked:
    """Check everything, and report all problems at once, and warnings.

    Ledgers of an earlier informativa are migrated, in case there is no service to do it, and the parsed
    configuration is stored for scripts.
    """
    _prepare(file)
    return looked(file, now)


def looked(file: Path, now: datetime) -> Checked:
    """Check everything, and change nothing."""
    case, findings = asyncio.run(locally(file))
    problems = tuple(
        finding.problem or Problem(str(file), None, "", finding.finding, finding.fix)
        for finding in findings
        if finding.state is State.WRONG
    )
    doubtful = (State.WARNING, State.UNKNOWN) if case.configuration else (State.WARNING,)
    configuration = None if problems else case.configuration
    lines = configuration.lines if configuration else ()
    return Checked(
        file,
        problems,
        tuple(finding.whole for finding in findings if finding.state in doubtful),
        tuple(finding.finding for finding in findings if finding.state is State.OK and finding.note),
        configuration,
        tuple(CheckedLine(line, tuple(_plan(line, now))) for line in lines),
    )


def _prepare(file: Path) -> None:
    with suppress(ConfigError):
        for controller in inspect(file, keep=True)[0].controllers.values():
            if not controller.refused and Path(controller.ledger).exists():
                with suppress(LedgerError):  # which `looked` reports
                    storage.store(controller, create=False).close()


def _plan(line: Line, now: datetime) -> list[CheckedNotice]:
    versions = [(step.notice.id, step.notice.current(now)) for step in line.plan]
    return [
        CheckedNotice(
            name,
            version.id,
            line.language,
            prompt.seconds if (prompt := version.prompt(line.language)) else 0.0,
        )
        for name, version in versions
    ]
