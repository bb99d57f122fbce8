"""Rows of one sheet of an Excel file (.xlsx); a process of its own reads it (sheet_rows.py)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from ..model.errors import InformativaError
from ..model.text import Text
from .csv_table import save_as_csv
from .table_columns import SAMPLE, TableForm, find_columns

SIGN = b"PK\x03\x04"  # with which every ZIP file begins
UNPACKED = 512 << 20  # bytes that all parts may have
PARTS = 10_000
COLUMNS = 256
LONGEST = 1 << 24  # characters of a row: one text may stand in the file once, and in all of its cells
_EPOCH = datetime(1899, 12, 30)  # day 0 of Excel, as 1900 counts as a leap year
_DAYS = range(20_000, 80_000)  # 1954 to 2119
_SPREAD = 10**6  # a telephone number that ends in six zeros was rounded


class SheetTable:
    """The rows of one sheet, for the time of a `with` block of `opened`. It has what a `Table` has."""

    encoding, separator, ends, mark, quotes_all = "xlsx", ";", "\r\n", True, False

    def __init__(self, sheet: str, rows: Iterator[tuple[int, list[Any]]], columns: _Columns) -> None:
        self.sheet = sheet
        rows = ((row, cells) for row, cells in rows if any(cell != "" for cell in cells))
        sample = list(islice(rows, SAMPLE))
        texts = [[_text(cell) for cell in cells] for _row, cells in sample] or [[""]]
        self.columns, self.header = find_columns(texts, *columns)
        self._rows = chain(sample[1:] if self.header else sample, rows)
        self._numbers = [place for name, place in self.columns.items() if name == "number"]
        self._dates = [place for name, place in self.columns.items() if name == "date"]
        self.numbers_stored = sum(
            isinstance(cells[place], float)
            for _row, cells in sample
            for place in self._numbers
            if place < len(cells)
        )
        """Number of callers among the first rows who stand there without plus and zeros."""

    def position(self) -> int:
        """Return how many bytes of the file are read: unknown."""
        return 0

    def all_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Return the rows that are not empty, each with its number."""
        for row, cells in self._rows:
            for place in self._dates:
                cells[place] = _day(cells[place])
            for place in self._numbers:
                if isinstance(cells[place], float) and not cells[place] % _SPREAD:
                    cells[place] = f"{cells[place]:E}"  # which is refused as rounded
            yield row, [cell if type(cell) is str else _text(cell) for cell in cells]


_Columns = tuple[Mapping[str, str], TableForm]


@contextmanager
def opened_sheet(file: Path, sheet: str, chosen: Mapping[str, str], form: TableForm) -> Iterator[SheetTable]:
    """Open a sheet; the first if none is named. Raises InformativaError."""
    _require_bounds(file)
    if not importlib.util.find_spec("python_calamine"):
        raise InformativaError(
            Text("This is an Excel file, and what reads it is not installed."),
            Text("Save it as CSV, UTF-8, or type: {prefix}/bin/pip install 'informativa[xlsx]'",
                 prefix=Path(sys.prefix)),
        )  # fmt: skip
    command = [sys.executable, "-m", f"{__package__}.sheet_rows", str(file.absolute()), sheet]
    with subprocess.Popen(  # noqa: S603  # our own
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            lines = _lines(process, process.stdout)
            names = next(lines)
            if not next(lines, False):
                raise InformativaError(
                    Text("There is no sheet of that name."),
                    Text("There are: {names}.", names=", ".join(names)),
                )
            yield SheetTable(sheet or names[0], enumerate(lines, 1), (chosen, form))
        finally:
            process.kill()


def _lines(process: subprocess.Popen[str], output: IO[str]) -> Iterator[Any]:
    """Return what the process prints. Raises InformativaError where it ends before its time."""
    while line := output.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise _too_large()
        row = json.loads(line)
        if isinstance(row, list) and len(row) > COLUMNS:
            raise _too_large()
        yield row
    if process.wait() == 0:
        return
    assert process.stderr is not None
    reason = process.stderr.read().strip()
    if process.returncode < 0 or "MemoryError" in reason:
        raise _too_large()
    if reason == "PasswordError":
        raise InformativaError(Text("The Excel file is protected by a password."), save_as_csv())
    raise InformativaError(Text("This is no Excel file (.xlsx), or a damaged one."), save_as_csv())


def _require_bounds(file: Path) -> None:
    """Raise InformativaError for an archive whose parts are too large, or that is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise InformativaError(
            Text("This is no Excel file (.xlsx), or a damaged one."), save_as_csv()
        ) from None
    if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED:
        raise _too_large()


def _too_large() -> InformativaError:
    return InformativaError(
        Text(
            "The Excel file is too large: unpacked it may have {size} MiB, and a sheet {columns} columns.",
            size=UNPACKED >> 20,
            columns=COLUMNS,
        ),
        Text("Save the sheet as CSV, UTF-8, or delete what stands far from the list."),
    )


def _text(cell: Any) -> str:
    """Return a cell as CSV would have it."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)


def _day(cell: Any) -> Any:
    """Return a day that is stored as the number of its days since 1900; every other cell as it is."""
    if isinstance(cell, float) and int(cell) in _DAYS:
        return (
            (_EPOCH + timedelta(days=cell)).isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
        )
    return cell
