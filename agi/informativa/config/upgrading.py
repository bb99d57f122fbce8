"""The upgrade of a configuration from an earlier format to the newest: with all comments, in the layout that
it has.

A migration names the settings that must be written; only those lines are added, or change. The result is read
again, and must mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..model.errors import ConfigError, ConfigProblem
from ..model.text import Text
from . import document as documents
from . import shape
from .document import FORMAT, NEWEST_FORMAT, KeyPath, refuse_newer
from .findings import in_order

if TYPE_CHECKING:
    from .schema import Settings

Written = tuple[KeyPath, str]
"""A setting that is to be in the file, and its value as YAML."""


@dataclass(frozen=True)
class Upgraded:
    """The result for a file: its format before and after, and its text before and after."""

    file: Path
    before: int
    after: int
    old_format: str
    new_format: str


def _second(settings: Settings) -> Iterator[Written]:
    """Write `service.listen` into the file: its default changed once, which parted services from
    dialplans."""
    yield ("service", "listen"), settings.service.listen


MIGRATIONS: Mapping[int, Callable[[Settings], Iterator[Written]]] = {2: _second}
"""The migrations by the format that each leads to: the settings that it writes, unless they are there."""


def upgraded(file: Path) -> Upgraded:
    """Return `file` in the newest format, without writing it. Raises ConfigError for one that cannot be read,
    has no shape, or a layout in which no line can be inserted."""
    documents.read(file)  # raises a ConfigError if it cannot be read
    old = file.read_bytes().decode()  # with its own line breaks
    settings = _settings(file, old)
    if settings.format == NEWEST_FORMAT:
        return Upgraded(file, NEWEST_FORMAT, NEWEST_FORMAT, old, old)
    new = old
    for number in range(settings.format + 1, NEWEST_FORMAT + 1):
        for path, value in MIGRATIONS[number](settings):
            new = _set_value(new, path, value, replace=False)
    new = _set_value(new, (FORMAT,), str(NEWEST_FORMAT), replace=True)
    if _settings(file, new) != settings.model_copy(update={FORMAT: NEWEST_FORMAT}):
        message = Text(
            "cannot be brought to format {newest} in its layout; nothing was changed",
            "write its sections as `informativa init DIR` does, then type this again",
            newest=NEWEST_FORMAT,
        )
        raise ConfigError([ConfigProblem(str(file), None, "", message)])
    return Upgraded(file, settings.format, NEWEST_FORMAT, old, new)


def _settings(file: Path, text: str) -> Settings:
    document = documents.parse(file, text)
    refuse_newer(document)
    settings = shape.settings(document)
    if document.problems:
        raise ConfigError(in_order(document.problems))
    return settings


def _set_value(text: str, path: KeyPath, value: str, *, replace: bool) -> str:
    """Return the text with that setting, on a line of its own where its mapping has lines."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)  # a mapping: it has a shape
    for depth, name in enumerate(path):
        child = _child(node, str(name))
        if child is None:
            return _insert(text, node, path[depth:], value, top=depth == 0)
        node = child
    start, end = node.start_mark.index, node.end_mark.index
    return text[:start] + value + text[end:] if replace else text


def _child(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


def _insert(text: str, mapping: yaml.MappingNode, path: KeyPath, value: str, *, top: bool) -> str:
    """Insert a setting before all others of a mapping."""
    start, *inner = mapping.start_mark.index, *map(str, path)
    if mapping.flow_style:
        nested = ": {".join(inner) + f": {value}" + "}" * (len(inner) - 1)
        return text[: start + 1] + nested + (", " if mapping.value else "") + text[start + 1 :]
    end, indent = "\r\n" if "\r\n" in text else "\n", " " * mapping.start_mark.column
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(inner)]
    lines[-1] += f" {value}"
    place = _start_of_comment(text, start) if top else start
    new = f"{end}{indent}".join(lines) + end + (end if top else "")
    return text[:place] + new + indent + text[place:]


def _start_of_comment(text: str, start: int) -> int:
    """Return the place where the comment begins that belongs to the first setting: it stays with it."""
    place = text.rfind("\n", 0, start) + 1
    while place and text[text.rfind("\n", 0, place - 1) + 1 : place].lstrip().startswith("#"):
        place = text.rfind("\n", 0, place - 1) + 1
    return place
