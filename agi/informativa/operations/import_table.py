"""A CSV file as rows, or the line by which it cannot be understood.

Takes what spreadsheets in Italy write: semicolons, commas or tabs, UTF-8 with or without a mark or
Windows-1252, Excel's `sep=;` before the header. Whatever may be understood in two ways is refused: a quote
that swallows rows, a row with more cells than the header, two columns for one thing. No row is quoted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO

from ..errors import InformativaError
from ..redaction import without_numbers
from ..text import NOTHING, Text

LONGEST = 65_536  # bytes of a line, and characters of a row that goes over several
COLUMNS = {
    "number": {"number", "phone", "telephone", "numero", "telefono", "cellulare"},
    "customer": {
        "customer",
        "customer number",
        "customer id",
        "codice cliente",
        "numero cliente",
        "id cliente",
    },
    "date": {"date", "data"},
    "reference": {"reference", "riferimento"},
    "version": {"version", "versione"},
}
_SEPARATORS = ";,\t|"
_OTHER_FILES = {  # by their first bytes
    b"PK\x03\x04": "Excel (.xlsx)",
    b"\xd0\xcf\x11\xe0": "Excel (.xls)",
    b"%PDF": "PDF",
    b"\x1f\x8b": "gzip",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_NAMED_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')


class Table:
    """The rows of an open file. `columns` is where each column that we look for stands, by our own names.
    `chosen` says by which header, or by which place from 1 on, somebody wants one of them found."""

    def __init__(self, opened: BinaryIO, chosen: Mapping[str, str]) -> None:
        self._opened, self._line = opened, 0
        self._lines = self._texts()
        self._separator, header = self._header(chosen)
        self._width = len(header)
        self.columns = _columns(header, chosen)
        self._needed = 1 + max(
            column for name, column in self.columns.items() if name in ("number", "customer", "date")
        )

    @property
    def position(self) -> tuple[int, int]:
        """How many bytes and lines were read."""
        return self._opened.tell(), self._line

    def go_to(self, offset: int, line: int) -> None:
        """Go on where another stood that had read so much."""
        self._opened.seek(offset)
        self._line = line

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not empty, by the line on which it begins. Raises InformativaError."""
        separator, width, needed = self._separator, self._width, self._needed
        nothing = separator + " \t"
        for number, text in self._lines:
            if not text.strip(nothing):
                continue
            cells = self._quoted(number, text) if '"' in text else text.split(separator)
            if len(cells) != width and not self._fits(cells):
                raise _refused(
                    number,
                    Text.counted(
                        "has {cells} cell, and the header {width}",
                        "has {cells} cells, and the header {width}",
                        len(cells),
                        cells=len(cells),
                        width=width,
                    ),
                    Text('A separator inside a cell stands in quotes: "a;b".'),
                )
            if len(cells) >= needed and any(cells):
                yield number, cells

    def _texts(self) -> Iterator[tuple[int, str]]:
        """Lines by number, without their ends. Raises InformativaError for one that is no text."""
        read = self._opened.readline
        while raw := read(LONGEST + 1):
            self._line = number = self._line + 1
            if number == 1:
                raw = _first(raw)
            if len(raw) > LONGEST:
                raise _refused(number, Text("is longer than {longest} bytes", longest=LONGEST))
            if b"\0" in raw:
                raise _refused(number, Text("holds a NUL, so this is no text, or UTF-16"), _save())
            if b"\r" in raw:
                raw = raw.rstrip(b"\r\n")
                if b"\r" in raw:
                    raise _refused(number, Text("has a carriage return in the middle"), _save())
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                text = raw.decode("cp1252", errors="replace")
            yield number, text.rstrip("\n")

    def _fits(self, cells: Sequence[str]) -> bool:
        """Spreadsheets leave out empty cells at the end of a row, and write more of them."""
        return len(cells) >= self._needed and not any(cell.strip() for cell in cells[self._width :])

    def _header(self, chosen: Mapping[str, str]) -> tuple[str, list[str]]:
        """The separator by which most columns are found, and the header's cells."""
        first = next((text for _number, text in self._lines if text.strip()), "")
        separators = _SEPARATORS
        if named := _NAMED_SEPARATOR.fullmatch(first):
            separators, first = named[1], next((text for _number, text in self._lines), "")
        wanted = {_plain(header) for header in chosen.values()}.union(*COLUMNS.values())
        best: tuple[tuple[int, int], str, list[str]] = ((0, 0), separators[0], [])
        for separator in separators:
            with suppress(csv.Error):
                cells = next(csv.reader([first], delimiter=separator, strict=True), [])
                found = sum(_plain(cell) in wanted for cell in cells)
                best = max(best, ((found, len(cells)), separator, cells), key=lambda one: one[0])
        return best[1], best[2]

    def _quoted(self, number: int, text: str) -> list[str]:
        """A row with quotes, which may go on over more lines."""
        try:
            return next(csv.reader(self._joined(number, text), delimiter=self._separator, strict=True))
        except csv.Error:
            raise _refused(
                number,
                Text("opens a quote that is closed nowhere, or not before a separator"),
                Text('A quote inside quotes is doubled: "a ""b"" c".'),
            ) from None

    def _joined(self, number: int, text: str) -> Iterator[str]:
        """The lines of one row, as they are asked for. None of them may look as if it were one by itself, but
        for a quote that should not be there."""
        yield text + "\n"
        before, inside = _opening(text, self._separator)
        swallowed = inside > 0 and before + inside >= self._width - 1
        length = len(text)
        for later, more in self._lines:
            length += len(more) + 1
            inside = more[: _closing(more, 0)].count(self._separator)
            if swallowed or inside >= self._width - 1 or length > LONGEST:
                raise _refused(
                    number,
                    Text(
                        "opens a quote that is still open on line {later}, over what may be rows", later=later
                    ),
                    Text("Close it, or write that cell on one line."),
                )
            yield more + "\n"


def _opening(text: str, separator: str) -> tuple[int, int]:
    """Of a line on which a quote stays open: how many separators stand before it and behind it."""
    position = cells = 0
    while True:
        if text.startswith('"', position):
            end = _closing(text, position + 1)
            if end == len(text):
                return cells, text.count(separator, position)
            position = end + 1
        position = text.find(separator, position) + 1
        if not position:
            return cells, 0
        cells += 1


def _closing(text: str, position: int) -> int:
    """Where a quote closes that is open at `position`; the end of the text if it does not."""
    while (position := text.find('"', position)) >= 0:
        if not text.startswith('""', position):
            return position
        position += 2
    return len(text)


def _first(raw: bytes) -> bytes:
    """The first line without its mark. Raises InformativaError for another kind of file."""
    for sign, kind in _OTHER_FILES.items():
        if raw.startswith(sign):
            raise InformativaError(Text("This is no CSV file but {kind}.", kind=kind), _save())
    return raw.removeprefix(b"\xef\xbb\xbf")


def _columns(header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, int]:
    """Where each column stands. Raises InformativaError where it is not there, or twice."""
    found = {name: _chosen_column(name, given, header) for name, given in chosen.items()}
    skipped = {"number", "customer"} if found.keys() & {"number", "customer"} else set()
    for name, known in COLUMNS.items():
        columns = [column for column, cell in enumerate(header) if _plain(cell) in known]
        if not columns or name in found or name in skipped:
            continue
        if len(columns) > 1:
            raise _ambiguous(name, [header[column] for column in columns], columns[0])
        found[name] = columns[0]
    if "number" in found and "customer" in found:
        raise InformativaError(
            Text("The header names callers twice: by number and by customer number."),
            Text(
                "Say which counts: --column number={number} or --column customer={customer}",
                number=found["number"] + 1,
                customer=found["customer"] + 1,
            ),
        )
    if not found.keys() & {"number", "customer"} or "date" not in found:
        raise InformativaError(
            Text(
                "The first line must name the columns, `number` and `date` among them (or `numero`, `data`)."
            ),
            Text("Others may be `reference` and `version`, or `customer` instead of `number`."),
        )
    return found


def _chosen_column(name: str, given: str, header: Sequence[str]) -> int:
    """Of the column that was chosen, by its header or by its place."""
    if name not in COLUMNS:
        raise InformativaError(
            Text("--column takes {names}, each with a header.", names=", ".join(COLUMNS)),
            Text("Type it like --column number=cellulare."),
        )
    columns = [column for column, cell in enumerate(header) if _plain(cell) == _plain(given)]
    if not columns and given.isdecimal() and 1 <= int(given) <= len(header):
        return int(given) - 1
    if len(columns) == 1:
        return columns[0]
    if columns:
        raise _ambiguous(name, [header[column] for column in columns], columns[0])
    raise InformativaError(
        Text("No column has the header {header}.", header=without_numbers(given)),
        Text("There are: {names}.", names=_shown(header)),
    )


def _ambiguous(name: str, headers: Sequence[str], column: int) -> InformativaError:
    return InformativaError(
        Text(
            "The header has more than one column for {name}: {headers}.", name=name, headers=_shown(headers)
        ),
        Text(
            "Say which: --column {name}={header}, or by its place: --column {name}={place}",
            name=name,
            header=without_numbers(headers[0].strip()),
            place=column + 1,
        ),
    )


def _shown(headers: Sequence[str]) -> str:
    """Headers in a message; where there is none, a row with somebody's number stands in its place."""
    return without_numbers(", ".join(header.strip() for header in headers[:20]))


def _refused(line: int, why: Text, remedy: Text = NOTHING) -> InformativaError:
    return InformativaError(Text("Line {line} {why}.", line=line, why=why), remedy)


def _plain(name: str) -> str:
    return name.strip().lower()


def _save() -> Text:
    return Text("Save it as CSV, UTF-8.")
