"""Rows of a CSV file, or an error that names the line at fault.

Accepts the files that spreadsheets in Italy write: semicolons, commas or tabs, UTF-8 with or without a mark
or Windows-1252, Excel's `sep=;` before the header. Ambiguous files are refused: a quote that swallows rows, a
row with more cells than the header, two columns for one thing. Error messages never quote a row.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from ..model.errors import InformativaError
from ..model.redaction import without_numbers
from ..model.text import NOTHING, Text

LONGEST = 65_536  # bytes of a line, and characters of a row that goes over several
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


@dataclass(frozen=True)
class TableForm:
    """The columns of a kind of file."""

    headers: Mapping[str, Collection[str]]
    """The usual headers of each column, in small letters."""
    needed: Collection[str]
    """The columns without which a row says nothing."""
    option: str
    """The option by which somebody chooses a column."""
    example: str
    """A value of that option."""
    require: Callable[[Mapping[str, int]], None]
    """Raises InformativaError where columns are missing, by the places of those that there are."""
    alternatives: Collection[str] = ()
    """Columns of which one that was chosen makes the others needless."""


class Table:
    """The rows of an open CSV file.

    `columns` is the place of each known column, by the names of the `form`. `chosen` gives a header, or a
    place from 1 on, for columns that somebody chose.
    """

    def __init__(self, opened: BinaryIO, chosen: Mapping[str, str], form: TableForm) -> None:
        self._opened, self._form = opened, form
        self._lines = self._texts()
        self._separator, header = self._header(chosen)
        self._width = len(header)
        self.columns = _columns(header, chosen, form)
        self._needed = 1 + max(column for name, column in self.columns.items() if name in form.needed)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Return the rows that are not empty, each with the number of its first line. Raises
        InformativaError."""
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
        """Return the lines, each with its number and without its end. Raises InformativaError for one that is
        not text."""
        read = self._opened.readline
        for number in count(1):
            if not (raw := read(LONGEST + 1)):
                return
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
        """Return whether a row may have another number of cells than the header: spreadsheets leave out empty
        cells at the end, and write more of them."""
        return len(cells) >= self._needed and not any(cell.strip() for cell in cells[self._width :])

    def _header(self, chosen: Mapping[str, str]) -> tuple[str, list[str]]:
        """Return the separator by which most known columns are found, and the header's cells."""
        first = next((text for _number, text in self._lines if text.strip()), "")
        separators = _SEPARATORS
        if named := _NAMED_SEPARATOR.fullmatch(first):
            separators, first = named[1], next((text for _number, text in self._lines), "")
        headers = {_plain(header) for header in chosen.values()}.union(*self._form.headers.values())
        best: tuple[tuple[int, int], str, list[str]] = ((0, 0), separators[0], [])
        for separator in separators:
            with suppress(csv.Error):
                cells = next(csv.reader([first], delimiter=separator, strict=True), [])
                matches = sum(_plain(cell) in headers for cell in cells)
                best = max(
                    best, ((matches, len(cells)), separator, cells), key=lambda candidate: candidate[0]
                )
        return best[1], best[2]

    def _quoted(self, number: int, text: str) -> list[str]:
        """Return the cells of a row with quotes, which may continue on later lines."""
        try:
            return next(csv.reader(self._joined(number, text), delimiter=self._separator, strict=True))
        except csv.Error:
            raise _refused(
                number,
                Text("opens a quote that is closed nowhere, or not before a separator"),
                Text('A quote inside quotes is doubled: "a ""b"" c".'),
            ) from None

    def _joined(self, number: int, text: str) -> Iterator[str]:
        """Return the lines of one row, as they are asked for. Raises InformativaError where a line looks like
        a row by itself, apart from a quote that should not be there."""
        yield text + "\n"
        *closed, opened = self._cells(text)
        inside = opened.count(self._separator)
        swallowed = inside > 0 and len(closed) + inside >= self._width - 1
        length = len(text)
        for later, continuation in self._lines:
            length += len(continuation) + 1
            inside = self._cells('"' + continuation)[0].count(self._separator)
            if swallowed or inside >= self._width - 1 or length > LONGEST:
                raise _refused(
                    number,
                    Text(
                        "opens a quote that is still open on line {later}, over what may be rows", later=later
                    ),
                    Text("Close it, or write that cell on one line."),
                )
            yield continuation + "\n"

    def _cells(self, text: str) -> list[str]:
        """Return the cells of one line alone, of which the last may have a quote that stays open."""
        return next(csv.reader([text], delimiter=self._separator))


def require_seekable(opened: BinaryIO, file: Path) -> None:
    """Raise InformativaError for a pipe, which can be read only once."""
    if not opened.seekable():
        raise InformativaError(Text("{file} can be read only once.", file=file), Text("Save it first."))


def _first(raw: bytes) -> bytes:
    """Return the first line without its byte order mark. Raises InformativaError for another kind of file."""
    for sign, kind in _OTHER_FILES.items():
        if raw.startswith(sign):
            raise InformativaError(Text("This is no CSV file but {kind}.", kind=kind), _save())
    return raw.removeprefix(b"\xef\xbb\xbf")


def _columns(header: Sequence[str], chosen: Mapping[str, str], form: TableForm) -> dict[str, int]:
    """Return the place of each column. Raises InformativaError where one is missing or ambiguous."""
    places = {name: _chosen_column(name, choice, header, form) for name, choice in chosen.items()}
    skipped = form.alternatives if places.keys() & {*form.alternatives} else ()
    for name, headers in form.headers.items():
        columns = [column for column, cell in enumerate(header) if _plain(cell) in headers]
        if not columns or name in places or name in skipped:
            continue
        if len(columns) > 1:
            raise _ambiguous(name, [header[column] for column in columns], columns[0], form)
        places[name] = columns[0]
    form.require(places)
    return places


def _chosen_column(name: str, choice: str, header: Sequence[str], form: TableForm) -> int:
    """Return the place of the column that was chosen by its header or its place."""
    if name not in form.headers:
        raise InformativaError(
            Text(
                "{option} takes {names}, each with a header.",
                option=form.option,
                names=", ".join(form.headers),
            ),
            Text("Type it like {option} {example}.", option=form.option, example=form.example),
        )
    columns = [column for column, cell in enumerate(header) if _plain(cell) == _plain(choice)]
    if not columns and choice.isdecimal() and 1 <= int(choice) <= len(header):
        return int(choice) - 1
    if len(columns) == 1:
        return columns[0]
    if columns:
        raise _ambiguous(name, [header[column] for column in columns], columns[0], form)
    raise InformativaError(
        Text("No column has the header {header}.", header=without_numbers(choice)),
        Text("There are: {names}.", names=_headers(header)),
    )


def _ambiguous(name: str, headers: Sequence[str], column: int, form: TableForm) -> InformativaError:
    return InformativaError(
        Text(
            "The header has more than one column for {name}: {headers}.", name=name, headers=_headers(headers)
        ),
        Text(
            "Say which: {option} {name}={header}, or by its place: {option} {name}={place}",
            option=form.option,
            name=name,
            header=without_numbers(headers[0].strip()),
            place=column + 1,
        ),
    )


def _headers(headers: Sequence[str]) -> str:
    """Return headers for a message, without numbers: where the header is missing, a row with somebody's
    number is in its place."""
    return without_numbers(", ".join(header.strip() for header in headers[:20]))


def _refused(line: int, fault: Text, remedy: Text = NOTHING) -> InformativaError:
    return InformativaError(Text("Line {line} {why}.", line=line, why=fault), remedy)


def _plain(name: str) -> str:
    return name.strip().lower()


def _save() -> Text:
    return Text("Save it as CSV, UTF-8.")
