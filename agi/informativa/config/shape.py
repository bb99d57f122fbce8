"""The shape of a configuration, by pydantic: all its problems, and the settings that are in shape
nevertheless.

So that one run reports everything to an admin, parts without a shape are left out, the others are examined,
and problems that only follow from the gap are not reported.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import Field, ValidationError

from .document import KeyPath, SourceDocument
from .forms import Identifier, Number, PlainText
from .messages import in_words, key_path
from .schema import ControllerSettings, LineSettings, Settings

_ROUNDS = 12  # more than settings are deep
_STAND_IN = "absent"
_STOOD_IN_FOR: dict[
    KeyPath, str
] = {  # of a controller: without them its notices can be examined, and its consents recorded
    **dict.fromkeys((("name",), ("key",), ("ledger",), ("hook", "secret")), _STAND_IN),
    ("hook", "url"): "https://absent.invalid/",
}


class _Lenient(Settings):
    """Settings of which none is required."""

    operator: PlainText = _STAND_IN
    controllers: dict[Identifier, ControllerSettings] = Field(default_factory=dict)
    lines: dict[Number, LineSettings] = Field(default_factory=dict)


def settings(document: SourceDocument) -> Settings:
    """Return the settings that are in shape. Problems of the others are noted in the document, and their
    paths as left out."""
    data = document.data
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        messages = {key_path(detail): in_words(detail) for detail in error.errors()}
        document.problems += [
            document.problem(path, message) for path, message in messages.items() if not document.lacks(path)
        ]
        data = copy.deepcopy(data)
        _leave_out(data, error, document)
    for _round in range(_ROUNDS):
        try:
            return _Lenient.model_validate(data)
        except ValidationError as error:
            _leave_out(data, error, document)
    return _Lenient()


def _leave_out(data: Any, error: ValidationError, document: SourceDocument) -> None:
    for path in sorted({key_path(detail) for detail in error.errors()}, key=str):
        _remove(data, path, document)


def _remove(data: Any, path: KeyPath, document: SourceDocument) -> None:
    """Remove the value at `path`; where a required value is missing, or in a list, remove the part around
    it."""
    depth, parent = 0, data
    while depth < len(path) - 1 and _has(parent, path[depth]):
        depth, parent = depth + 1, parent[path[depth]]
    exists = _has(parent, path[depth])
    if not isinstance(parent, dict):  # in a list; or pydantic names a form that a text could have had
        _remove(data, path[:depth], document)
        return
    if depth < len(path) - 1:  # removed together with the part around it
        return
    document.left_out.add(path)
    if path[0] == "controllers" and path[2:] in _STOOD_IN_FOR:
        parent[path[-1]] = _STOOD_IN_FOR[path[2:]]
    elif exists:
        del parent[path[-1]]
    elif len(path) > 1:
        _remove(data, path[:-1], document)


def _has(node: Any, part: str | int) -> bool:
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)
