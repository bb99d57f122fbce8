"""Rows of a table of what callers were told elsewhere, made ready to be recorded: pure but for reading the
file, so that other processes do it while this one writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from itertools import islice
from pathlib import Path

from .. import numbering, plausibility
from ..caller import pseudonym
from ..evidence.commitment import bind
from ..ledgers.bulk import Common, Ready, common
from ..model import Controller, Identified, Notice, NumberForm, RecordKind, Version, told_elsewhere
from ..numbering import Kind
from ..text import Text
from .callers import CUSTOMER, REFERENCE_FAULTS, SEPARATORS, WHY_IMPLAUSIBLE, is_unusual
from .import_order import shared_out
from .import_table import Table

KEPT = 4096  # dates and versions whose meaning is remembered
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


class RejectedError(ValueError):
    """This row cannot be taken, and why; never with the number in it."""

    def __init__(self, why: Text) -> None:
        self.why = why
        super().__init__(str(why))


@dataclass(frozen=True)
class Source:
    """What all rows of a file have in common. `callers` is how numbers without + or 00 are written; `columns`
    are headers that somebody chose, by our own names."""

    file: Path
    controller: Controller
    notice: Notice
    kind: RecordKind
    reference: str
    region: str
    columns: Mapping[str, str]
    now: datetime
    callers: NumberForm = NumberForm.EITHER

    @property
    def rejects(self) -> Path:
        """Where rows go that could not be taken, by line and reason."""
        return self.file.with_name(f"{self.file.name}.rejects.csv")


@dataclass(frozen=True)
class Part:
    """So many rows of a file, from a byte on, before which so many lines stand."""

    offset: int
    line: int
    rows: int


@dataclass(frozen=True)
class Page:
    """What a part came to: the records that are ready, as `shared_out` has them, and the rows that cannot be
    taken, by line and reason. `unusual` are numbers that were taken and may lack a digit; `end` is the byte
    at which it ends."""

    shares: Sequence[bytes]
    rejected: tuple[tuple[int, Text], ...]
    unusual: int
    end: int


def made_ready(source: Source, origin: str, shares: int, part: Part) -> Page:
    """One part, for the log of that origin, in so many shares. Raises InformativaError and OSError."""
    ready, rejected = [], []
    with source.file.open("rb") as opened:
        table = Table(opened, source.columns)
        table.go_to(part.offset, part.line)
        row = _Row(source, table.columns, origin)
        for line, cells in islice(table.rows(), part.rows):
            try:
                ready.append(row.ready(cells))
            except RejectedError as error:
                rejected.append((line, error.why))
        return Page(shared_out(ready, shares), tuple(rejected), row.unusual, opened.tell())


class _Row:
    """Understands rows, and remembers what days and versions mean."""

    def __init__(self, source: Source, columns: Mapping[str, int], origin: str) -> None:
        self._source, self._columns, self._origin = source, columns, origin
        self.unusual = 0  # so far
        self._told_on = lru_cache(KEPT)(self._find_told)

    def ready(self, cells: Sequence[str]) -> Ready:
        """The record of the delivery that one row tells of. Raises RejectedError."""
        source = self._source
        told = self._told_on(self._cell(cells, "date"), self._cell(cells, "version"))
        if isinstance(told, Text):
            raise RejectedError(told)
        caller, unusual = self._caller(cells)
        reference = plausibility.evidence(self._cell(cells, "reference") or source.reference)
        if (
            wrong := plausibility.reference_fault(reference, "" if caller.customer else caller.number)
        ) is not None:
            raise RejectedError(REFERENCE_FAULTS[wrong])
        key, *old_keys = source.controller.key, *source.controller.old_keys
        self.unusual += unusual
        return told.ready(
            pseudonym(caller, key),
            reference,
            bind(caller, key),
            [pseudonym(caller, old) for old in old_keys],
        )

    def _caller(self, cells: Sequence[str]) -> tuple[Identified, bool]:
        """Who it is, and whether his number is unusual."""
        if "customer" not in self._columns:
            number, country, kind = _number(
                self._cell(cells, "number"), self._source.region, self._source.callers
            )
            return Identified(number), is_unusual(number, country, kind)
        customer = self._cell(cells, "customer")
        if not CUSTOMER.fullmatch(customer):
            raise RejectedError(Text("the customer number is not of letters, digits and . _ @ - only"))
        return Identified(customer, customer=True), False

    def _cell(self, cells: Sequence[str], name: str) -> str:
        column = self._columns.get(name)
        return cells[column].strip() if column is not None and column < len(cells) else ""

    def _find_told(self, day: str, name: str) -> Common | Text:
        """What all have in common who were told that day the version of that name, or the one in force; or
        why nobody was."""
        source, own = self._source, self._source.controller
        at = _moment(day, own)
        if at is None:
            return Text("the date is not such as 2026-01-31 or 31/01/2026")
        found = plausibility.version_told(source.notice, name, at, source.now, own.retention, own.zone)
        if not isinstance(found, Version):
            return WHY_IMPLAUSIBLE[found]
        event = told_elsewhere(source.notice, found, source.kind, at, None, "", source.now)
        return common(event, self._origin)


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


def is_american(text: str) -> bool:
    """Whether it is a date only with the month first, so that others of the file may be read wrongly."""
    found = _DAY.fullmatch(text.strip().partition(" ")[0])
    return found is not None and int(found[1]) <= 12 < int(found[2]) <= 31


def _number(text: str, region: str, form: NumberForm) -> tuple[str, str, Kind]:
    """In E.164, with its country and whose it is. Raises RejectedError."""
    plain = text.translate(SEPARATORS)
    if "E+" in plain.upper():
        raise RejectedError(Text("the number was rounded by a spreadsheet; export that column as text"))
    found = numbering.valid(plain, region, form)
    if len(found) > 1:
        raise RejectedError(
            Text(
                "the number may be national or international; write it with + and country code, or give"
                " --callers national or --callers international"
            )
        )
    if not found:
        raise RejectedError(Text("the number is not one"))
    ((number, (country, kind)),) = found.items()
    return number, country, kind
