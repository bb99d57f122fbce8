"""Preparation of the rows of an import: from cells to records that can be added. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..call.caller import pseudonym
from ..evidence.commitment import bind
from ..ledgers import bulk
from ..ledgers.bulk import CommonValues, common
from ..ledgers.sqlite import SqliteStore
from ..model import (
    Controller,
    Identified,
    Notice,
    NumberForm,
    RecordKind,
    Version,
    numbering,
    plausibility,
    told_elsewhere,
)
from ..model.errors import InformativaError
from ..model.text import Text
from ..model.words import NumberKind
from .callers import REFERENCE_FAULTS, WHY_IMPLAUSIBLE
from .cell_times import cell_time
from .csv_table import TableForm
from .import_order import PreparedRow
from .typed_caller import CUSTOMER, SEPARATORS, is_unusual

CACHE_SIZE = 4096  # dates and versions whose meaning is remembered


def _require_import(places: Mapping[str, int]) -> None:
    if "number" in places and "customer" in places:
        raise InformativaError(
            Text("The header names callers twice: by number and by customer number."),
            Text(
                "Say which counts: --column number={number} or --column customer={customer}",
                number=places["number"] + 1,
                customer=places["customer"] + 1,
            ),
        )
    if not places.keys() & {"number", "customer"} or "date" not in places:
        raise InformativaError(
            Text(
                "The first line must name the columns, `number` and `date` among them (or `numero`, `data`)."
            ),
            Text("Others may be `reference` and `version`, or `customer` instead of `number`."),
        )


IMPORT = TableForm(
    headers={
        "number": {"number", "phone", "telephone", "numero", "telefono", "cellulare"},
        "customer": {
            "customer",
            "customer number",
            "customer id",
            "codice cliente",
            "numero cliente",
            "id cliente",
        },
        "date": {"date", "data"},
        "reference": {"reference", "riferimento"},
        "version": {"version", "versione"},
    },
    needed={"number", "customer", "date"},
    option="--column",
    example="number=cellulare",
    require=_require_import,
    alternatives={"number", "customer"},
)
"""Deliveries made elsewhere."""


class RejectedError(ValueError):
    """A row cannot be imported. `reason` says why, never with the number in it."""

    def __init__(self, reason: Text) -> None:
        self.reason = reason
        super().__init__(str(reason))


@dataclass(frozen=True)
class Source:
    """A file to import, and what applies to all of its rows."""

    file: Path
    controller: Controller
    notice: Notice
    kind: RecordKind
    reference: str
    region: str
    """The country (ISO 3166) of national numbers."""
    columns: Mapping[str, str]
    """The headers (or places, from 1 on) that somebody chose for columns, by the names of
    `IMPORT`."""
    now: datetime
    callers: NumberForm = NumberForm.EITHER
    """The form of numbers without + or 00."""

    @property
    def form(self) -> TableForm:
        """The columns of the file."""
        return IMPORT

    @property
    def writes(self) -> bool:
        """True if the rows are put on record, and not only looked at."""
        return True

    def reader(self, columns: Mapping[str, int], origin: str) -> RowReader:
        """Return a reader of its rows, for the log of that origin."""
        return RowReader(self, columns, origin)

    def add(self, ledger: SqliteStore | None, page: Sequence[Any]) -> int:
        """Record the rows that are new, in one transaction, and return their number. There is no ledger only
        where nothing is written. Raises LedgerError."""
        assert ledger is not None
        return bulk.append_new(ledger, page)

    @property
    def rejects(self) -> Path:
        """Return the path of the file that lists rejected rows by line and reason."""
        return self.file.with_name(f"{self.file.name}.rejects.csv")


class RowReader:
    """A reader of rows, which remembers the meaning of dates and versions."""

    def __init__(self, source: Source, columns: Mapping[str, int], origin: str) -> None:
        self._source, self._columns, self._origin = source, columns, origin
        self.unusual = 0  # so far
        self._delivery = lru_cache(CACHE_SIZE)(self._find_delivery)

    def ready(self, cells: Sequence[str]) -> PreparedRow:
        """Return the record of the delivery in one row. Raises RejectedError."""
        source = self._source
        delivery = self._delivery(self._cell(cells, "date"), self._cell(cells, "version"))
        if isinstance(delivery, Text):
            raise RejectedError(delivery)
        caller, unusual = self._caller(cells)
        reference = self._reference(cells, caller)
        key, *old_keys = source.controller.key, *source.controller.old_keys
        self.unusual += unusual
        return delivery.ready(
            pseudonym(caller, key),
            reference,
            bind(caller, key),
            [pseudonym(caller, old_key) for old_key in old_keys],
        )

    def _caller(self, cells: Sequence[str]) -> tuple[Identified, bool]:
        """Return the caller of a row, and whether his number is unusual. Raises RejectedError."""
        if "customer" not in self._columns:
            number, country, kind = _number(
                self._cell(cells, "number"), self._source.region, self._source.callers
            )
            return Identified(number), is_unusual(number, country, kind)
        customer = self._cell(cells, "customer")
        if not CUSTOMER.fullmatch(customer):
            raise RejectedError(Text("the customer number is not of letters, digits and . _ @ - only"))
        return Identified(customer, customer=True), False

    def _reference(self, cells: Sequence[str], caller: Identified) -> str:
        """Return the reference of a row. Raises RejectedError."""
        reference = plausibility.evidence(self._cell(cells, "reference") or self._source.reference)
        fault = plausibility.reference_fault(reference, "" if caller.customer else caller.number)
        if fault is not None:
            raise RejectedError(REFERENCE_FAULTS[fault])
        return reference

    def _cell(self, cells: Sequence[str], name: str) -> str:
        column = self._columns.get(name)
        return cells[column].strip() if column is not None and column < len(cells) else ""

    def _find_delivery(self, day: str, name: str) -> CommonValues | Text:
        """Return what all deliveries of that day and version have in common; the version in force, if `name`
        is empty. Return the reason instead where nobody can have been told."""
        source, version_at = self._source, self._version_at(day, name)
        if isinstance(version_at, Text):
            return version_at
        version, at = version_at
        event = told_elsewhere(source.notice, version, source.kind, at, None, "", source.now)
        return common(event, self._origin)

    def _version_at(self, day: str, name: str = "") -> tuple[Version, datetime] | Text:
        """Return the version that a caller can have been told at a time, and that time, or the reason why
        there is none; the one in force then, if `name` is empty."""
        source, controller = self._source, self._source.controller
        at = _moment(day, controller)
        if at is None:
            return Text("the date is not such as 2026-01-31 or 31/01/2026")
        version = plausibility.version_told(
            source.notice, name, at, source.now, controller.retention, controller.zone
        )
        return (version, at) if isinstance(version, Version) else WHY_IMPLAUSIBLE[version]


def _moment(text: str, controller: Controller) -> datetime | None:
    """Return the time of a day, with or without a time of day, in the controller's zone; `None` for another
    text."""
    try:
        return plausibility.moment(cell_time(text).isoformat(), controller.zone)
    except (ValueError, OverflowError):
        return None


def _number(text: str, region: str, form: NumberForm) -> tuple[str, str, NumberKind]:
    """Return a number in E.164, with its country and its kind. Raises RejectedError."""
    plain = text.translate(SEPARATORS)
    if "E+" in plain.upper():
        raise RejectedError(Text("the number was rounded by a spreadsheet; export that column as text"))
    numbers = numbering.valid(plain, region, form)
    if len(numbers) > 1:
        raise RejectedError(
            Text(
                "the number may be national or international; write it with + and country code, or give"
                " --callers national or --callers international"
            )
        )
    if not numbers:
        raise RejectedError(Text("the number is not one"))
    ((number, (country, kind)),) = numbers.items()
    return number, country, kind
