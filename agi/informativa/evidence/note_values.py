"""Values in the notes of a log, each with only one way to write it. Pure.

A grammar reads what JSON holds, a text or a whole number, and writes it back. Lists are one text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ..model.errors import EvidenceFormatError
from ..model.plan import Period
from ..model.text import Text
from .approval import Approval
from .checkpoint import Checkpoint
from .cosignature import WitnessVerifier
from .encoding import decimal, log_origin
from .jcs import LARGEST_INTEGER, Value
from .note import Verifier

_BETWEEN_TREES = "; "
_ZONE = r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}"
_INSTRUCTION = r"(?!.*[0-9]{8})[A-Za-z0-9][A-Za-z0-9._/-]{0,39}"
_RETENTION = re.compile(r"P([1-9][0-9]{0,4})([MD])")
_MINUTE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})Z")


@dataclass(frozen=True)
class Grammar:
    """The form of a value: in words, as the end of a sentence; `read`, which raises ValueError or
    EvidenceFormatError for any other form; and `write`."""

    expected: Text
    read: Callable[[Value], Any]
    write: Callable[[Any], Value]


class NoteSource(StrEnum):
    """The part of the program that made a note."""

    SERVICE = "service"
    COMMAND = "command"
    CONSOLE = "console"


class ErasureRule(StrEnum):
    """The controller's word for erasures: for each one, or given once for all."""

    EACH = "each"
    STANDING = "standing"


def minute_text(at: datetime) -> str:
    """Return a moment's minute in UTC."""
    return f"{at.astimezone(UTC).isoformat(timespec='minutes')[:16]}Z"


def retention_text(period: Period | None) -> str:
    """Return a retention: of months, or of days. `None` means that nothing is deleted by its age."""
    if period is None:
        return "none"
    return f"P{period.months}M" if period.months else f"P{period.days}D"


def _text(expected: Text, pattern: str) -> Grammar:
    return Grammar(expected, lambda value: _matching(pattern, value), str)


def _number(expected: Text, pattern: str) -> Grammar:
    return Grammar(expected, lambda value: _matching_number(pattern, value), int)


def _word(words: type[StrEnum]) -> Grammar:
    return Grammar(Text("one of: {words}", words=", ".join(words)), lambda value: words(_string(value)), str)


def _string(value: Value) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _matching(pattern: str, value: Value) -> str:
    if not re.fullmatch(pattern, _string(value)):
        raise ValueError
    return _string(value)


def _matching_number(pattern: str, value: Value) -> int:
    if type(value) is not int or value > LARGEST_INTEGER or not re.fullmatch(pattern, str(value)):
        raise ValueError
    return value


def _read_minute(value: Value) -> datetime:
    parts = _MINUTE.fullmatch(_string(value))
    if not parts:
        raise ValueError
    year, month, day, hour, minute = map(int, parts.groups())
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def _read_retention(value: Value) -> Period | None:
    if value == "none":
        return None
    parts = _RETENTION.fullmatch(_string(value))
    if not parts:
        raise ValueError
    return Period(months=int(parts[1])) if parts[2] == "M" else Period(days=int(parts[1]))


def _read_witnesses(value: Value) -> tuple[WitnessVerifier, ...]:
    vkeys = _string(value).split(" ")
    if vkeys != sorted(set(vkeys)):
        raise ValueError
    return tuple(map(WitnessVerifier.parse, vkeys))


def _read_next_key(value: Value) -> Verifier:
    key = Verifier.parse(_string(value))
    log_origin(key.name)
    return key


def _read_trees(value: Value) -> tuple[Checkpoint, ...]:
    trees = tuple(map(_read_tree, _string(value).split(_BETWEEN_TREES)))
    origins = [tree.origin for tree in trees]
    if origins != sorted(set(origins)):
        raise ValueError
    return trees


def _read_tree(text: str) -> Checkpoint:
    origin, size, root = text.split(" ")  # ValueError for any other number of words
    return Checkpoint(log_origin(origin), decimal(size), bytes.fromhex(_matching("[0-9a-f]{64}", root)))


def _read_approval(value: Value) -> bytes:
    data = _string(value).encode()
    Approval.unverified(data)
    return data


ORIGIN = Grammar(Text("the origin of a log"), lambda value: log_origin(_string(value)), str)
INDEX = _number(Text("a whole number from 0"), "[0-9]+")
COUNT = _number(Text("a whole number from 1"), "[1-9][0-9]*")
POWER_OF_TEN = _number(Text("10, 100, 1000 or a higher power of ten"), "10+")
FLAG = Grammar(
    Text("0 or 1"), lambda value: bool(_matching_number("[01]", value)), lambda value: 1 if value else 0
)
DIGEST = _text(Text("a SHA-256 in hexadecimal"), "[0-9a-f]{64}")
MINUTE = Grammar(Text("a minute in UTC, such as 2026-11-24T12:30Z"), _read_minute, minute_text)
RETENTION = Grammar(Text("a time such as P60M or P8D, or none"), _read_retention, retention_text)
ZONE = _text(Text("a time zone such as Europe/Rome"), _ZONE)
SOURCE = _word(NoteSource)
ERASURE_RULE = _word(ErasureRule)
INSTRUCTION = _text(
    Text("at most 40 letters, digits and . _ / -, of which no 8 in a row are digits"), _INSTRUCTION
)
WITNESSES = Grammar(
    Text("keys of witnesses, sorted, with one space between"),
    _read_witnesses,
    lambda keys: " ".join(map(str, keys)),
)
SIGNING_KEY = Grammar(
    Text("a key such as `informativa evidence key` shows"),
    lambda value: Verifier.parse(_string(value)),
    str,
)
NEXT_KEY = Grammar(Text("the key of a log"), _read_next_key, str)
TREES = Grammar(
    Text("origin, size and root of each log, sorted, with `; ` between"),
    _read_trees,
    lambda trees: _BETWEEN_TREES.join(f"{tree.origin} {tree.size} {tree.root.hex()}" for tree in trees),
)
APPROVAL = Grammar(Text("an approval"), _read_approval, lambda data: data.decode())

REFUSED = (ValueError, EvidenceFormatError)
"""The errors of a grammar's `read`."""
