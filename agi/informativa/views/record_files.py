"""Records, and standing answers of many callers, as files of two kinds: for spreadsheets and for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any

from .. import model
from ..model import Controller
from ..operations.consent_export import ConsentRow
from ..operations.record_document import AskedChoice, Record
from .documents import SCHEMA, facts

CSV, LINES = "records.csv", "records.jsonl"
_PARTS = ("seconds", "length", "ending", "key")  # of what was heard, each in a column
_ASKED = tuple(field.name for field in fields(AskedChoice))
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


def columns(*, choices: bool = False) -> list[str]:
    """Return the names of the table's columns: those of the JSON, and those of the parts of `heard` and, with
    `choices`, of `asked`."""
    names = [field.name for field in fields(Record) if field.name not in ("heard", "asked")]
    asked = (f"asked_{part}" for part in _ASKED) if choices else ()
    return [*names, *(f"heard_{part}" for part in _PARTS), *asked]


class RecordFiles:
    """The records of one controller as two files, made while the records are read; some may be about
    `choices`."""

    def __init__(self, owner: Controller, *, choices: bool = False) -> None:
        self._owner, self._columns = owner, columns(choices=choices)

    def begin(self) -> dict[str, str]:
        """Return the beginning of each file, by its name."""
        return {CSV: csv_row(self._columns), LINES: ""}

    def record(self, entry: model.Record) -> tuple[str, str]:
        """Return the text of one record in each file."""
        columns = facts(Record.of(entry, self._owner.id))
        return _cells(self._columns, columns), f"{_encoded({'schema': SCHEMA} | columns)}\n"


def table(owner: Controller, records: Iterable[model.Record], *, choices: bool = False) -> Iterator[str]:
    """Yield the table of these records of one controller in parts, while they are read; some may be about
    `choices`."""
    names = columns(choices=choices)
    yield csv_row(names)
    for record in records:
        yield _cells(names, facts(Record.of(record, owner.id)))


class ConsentFormat(StrEnum):
    """A kind of file of standing answers."""

    CSV = "csv"
    LINES = "jsonl"


def consents(form: ConsentFormat, rows: Iterable[ConsentRow]) -> Iterator[str]:
    """Yield the file of standing answers in parts, while they are read."""
    names = [column.name for column in fields(ConsentRow)]
    if form is ConsentFormat.CSV:
        yield csv_row(list(names))
    for row in rows:
        values = facts(row)
        if form is ConsentFormat.CSV:
            yield csv_row([spreadsheet_cell(name, values[name]) for name in names])
        else:
            yield f"{_encoded({'schema': SCHEMA} | values)}\n"


def _cells(names: Sequence[str], record: Mapping[str, Any]) -> str:
    heard = record["heard"] or {}
    asked = record.get("asked") or {}
    flat = {
        **record,
        **{f"heard_{part}": heard.get(part) for part in _PARTS},
        **{f"asked_{part}": asked.get(part) for part in _ASKED},
    }
    return csv_row([spreadsheet_cell(name, flat[name]) for name in names])


def spreadsheet_cell(name: str, value: Any) -> Any:
    """Return a value for a spreadsheet: a text that came from elsewhere is never taken for a formula."""
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, dict):
        value = " ".join(f"{key}={option}" for key, option in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and name != "line" and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def csv_row(cells: list[Any]) -> str:
    """Return one row of a table."""
    output = io.StringIO()
    csv.writer(output).writerow(cells)
    return output.getvalue()
