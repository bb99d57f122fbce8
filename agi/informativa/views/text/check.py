"""The result of a check of the configuration, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NamesByLanguage, name_and_id
from ...operations.check import Checked, CheckedNotice
from ..messages import Language


def wrong(result: Checked, say: Language) -> Iterator[str]:
    """Yield problems and warnings."""
    for problem in result.problems:
        yield say(problem.text)
    for warning in result.warnings:
        yield say("warning: {warning}", warning=warning)


def in_order(result: Checked, say: Language) -> Iterator[str]:
    """Yield what is configured, if there are no problems."""
    configuration = result.configuration
    if configuration is None:
        return
    for note in result.notes:
        yield say(note)
    for checked in result.lines:
        names = checked.line.controller.names
        plan = ", ".join(_notice(notice, names, say) for notice in checked.plan)
        yield f"{checked.line.number}: {checked.line.controller.name}, {plan}"
    controllers, lines = len(configuration.controllers), len(configuration.lines)
    yield say(
        "{file} is in order: {controllers}, {lines}, service on {address}.",
        file=result.file,
        controllers=say.counted("{count} controller", "{count} controllers", controllers, count=controllers),
        lines=say.counted("{count} line", "{count} lines", lines, count=lines),
        address=configuration.listen,
    )


def _notice(notice: CheckedNotice, names: NamesByLanguage, say: Language) -> str:
    return say(
        "{notice} {version} in {language} ({seconds:.1f} s)",
        notice=name_and_id(notice.notice, names),
        version=notice.version,
        language=notice.language,
        seconds=notice.seconds,
    )
