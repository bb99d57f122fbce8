"""Import of deliveries made elsewhere, from a CSV file of any length.

The whole file is checked before anything of it is recorded. The same row adds nothing a second time, so a run
that was interrupted is simply repeated.
"""

from __future__ import annotations

import csv
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import phonenumbers

from ..ledgers import bulk
from ..ledgers.sqlite import SqliteStore
from ..model import plausibility
from ..model.errors import InformativaError
from ..model.plausibility import ReferenceFault
from ..model.text import Foreign, Text
from ..process import storage
from ..system.processes import worker_pool
from .callers import REFERENCE_FAULTS
from .import_order import Ordering
from .import_rows import CACHE_SIZE, ImportPart, PreparedPart, Source, is_american, prepare_part
from .import_table import Table

__all__ = ["Import", "ImportCounts", "Progress", "Source", "run"]

PART = 5000  # rows that are made ready together
BATCH = 1000  # rows in one transaction, for which calls wait
MOST_WORKERS = 3  # beside this process, each of which takes its memory
WORTH_WORKERS = 5  # parts, for which it takes no longer to start them

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
        if not opened.seekable():
            raise InformativaError(
                Text("{file} can be read only once.", file=source.file), Text("Save it first.")
            )
        try:
            parts = _understand(opened, source, progress)
        except InformativaError as error:
            message = Text("{error} Nothing of the file was recorded.", error=error.text)
            raise InformativaError(message) from error
        store = storage.store(source.controller)
        try:
            source.rejects.unlink(
                missing_ok=True
            )  # root may run this in another's folder, and follows no link
            with source.rejects.open("x", encoding="utf-8", newline="") as rejects_file:
                _record(
                    source, parts, store, _Rejects(csv.writer(rejects_file), counts, say), counts, progress
                )
        finally:
            store.close()
        if not counts.rejected:
            source.rejects.unlink()
    rejects = source.rejects if counts.rejected else None
    return Import(counts.read, counts.recorded, counts.known_before, counts.unusual, counts.rejected, rejects)


def _understand(opened: BinaryIO, source: Source, progress: Progress) -> list[ImportPart]:
    """Read the whole file and return its parts. Raises InformativaError for the first line that cannot be
    understood."""
    table = Table(opened, source.columns)
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
    parts, start, rows = list[ImportPart](), table.position, 0
    for rows, (line, cells) in enumerate(table.rows(), 1):
        if (text := cells[date_column]) not in checked_dates:
            if is_american(text):
                raise InformativaError(
                    Text("Line {line} has a date with the month first.", line=line),
                    Text("Write days as 2026-01-31 or 31/01/2026: 01/02/2026 would be taken for February."),
                )
            if len(checked_dates) < CACHE_SIZE:
                checked_dates.add(text)
        if not rows % PART:
            parts.append(ImportPart(*start, PART))
            start = table.position
            progress("check", start[0])
    progress("check", table.position[0])
    return [*parts, ImportPart(*start, rows % PART)]


def _record(
    source: Source,
    parts: Sequence[ImportPart],
    store: SqliteStore,
    rejects: _Rejects,
    counts: ImportCounts,
    progress: Progress,
) -> None:
    rows = sum(part.rows for part in parts)
    with closing(Ordering(Path(source.controller.ledger).parent, rows)) as ordering:
        for prepared in _prepared_parts(
            partial(prepare_part, source, store.log().origin, ordering.shares), parts
        ):
            for line, reason in prepared.rejected:
                rejects.add(line, reason)
            counts.unusual += prepared.unusual
            ordering.add(prepared.shares)
            progress("prepare", end := prepared.end)
        for window in ordering.windows():
            for batch in (window[at : at + BATCH] for at in range(0, len(window), BATCH)):
                added = bulk.append_new(store, batch)
                counts.recorded += added
                counts.known_before += len(batch) - added
                progress("record", end * counts.read // rows)


def _prepared_parts(
    work: Callable[[ImportPart], PreparedPart], parts: Sequence[ImportPart]
) -> Iterator[PreparedPart]:
    """Return each part prepared, in order: by this process, and by others where that is worth it."""
    workers = min(len(os.sched_getaffinity(0)) - 1, MOST_WORKERS) if len(parts) >= WORTH_WORKERS else 0
    with worker_pool(workers) as pool:
        futures = deque[Future[PreparedPart]]()
        for part in parts:
            if pool and sum(not future.done() for future in futures) < 2 * workers:
                futures.append(pool.submit(work, part))
            else:
                finished = Future[PreparedPart]()
                finished.set_result(work(part))
                futures.append(finished)
            while futures and futures[0].done():
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


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
