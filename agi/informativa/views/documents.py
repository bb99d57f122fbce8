"""Results as JSON documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter

SCHEMA = 1
"""The version of all documents: under one version a name keeps its meaning, and new names may come."""

LEFT_OUT = frozenset({"asked", "choices", "choice", "answer"})
"""The names that a document has only where there is something to say: they are about choices."""


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
