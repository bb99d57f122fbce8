"""Asterisk's dialplan as steps, and comparisons of it with ours. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...asterisk.dialplan import TEST_CONTEXT
from ...call.caller import spellings
from ...model import Line

CONTEXT, LINES = "informativa", "informativa-lines"
OWN = (CONTEXT, LINES, TEST_CONTEXT)

# By module, the applications and functions that dialplan/informativa.conf uses; others are in the core.
MODULES: Mapping[str, tuple[str, ...]] = {
    "res_agi": ("AGI",),
    "app_exec": ("ExecIf",),
    "app_playback": ("Playback",),
    "app_stack": ("Gosub", "Return", "LOCAL", "STACK_PEEK"),
    "func_channel": ("CHANNEL",),
    "func_db": ("DB",),
    "func_dialplan": ("DIALPLAN_EXISTS",),
    "func_logic": ("IF",),
    "func_rand": ("RAND",),
    "func_strings": ("FILTER", "LEN", "REGEX"),
}
FORMATS = {
    "wav": "format_wav",
    "wav16": "format_wav",
    "alaw": "format_pcm",
    "ulaw": "format_pcm",
    "g722": "format_pcm",
    "gsm": "format_gsm",
    "sln": "format_sln",
    "sln16": "format_sln",
    "sln48": "format_sln",
}

_SERVICE = re.compile(r"agi://([^/,]+)/(?:[^/,\s]+/?([^,)\s]*))?")
_CALLS = {
    entry: re.compile(rf"(?:^|[?:,]|(?<!DIALPLAN_EXISTS)\()informativa,{entry},1(?:\((.*)\))?")
    for entry in ("s", "consent")
}
_EXTENSION = re.compile(r"\s*exten\s*=>\s*([^,]+),1,(.*)")
_NEXT = re.compile(r"\s*same\s*=>\s*n(?:\([^)]*\))?,(.*)")
_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*"}


@dataclass(frozen=True)
class DialplanStep:
    """One priority of one extension."""

    context: str
    extension: str
    priority: int
    application: str
    data: str


def parsed(text: str) -> Iterator[DialplanStep]:
    """Yield the steps of a dialplan in the form that `informativa dialplan` writes."""
    context = extension = ""
    priority = 0
    for raw_line in text.splitlines():
        line = raw_line.partition(";")[0].strip()
        if line.startswith("["):
            context = line.strip("[]")
        elif match := _EXTENSION.match(line):
            extension, priority = match[1].strip(), 1
            yield _step(context, extension, priority, match[2])
        elif match := _NEXT.match(line):
            priority += 1
            yield _step(context, extension, priority, match[1])


def differences(
    loaded: Iterable[DialplanStep], rendered: Iterable[DialplanStep]
) -> tuple[list[str], list[str], bool]:
    """Compare the dialplan that Asterisk has loaded with the one rendered for this configuration.

    Return the addresses at which only the loaded one looks for the service; the extensions of lines that are
    missing or different; and whether any other step of our context is missing or different.
    """
    loaded_steps, rendered_steps = set(loaded), set(rendered)
    addresses = _addresses(loaded_steps) - _addresses(rendered_steps)
    lines = {step.extension for step in loaded_steps ^ rendered_steps if step.context == LINES}
    missing = {step for step in rendered_steps - loaded_steps if step.context == CONTEXT}
    if addresses:
        missing = {step for step in missing if not _SERVICE.search(step.data)}
    return sorted(addresses), sorted(lines), bool(missing)


def tokens(steps: Iterable[DialplanStep]) -> set[str]:
    """Return the tokens in our context, by which the service knows Asterisk; '' among them for a call
    without."""
    return {
        match[2] or "" for step in steps if step.context == CONTEXT and (match := _SERVICE.search(step.data))
    }


def calling_steps(steps: Iterable[DialplanStep], entry: str = "s") -> list[tuple[DialplanStep, str]]:
    """Return the steps that call our context at an entry, `s` for the notice or `consent` for a withdrawal,
    each with the argument that it passes as the line."""
    return [
        (step, _first_argument(match[1] or ""))
        for step in steps
        if step.context not in OWN and (match := _CALLS[entry].search(step.data))
    ]


def unreached(lines: Iterable[Line], calling: Iterable[tuple[DialplanStep, str]]) -> list[Line]:
    """Return the lines that no step seems to pass. A step that passes a variable other than EXTEN may pass
    any."""
    calls = list(calling)
    return [
        line
        for line in lines
        if not any(_passes(step, argument, spellings(line.number, line.region)) for step, argument in calls)
    ]


def _passes(step: DialplanStep, argument: str, numbers: frozenset[str]) -> bool:
    """Return whether a step may pass one of `numbers`, the spellings of a line's number."""
    if argument != "${EXTEN}":
        return "$" in argument or argument in numbers
    pattern = extension_pattern(step.extension.partition("/")[0])
    return any(pattern.fullmatch(number) for number in numbers)


def extension_pattern(extension: str) -> re.Pattern[str]:
    """Return an extension as a regular expression."""
    if not extension.startswith("_"):
        return re.compile(re.escape(extension))
    parts = re.findall(r"\[[^]]*\]|[^-]", extension[1:])  # Asterisk ignores hyphens
    return re.compile("".join(_part(part) for part in parts))


def _part(part: str) -> str:
    if len(part) > 1:
        return re.sub(r"([\\^])", r"\\\1", part)
    return _CLASSES.get(part.upper(), re.escape(part))


def _first_argument(text: str) -> str:
    """Return the first argument: the text up to a comma, colon or bracket outside any inner ${…}."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character in "({[") - (character in ")}]")
        if depth < 0 or (depth == 0 and character in ",:"):
            return text[:index]
    return text


def _addresses(steps: Iterable[DialplanStep]) -> set[str]:
    return {match[1] for step in steps if (match := _SERVICE.search(step.data))}


def scripts(steps: Iterable[DialplanStep]) -> list[str]:
    """Return the scripts that our context starts."""
    names = {
        step.data.partition(",")[0]
        for step in steps
        if step.context == CONTEXT and step.application == "AGI" and not _SERVICE.search(step.data)
    }
    return sorted(names)


def _step(context: str, extension: str, priority: int, text: str) -> DialplanStep:
    application, _, data = text.partition("(")
    return DialplanStep(context, extension, priority, application.strip(), data[:-1])
