"""Records as files of three kinds: for spreadsheets, for programs, and as linked data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model import Controller, Record
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
    """Return the names of the table's columns: those of the JSON, and those of the parts of `heard`."""
    names = [name for name in RecordLine.model_fields if name not in ("shapes", "heard")]
    return [*names, *(f"heard_{part}" for part in _PARTS)]


class RecordFiles:
    """The records of one controller as three files, made while the records are read."""

    def __init__(self, owner: Controller, origin: str) -> None:
        self._owner, self._origin = owner, origin
        self._columns = columns()

    def begin(self) -> dict[str, str]:
        """Return the beginning of each file, by its name."""
        linked = jsonld.begin(self._owner, self._origin)
        return {CSV: _row(self._columns), LINES: "", LINKED: linked}

    def record(self, entry: Record, box: str = "") -> tuple[str, str, str]:
        """Return the text of one record of a box in each file."""
        shape = RecordLine.of(entry, self._owner.id, box)
        facts = shape.model_dump(mode="json", by_alias=True)
        line = f"{_encoded(facts)}\n"
        return _cells(self._columns, facts), line, jsonld.record(entry, self._owner, box)

    def end(self) -> tuple[str, str, str]:
        """Return the end of each file."""
        return "", "", jsonld.END


def table(owner: Controller, records: Iterable[Record]) -> Iterator[str]:
    """Yield the table of these records of one controller in parts, while they are read."""
    names = columns()
    yield _row(names)
    for record in records:
        facts = RecordLine.of(record, owner.id).model_dump(mode="json", by_alias=True)
        yield _cells(names, facts)


def _cells(names: Sequence[str], facts: Mapping[str, Any]) -> str:
    heard = facts["heard"] or {}
    flat = {**facts, **{f"heard_{part}": heard.get(part) for part in _PARTS}}
    return _row([_cell(name, flat[name]) for name in names])


def _cell(name: str, value: Any) -> Any:
    """Return a value for a spreadsheet: a text that came from elsewhere is never taken for a formula."""
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and name != "line" and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _row(cells: list[Any]) -> str:
    output = io.StringIO()
    csv.writer(output).writerow(cells)
    return output.getvalue()
