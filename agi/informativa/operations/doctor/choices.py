"""Checks of choices: that their recordings name the keys that they have, and that callers can be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ...config import Configuration
from ...model import Answer, Choice, Line, Prompt, Vouched
from ...model.choices import VOUCHED_AT_LEAST
from ...model.errors import LedgerError
from ...model.text import Text
from ...prompts.named_keys import named_keys
from ...system.shipped import spoken_words
from ..controller_state import lines_of
from . import ledger_facts
from .findings import Finding, warning
from .notices import recorded_words
from .system import System

FEW = 20  # records that say too little of a line


def keys(system: System) -> Iterator[Finding]:
    """Check that recordings of choices name the keys that their choice has, and no others."""
    mistaken = {key[1] for problem in system.problems if (key := problem.key.split("."))[0] == "controllers"}
    shipped_words = spoken_words()
    for owner, choice in _choices(system.configured):
        if owner not in mistaken:
            for language, prompt, expected in _prompts(choice):
                yield from _wrong_keys(choice, prompt, language, expected, shipped_words)


def _choices(configuration: Configuration) -> Iterator[tuple[str, Choice]]:
    """Iterate over the choices of lines that may be asked, or withdrawn, each once, with their company."""
    choices = dict[tuple[str, str], Choice]()
    for line in configuration.lines:
        if not line.controller.refused:
            for choice in (*(planned.choice for planned in line.choices), *line.revocable):
                choices[line.controller.id, choice.id] = choice
    for (owner, _name), choice in choices.items():
        yield owner, choice


def _prompts(choice: Choice) -> Iterator[tuple[str, Prompt, frozenset[str]]]:
    """Iterate over the recordings of a choice in force or to come, each with its language and the keys that
    work while it is played."""
    versions = choice.wording.versions
    for version in versions[versions.index(choice.wording.current(datetime.now(UTC))) :]:
        for language, prompt in version.short.items():
            yield language, prompt, frozenset(choice.keys.values())
        for language, prompt in version.withdraw.items():
            yield language, prompt, frozenset({choice.keys.get(Answer.REFUSED, "")}) - {""}


def _wrong_keys(
    choice: Choice, prompt: Prompt, language: str, expected: frozenset[str], shipped_words: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield a warning where the words of a recording are known and name other keys than are expected."""
    named = named_keys(recorded_words(prompt, shipped_words)[0], language)
    if not named or named == expected:
        return
    text = Text(
        "{file} names the keys {named}, and the choice {choice} has {keys}: callers press what does nothing,"
        " or what means something else",
        file=prompt.path,
        named=_sorted_keys(named),
        choice=choice.id,
        keys=_sorted_keys(expected),
    )
    fix = Text(
        "Write the keys that are said into `keys` of the choice {choice}, or have its words recorded with the"
        " keys that it has.",
        choice=choice.id,
    )
    yield warning(text, fix)


def _sorted_keys(keys: frozenset[str]) -> str:
    return ", ".join(sorted(keys))


def vouching(system: System) -> Iterator[Finding]:
    """Check that somebody vouches for callers' numbers as the consents of their line ask: else nobody is ever
    asked, without a word."""
    for controller in system.recording():
        lines = lines_of(controller, system.configured)
        if not any(_consents(line) for line in lines):
            continue
        try:
            counts = system.fact(controller, ledger_facts.LAST_CALLERS)
        except LedgerError:  # reported by the check `ledgers`
            continue
        for line in lines:
            callers = Counter[str | None]()
            for (number, _reason, vouched), count in counts.items():
                callers[vouched] += count * (number == line.number)
            calls = sum(callers[vouched] for vouched in Vouched)
            for choice in _consents(line):
                if calls >= FEW and not any(callers[vouched] for vouched in choice.vouched):
                    yield _nobody_vouches(line, choice, calls)


def _consents(line: Line) -> list[Choice]:
    return [planned.choice for planned in line.choices if planned.choice.vouched]


def _nobody_vouches(line: Line, choice: Choice, calls: int) -> Finding:
    """Return the warning that a choice was asked of none of the last callers on a line."""
    least = next(word for word, parties in VOUCHED_AT_LEAST.items() if parties == choice.vouched)
    text = Text(
        "nobody is asked {choice} on the line {line}: of the last {calls} records of callers none has a"
        " number for which anybody vouches as it requires (`vouched: {vouched}`)",
        choice=choice.id,
        line=line.number,
        calls=calls,
        vouched=least,
    )
    fix = Text(
        "Where the carrier asserts numbers (P-Asserted-Identity), write `trust_id_inbound = yes` at its"
        " endpoint in pjsip.conf, and before the Gosub the line of choices.conf that sets CALLERID(num-pres);"
        " or pass the result of STIR/SHAKEN as INFORMATIVA_VERIFICATION. Else write `vouched: nobody` at the"
        " choice, if counsel agrees: anybody can show any number."
    )
    return warning(text, fix)
