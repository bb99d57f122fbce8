"""A YAML document as plain data that remembers the line of each key.

Every scalar stays the text that the admin wrote: YAML 1.1 would read +390212345678 as an integer, 2026-11-01
as a date and `no` as false. The schema converts the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.errors import ConfigError, ConfigProblem
from ..model.text import NOTHING, Foreign, Text
from ..system.files import reading

if TYPE_CHECKING:
    import yaml  # not for a script: see parsed_cache.py

KeyPath = tuple[str | int, ...]
LARGEST = 8 << 20  # bytes of a configuration: some thousand companies


@dataclass
class SourceDocument:
    """The data of one file, and the line of each key path in it; `left_out` are the paths that could not be
    used."""

    file: str
    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)
    visited: set[int] = field(default_factory=set)
    left_out: set[KeyPath] = field(default_factory=set)

    def lacks(self, path: KeyPath) -> bool:
        """Return whether the value at a path, or a part around it, was left out."""
        return any(path[:depth] in self.left_out for depth in range(1, len(path) + 1))

    def problem(self, path: Sequence[str | int], message: Text, remedy: Text = NOTHING) -> ConfigProblem:
        """Return a problem at `path`, on the line of the longest part of it that exists."""
        existing = tuple(path)
        while existing and existing not in self.lines:
            existing = existing[:-1]
        return ConfigProblem(self.file, self.lines.get(existing), dotted(path), message, remedy)


def dotted(path: Sequence[str | int]) -> str:
    """Return a path such as `lines.+390212345678.plan[0].notice`; unprintable characters are escaped."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    text = "".join(parts).lstrip(".")
    return text if text.isprintable() else repr(text)


def read(file: Path) -> str:
    """Return the text of `file`. Raises ConfigError when it cannot be read."""
    try:
        with reading(file, LARGEST) as stream:
            return TextIOWrapper(stream, encoding="utf-8").read()
    except FileNotFoundError:
        candidates = sorted(file.parent.glob("*.yaml")) if file.parent.is_dir() else []
        message = (
            Text("there is no such file", "did you mean {file}? Then type that", file=candidates[0])
            if len(candidates) == 1
            else Text("there is no such file", "name yours with -c FILE, or make one: informativa init DIR")
        )
        raise ConfigError([ConfigProblem(str(file), None, "", message)]) from None
    except IsADirectoryError:
        message = Text("is a folder", "type: -c {file}", file=file / "informativa.yaml")
        raise ConfigError([ConfigProblem(str(file), None, "", message)]) from None
    except (OSError, UnicodeDecodeError) as error:
        message = Text("cannot be read ({why})", "give a readable UTF-8 file with -c", why=_reason(error))
        raise ConfigError([ConfigProblem(str(file), None, "", message)]) from None


def parse(file: Path, text: str) -> SourceDocument:
    """Parse the text of `file`. Raises ConfigError when it is no YAML mapping; other mistakes are noted in
    the document."""
    import yaml

    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # C: 25 times faster
    except yaml.YAMLError as error:
        raise ConfigError([_syntax(file, error)]) from None
    except RecursionError:
        raise ConfigError(
            [ConfigProblem(str(file), None, "", Text("is nested too deeply to be a configuration"))]
        ) from None
    document = SourceDocument(str(file))
    if not isinstance(root, yaml.MappingNode):
        message = Text("holds no settings", "for an example type: informativa init DIR")
        raise ConfigError([ConfigProblem(str(file), None, "", message)])
    document.data = _value(root, (), document)
    return document


def _value(node: yaml.Node, path: KeyPath, document: SourceDocument) -> Any:
    import yaml

    document.lines.setdefault(path, node.start_mark.line + 1)
    if id(node) in document.visited:
        document.problems.append(document.problem(path, Text("is an alias (*name)", "write its value out")))
        document.left_out.add(path)
        return None
    document.visited.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, index), document) for index, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return node.value
    mapping: dict[str, Any] = {}
    for key_node, child in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
        key_path = (*path, key)
        if key in mapping:
            document.problems.append(
                ConfigProblem(
                    document.file, key_node.start_mark.line + 1, dotted(key_path), Text("stands here twice")
                )
            )
        document.lines[key_path] = key_node.start_mark.line + 1
        mapping[key] = _value(child, key_path, document)
    return mapping


def _syntax(file: Path, error: yaml.YAMLError) -> ConfigProblem:
    mark = getattr(error, "problem_mark", None)
    problem = Foreign(getattr(error, "problem", None) or "") or Text("not readable as YAML")
    return ConfigProblem(
        str(file), mark.line + 1 if mark else None, "", Text("is not YAML here: {what}", what=problem)
    )


def _reason(error: Exception) -> Text | str:
    return Foreign(error.strerror or str(error)) if isinstance(error, OSError) else Text("not UTF-8")
