"""Results as JSON documents, and the JSON Schema of their classes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter

SCHEMA = 1
"""The version of all documents: under one version a name keeps its meaning, and new names may come."""

_VERSION = {
    "const": SCHEMA,
    "default": SCHEMA,
    "description": "The version of these shapes.",
    "title": "Schema",
    "type": "integer",
}


def document(result: object, *, indent: int | None = 2, ascii_only: bool = False) -> str:
    """Return a result as a JSON document, on one line without `indent`."""
    return json.dumps({"schema": SCHEMA} | facts(result), indent=indent, ensure_ascii=ascii_only)


def facts(result: object) -> dict[str, Any]:
    """Return a result as JSON's objects, lists and values."""
    kind: Any = type(result)
    written: dict[str, Any] = _adapter(kind).dump_python(result, mode="json")
    return written


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document that a result of that class becomes."""
    several = TypeAdapter(list[kind], config=_DESCRIBED)  # type: ignore[valid-type]  # a dataclass has no `config`
    definitions: dict[str, Any] = _standard(several.json_schema(mode="serialization")["$defs"])
    own = definitions.pop(kind.__name__)
    own["properties"] = {"schema": _VERSION} | own["properties"]
    return dict(sorted((own | ({"$defs": definitions} if definitions else {})).items()))


_DESCRIBED = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


def _standard(part: Any) -> Any:
    """Return a part of a schema with closed objects, without `format: path`, which is pydantic's own, and
    without defaults, which are for whoever builds a result: a document has all of its names."""
    if isinstance(part, list):
        return [_standard(item) for item in part]
    if not isinstance(part, dict):
        return part
    left_out = {"default", "format"} if part.get("format") == "path" else {"default"}
    described = isinstance(part.get("title"), str)
    closed = {"additionalProperties": False} if isinstance(part.get("properties"), dict) else {}
    return closed | {
        name: _standard(value) for name, value in part.items() if not (described and name in left_out)
    }
