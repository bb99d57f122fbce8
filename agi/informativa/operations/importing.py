"""Import of deliveries made elsewhere, from a list of any length.

The whole file is read once before anything of it is recorded (import_reading.py). The same row adds nothing a
second time, so a run that was interrupted is simply repeated.

One process does all the work: a million rows take some 40 seconds of its CPU time. Worker processes could
take over at most the two fifths that prepare rows; on two cores a worker took a tenth off.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import phonenumbers

from ..ledgers.sqlite import SqliteStore
from ..model.errors import InformativaError
from ..model.text import Foreign, Text
from ..process import storage
from .csv_table import Table
from .import_order import Ordering, PreparedRow
from .import_reading import PART, ImportPreview, Progress, Reading, Understood, identity, opened_table
from .import_reading import understand as read_through
from .import_rejects import Rejects, opened_rejects
from .import_rows import RejectedError, RowReader, Source
from .sheet_table import SheetTable

__all__ = ["Import", "ImportCounts", "ImportPreview", "Progress", "Source", "run", "understand"]

BATCH = 1000  # rows in one transaction, for which calls wait


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
    complete_rejects: bool
    """True if that file has the rejected rows themselves, with the numbers in them."""
    reading: Reading
    """Form of the file as it was read."""


def understand(source: Source, progress: Progress) -> Understood:
    """Read the whole file, and say how it would be imported. Raises InformativaError for a file that cannot
    be understood."""
    if source.region not in phonenumbers.SUPPORTED_REGIONS:
        raise InformativaError(
            Text("{region} is not a country.", region=source.region), Text("Type it like --region IT.")
        )
    with _in_plain_words(source.file):
        try:
            return read_through(source, progress)
        except InformativaError as error:
            message = Text("{error} Nothing of the file was recorded.", error=error.message)
            raise InformativaError(message, error.remedy) from error


def run(
    source: Source,
    counts: ImportCounts,
    progress: Progress,
    say: Callable[[Text], str] = str,
    understood: Understood | None = None,
) -> Import:
    """Import the file, counting in `counts`, as it was `understood`. Rows that cannot be imported are listed
    in a file, in the words of `say`.

    Raises InformativaError for a file that cannot be understood: then nothing was recorded.
    """
    understood = understood or understand(source, progress)
    understood.reading.require_complete()
    source = understood.reading.apply(source)
    complete_rows = source.options.rejects is not None
    with _in_plain_words(source.file), opened_table(source) as table:
        if identity(source.file) != understood.identity:
            raise InformativaError(
                Text("{file} was changed meanwhile.", file=source.file), Text("Type the same again.")
            )
        with (
            _ledger(source) as ledger,
            opened_rejects(source.rejects, table, say, complete_rows=complete_rows) as rejects,
            _without_collector(),
        ):
            _record(source, table, understood.rows, ledger, rejects, counts, progress)
    return Import(
        counts.read,
        counts.recorded,
        counts.known_before,
        counts.unusual,
        counts.rejected,
        source.rejects if counts.rejected else None,
        complete_rows and bool(counts.rejected),
        understood.reading,
    )


def _ledger(source: Source) -> AbstractContextManager[SqliteStore | None]:
    """Open the ledger that rows are added to; or compared with, if there is one."""
    if source.writes:
        return closing(storage.store(source.controller))
    return storage.existing_ledger(source.controller)


def _record(
    source: Source,
    table: Table | SheetTable,
    rows: int,
    ledger: SqliteStore | None,
    rejects: Rejects,
    counts: ImportCounts,
    progress: Progress,
) -> None:
    origin = ledger.log().origin if ledger else ""
    with closing(Ordering(Path(source.controller.ledger).parent, rows)) as ordering:
        reader, remaining = source.reader(table.columns, origin), islice(table.all_rows(), rows)
        for _part in range(0, rows, PART):
            ordering.add(_prepared(reader, islice(remaining, PART), rejects))
            counts.unusual, counts.rejected = reader.unusual, rejects.number
            progress("prepare", table.position())
        rejects.flush()  # a full disk is noticed before anything is recorded
        progress("prepare", table.position())  # of a file without rows, too
        for window in ordering.windows():
            for batch in (window[at : at + BATCH] for at in range(0, len(window), BATCH)):
                added = source.add(ledger, batch)
                counts.recorded += added
                counts.known_before += len(batch) - added
                progress("record", table.position() * counts.read // rows)


def _prepared(
    reader: RowReader, rows: Iterable[tuple[int, list[str]]], rejects: Rejects
) -> Iterator[PreparedRow]:
    for line, cells in rows:
        try:
            yield reader.ready(cells)
        except RejectedError as error:
            rejects.add(line, cells, error.reason)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Leave garbage to reference counts: rows are in no cycles, and to look for some takes a tenth of the
    time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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
