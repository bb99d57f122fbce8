"""Import of deliveries made elsewhere, from a CSV file of any length.

The whole file is checked before anything of it is recorded. The same row adds nothing a second time, so a run
that was interrupted is simply repeated.

One process does all the work: a million rows take some 45 seconds of its CPU time. Worker processes could
take over at most the two fifths that prepare rows; on two cores a worker took a tenth off.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

import phonenumbers

from ..ledgers.sqlite import SqliteStore
from ..model import plausibility
from ..model.errors import InformativaError
from ..model.plausibility import ReferenceFault
from ..model.text import Foreign, Text
from ..process import storage
from .callers import REFERENCE_FAULTS
from .cell_times import require_day_first
from .csv_table import Table, require_seekable
from .import_order import Ordering, PreparedRow
from .import_rows import CACHE_SIZE, RejectedError, RowReader, Source

__all__ = ["Import", "ImportCounts", "Progress", "Source", "run"]

PART = 5000  # rows that are prepared together
BATCH = 1000  # rows in one transaction, for which calls wait

Progress = Callable[[str, int], None]
"""Called with a step, `check`, `prepare` or `record`, and how many bytes of the file are through it."""


class Writer(Protocol):
    """The type of what `csv.writer` returns (it has no public name before Python 3.13)."""

    def writerow(self, row: tuple[object, ...], /) -> object:
        """Write one row."""


@dataclass
class ImportCounts:
    """The counts of an import so far, which can be read even after an error."""

    recorded: int = 0
    """The number of rows that were added."""
    known_before: int = 0
    """The number of rows that were on record before."""
    rejected: int = 0
    """The number of rows that cannot be imported."""
    unusual: int = 0
    """The number of rows that were accepted though their number is shorter or longer than most."""

    @property
    def read(self) -> int:
        """Return the number of rows that are finished."""
        return self.recorded + self.known_before + self.rejected


@dataclass(frozen=True)
class Import:
    """The result of an import."""

    read: int
    """Number of rows that were read."""
    recorded: int
    """Number of rows that were put on record."""
    known_before: int
    """Number of rows that were on record already."""
    unusual: int
    """Number of rows that were taken though their number is unusually short or long."""
    rejected: int
    """Number of rows that could not be taken."""
    rejects: Path | None
    """The file that lists these by line, each with its reason; null where there are none."""


def run(source: Source, counts: ImportCounts, progress: Progress, say: Callable[[Text], str] = str) -> Import:
    """Import the file, counting in `counts`. Rows that cannot be imported are listed in a file beside it, by
    line and reason, in the words of `say`.

    Raises InformativaError for a file that cannot be understood: then nothing was recorded.
    """
    if source.region not in phonenumbers.SUPPORTED_REGIONS:
        raise InformativaError(
            Text("{region} is not a country.", region=source.region), Text("Type it like --region IT.")
        )
    with _in_plain_words(source.file), source.file.open("rb") as opened:
        require_seekable(opened, source.file)
        try:
            rows = _understand(opened, source, progress)
        except InformativaError as error:
            message = Text("{error} Nothing of the file was recorded.", error=error.text)
            raise InformativaError(message) from error
        with _ledger(source) as ledger:
            source.rejects.unlink(
                missing_ok=True
            )  # root may run this in another's folder, and follows no link
            with source.rejects.open("x", encoding="utf-8", newline="") as rejects_file:
                rejects = _Rejects(csv.writer(rejects_file), counts, say)
                _record(opened, source, rows, ledger, rejects, progress)
        if not counts.rejected:
            source.rejects.unlink()
    listed = source.rejects if counts.rejected else None
    return Import(counts.read, counts.recorded, counts.known_before, counts.unusual, counts.rejected, listed)


def _ledger(source: Source) -> AbstractContextManager[SqliteStore | None]:
    """Open the ledger that rows are added to; or compared with, if there is one."""
    if source.writes:
        return closing(storage.store(source.controller))
    return storage.existing_ledger(source.controller)


def _understand(opened: BinaryIO, source: Source, progress: Progress) -> int:
    """Read the whole file and return the number of its rows. Raises InformativaError for the first line that
    cannot be understood."""
    table = Table(opened, source.columns, source.form)
    date_column, checked_dates = table.columns["date"], set[str]()
    if "reference" not in table.columns and plausibility.reference_fault(
        plausibility.evidence(source.reference)
    ):
        fault = plausibility.reference_fault(plausibility.evidence(source.reference)) or ReferenceFault.NONE
        raise InformativaError(
            Text(
                "No row has a reference of its own, and of that for all: {why}.", why=REFERENCE_FAULTS[fault]
            ),
            Text("Say where the evidence is: --reference TEXT"),
        )
    rows = 0
    for rows, (line, cells) in enumerate(table.rows(), 1):
        if (text := cells[date_column]) not in checked_dates:
            require_day_first(line, text)
            if len(checked_dates) < CACHE_SIZE:
                checked_dates.add(text)
        if not rows % PART:
            progress("check", opened.tell())
    progress("check", opened.tell())
    return rows


def _record(
    opened: BinaryIO,
    source: Source,
    rows: int,
    ledger: SqliteStore | None,
    rejects: _Rejects,
    progress: Progress,
) -> None:
    counts, origin = rejects.counts, ledger.log().origin if ledger else ""
    with closing(Ordering(Path(source.controller.ledger).parent, rows)) as ordering:
        opened.seek(0)
        table = Table(opened, source.columns, source.form)
        reader, remaining = source.reader(table.columns, origin), islice(table.rows(), rows)
        for _part in range(0, rows, PART):
            ordering.add(_prepared(reader, islice(remaining, PART), rejects))
            counts.unusual = reader.unusual
            progress("prepare", opened.tell())
        progress("prepare", opened.tell())  # of a file without rows, too
        for window in ordering.windows():
            for batch in (window[at : at + BATCH] for at in range(0, len(window), BATCH)):
                added = source.add(ledger, batch)
                counts.recorded += added
                counts.known_before += len(batch) - added
                progress("record", opened.tell() * counts.read // rows)


def _prepared(
    reader: RowReader, rows: Iterable[tuple[int, list[str]]], rejects: _Rejects
) -> Iterator[PreparedRow]:
    for line, cells in rows:
        try:
            yield reader.ready(cells)
        except RejectedError as error:
            rejects.add(line, error.reason)


@dataclass
class _Rejects:
    """The file of rows that cannot be imported; its reasons are in the language of the person who corrects
    them."""

    writer: Writer
    counts: ImportCounts
    say: Callable[[Text], str]

    def add(self, line: int, reason: Text) -> None:
        """Add one row."""
        if not self.counts.rejected:
            self.writer.writerow(("line", "reason"))
        self.counts.rejected += 1
        self.writer.writerow((line, self.say(reason)))


@contextmanager
def _in_plain_words(file: Path) -> Iterator[None]:
    """Turn an error in opening, reading or writing a file into one in an admin's words."""
    try:
        yield
    except OSError as error:
        raise InformativaError(
            Text(
                "{file} cannot be used ({why}).",
                file=error.filename or file,
                why=Foreign(error.strerror or ""),
            ),
            Text("Name a CSV file that you may read, in a folder that you may write."),
        ) from error
