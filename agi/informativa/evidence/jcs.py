"""Canonical JSON (RFC 8785), as far as it is needed: objects, strings, and whole numbers that every JSON
reader takes exactly (RFC 7493 2.2). No floats, booleans, nulls or lists. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from ..model.errors import EvidenceFormatError
from ..model.text import Text
from .encoding import as_text

LARGEST_INTEGER = 2**53 - 1
_DEEPEST = 8  # objects within objects
_LARGEST_TEXT = 1_000_000  # bytes

Value = str | int | Mapping[str, "Value"]


def canonical(value: Mapping[str, Value]) -> bytes:
    """Return the one text of an object, in UTF-8: no spaces, keys in the order of their UTF-16 code units
    (RFC 8785 3.2.3), strings with the fewest escapes (3.2.2.2). Raises EvidenceFormatError for any other
    value, a lone surrogate included."""
    try:
        return canonical_of_sorted(_in_order(value, _DEEPEST))
    except UnicodeEncodeError:
        raise EvidenceFormatError(Text("A text has half of a surrogate pair in it.")) from None


def canonical_of_sorted(value: Mapping[str, Value]) -> bytes:
    """Return the same for an object whose values are of these kinds, and whose keys stand in order. Raises
    UnicodeEncodeError for a lone surrogate."""
    return _encode(value).encode("utf-8")


def parse(data: bytes) -> dict[str, Value]:
    """Parse the canonical text of an object. Raises EvidenceFormatError if it is not canonical: another
    order, a space, another escape, a key that stands twice, a value of another kind."""
    text = as_text(data, _LARGEST_TEXT)
    try:
        value = json.loads(
            text, object_pairs_hook=_unique_keys, parse_float=_no_number, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise EvidenceFormatError(Text("It is not JSON.")) from None
    if not isinstance(value, dict):
        raise EvidenceFormatError(Text("It is not a JSON object."))
    if canonical(value) != data:
        raise EvidenceFormatError(Text("It is JSON, and not in its canonical form (RFC 8785)."))
    return value


def _in_order(value: Mapping[str, Value], levels: int) -> dict[str, Value]:
    if levels == 0:
        raise EvidenceFormatError(Text("Objects stand too deep within each other."))
    for key in value:
        if not isinstance(key, str):
            raise _refused(key)
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return {key: _allowed(value[key], levels) for key in keys}


def _allowed(value: Value, levels: int) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > LARGEST_INTEGER:
            raise EvidenceFormatError(Text("A number lies beyond 2^53 - 1, on one side or the other."))
        return value
    if isinstance(value, Mapping):
        return _in_order(value, levels - 1)
    raise _refused(value)


# It escapes as RFC 8785 3.2.2.2 does.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _unique_keys(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise EvidenceFormatError(Text("A key stands twice in one object."))
    return members


def _no_number(text: str) -> NoReturn:
    raise _refused(float(text))


def _refused(value: object) -> EvidenceFormatError:
    kind = type(value).__name__
    return EvidenceFormatError(
        Text("Here is a {kind}; only strings, whole numbers and objects are allowed.", kind=kind)
    )
