"""The reading of a file of an import: guessed from its rows, shown to a person, and only then used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ..model import NumberForm, numbering, plausibility
from ..model.errors import InformativaError
from ..model.redaction import without_numbers
from ..model.text import Text
from . import sheet_table, text_encoding
from .callers import REFERENCE_FAULTS
from .cell_times import DateEvidence, DateOrder
from .csv_table import BadRow, Table, refused_line, require_seekable
from .import_rows import CACHE_SIZE, SampleRow, Source
from .sheet_table import SheetTable
from .table_columns import SAMPLE
from .typed_caller import SEPARATORS

PART = 5000  # rows that are read together
SHOWN = 10  # rows

Progress = Callable[[str, int], None]
"""Called with a step, `check`, `prepare` or `record`, and how many bytes of the file are through it."""


@dataclass(frozen=True)
class Reading:
    """Form of the file as it is read."""

    encoding: str
    """Encoding of its text; `xlsx` for an Excel file."""
    separator: str
    """Separator of its cells."""
    sheet: str | None
    """Sheet of an Excel file; null for another file."""
    header: bool
    """True if the first row names the columns."""
    columns: dict[str, str]
    """Header of each column that is read, or its place (from 1 on) if there is no header."""
    dates: DateOrder | None
    """Order of day and month; null if the dates do not tell it and nobody did."""
    short_years: bool | None
    """True if 26 stands for 2026; null if most years have two digits and nobody said what they are."""
    callers: NumberForm
    """The form of numbers without + or 00."""

    def apply(self, source: Source) -> Source:
        """Return the source with all of this as if somebody had said it."""
        options = replace(source.options, dates=self.dates, short_years=self.short_years)
        return replace(source, callers=self.callers, options=options)

    def require_complete(self) -> None:
        """Raise InformativaError where only a person can tell."""
        if self.dates is None:
            raise InformativaError(
                Text("Every date of the file may be of two days: 01/02/2026 is in January or in February."),
                Text("Say which comes first: --dates day-first or --dates month-first"),
            )
        if self.short_years is None:
            raise InformativaError(
                Text("Most dates of the file have a year of two digits."),
                Text("If 26 stands for 2026 type --short-years, else --no-short-years."),
            )


@dataclass(frozen=True)
class ImportPreview:
    """Rows of a file as they would be imported, before anything of it is recorded."""

    rows: int
    """Number of its rows."""
    misfits: int
    """Number of rows that have more or fewer cells than the header, or are damaged."""
    numbers_stored: bool
    """True if an Excel file has the numbers as numbers, so that + and zeros before them are lost."""
    reading: Reading
    """Form of the file."""
    sample: tuple[SampleRow, ...]
    """First rows, as they are understood."""


@dataclass(frozen=True)
class Understood:
    """A file that was read from end to end once, and nothing of it recorded."""

    rows: int
    misfits: int
    numbers_stored: bool
    reading: Reading
    columns: dict[str, int]
    first: tuple[tuple[int, list[str]], ...]
    identity: tuple[int, ...]

    def preview(self, source: Source) -> ImportPreview:
        """Return how its first rows are understood."""
        reader = self.reading.apply(source).reader(self.columns, "")
        sample = tuple(reader.sample(line, cells) for line, cells in self.first[:SHOWN])
        return ImportPreview(self.rows, self.misfits, self.numbers_stored, self.reading, sample)


@contextmanager
def opened_table(source: Source) -> Iterator[Table | SheetTable]:
    """Open the file for the time of a `with` block. Raises InformativaError, OSError."""
    options = source.options
    if options.dialect.encoding not in ("", *text_encoding.ENCODINGS):
        raise InformativaError(
            Text("{name} is not an encoding that can be read.", name=options.dialect.encoding),
            Text("There are: {names}.", names=", ".join(text_encoding.ENCODINGS)),
        )
    if len(options.dialect.separator) > 1 or options.dialect.separator in ('"', "\r", "\n"):
        raise InformativaError(
            Text("A separator is one character."), Text("Type it like --separator ';' or --separator tab.")
        )
    with source.file.open("rb") as opened:
        require_seekable(opened, source.file)
        sign = opened.read(len(sheet_table.SIGN))
        opened.seek(0)
        if not sign:
            raise InformativaError(Text("{file} is empty.", file=source.file))
        if sign == sheet_table.SIGN:
            with sheet_table.opened_sheet(source.file, options.sheet, source.columns, source.form) as sheet:
                yield sheet
        else:
            yield Table(opened, source.columns, source.form, options.dialect)


def identity(file: Path) -> tuple[int, ...]:
    """Return what changes when a file is written or replaced. Raises OSError."""
    status = file.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def understand(source: Source, progress: Progress) -> Understood:
    """Read the whole file. Raises InformativaError where it cannot be understood, and OSError."""
    before = identity(source.file)
    with opened_table(source) as table:
        _require_reference(source, table)
        evidence, first, rows, misfits = DateEvidence(), [], 0, 0
        fault: tuple[int, BadRow] | None = None
        date_column, checked_dates = table.columns["date"], set[str]()
        for rows, (line, cells) in enumerate(table.all_rows(), 1):
            if isinstance(cells, BadRow):
                misfits += 1
                fault = fault or (line, cells)
            elif (text := cells[date_column]) not in checked_dates:
                evidence.add(line, text)
                if len(checked_dates) < CACHE_SIZE:
                    checked_dates.add(text)
            if rows <= SAMPLE:
                first.append((line, cells))
            if not rows % PART:
                progress("check", table.position())
        progress("check", table.position())
    if fault and 2 * misfits > rows:
        line, cells = fault
        raise refused_line(line, cells.reason, cells.remedy)
    return Understood(
        rows,
        misfits,
        isinstance(table, SheetTable) and bool(table.numbers_stored),
        _reading(source, table, evidence, [cells for _line, cells in first]),
        table.columns,
        tuple(first),
        before,
    )


def _reading(
    source: Source, table: Table | SheetTable, evidence: DateEvidence, rows: Sequence[Sequence[str]]
) -> Reading:
    options = source.options
    numbers = (
        cells[table.columns["number"]]
        for cells in rows
        if "number" in table.columns and table.columns["number"] < len(cells)
    )
    return Reading(
        encoding=table.encoding,
        separator=table.separator,
        sheet=table.sheet if isinstance(table, SheetTable) else None,
        header=bool(table.header),
        columns={
            name: without_numbers(table.header[place].strip()) if table.header else str(place + 1)
            for name, place in table.columns.items()
        },
        dates=options.dates or evidence.order,
        short_years=(None if evidence.years_are_short else False)
        if options.short_years is None
        else options.short_years,
        callers=source.callers or guess_form(numbers, source.region),
    )


def guess_form(numbers: Iterable[str], region: str) -> NumberForm:
    """Return the form of numbers without + or 00: the only one that some can have, if none can only have the
    other. A number that is the same in both forms has its country's code."""
    certain: set[NumberForm] = set()
    for number in islice(numbers, SAMPLE):
        plain = number.strip().translate(SEPARATORS)
        if not plain.startswith(("+", "00")):
            national = numbering.valid(plain, region, NumberForm.NATIONAL)
            international = numbering.valid(plain, region, NumberForm.INTERNATIONAL)
            if international and national in ({}, international):
                certain.add(NumberForm.INTERNATIONAL)
            elif national and not international:
                certain.add(NumberForm.NATIONAL)
    return certain.pop() if len(certain) == 1 else NumberForm.EITHER


def _require_reference(source: Source, table: Table | SheetTable) -> None:
    """Raise InformativaError where rows have no reference and the one for all is none."""
    fault = plausibility.reference_fault(plausibility.evidence(source.reference))
    if "reference" not in table.columns and fault:
        raise InformativaError(
            Text(
                "No row has a reference of its own, and --reference gives none ({why}).",
                why=REFERENCE_FAULTS[fault],
            ),
            Text("Say where the evidence is: --reference TEXT"),
        )
