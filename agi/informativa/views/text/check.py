"""The result of a check of the configuration, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.check import Checked, CheckedChoice, CheckedLine, CheckedNotice
from ..choice_sentences import OPTIONS
from ..messages import Language
from . import similar


def problem_lines(result: Checked, say: Language) -> Iterator[str]:
    """Yield problems and warnings."""
    for problem in result.problems:
        yield say(problem.text)
    yield from similar.warnings(result.warnings, say)


def in_order(result: Checked, say: Language) -> Iterator[str]:
    """Yield what is configured, if there are no problems."""
    if result.controllers is None or result.lines is None:
        return
    yield from similar.lines(result.notes, say)
    for line in result.lines:
        yield f"{line.number}: {line.company}, {', '.join(_steps(line, say))}"
    controllers, lines = len(result.controllers), len(result.lines)
    yield say(
        "{file} is in order: {controllers}, {lines}, service on {address}.",
        file=result.file,
        controllers=say.counted("{count} controller", "{count} controllers", controllers),
        lines=say.counted("{count} line", "{count} lines", lines),
        address=result.service,
    )


def _steps(line: CheckedLine, say: Language) -> list[str]:
    """Return the steps of a plan, and their sum where there are several."""
    steps = [_for_countries(notice, _notice(notice, say), say) for notice in line.notices]
    for shift, choice in enumerate(line.choices or ()):
        steps.insert(choice.after + shift, _for_countries(choice, _choice(choice, say), say))
    if len(steps) > 1:
        steps.append(say("{seconds:.1f} s in all for a new caller", seconds=line.new_caller))
    return steps


def _for_countries(step: CheckedNotice | CheckedChoice, sentence: str, say: Language) -> str:
    if step.countries is None:
        return sentence
    return say("for {countries} {step}", countries="/".join(step.countries), step=sentence)


def _choice(choice: CheckedChoice, say: Language) -> str:
    return say(
        "asked: {choice} {version} in {language} ({seconds:.1f} s, and {wait:.0f} s for the answer; {keys})",
        choice=choice.title,
        version=choice.version,
        language=choice.language,
        seconds=choice.seconds,
        wait=choice.wait,
        keys=", ".join(f"{key} = {say(OPTIONS[answer])}" for answer, key in choice.keys.items()),
    )


def _notice(notice: CheckedNotice, say: Language) -> str:
    return say(
        "{notice} {version} in {language} ({seconds:.1f} s)",
        notice=notice.title,
        version=notice.version,
        language=notice.language,
        seconds=notice.seconds,
    )
