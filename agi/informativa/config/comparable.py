"""What decides about a company's callers, as a digest: the same on two boxes that treat them alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime, tzinfo
from typing import Any

from ..model import Controller, Line, Notice, Prompt

# What differs from box to box, is secret, or says nothing of callers.
_LEFT_OUT = frozenset(
    {
        "controller",
        "key",
        "ledger",
        "letter",
        "log",
        "lookups",
        "names",
        "old_keys",
        "outsourcing",
        "refused",
        "short_nokey",
    }
)


def digest(controller: Controller, notices: Sequence[Notice], lines: Sequence[Line]) -> str:
    """Of 16 hexadecimal digits. Lines of other companies are left out."""
    own = [line for line in lines if line.controller.id == controller.id]
    own.sort(key=lambda line: line.number)
    text = json.dumps([_plain(each) for each in (controller, notices, own)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """As JSON. Of a prompt only that there is one: where it lies is each box's own."""
    if isinstance(value, Prompt):
        return True
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: _plain(getattr(value, each.name))
            for each in fields(value)
            if each.name not in _LEFT_OUT
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, tzinfo) else value
