"""Standing answers of many callers as a file of one of two kinds, made while they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from enum import StrEnum

from ..operations.consent_export import ConsentRow
from .documents import SCHEMA, facts
from .record_files import csv_row, spreadsheet_cell

_encoded = json.JSONEncoder(ensure_ascii=False).encode


class ConsentFormat(StrEnum):
    """A kind of file."""

    CSV = "csv"
    LINES = "jsonl"


def text(form: ConsentFormat, rows: Iterable[ConsentRow]) -> Iterator[str]:
    """Return the file in parts."""
    return _table(rows) if form is ConsentFormat.CSV else _lines(rows)


def _table(rows: Iterable[ConsentRow]) -> Iterator[str]:
    names = [column.name for column in fields(ConsentRow)]
    yield csv_row(list(names))
    for row in rows:
        values = facts(row)
        yield csv_row([spreadsheet_cell(name, values[name]) for name in names])


def _lines(rows: Iterable[ConsentRow]) -> Iterator[str]:
    for row in rows:
        yield f"{_encoded({'schema': SCHEMA} | facts(row))}\n"
