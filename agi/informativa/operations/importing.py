"""What callers were told elsewhere, from a CSV file of any length.

The whole file is understood before anything of it is recorded. The same row adds nothing a second time, so a
run that was cut off is simply run again.
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

from .. import plausibility, storage
from ..errors import InformativaError
from ..ledgers import bulk
from ..ledgers.sqlite import SqliteStore
from ..plausibility import ReferenceFault
from ..processes import worker_pool
from ..text import Foreign, Text
from .callers import REFERENCE_FAULTS
from .import_order import Ordering
from .import_rows import KEPT, Page, Part, Source, is_american, made_ready
from .import_table import Table

__all__ = ["Imported", "Progress", "Source", "Tally", "run"]

PART = 5000  # rows that are made ready together
BATCH = 1000  # rows in one transaction, for which calls wait
MOST_WORKERS = 3  # beside this process, each of which takes its memory
WORTH_WORKERS = 5  # parts, for which it takes no longer to start them

Progress = Callable[[str, int], None]
"""Told what is being done, `check`, `prepare` or `record`, and how many bytes of the file are."""


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
        if not rows % PART:
            parts.append(Part(*begun, PART))
            begun = table.position
            progress("check", begun[0])
    progress("check", table.position[0])
    return [*parts, Part(*begun, rows % PART)]


def _record(
    source: Source, parts: Sequence[Part], store: SqliteStore, bad: _Rejects, tally: Tally, progress: Progress
) -> None:
    rows = sum(part.rows for part in parts)
    with closing(Ordering(Path(source.controller.ledger).parent, rows)) as ordering:
        for page in _pages(partial(made_ready, source, store.log().origin, ordering.shares), parts):
            for line, why in page.rejected:
                bad.add(line, why)
            tally.unusual += page.unusual
            ordering.add(page.shares)
            progress("prepare", end := page.end)
        for window in ordering.windows():
            for some in (window[at : at + BATCH] for at in range(0, len(window), BATCH)):
                added = bulk.append_new(store, some)
                tally.recorded += added
                tally.known += len(some) - added
                progress("record", end * tally.read // rows)


def _pages(work: Callable[[Part], Page], parts: Sequence[Part]) -> Iterator[Page]:
    """Each part made ready, in order: by this process, and by others where it is worth it."""
    others = min(len(os.sched_getaffinity(0)) - 1, MOST_WORKERS) if len(parts) >= WORTH_WORKERS else 0
    with worker_pool(others) as pool:
        waiting = deque[Future[Page]]()
        for part in parts:
            if pool and sum(not one.done() for one in waiting) < 2 * others:
                waiting.append(pool.submit(work, part))
            else:
                own = Future[Page]()
                own.set_result(work(part))
                waiting.append(own)
            while waiting and waiting[0].done():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


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
