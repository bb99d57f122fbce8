"""Preparation of the rows of an import: from cells to records that can be added. Nothing is written here."""

from __future__ import annotations

import re
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
from ..model.redaction import without_numbers
from ..model.text import NOTHING, Text
from ..model.words import NumberKind
from .callers import REFERENCE_FAULTS, WHY_IMPLAUSIBLE
from .cell_times import DateForm, DateOrder, cell_time, is_day
from .csv_table import GUESSED, BadRow, Dialect
from .document import OptionalSentence, Time
from .import_order import PreparedRow
from .table_columns import TableForm
from .typed_caller import CUSTOMER, SEPARATORS, is_unusual

CACHE_SIZE = 4096  # dates and versions whose meaning is remembered
_NUMBER_LIKE = re.compile(r"\+?[0-9]{8,15}")


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
            Text(
                "Others may be `reference` and `version`, or `customer` instead of `number`. Or say which:"
                " --column number=2 --column date=3"
            ),
        )


def looks_like_number(text: str) -> bool:
    """Return whether a cell may be a telephone number, in any form."""
    return not is_day(text) and bool(_NUMBER_LIKE.fullmatch(text.strip().translate(SEPARATORS)))


IMPORT = TableForm(
    headers={
        "number": {
            *("number", "phone", "telephone", "numero", "telefono", "cellulare", "phone number", "mobile"),
            *("numero di telefono", "numero telefono", "telefono cellulare", "tel", "tel.", "cell", "cell."),
        },
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
    recognisers={"number": looks_like_number, "date": is_day},
)
"""Deliveries made elsewhere."""


class RejectedError(ValueError):
    """A row cannot be imported. `reason` says why, never with the number in it."""

    def __init__(self, reason: Text) -> None:
        self.reason = reason
        super().__init__(str(reason))


@dataclass(frozen=True)
class SampleRow:
    """A row of the file as it is understood."""

    line: int
    """Number of its first line."""
    caller: str
    """The caller, # for each digit or letter after the third; empty if the row has none."""
    at: Time | None
    """Time when the caller was told, or answered; null if the row has none."""
    answer: str
    """Answer to a consent; empty for other imports."""
    reference: str
    """Place of the evidence; # for digits that may be a number."""
    reason: OptionalSentence
    """Reason why the row cannot be taken; null if it can."""


@dataclass(frozen=True)
class FileOptions:
    """Form of a file, as far as somebody said it; what is empty or None is guessed."""

    dialect: Dialect = GUESSED
    sheet: str = ""
    """Sheet of an Excel file; the first if none is named."""
    dates: DateOrder | None = None
    short_years: bool | None = None
    """True if dates may have years of two digits, which are of this century."""
    rejects: Path | None = None
    """The file for the rows that cannot be taken, with the numbers in them."""


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
    callers: NumberForm | None = None
    """The form of numbers without + or 00; `None` if it is guessed."""
    options: FileOptions = FileOptions()

    @property
    def form(self) -> TableForm:
        """The columns of the file."""
        return IMPORT

    @property
    def is_explicit(self) -> bool:
        """True if somebody said all that would be guessed."""
        form, dialect, named = self.form, self.options.dialect, self.columns.keys()
        columns = bool(named & {*form.alternatives}) and named >= {*form.needed} - {*form.alternatives}
        options = dialect.encoding and dialect.separator and self.options.dates and self.callers
        return bool(columns and options)

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
        """Return the path of the file that lists rejected rows: by line and reason, unless one was named."""
        return self.options.rejects or self.file.with_name(f"{self.file.name}.rejects.csv")


class RowReader:
    """A reader of rows, which remembers the meaning of dates and versions."""

    def __init__(self, source: Source, columns: Mapping[str, int], origin: str) -> None:
        self._source, self._columns, self._origin = source, columns, origin
        self.unusual = 0  # so far
        self._callers = source.callers or NumberForm.EITHER
        options = source.options
        self._dates = DateForm(options.dates or DateOrder.DAY_FIRST, bool(options.short_years))
        self._delivery = lru_cache(CACHE_SIZE)(self._find_delivery)

    def ready(self, cells: Sequence[str]) -> PreparedRow:
        """Return the record of the delivery in one row. Raises RejectedError."""
        require_fitting(cells)
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
            number, country, kind = _number(self._cell(cells, "number"), self._source.region, self._callers)
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
        at = self._moment(day)
        if at is None:
            return Text("the date is not such as 2026-01-31 or 31/01/2026")
        version = plausibility.version_told(
            source.notice, name, at, source.now, controller.retention, controller.zone
        )
        return (version, at) if isinstance(version, Version) else WHY_IMPLAUSIBLE[version]

    def _moment(self, text: str) -> datetime | None:
        """Return the time of a day, with or without a time of day, in the controller's zone; `None` for
        another text."""
        try:
            return plausibility.moment(cell_time(text, self._dates).isoformat(), self._source.controller.zone)
        except (ValueError, OverflowError):
            return None

    def sample(self, line: int, cells: Sequence[str]) -> SampleRow:
        """Return a row as it is understood, without the digits of its number."""
        reason, caller = NOTHING, ""
        try:
            caller = _masked(self._caller(cells)[0])
            self.ready(cells)
        except RejectedError as error:
            reason = error.reason
        reference = plausibility.evidence(self._cell(cells, "reference") or self._source.reference)
        at = self._moment(self._cell(cells, "date"))
        return SampleRow(
            line,
            caller,
            at.astimezone(self._source.controller.zone) if at else None,
            without_numbers(self._cell(cells, "answer")),
            without_numbers(reference),
            reason,
        )


def require_fitting(cells: Sequence[str]) -> None:
    """Raise RejectedError for a row that does not fit its table."""
    if isinstance(cells, BadRow):
        raise RejectedError(cells.reason)


def _masked(caller: Identified) -> str:
    """Return a caller without what tells who he is: the beginning of a number, and how long it is."""
    return caller.number[:3] + "#" * len(caller.number[3:])


def _number(text: str, region: str, form: NumberForm) -> tuple[str, str, NumberKind]:
    """Return a number in E.164, with its country and its kind. Raises RejectedError."""
    plain = text if text.removeprefix("+").isalnum() else text.translate(SEPARATORS)
    numbers = numbering.valid(plain, region, form)
    if len(numbers) > 1:
        raise RejectedError(
            Text(
                "the number may be national or international; write it with + and country code, or give"
                " --callers national or --callers international"
            )
        )
    if not numbers:
        if "E+" in plain.upper():
            raise RejectedError(Text("the number was rounded by a spreadsheet; export that column as text"))
        raise RejectedError(Text("the number is not one"))
    ((number, (country, kind)),) = numbers.items()
    return number, country, kind
