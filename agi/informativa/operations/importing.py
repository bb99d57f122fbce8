"""What callers were told elsewhere, from a CSV file of any length.

The whole file is understood before anything of it is recorded. The same row adds nothing a second time, so a
run that was cut off is simply run again.
"""

from __future__ import annotations

import csv
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, Protocol

import phonenumbers

from .. import plausibility, storage
from ..errors import InformativaError
from ..ledgers import bulk
from ..ledgers.bulk import Ready
from ..ledgers.sqlite import SqliteStore
from ..plausibility import ReferenceFault
from ..text import Foreign, Text
from .callers import REFERENCE_FAULTS
from .import_rows import KEPT, Page, Part, Source, is_american, made_ready
from .import_table import Table

__all__ = ["Imported", "Progress", "Source", "Tally", "run"]

BATCH = 5000  # rows in one transaction
MOST_WORKERS = 3  # which keep one that writes busy
WORTH_WORKERS = 5  # parts, for which it takes no longer to start them

Progress = Callable[[str, int], None]
"""Told what is being done, `check` or `record`, and how many bytes of the file are."""


class Writer(Protocol):
    """What `csv.writer` returns (its type has no public name before Python 3.13)."""

    def writerow(self, row: tuple[object, ...], /) -> object:
        """Write one row."""


@dataclass
class Tally:
    """How far it came. Whatever happens, this can be told. `unusual` are rows that were taken though
    their number is shorter or longer than most."""

    recorded: int = 0
    known: int = 0
    rejected: int = 0
    unusual: int = 0

    @property
    def read(self) -> int:
        """Rows of which one of these is sure."""
        return self.recorded + self.known + self.rejected


@dataclass(frozen=True)
class Imported:
    """How many rows were new, known before, and not taken; of those the file `rejects` says why. `unusual`
    are numbers that were taken and may lack a digit."""

    read: int
    recorded: int
    known: int
    unusual: int
    rejected: int
    rejects: Path | None


def run(source: Source, tally: Tally, progress: Progress, say: Callable[[Text], str] = str) -> Imported:
    """Import the file, counting as it goes; rows that cannot be taken go beside it, by line and reason, which
    `say` puts into words.

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
            with source.rejects.open("x", encoding="utf-8", newline="") as bad:
                _record(source, parts, store, _Rejects(csv.writer(bad), tally, say), tally, progress)
        finally:
            store.close()
        if not tally.rejected:
            source.rejects.unlink()
    rejects = source.rejects if tally.rejected else None
    return Imported(tally.read, tally.recorded, tally.known, tally.unusual, tally.rejected, rejects)


def _understand(opened: BinaryIO, source: Source, progress: Progress) -> list[Part]:
    """Read it all; the parts of which it is. Raises InformativaError for the first line by which it cannot be
    understood."""
    table = Table(opened, source.columns)
    when, known = table.columns["date"], set[str]()
    if "reference" not in table.columns and plausibility.reference_fault(
        plausibility.evidence(source.reference)
    ):
        why = plausibility.reference_fault(plausibility.evidence(source.reference)) or ReferenceFault.NONE
        raise InformativaError(
            Text("No row has a reference of its own, and of that for all: {why}.", why=REFERENCE_FAULTS[why]),
            Text("Say where the evidence is: --reference TEXT"),
        )
    parts, begun, rows = list[Part](), table.position, 0
    for rows, (line, cells) in enumerate(table.rows(), 1):
        if (text := cells[when]) not in known:
            if is_american(text):
                raise InformativaError(
                    Text("Line {line} has a date with the month first.", line=line),
                    Text("Write days as 2026-01-31 or 31/01/2026: 01/02/2026 would be taken for February."),
                )
            if len(known) < KEPT:
                known.add(text)
        if not rows % BATCH:
            parts.append(Part(*begun, BATCH))
            begun = table.position
            progress("check", begun[0])
    progress("check", table.position[0])
    return [*parts, Part(*begun, rows % BATCH)]


def _record(
    source: Source, parts: Sequence[Part], store: SqliteStore, bad: _Rejects, tally: Tally, progress: Progress
) -> None:
    batch: list[Ready] = []

    def flush(end: int) -> None:
        some = batch[:BATCH]
        added = bulk.append_new(store, some)
        tally.recorded += added
        tally.known += len(some) - added
        del batch[:BATCH]
        progress("record", end)

    end = 0
    for page in _pages(source, store.log().origin, parts):
        for line, why in page.rejected:
            bad.add(line, why)
        tally.unusual += page.unusual
        batch += page.ready
        end = page.end
        while len(batch) >= BATCH:
            flush(end)
    flush(end)


def _pages(source: Source, origin: str, parts: Sequence[Part]) -> Iterator[Page]:
    """Each part made ready, in order, and no more of them at a time than keep everybody busy."""
    with _workers(len(parts)) as (begin, ahead):
        waiting = deque[Callable[[], Page]]()
        for part in parts:
            waiting.append(begin(made_ready, source, origin, part))
            if len(waiting) > ahead:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()


@contextmanager
def _workers(parts: int) -> Iterator[tuple[Callable[..., Callable[[], Page]], int]]:
    """How to have a part made ready, and of how many at a time: in processes of their own while this one
    writes, where it is worth it for so many."""
    others = min(len(os.sched_getaffinity(0)) - 1, MOST_WORKERS)
    if parts < WORTH_WORKERS or not others:
        yield partial, 0
        return
    pool = ProcessPoolExecutor(others, mp_context=get_context("spawn"))
    try:
        yield (lambda work, *given: pool.submit(work, *given).result), others
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class _Rejects:
    """The file of rows that cannot be taken, for who mends them: its reasons are in his language."""

    writer: Writer
    tally: Tally
    say: Callable[[Text], str]

    def add(self, line: int, why: Text) -> None:
        """One more."""
        if not self.tally.rejected:
            self.writer.writerow(("line", "reason"))
        self.tally.rejected += 1
        self.writer.writerow((line, self.say(why)))


@contextmanager
def _in_plain_words(file: Path) -> Iterator[None]:
    """A file that cannot be opened, read or written, in an admin's words."""
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
