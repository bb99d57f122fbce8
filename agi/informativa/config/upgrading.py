"""A configuration of an earlier format as one of the newest: with all comments, in the layout that it has.

A migration says which settings are to be written; only those lines come, or change. What comes of it is read
again, and must mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..errors import ConfigError, Problem
from ..text import Text
from . import document as documents
from . import shape
from .document import KeyPath
from .findings import in_order
from .formats import KEY, NEWEST, refuse_newer

if TYPE_CHECKING:
    from .schema import Settings

Written = tuple[KeyPath, str]
"""A setting that is to be in the file, and its value as YAML."""


@dataclass(frozen=True)
class Upgraded:
    """What a file came to: of which format it was and is, and its text before and after."""

    file: Path
    before: int
    after: int
    old: str
    new: str


def _second(settings: Settings) -> Iterator[Written]:
    """`service.listen` is in the file: its default changed once, which parted services from dialplans."""
    yield ("service", "listen"), settings.service.listen


MIGRATIONS: Mapping[int, Callable[[Settings], Iterator[Written]]] = {2: _second}
"""By the format that each leads to: what it writes, where it is not written yet."""


def upgraded(file: Path) -> Upgraded:
    """`file` as one of the newest format, which is not written anywhere. Raises ConfigError for one that
    cannot be read, has no shape, or a layout in which no line can be put."""
    documents.read(file)  # or why not
    old = file.read_bytes().decode()  # with the line breaks that it has
    settings = _settings(file, old)
    if settings.format == NEWEST:
        return Upgraded(file, NEWEST, NEWEST, old, old)
    new = old
    for number in range(settings.format + 1, NEWEST + 1):
        for path, value in MIGRATIONS[number](settings):
            new = _with(new, path, value, replace=False)
    new = _with(new, (KEY,), str(NEWEST), replace=True)
    if _settings(file, new) != settings.model_copy(update={KEY: NEWEST}):
        message = Text(
            "cannot be brought to format {newest} in its layout; nothing was changed",
            "write its sections as `informativa init DIR` does, then type this again",
            newest=NEWEST,
        )
        raise ConfigError([Problem(str(file), None, "", message)])
    return Upgraded(file, settings.format, NEWEST, old, new)


def _settings(file: Path, text: str) -> Settings:
    document = documents.parse(file, text)
    refuse_newer(document)
    settings = shape.settings(document)
    if document.problems:
        raise ConfigError(in_order(document.problems))
    return settings


def _with(text: str, path: KeyPath, value: str, *, replace: bool) -> str:
    """The text with that setting, on a line of its own where its mapping has lines."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)  # a mapping: it has a shape
    for depth, name in enumerate(path):
        child = _child(node, str(name))
        if child is None:
            return _put(text, node, path[depth:], value, top=depth == 0)
        node = child
    start, end = node.start_mark.index, node.end_mark.index
    return text[:start] + value + text[end:] if replace else text


def _child(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


def _put(text: str, mapping: yaml.MappingNode, path: KeyPath, value: str, *, top: bool) -> str:
    """Put a setting before all others of a mapping."""
    start, *inner = mapping.start_mark.index, *map(str, path)
    if mapping.flow_style:
        nested = ": {".join(inner) + f": {value}" + "}" * (len(inner) - 1)
        return text[: start + 1] + nested + (", " if mapping.value else "") + text[start + 1 :]
    end, indent = "\r\n" if "\r\n" in text else "\n", " " * mapping.start_mark.column
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(inner)]
    lines[-1] += f" {value}"
    place = _above(text, start) if top else start
    new = f"{end}{indent}".join(lines) + end + (end if top else "")
    return text[:place] + new + indent + text[place:]


def _above(text: str, start: int) -> int:
    """Where the comment begins that belongs to the first setting: it stays with it."""
    place = text.rfind("\n", 0, start) + 1
    while place and text[text.rfind("\n", 0, place - 1) + 1 : place].lstrip().startswith("#"):
        place = text.rfind("\n", 0, place - 1) + 1
    return place
