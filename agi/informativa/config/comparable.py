"""A digest of the settings that decide about a company's callers: the same on two boxes that treat them
alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

from ..model import Controller, Line, Notice, Prompt

# Fields that differ from box to box, are secret, do not concern callers, or follow from others.
_LEFT_OUT = frozenset(
    {
        "controller",
        "export_four_eyes",
        "four_eyes",
        "hook",
        "internal",
        "key",
        "ledger",
        "letter",
        "log",
        "lookups",
        "names",
        "old_keys",
        "outsourcing",
        "reason_for_looking",
        "refused",
        "report",
        "revocable",
        "rule",
        "short_nokey",
        "withdraw",
    }
)
# Fields that earlier versions of the program do not have: without such a setting boxes of two versions agree.
_IF_SET = frozenset({"choices", "consents", "countries"})


def digest(controller: Controller, notices: Sequence[Notice], lines: Sequence[Line]) -> str:
    """Return the digest, 16 hexadecimal digits. Lines of other companies are left out."""
    company_lines = [line for line in lines if line.controller.id == controller.id]
    company_lines.sort(key=lambda line: line.number)
    text = json.dumps([_plain(part) for part in (controller, notices, company_lines)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _compared(kind: Any) -> tuple[tuple[str, object], ...]:
    """Return the names of the fields of a dataclass that are compared, with their defaults."""
    return tuple((field.name, field.default) for field in fields(kind) if field.name not in _LEFT_OUT)


def _plain(value: Any) -> Any:
    """Return a value as JSON data. A prompt is only `True`, since each box has its own place for it."""
    if isinstance(value, Prompt):
        return True
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: _plain(setting)
            for name, default in _compared(type(value))
            for setting in (getattr(value, name),)
            if name not in _IF_SET or setting != default
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, tzinfo) else value
