"""The effective lines of an admin's extensions.conf and of the files that it includes. Only reads."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ..model.text import Foreign
from ..system import files

_LARGEST = 16 << 20  # bytes of a file of Asterisk's
_INCLUDE = re.compile(r"#(?:try)?include\s+(?:\"([^\"]+)\"|<([^>]+)>|(\S+))", re.IGNORECASE)
_CONTEXT = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True)
class SourceLine:
    """A line of a file."""

    file: Path
    """Its path."""
    line: int
    """Counted from 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class IncludeReport:
    """Places that concern one included file: its includes, calls to it, and includes that are commented out.
    Lines that are `unguarded` call it even if it is missing, which ends the call."""

    included: list[SourceLine] = field(default_factory=list)
    commented_out: list[SourceLine] = field(default_factory=list)
    called: list[SourceLine] = field(default_factory=list)
    unguarded: list[SourceLine] = field(default_factory=list)
    contexts: dict[str, SourceLine] = field(default_factory=dict)
    """The first place of each context, those of the included file itself left out."""
    unreadable: list[str] = field(default_factory=list)
    texts: dict[Path, str] = field(default_factory=dict)
    """The files that were read, the target not among them."""


def read(start: Path, target: Path, call: str) -> IncludeReport:
    """Follow the includes of `start`, a file in Asterisk's own folder, and look for `target` and for lines
    with `call`. `target` is not read, and need not exist. Unreadable files are named in `unreadable`."""
    reading = IncludeReport()
    waiting, visited = [start], {target.resolve()}
    while waiting:
        file = waiting.pop(0)
        if file.resolve() in visited:
            continue
        visited.add(file.resolve())
        try:
            text = files.read(file, _LARGEST).decode(errors="surrogateescape")
        except OSError as error:
            reading.unreadable.append(f"{file} ({Foreign(error.strerror or '')})")
            continue
        reading.texts[file] = text
        for number, raw, live in effective(text.splitlines()):
            place = SourceLine(file, number)
            if call in live:
                reading.called.append(place)
                if "DIALPLAN_EXISTS(" not in live:
                    reading.unguarded.append(place)
            if context := _CONTEXT.match(live):
                reading.contexts.setdefault(context[1], place)
            pattern = _included(live, start.parent)
            if pattern and (fnmatchcase(str(target), pattern) or Path(pattern).resolve() == target.resolve()):
                reading.included.append(place)
            elif pattern:
                waiting += sorted(_matching(pattern))
            elif (commented := _INCLUDE.search(raw)) and _names(commented, target):
                reading.commented_out.append(place)
    return reading


def effective(lines: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """Yield each line with its number, as written and as Asterisk reads it: without `; …`, `;-- … --;`,
    margins.

    `\\;` is no comment, nor does `;---` open one of several lines (Asterisk's main/config.c).
    """
    depth = 0
    for number, line in enumerate(lines, 1):
        live, position = "", 0
        for mark in re.finditer(r"(?<!\\);", line):
            at = mark.start()
            if at < position:
                continue
            if line.startswith(";--", at) and not line.startswith(";---", at):
                live += line[position:at] if not depth else ""
                depth, position = depth + 1, at + 3
            elif depth and line[position:at].endswith("--"):
                depth, position = depth - 1, at + 1
            elif not depth:
                live, position = live + line[position:at], len(line)
                break
        yield number, line, (live + ("" if depth else line[position:])).strip()


def _included(live: str, folder: Path) -> str:
    """Return the absolute path or pattern that a line includes, '' if it includes none."""
    match = _INCLUDE.match(live)
    return os.path.normpath(Path(glob.escape(str(folder))) / _name(match)) if match else ""


def _name(match: re.Match[str]) -> str:
    return next(name for name in match.groups() if name)


def _names(match: re.Match[str], target: Path) -> bool:
    return Path(_name(match)).name == target.name


def _matching(pattern: str) -> list[Path]:
    """Return the files of a path that may have wildcards; a path without wildcards need not exist."""
    if not glob.has_magic(pattern):
        return [Path(pattern)]
    return [Path(file) for file in glob.glob(pattern)]  # noqa: PTH207  # Path's takes no absolute pattern
