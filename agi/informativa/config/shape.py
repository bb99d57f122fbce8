"""The shape of a configuration, by pydantic: all that is wrong with it, and what is in shape all the same.

So that one run tells an admin everything, what has no shape is left out, the rest is looked at, and what only
follows from the gap is not told.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import Field, ValidationError

from .document import Document, KeyPath
from .forms import Identifier, Number, PlainText
from .messages import in_words, key_path
from .schema import ControllerSettings, LineSettings, Settings

_ROUNDS = 12  # more than settings are deep
_STAND_IN = "absent"
_STOOD_IN_FOR = {"name", "key", "ledger"}  # of a controller: without them its notices can be looked at


class _Lenient(Settings):
    """Nothing has to be there."""

    operator: PlainText = _STAND_IN
    controllers: dict[Identifier, ControllerSettings] = Field(default_factory=dict)
    lines: dict[Number, LineSettings] = Field(default_factory=dict)


def settings(document: Document) -> Settings:
    """The settings as far as they are in shape. What is not is noted in the document, and that it is not
    there."""
    data = document.data
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        found = {key_path(detail): in_words(detail) for detail in error.errors()}
        document.problems += [
            document.problem(path, message) for path, message in found.items() if not document.lacks(path)
        ]
        data = copy.deepcopy(data)
        _leave_out(data, error, document)
    for _round in range(_ROUNDS):
        try:
            return _Lenient.model_validate(data)
        except ValidationError as error:
            _leave_out(data, error, document)
    return _Lenient()


def _leave_out(data: Any, error: ValidationError, document: Document) -> None:
    for path in sorted({key_path(detail) for detail in error.errors()}, key=str):
        _without(data, path, document)


def _without(data: Any, path: KeyPath, document: Document) -> None:
    """Take out what stands at `path`; where something is missing that must be there, or in a list, what is
    around it."""
    depth, parent = 0, data
    while depth < len(path) - 1 and _has(parent, path[depth]):
        depth, parent = depth + 1, parent[path[depth]]
    there = _has(parent, path[depth])
    if not isinstance(parent, dict):  # in a list; or pydantic says which form a text could have had
        _without(data, path[:depth], document)
        return
    if depth < len(path) - 1:  # taken out with what is around it
        return
    document.left_out.add(path)
    if len(path) == 3 and path[0] == "controllers" and path[2] in _STOOD_IN_FOR:
        parent[path[2]] = _STAND_IN
    elif there:
        del parent[path[-1]]
    elif len(path) > 1:
        _without(data, path[:-1], document)


def _has(node: Any, part: str | int) -> bool:
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)
