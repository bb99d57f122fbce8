"""Whether a configuration, and all that it names, is in order: without Asterisk, and without the service."""

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
    """What a line plays: the version in force, and how many seconds its prompt is in the line's language."""

    notice: str
    version: str
    language: str
    seconds: float


@dataclass(frozen=True)
class CheckedLine:
    """A line with its plan, in its order."""

    line: Line
    plan: tuple[CheckedNotice, ...]


@dataclass(frozen=True)
class Checked:
    """What a check came to: `configuration` and `lines` where nothing is wrong."""

    file: Path
    problems: tuple[Problem, ...]
    warnings: tuple[Text, ...]
    notes: tuple[Text, ...]
    configuration: Configuration | None
    lines: tuple[CheckedLine, ...]


def check(file: Path, now: datetime) -> Checked:
    """Look at everything: all that is wrong at once, and warnings.

    Ledgers of an earlier informativa are migrated, where there is no service to do it, and what the text
    comes to is kept for scripts.
    """
    _prepare(file)
    return looked(file, now)


def looked(file: Path, now: datetime) -> Checked:
    """The same, which makes nothing."""
    case, found = asyncio.run(locally(file))
    problems = tuple(
        one.problem or Problem(str(file), None, "", one.text, one.fix)
        for one in found
        if one.state is State.WRONG
    )
    doubts = (State.WARNING, State.UNKNOWN) if case.configuration else (State.WARNING,)
    configuration = None if problems else case.configuration
    lines = configuration.lines if configuration else ()
    return Checked(
        file,
        problems,
        tuple(one.whole for one in found if one.state in doubts),
        tuple(one.text for one in found if one.state is State.OK and one.note),
        configuration,
        tuple(CheckedLine(line, tuple(_plan(line, now))) for line in lines),
    )


def _prepare(file: Path) -> None:
    with suppress(ConfigError):
        for controller in inspect(file, keep=True)[0].controllers.values():
            if not controller.refused and Path(controller.ledger).exists():
                with suppress(LedgerError):  # which is found below
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
