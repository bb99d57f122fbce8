"""Rows of a CSV file, or an error that names the line at fault.

Accepts the files that spreadsheets in Italy write: semicolons, commas or tabs, UTF-8 with or without a mark,
UTF-16, Windows-1252 or an old Macintosh's characters, Excel's `sep=;` before the header. Ambiguous files are
refused: a quote that swallows rows, two columns for one thing. Error messages never quote a row.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from ..model.errors import InformativaError
from ..model.text import NOTHING, Text
from . import text_encoding
from .table_columns import SAMPLE, TableForm, find_columns

LONGEST = 65_536  # bytes of a line, and characters of a row that goes over several
_SEPARATORS = ";,\t|"
_OTHER_FILES = {  # by their first bytes
    b"PK\x03\x04": "Excel (.xlsx)",
    b"\xd0\xcf\x11\xe0": "Excel (.xls, or with a password)",
    b"%PDF": "PDF",
    b"\x1f\x8b": "gzip",
}
_DAMAGED = str.maketrans("\0\r", "\ufffd\ufffd")  # so that a row that is given back is still no good
_NAMED_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')


@dataclass(frozen=True)
class Dialect:
    """Encoding and separator of a file, as far as somebody said them; what is empty is guessed."""

    encoding: str = ""
    separator: str = ""


GUESSED = Dialect()


class BadRow(list[str]):
    """The cells of a row that does not fit the table, with the reason."""

    def __init__(self, cells: Sequence[str], reason: Text, remedy: Text = NOTHING) -> None:
        super().__init__(cells)
        self.reason, self.remedy = reason, remedy


class Table:
    """The rows of an open CSV file.

    `columns` is the place of each known column, by the names of the `form`. `chosen` gives a header, or a
    place from 1 on, for columns that somebody chose.
    """

    def __init__(
        self, opened: BinaryIO, chosen: Mapping[str, str], form: TableForm, dialect: Dialect = GUESSED
    ) -> None:
        head = opened.read(LONGEST + 1)
        opened.seek(0)
        self.position = opened.tell
        self.mark = head.startswith(codecs.BOM_UTF8)
        """True if the file begins with a mark of UTF-8."""
        self.ends = "\r\n" if b"\r\n" in head or b"\r\0\n" in head else "\n"
        self.encoding = dialect.encoding or text_encoding.guess(head)
        self._lines = self._texts(text_encoding.lines(opened, self.encoding, head, LONGEST))
        self.separator, first, begins = self._first_line(chosen, form, dialect.separator)
        self.quotes_all = first.count('"') >= 2 + 2 * first.count(self.separator)
        """True if each cell of the first line stands in quotes."""
        sample = self._sample(begins, first, head)
        self.columns, self.header = find_columns(sample, chosen, form)
        if not self.header:
            self._lines = chain([(begins, first)], self._lines)
        self._width = len(sample[0])
        self._needed = 1 + max(column for name, column in self.columns.items() if name in form.needed)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Return the rows that are not empty, each with the number of its first line. Raises
        InformativaError for the first that does not fit, too."""
        for number, cells in self.all_rows():
            if isinstance(cells, BadRow):
                raise refused_line(number, cells.reason, cells.remedy)
            yield number, cells

    def all_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Return the rows that are not empty, each with the number of its first line; those that do not fit
        as a `BadRow`. Raises InformativaError where it is not clear which rows there are."""
        separator, width, needed = self.separator, self._width, self._needed
        nothing = separator + " \t"
        for number, text in self._lines:
            if not text.strip(nothing):
                continue
            damage = _damage(text) if "\0" in text or "\r" in text else None
            if damage is not None:
                text = text.translate(_DAMAGED)
            cells = self._quoted(number, text) if '"' in text else text.split(separator)
            if damage is not None:
                yield number, BadRow(cells, damage, save_as_csv())
            elif len(cells) != width and not self._fits(cells):
                yield number, _misfit(cells, width)
            elif len(cells) >= needed and any(cells):
                yield number, cells

    def _texts(self, lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
        """Return the lines, each with its number and without its end. Raises InformativaError for one that is
        too long, and for a first one that is not text."""
        single_byte = text_encoding.WINDOWS if self.encoding.startswith("utf") else self.encoding
        for number, raw in enumerate(lines, 1):
            if number == 1:
                raw = _first(raw)
            if len(raw) > LONGEST:
                raise refused_line(number, Text("is longer than {longest} bytes", longest=LONGEST))
            if raw.endswith(b"\r\n"):
                raw = raw[:-2]
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                text = raw.decode(single_byte, errors="replace")
            yield number, text.rstrip("\n")

    def _fits(self, cells: Sequence[str]) -> bool:
        """Return whether a row may have another number of cells than the header: spreadsheets leave out empty
        cells at the end, and write more of them."""
        return len(cells) >= self._needed and not any(cell.strip() for cell in cells[self._width :])

    def _first_line(self, chosen: Mapping[str, str], form: TableForm, separator: str) -> tuple[str, str, int]:
        """Return the separator by which most known columns are found, and the first line with its number."""
        begins, first = next(((number, text) for number, text in self._lines if text.strip()), (1, ""))
        separators = separator or _SEPARATORS
        if named := _NAMED_SEPARATOR.fullmatch(first):
            separators = separator or named[1]
            begins, first = next(self._lines, (begins, ""))
        headers = {_plain(header) for header in chosen.values()}.union(*form.headers.values())
        best: tuple[tuple[int, int], str] = ((0, 0), separators[0])
        for candidate in separators:
            with suppress(csv.Error):
                cells = next(csv.reader([first], delimiter=candidate, strict=True), [])
                matches = sum(_plain(cell) in headers for cell in cells)
                best = max(best, ((matches, len(cells)), candidate), key=lambda pair: pair[0])
        return best[1], first, begins

    def _sample(self, begins: int, first: str, head: bytes) -> list[list[str]]:
        """Return the cells of the first rows, the header among them, by which columns are recognised."""
        lines = text_encoding.lines(BytesIO(head), self.encoding, head, LONGEST)
        texts = islice(self._texts(lines), begins, begins + SAMPLE)
        complete = [text for _number, text in texts if text.strip() and '"' not in text]
        if len(head) > LONGEST:
            del complete[-1:]
        rows = csv.reader([first], delimiter=self.separator)
        return [next(rows, [""]) or [""], *(text.split(self.separator) for text in complete)]

    def _quoted(self, number: int, text: str) -> list[str]:
        """Return the cells of a row with quotes, which may continue on later lines."""
        try:
            return next(csv.reader(self._joined(number, text), delimiter=self.separator, strict=True))
        except csv.Error:
            raise refused_line(
                number,
                Text("opens a quote that is closed nowhere, or not before a separator"),
                Text('A quote inside quotes is doubled: "a ""b"" c".'),
            ) from None

    def _joined(self, number: int, text: str) -> Iterator[str]:
        """Return the lines of one row, as they are asked for. Raises InformativaError where a line looks like
        a row by itself, apart from a quote that should not be there."""
        yield text + "\n"
        *closed, opened = self._cells(text)
        inside = opened.count(self.separator)
        swallowed = inside > 0 and len(closed) + inside >= self._width - 1
        length = len(text)
        for later, continuation in self._lines:
            if "\0" in continuation or "\r" in continuation:
                raise refused_line(later, _damage(continuation), save_as_csv())
            length += len(continuation) + 1
            inside = self._cells('"' + continuation)[0].count(self.separator)
            if swallowed or inside >= self._width - 1 or length > LONGEST:
                raise refused_line(
                    number,
                    Text(
                        "opens a quote that is still open on line {later}, over what may be rows", later=later
                    ),
                    Text("Close it, or write that cell on one line."),
                )
            yield continuation + "\n"

    def _cells(self, text: str) -> list[str]:
        """Return the cells of one line alone, of which the last may have a quote that stays open."""
        return next(csv.reader([text], delimiter=self.separator))


def _damage(text: str) -> Text:
    """Return what is wrong with a line that has a NUL or a carriage return."""
    if "\0" in text:
        return Text("holds a NUL: the disk, or a program, lost what was there")
    return Text("has a carriage return in the middle")


def _misfit(cells: Sequence[str], width: int) -> BadRow:
    return BadRow(
        cells,
        Text.counted(
            "has {cells} cell, and the header {width}",
            "has {cells} cells, and the header {width}",
            len(cells),
            cells=len(cells),
            width=width,
        ),
        Text('A separator inside a cell stands in quotes: "a;b".'),
    )


def require_seekable(opened: BinaryIO, file: Path) -> None:
    """Raise InformativaError for a pipe, which can be read only once."""
    if not opened.seekable():
        raise InformativaError(Text("{file} can be read only once.", file=file), Text("Save it first."))


def _first(raw: bytes) -> bytes:
    """Return the first line without its byte order mark. Raises InformativaError for another kind of file."""
    for sign, kind in _OTHER_FILES.items():
        if raw.startswith(sign):
            raise InformativaError(Text("This is no CSV file but {kind}.", kind=kind), save_as_csv())
    if b"\0" in raw:
        raise refused_line(1, Text("holds a NUL, so this is no text"), save_as_csv())
    return raw.removeprefix(codecs.BOM_UTF8)


def refused_line(line: int, fault: Text, remedy: Text = NOTHING) -> InformativaError:
    """Return the error for a line that makes the whole file doubtful."""
    return InformativaError(Text("Line {line} {why}.", line=line, why=fault), remedy)


def save_as_csv() -> Text:
    """Return what to do about a file of another kind."""
    return Text("Save it as CSV, UTF-8.")


def _plain(name: str) -> str:
    return name.strip().lower()
