"""The file of rows that an import could not take, with the reasons in the language of whoever corrects them.

By default it lists lines and reasons, and no number. A file that somebody named has the rows themselves, in
the form of the imported file and with one more column, so that they can be corrected and imported.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from ..model.errors import InformativaError
from ..model.text import Foreign, Text
from .csv_table import Table
from .sheet_table import SheetTable

WHY = Text("why")  # header of the column, in the reader's language


class Writer(Protocol):
    """The type of what `csv.writer` returns (it has no public name before Python 3.13)."""

    def writerow(self, row: Sequence[object], /) -> object:
        """Write one row."""


class Rejects:
    """The rejected rows of one import, for the time of a `with` block of `opened_rejects`."""

    def __init__(
        self,
        path: Path,
        file: IO[str],
        table: Table | SheetTable,
        say: Callable[[Text], str],
        *,
        complete_rows: bool,
    ) -> None:
        self.number = 0
        self._path, self._file, self._say, self._complete_rows = path, file, say, complete_rows
        names = table.header
        self._again = bool(names) and names[-1].strip() in {str(WHY), say(WHY)}  # rejected before
        self._width = len(names) - self._again
        if not complete_rows:
            self._writer: Writer = csv.writer(file)
            self._header: Sequence[object] = ("line", "reason")
            return
        self._writer = csv.writer(
            file,
            delimiter=table.separator,
            quoting=csv.QUOTE_ALL if table.quotes_all else csv.QUOTE_MINIMAL,
            lineterminator=table.ends,
        )
        self._header = (*names[: self._width], say(WHY)) if names else ()

    def add(self, line: int, cells: Sequence[str], reason: Text) -> None:
        """Add one row. Raises InformativaError."""
        with _in_plain_words(self._path):
            if not self.number and self._header:
                self._writer.writerow(self._header)
            self.number += 1
            self._writer.writerow(
                self._row(cells, reason) if self._complete_rows else (line, self._say(reason))
            )

    def flush(self) -> None:
        """Write out all rows. Raises InformativaError."""
        with _in_plain_words(self._path):
            self._file.flush()

    def _row(self, cells: Sequence[str], reason: Text) -> list[str]:
        """Return the row with its reason, in place of the one that it was rejected for before."""
        row = list(cells)
        if self._again and len(row) == self._width + 1:
            del row[-1]
        padding = [""] * (self._width - len(row))
        return [*row, *padding, self._say(reason)]


@contextmanager
def opened_rejects(
    file: Path, table: Table | SheetTable, say: Callable[[Text], str], *, complete_rows: bool
) -> Iterator[Rejects]:
    """Open the file; it stays if it has a row when all went well. Raises InformativaError."""
    encoding = "utf-8"
    if complete_rows:
        encoding = {"xlsx": "utf-8"}.get(table.encoding, table.encoding)
        encoding = "utf-8-sig" if table.mark else encoding
    with _in_plain_words(file):
        if not complete_rows:
            file.unlink(missing_ok=True)  # root may run this in another's folder, and follows no link
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if complete_rows else 0o666)
        opened = os.fdopen(descriptor, "w", encoding=encoding, errors="replace", newline="")
    rejects, finished = Rejects(file, opened, table, say, complete_rows=complete_rows), False
    try:
        yield rejects
        rejects.flush()
        finished = True
    finally:
        with suppress(OSError):  # of a full disk, which `flush` named
            opened.close()
        if not rejects.number or (complete_rows and not finished):
            file.unlink(missing_ok=True)


@contextmanager
def _in_plain_words(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise InformativaError(
            Text("{file} exists already.", file=file), Text("Delete it, or name another file: --rejects FILE")
        ) from error
    except OSError as error:
        raise InformativaError(
            Text(
                "Rejected rows cannot be written into {file} ({why}).",
                file=file,
                why=Foreign(error.strerror or ""),
            ),
            Text("Make room, or name another file: --rejects FILE. Then type the same again."),
        ) from error
