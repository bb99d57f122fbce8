"""Asterisk's dialplan as steps, and what ours needs of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...asterisk.dialplan import TEST_CONTEXT
from ...caller import spellings
from ...model import Line

CONTEXT, LINES = "informativa", "informativa-lines"
OWN = (CONTEXT, LINES, TEST_CONTEXT)

# Which module brings what dialplan/informativa.conf uses. The rest is Asterisk's own.
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

_SERVICE = re.compile(r"agi://([^/,]+)/(?:[^/,]+/?([^,]*))?")
_CALL = re.compile(r"(?:^|[?:,]|(?<!DIALPLAN_EXISTS)\()informativa,s,1(?:\((.*)\))?")
_EXTENSION = re.compile(r"\s*exten\s*=>\s*([^,]+),1,(.*)")
_NEXT = re.compile(r"\s*same\s*=>\s*n(?:\([^)]*\))?,(.*)")
_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*"}


@dataclass(frozen=True)
class Step:
    """One priority of one extension."""

    context: str
    extension: str
    priority: int
    application: str
    data: str


def parsed(text: str) -> Iterator[Step]:
    """The steps of a dialplan such as `informativa dialplan` writes."""
    context = extension = ""
    priority = 0
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip()
        if line.startswith("["):
            context = line.strip("[]")
        elif found := _EXTENSION.match(line):
            extension, priority = found[1].strip(), 1
            yield _step(context, extension, priority, found[2])
        elif found := _NEXT.match(line):
            priority += 1
            yield _step(context, extension, priority, found[1])


def differences(loaded: Iterable[Step], ours: Iterable[Step]) -> tuple[list[str], list[str], bool]:
    """How what Asterisk has loaded differs from what this configuration comes to: at which addresses it
    looks for the service and ours is not there; which extensions of lines are missing or play something
    else; whether anything else of ours is not as we would write it."""
    here, wanted = set(loaded), set(ours)
    addresses = _addresses(here) - _addresses(wanted)
    lines = {step.extension for step in here ^ wanted if step.context == LINES}
    rest = {step for step in wanted - here if step.context == CONTEXT}
    if addresses:
        rest = {step for step in rest if not _SERVICE.search(step.data)}
    return sorted(addresses), sorted(lines), bool(rest)


def tokens(steps: Iterable[Step]) -> set[str]:
    """By which our context says that it is Asterisk's; '' is among them if it does not somewhere."""
    return {
        found[2] or "" for step in steps if step.context == CONTEXT and (found := _SERVICE.search(step.data))
    }


def callers(steps: Iterable[Step]) -> list[tuple[Step, str]]:
    """The steps that call ours, each with what it passes as the line."""
    return [
        (step, _argument(found[1] or ""))
        for step in steps
        if step.context not in OWN and (found := _CALL.search(step.data))
    ]


def unreached(lines: Iterable[Line], calling: Iterable[tuple[Step, str]]) -> list[Line]:
    """The lines that no step seems to pass. One that passes a variable other than EXTEN may pass any."""
    known = list(calling)
    return [
        line
        for line in lines
        if not any(_passes(step, argument, spellings(line.number, line.region)) for step, argument in known)
    ]


def _passes(step: Step, argument: str, spelled: frozenset[str]) -> bool:
    if argument != "${EXTEN}":
        return "$" in argument or argument in spelled
    pattern = _pattern(step.extension.partition("/")[0])
    return any(pattern.fullmatch(spelling) for spelling in spelled)


def _pattern(extension: str) -> re.Pattern[str]:
    """An extension as a regular expression."""
    if not extension.startswith("_"):
        return re.compile(re.escape(extension))
    parts = re.findall(r"\[[^]]*\]|[^-]", extension[1:])  # Asterisk reads over hyphens
    return re.compile("".join(_part(part) for part in parts))


def _part(part: str) -> str:
    if len(part) > 1:
        return re.sub(r"([\\^])", r"\\\1", part)
    return _CLASSES.get(part.upper(), re.escape(part))


def _argument(text: str) -> str:
    """The first of the arguments: up to a comma or bracket that belongs to no inner ${…}."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character in "({[") - (character in ")}]")
        if depth < 0 or (depth == 0 and character in ",:"):
            return text[:index]
    return text


def _addresses(steps: Iterable[Step]) -> set[str]:
    return {found[1] for step in steps if (found := _SERVICE.search(step.data))}


def scripts(steps: Iterable[Step]) -> list[str]:
    """Which scripts our context starts."""
    found = {
        step.data.partition(",")[0]
        for step in steps
        if step.context == CONTEXT and step.application == "AGI" and not _SERVICE.search(step.data)
    }
    return sorted(found)


def _step(context: str, extension: str, priority: int, text: str) -> Step:
    application, _, data = text.partition("(")
    return Step(context, extension, priority, application.strip(), data[:-1])
