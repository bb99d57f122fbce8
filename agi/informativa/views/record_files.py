"""Records as files of three kinds: for spreadsheets, for programs, and as linked data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model import Controller
from ..model import Record as Found
from . import jsonld
from .json.records import RecordLine

CSV, LINES, LINKED = "records.csv", "records.jsonl", "records.jsonld"
_PARTS = ("seconds", "length", "ending", "key")  # of what was heard, each in a column
_encoded = json.JSONEncoder(ensure_ascii=False).encode
_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)  # the last ones wide


def columns() -> list[str]:
    """Of the table: the names of the JSON, and those of what was heard."""
    names = [name for name in RecordLine.model_fields if name not in ("shapes", "heard")]
    return [*names, *(f"heard_{part}" for part in _PARTS)]


class RecordFiles:
    """All three of one controller's records, as they are read."""

    def __init__(self, owner: Controller, origin: str) -> None:
        self._owner, self._origin = owner, origin
        self._columns = columns()

    def begin(self) -> dict[str, str]:
        """Each, by its name, as it begins."""
        linked = jsonld.begin(self._owner, self._origin)
        return {CSV: _row(self._columns), LINES: "", LINKED: linked}

    def record(self, found: Found, box: str = "") -> tuple[str, str, str]:
        """What each says of one record of a box."""
        shape = RecordLine.of(found, self._owner.id, box)
        facts = shape.model_dump(mode="json", by_alias=True)
        line = f"{_encoded(facts)}\n"
        return _cells(self._columns, facts), line, jsonld.record(found, self._owner, box)

    def end(self) -> tuple[str, str, str]:
        """How each ends."""
        return "", "", jsonld.END


def table(owner: Controller, found: Iterable[Found]) -> Iterator[str]:
    """The table of these records of one controller in parts, while they are read."""
    names = columns()
    yield _row(names)
    for each in found:
        facts = RecordLine.of(each, owner.id).model_dump(mode="json", by_alias=True)
        yield _cells(names, facts)


def _cells(names: Sequence[str], facts: Mapping[str, Any]) -> str:
    heard = facts["heard"] or {}
    flat = {**facts, **{f"heard_{part}": heard.get(part) for part in _PARTS}}
    return _row([_cell(name, flat[name]) for name in names])


def _cell(name: str, value: Any) -> Any:
    """As a spreadsheet takes it for what it is: what a company or a channel wrote is never a formula."""
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and name != "line" and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _row(cells: list[Any]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
