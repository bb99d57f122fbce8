"""Results as JSON documents, and the JSON Schema of their classes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter

SCHEMA = 1
"""The version of all documents: under one version a name keeps its meaning, and new names may come."""

LEFT_OUT = frozenset({"asked", "choices", "choice", "answer"})
"""The names that a document has only where there is something to say: they are about choices."""

_VERSION = {
    "const": SCHEMA,
    "default": SCHEMA,
    "description": "The version of all documents.",
    "title": "Schema",
    "type": "integer",
}


def document(result: object, *, indent: int | None = 2, ascii_only: bool = False) -> str:
    """Return a result as a JSON document, on one line without `indent`."""
    return json.dumps(document_facts(result), indent=indent, ensure_ascii=ascii_only)


def document_facts(result: object) -> dict[str, Any]:
    """Return the document of a result as JSON's objects, lists and values."""
    return {"schema": SCHEMA} | facts(result)


def streamed(name: str, results: Iterable[object], *, ascii_only: bool = False) -> Iterator[str]:
    """Yield the document of a list under that name in parts, one result on each line, while they are read;
    nothing before the first result."""
    encode = json.JSONEncoder(ensure_ascii=ascii_only).encode
    opening = separator = f'{{"schema": {SCHEMA}, "{name}": ['
    for result in results:
        yield f"{separator}\n{encode(facts(result))}"
        separator = ","
    yield f"{opening}]}}\n" if separator == opening else "\n]}\n"


def facts(result: object) -> dict[str, Any]:
    """Return a result as JSON's objects, lists and values."""
    kind: Any = type(result)
    written: dict[str, Any] = _with_what_is_said(
        _adapter(kind).dump_python(result, mode="json", by_alias=True)
    )
    return written


def _with_what_is_said(value: Any) -> Any:
    """Return the same without the names that are left out where there is nothing to say."""
    if isinstance(value, dict):
        return {
            name: _with_what_is_said(part)
            for name, part in value.items()
            if part is not None or name not in LEFT_OUT
        }
    return [_with_what_is_said(part) for part in value] if isinstance(value, list) else value


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document that a result of that class becomes."""
    several = TypeAdapter(list[kind], config=_DESCRIBED)  # type: ignore[valid-type]  # a dataclass has no `config`
    definitions: dict[str, Any] = _standard(several.json_schema(mode="serialization")["$defs"])
    own = definitions.pop(kind.__name__)
    own["properties"] = {"schema": _VERSION} | own["properties"] | _inherited(kind, own["properties"])
    return dict(sorted((own | ({"$defs": definitions} if definitions else {})).items()))


def _inherited(kind: type, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the described properties of a class's bases, for those that it does not describe itself."""
    return {
        name: described
        for base in filter(is_dataclass, kind.__bases__)
        for name, described in json_schema(base)["properties"].items()
        if name in properties and "description" not in properties[name]
    }


_DESCRIBED = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


def _standard(part: Any) -> Any:
    """Return a part of a schema with closed objects, without `format: path`, which is pydantic's own, and
    without defaults, which are for whoever builds a result: a document has all of its names. A constant keeps
    its default, and is not required."""
    if isinstance(part, list):
        return [_standard(item) for item in part]
    if not isinstance(part, dict):
        return part
    left_out = {"format"} if part.get("format") == "path" else set()
    if isinstance(part.get("title"), str) and "const" not in part:
        left_out.add("default")
    standard = {name: _standard(value) for name, value in part.items() if name not in left_out}
    if not isinstance(part.get("properties"), dict):
        return standard
    optional = {
        name
        for name, value in part["properties"].items()
        if "const" in value or (name in LEFT_OUT and {"type": "null"} in value.get("anyOf", ()))
    }
    required = [name for name in part.get("required", ()) if name not in optional]
    return {"additionalProperties": False} | standard | {"required": required}
