"""What callers were told elsewhere, from a CSV file of any length.

The whole file is understood before anything of it is recorded. The same row adds nothing a second time, so a
run that was cut off is simply run again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol

import phonenumbers

from .. import plausibility, storage
from ..caller import e164, pseudonym
from ..errors import InformativaError
from ..evidence.commitment import bind
from ..ledgers.sqlite import SqliteStore
from ..model import Controller, Event, Identified, Notice, NumberForm, RecordKind, Version, told_elsewhere
from ..plausibility import ReferenceFault
from ..text import Foreign, Text
from .callers import CUSTOMER, REFERENCE_FAULTS, SEPARATORS, WHY_IMPLAUSIBLE, unusual
from .import_table import Table

BATCH = 5000  # rows in one transaction
KEPT = 4096  # dates and versions whose meaning is remembered
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")

Progress = Callable[[str, int], None]
"""Told what is being done, `check` or `record`, and how many bytes of the file are."""


class Writer(Protocol):
    """What `csv.writer` returns (its type has no public name before Python 3.13)."""

    def writerow(self, row: tuple[object, ...], /) -> object:
        """Write one row."""


class RejectedError(ValueError):
    """This row cannot be taken, and why; never with the number in it."""

    def __init__(self, why: Text) -> None:
        self.why = why
        super().__init__(str(why))


@dataclass(frozen=True)
class Source:
    """What all rows of a file have in common. `columns` are headers that somebody chose, by our own names."""

    file: Path
    controller: Controller
    notice: Notice
    kind: RecordKind
    reference: str
    region: str
    columns: Mapping[str, str]
    now: datetime

    @property
    def rejects(self) -> Path:
        """Where rows go that could not be taken, by line and reason."""
        return self.file.with_name(f"{self.file.name}.rejects.csv")


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
            _understand(opened, source, progress)
        except InformativaError as error:
            message = Text("{error} Nothing of the file was recorded.", error=error.text)
            raise InformativaError(message) from error
        opened.seek(0)
        store = storage.store(source.controller)
        try:
            source.rejects.unlink(
                missing_ok=True
            )  # root may run this in another's folder, and follows no link
            with source.rejects.open("x", encoding="utf-8", newline="") as bad:
                _record(opened, source, store, _Rejects(csv.writer(bad), tally, say), tally, progress)
        finally:
            store.close()
        if not tally.rejected:
            source.rejects.unlink()
    rejects = source.rejects if tally.rejected else None
    return Imported(tally.read, tally.recorded, tally.known, tally.unusual, tally.rejected, rejects)


def _understand(opened: BinaryIO, source: Source, progress: Progress) -> None:
    """Read it all. Raises InformativaError for the first line by which it cannot be understood."""
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
    for count, (line, cells) in enumerate(table.rows()):
        if (text := cells[when]) not in known:
            if _american(text):
                raise InformativaError(
                    Text("Line {line} has a date with the month first.", line=line),
                    Text("Write days as 2026-01-31 or 31/01/2026: 01/02/2026 would be taken for February."),
                )
            if len(known) < KEPT:
                known.add(text)
        if not count % BATCH:
            progress("check", opened.tell())


def _record(
    opened: BinaryIO, source: Source, store: SqliteStore, bad: _Rejects, tally: Tally, progress: Progress
) -> None:
    table = Table(opened, source.columns)
    row = _Row(source, table.columns)
    batch: list[tuple[Event, Sequence[bytes]]] = []

    def flush() -> None:
        added = store.append_new(batch)
        tally.recorded += added
        tally.known += len(batch) - added
        tally.unusual = row.unusual
        batch.clear()
        progress("record", opened.tell())

    for line, cells in table.rows():
        try:
            batch.append(row.parse(cells))
        except RejectedError as error:
            bad.add(line, error.why)
        if len(batch) >= BATCH:
            flush()
    flush()


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


class _Row:
    """Understands rows, and remembers what days and versions mean."""

    def __init__(self, source: Source, columns: Mapping[str, int]) -> None:
        self._source, self._columns = source, columns
        self.unusual = 0  # so far
        self._version_on = lru_cache(KEPT)(self._find_version)

    def parse(self, cells: Sequence[str]) -> tuple[Event, Sequence[bytes]]:
        """The delivery that one row tells of, and what else stood for its caller. Raises RejectedError."""
        source = self._source
        found = self._version_on(self._cell(cells, "date"), self._cell(cells, "version"))
        if isinstance(found, Text):
            raise RejectedError(found)
        version, at = found
        caller = self._caller(cells)
        reference = plausibility.evidence(self._cell(cells, "reference") or source.reference)
        if (
            wrong := plausibility.reference_fault(reference, "" if caller.customer else caller.number)
        ) is not None:
            raise RejectedError(REFERENCE_FAULTS[wrong])
        own, *earlier = (
            pseudonym(caller, key) for key in (source.controller.key, *source.controller.old_keys)
        )
        self.unusual += not caller.customer and bool(unusual(caller.number))
        event = told_elsewhere(source.notice, version, source.kind, at, own, reference, source.now)
        return replace(event, binding=bind(caller, source.controller.key)), earlier

    def _caller(self, cells: Sequence[str]) -> Identified:
        if "customer" not in self._columns:
            return Identified(_number(self._cell(cells, "number"), self._source.region))
        customer = self._cell(cells, "customer")
        if not CUSTOMER.fullmatch(customer):
            raise RejectedError(Text("the customer number is not of letters, digits and . _ @ - only"))
        return Identified(customer, customer=True)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        column = self._columns.get(name)
        return cells[column].strip() if column is not None and column < len(cells) else ""

    def _find_version(self, day: str, name: str) -> tuple[Version, datetime] | Text:
        """The version of that name, or in force that day, and when; or why nobody was told then."""
        source, own = self._source, self._source.controller
        at = _moment(day, own)
        if at is None:
            return Text("the date is not such as 2026-01-31 or 31/01/2026")
        found = plausibility.version_told(source.notice, name, at, source.now, own.retention, own.zone)
        return (found, at) if isinstance(found, Version) else WHY_IMPLAUSIBLE[found]


def _moment(text: str, controller: Controller) -> datetime | None:
    """A day, with or without a time, in the controller's time zone."""
    day, _space, clock = text.replace("T", " ").partition(" ")
    try:
        if found := _DAY.fullmatch(day):
            on = date(int(found[3]), int(found[2]), int(found[1]))
        else:
            on = date.fromisoformat(day) if len(day) == len("2026-01-31") else date.max
        at = datetime.combine(on, time.fromisoformat(clock.strip()) if clock else time())
        return None if on == date.max else plausibility.moment(at.isoformat(), controller.zone)
    except (ValueError, OverflowError):
        return None


def _american(text: str) -> bool:
    """Whether it is a date only with the month first, so that others of the file may be read wrongly."""
    found = _DAY.fullmatch(text.strip().partition(" ")[0])
    return found is not None and int(found[1]) <= 12 < int(found[2]) <= 31


def _number(text: str, region: str) -> str:
    plain = text.translate(SEPARATORS)
    if "E+" in plain.upper():
        raise RejectedError(Text("the number was rounded by a spreadsheet; export that column as text"))
    found = e164(plain, region, NumberForm.EITHER)
    if len(found) > 1:
        raise RejectedError(
            Text("the number may be national or international; write it with + and country code")
        )
    if not found:
        raise RejectedError(Text("the number is not one"))
    (number,) = found
    return number


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
