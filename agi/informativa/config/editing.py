"""Settings that are added to a configuration file, which keeps its comments, its order and its layout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..model.errors import ConfigError
from ..model.text import Text
from . import document as documents
from .document import KeyPath

_AS_TEXT = re.compile(r"[\d+*#.-]+")  # a version, a key or a number: quoted, so that it looks like no number
_WIDTH = 110  # characters of a line


@dataclass(frozen=True)
class Entry:
    """A new setting at the end of the mapping at `path`."""

    path: KeyPath
    name: str
    value: Any


@dataclass(frozen=True)
class Item:
    """A new item of the list at `path`, before the one that has this index now."""

    path: KeyPath
    index: int
    value: Any


def edited(file: Path, text: str, additions: Sequence[Entry | Item]) -> str:
    """Return the text of `file` with these settings added, one after the other. Raises ConfigError where its
    layout leaves no place for one."""
    for addition in additions:
        text = _with_addition(file, text, addition)
    return text


def _with_addition(file: Path, text: str, addition: Entry | Item) -> str:
    expected = _data(file, text)
    if _add(addition, expected):
        new = _inserted(text, addition)
        with suppress(ConfigError):
            if _data(file, new) == expected:
                return new
    message = Text(
        "nothing can be added here in this layout; nothing was changed",
        "write it as `informativa init DIR` does, then type this again",
    )
    raise ConfigError([documents.parse(file, text).problem(addition.path, message)])


def _data(file: Path, text: str) -> Any:
    document = documents.parse(file, text)
    if document.problems:
        raise ConfigError(document.problems)
    return document.data


def _add(addition: Entry | Item, data: Any) -> bool:
    """Add the setting to plain data, in which every scalar is text; return whether it has a place."""
    for name in addition.path:
        data = data[name]
    value = _texts(addition.value)
    if isinstance(addition, Entry) and isinstance(data, dict):
        data[addition.name] = value
    elif isinstance(addition, Item) and isinstance(data, list):
        data.insert(addition.index, value)
    else:
        return False
    return True


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _texts(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_texts(part) for part in value]
    return _scalar(value)


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _inserted(text: str, addition: Entry | Item) -> str:
    node = _node(text, addition.path)
    value = {addition.name: addition.value} if isinstance(addition, Entry) else [addition.value]
    index = len(node.value) if isinstance(addition, Entry) else min(addition.index, len(node.value))
    if node.flow_style:
        return _in_flow(text, node, index, value)
    end = "\r\n" if "\r\n" in text else "\n"
    lines = (f"{' ' * node.start_mark.column}{line}{end}" for line in _yaml(value).splitlines())
    if index < len(node.value):
        place = _with_comment(text, _line_start(text, _first(node.value[index]).start_mark.index))
    else:
        place = text.find("\n", _last_mark(node)) + 1 or len(text)
        if not text[:place].endswith("\n"):
            text, place = text + end, place + len(end)
    return text[:place] + "".join(lines) + text[place:]


def _node(text: str, path: KeyPath) -> Any:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path:
        if isinstance(name, int):
            node = node.value[name]
        else:
            node = next(value for key, value in node.value if key.value == name)
    return node


def _in_flow(text: str, node: Any, index: int, value: Any) -> str:
    new = _yaml(value, flow=True)[1:-1]  # without its own brackets
    if index < len(node.value):
        place = _first(node.value[index]).start_mark.index
        return f"{text[:place]}{new}, {text[place:]}"
    place = _last_mark(_last(node)) if node.value else node.start_mark.index + 1
    return f"{text[:place]}{', ' if node.value else ''}{new}{text[place:]}"


def _first(part: Any) -> Any:
    """Return the node of an item, or of the key of an entry."""
    return part[0] if isinstance(part, tuple) else part


def _last_mark(node: Any) -> int:
    """Return the index behind the last character of a node, before any comment."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    return _last_mark(_last(node))


def _last(node: Any) -> Any:
    """Return the node of the last item, or of the last entry's value."""
    last = node.value[-1]
    return last[1] if isinstance(last, tuple) else last


def _line_start(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def _with_comment(text: str, place: int) -> int:
    """Return the start of the comment above a line; the two stay together."""
    while place and text[_line_start(text, place - 1) : place].lstrip().startswith("#"):
        place = _line_start(text, place - 1)
    return place


class _Dumper(yaml.SafeDumper):
    """YAML in the layout of the program's own files: the outermost collection has lines of its own."""

    def represent(self, data: Any) -> None:
        node: Any = self.represent_data(data)
        node.flow_style = bool(self.default_flow_style)
        self.serialize(node)

    def ignore_aliases(self, data: Any) -> bool:
        """Write each value out, also one that stands there twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        """Represent a mapping on one line where all its values are scalars, quoted or not."""
        node = super().represent_mapping(tag, mapping, flow_style)
        if flow_style is None and self.default_flow_style is None:
            node.flow_style = all(isinstance(value, yaml.ScalarNode) for _, value in node.value)
        return node


def _represented(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if _AS_TEXT.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represented)


def _yaml(value: Any, *, flow: bool = False) -> str:
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True if flow else None,
        allow_unicode=True,
        sort_keys=False,
        width=100_000 if flow else _WIDTH,
    )
    return text.strip("\n")
