"""What a check came to, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NamesByLanguage, name_and_id
from ...operations.check import Checked, CheckedNotice
from ..messages import Language


def wrong(found: Checked, say: Language) -> Iterator[str]:
    """All that is wrong, and warnings."""
    for problem in found.problems:
        yield say(problem.text)
    for warning in found.warnings:
        yield say("warning: {warning}", warning=warning)


def in_order(found: Checked, say: Language) -> Iterator[str]:
    """What is configured, where nothing is wrong."""
    configuration = found.configuration
    if configuration is None:
        return
    for note in found.notes:
        yield say(note)
    for each in found.lines:
        names = each.line.controller.names
        plan = ", ".join(_notice(notice, names, say) for notice in each.plan)
        yield f"{each.line.number}: {each.line.controller.name}, {plan}"
    controllers, lines = len(configuration.controllers), len(configuration.lines)
    yield say(
        "{file} is in order: {controllers}, {lines}, service on {address}.",
        file=found.file,
        controllers=say.counted("{count} controller", "{count} controllers", controllers, count=controllers),
        lines=say.counted("{count} line", "{count} lines", lines, count=lines),
        address=configuration.listen,
    )


def _notice(each: CheckedNotice, names: NamesByLanguage, say: Language) -> str:
    return say(
        "{notice} {version} in {language} ({seconds:.1f} s)",
        notice=name_and_id(each.notice, names),
        version=each.version,
        language=each.language,
        seconds=each.seconds,
    )
