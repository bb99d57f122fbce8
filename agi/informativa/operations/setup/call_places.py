"""The places in an admin's dialplan where calls to a line begin, and the edit that has the notice played
there. Pure: texts in, edits out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...asterisk.extensions_conf import SourceLine, effective
from ..dialplan_install import STEP
from ..doctor.dialplan import extension_pattern

_CONTEXT = re.compile(r"\[([^\]]+)\]")
_SAME = re.compile(r"same\s*=>?\s*(\w+)[^,]*,\s*(.*)", re.IGNORECASE)
_EXTEN = re.compile(r"exten\s*=>?\s*([^,]+?)\s*,\s*(\w+)(?:\([^)]*\))?\s*,\s*(.+)", re.IGNORECASE)
_NUMBERED_JUMP = re.compile(r"(?:Goto\(|[?:])\d+[:)]")


@dataclass(frozen=True)
class Edit:
    """A piece of a file, and the piece in its place."""

    old: str
    new: str


@dataclass(frozen=True)
class CallPlace:
    """The first step of an extension to which calls for a line come."""

    source: SourceLine
    context: str
    extension: str
    edit: Edit | None
    """The edit by which this step comes after the notice; `None` where later steps count their places."""

    @property
    def is_number(self) -> bool:
        """Return whether it is the number itself, and no pattern, which may be of outgoing calls, too."""
        return not self.extension.startswith("_")


def places(texts: Mapping[Path, str], numbers: Iterable[str]) -> Iterator[CallPlace]:
    """Yield the places where calls to one of these spellings of lines' numbers begin."""
    spellings = list(numbers)
    for file, text in texts.items():
        numbered = set(_numbered_extensions(text))
        for number, _raw, context, extension, priority, step in _steps(text):
            if priority == "1" and _matches(extension, spellings):
                is_counted = (context, extension) in numbered
                edit = None if is_counted else _edit(text, number, step)
                yield CallPlace(SourceLine(file, number), context, extension, edit)


def _edit(text: str, number: int, step: str) -> Edit | None:
    """Return the edit of a line; `None` where a comment is in its step. It begins some lines earlier where
    the line alone would not be the only one like it."""
    lines = text.split("\n")
    raw = lines[number - 1]
    if raw.count(step) != 1 or number == len(lines):
        return None
    beginning, _step, comment = raw.partition(step)
    replaced = f"{beginning}{STEP}\n same => n,{step}{comment}\n"
    for first in reversed(range(number)):
        before = "".join(f"{line}\n" for line in lines[first : number - 1])
        if text.count(old := f"{before}{raw}\n") == 1:
            return Edit(old, before + replaced)
    return None


def _numbered_extensions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the extensions whose steps are numbered, or jump to numbers: one more step would move them."""
    for _number, _raw, context, extension, priority, step in _steps(text):
        if (priority.isdigit() and priority != "1") or _NUMBERED_JUMP.search(step):
            yield context, extension


def _steps(text: str) -> Iterator[tuple[int, str, str, str, str, str]]:
    """Yield each step: its line, number and text, its context, extension, priority and application."""
    context = extension = ""
    for number, raw, live in effective(text.split("\n")):
        if match := _CONTEXT.match(live):
            context, extension = match[1], ""
        elif match := _EXTEN.match(live):
            extension = match[1]
            yield number, raw, context, extension, match[2], match[3]
        elif match := _SAME.match(live):
            yield number, raw, context, extension, match[1], match[2]


def _matches(extension: str, spellings: Iterable[str]) -> bool:
    pattern = extension_pattern(extension.partition("/")[0])
    return any(pattern.fullmatch(number) for number in spellings)
