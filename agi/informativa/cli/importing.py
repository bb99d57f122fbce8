"""`informativa import`: what callers were told elsewhere, from a CSV file of any length.

Takes what spreadsheets in Italy write: semicolons, commas or tabs, UTF-8 with or without a mark or
Windows-1252, dates as 2026-01-31 or 31/01/2026. The same row adds nothing a second time, so a run that
was cut off is simply run again.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .. import bootstrap
from ..caller import e164, pseudonym
from ..config import load
from ..errors import InformativaError
from ..i18n import _, foreign
from ..ledgers.sqlite import SqliteStore
from ..model import Controller, Event, Identified, Kind, Notice, NumberForm, told_elsewhere
from .callers import find_notice, find_version
from .options import live, print_json
from .terminal import console

BATCH = 5000  # rows in one transaction
COLUMNS = {
    "number": {"number", "phone", "telephone", "numero", "telefono", "cellulare"},
    "date": {"date", "data"},
    "reference": {"reference", "riferimento"},
    "version": {"version", "versione"},
}
DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")


class Writer(Protocol):
    """What `csv.writer` returns (its type has no public name before Python 3.13)."""

    def writerow(self, row: tuple[object, ...], /) -> object:
        """Write one row."""


class RejectedError(ValueError):
    """This row cannot be taken, and why; never with the number in it."""


@dataclass(frozen=True)
class Source:
    """What all rows of a file have in common."""

    controller: Controller
    notice: Notice
    kind: Kind
    reference: str
    region: str
    now: datetime

    def event(self, row: Mapping[str, str]) -> Event:
        """The delivery that one row tells of. Raises RejectedError."""
        at = _date(row.get("date", ""))
        if at > self.now:
            raise RejectedError(_("the date is still to come"))
        try:
            told = find_version(self.notice, row.get("version", ""), at)
        except InformativaError as error:
            raise RejectedError(str(error)) from None
        caller = Identified(_number(row.get("number", ""), self.region))
        own = pseudonym(caller, self.controller.key)
        return told_elsewhere(
            self.notice, told, self.kind, at, own, row.get("reference", "") or self.reference
        )


def run(
    file: Path,
    config: Path,
    controller: str,
    notice: str,
    kind: Kind,
    reference: str,
    region: str,
    as_json: bool = False,
) -> None:
    """Import `file`; what could not be taken goes, by line number and reason, beside it."""
    configuration = load(config)
    owner = live(configuration, controller)
    told = find_notice(configuration, controller, notice)
    source = Source(owner, told, kind, reference, region, datetime.now(UTC))
    rejects = file.with_name(f"{file.name}.rejects.csv")
    store = bootstrap.store(owner)
    try:
        rejects.unlink(missing_ok=True)  # root may run this in another's folder, and follows no link there
        with file.open("rb") as opened, rejects.open("x", encoding="utf-8", newline="") as bad:
            read, added, rejected = _import(opened, file.stat().st_size, source, store, csv.writer(bad))
    except OSError as error:
        raise InformativaError(
            _("{file} cannot be used ({why}).").format(
                file=error.filename or file, why=foreign(error.strerror or "")
            ),
            _("Name a CSV file that you may read, in a folder that you may write."),
        ) from error
    finally:
        store.close()
    if not rejected:
        rejects.unlink()
    if as_json:
        counts = {"read": read, "recorded": added, "known_before": read - added - rejected}
        print_json({**counts, "rejected": rejected, "rejects": rejects if rejected else None})
        return
    print(
        _("{read} rows read: {added} recorded, {known} known before, {rejected} rejected.").format(
            read=read, added=added, known=read - added - rejected, rejected=rejected
        )
    )
    if rejected:
        print(_("Why they were rejected, by line: {file}").format(file=rejects))


def _import(
    opened: BinaryIO, size: int, source: Source, store: SqliteStore, bad: Writer
) -> tuple[int, int, int]:
    """Rows read, recorded and rejected."""
    read = added = rejected = 0
    batch: list[Event] = []
    columns = (
        TextColumn(_("{task.completed:,.0f} of {task.total:,.0f} bytes")),
        BarColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console(stderr=True), disable=not sys.stderr.isatty(), transient=True
    ) as progress:
        task = progress.add_task("", total=size)
        for line, row in _rows(opened):
            read += 1
            try:
                batch.append(source.event(row))
            except RejectedError as error:
                rejected += 1
                if rejected == 1:
                    bad.writerow(("line", "reason"))
                bad.writerow((line, error))
            if len(batch) >= BATCH:
                added += store.append_new((event, ()) for event in batch)
                batch.clear()
                progress.update(task, completed=opened.tell())
        added += store.append_new((event, ()) for event in batch)
    return read, added, rejected


def _rows(opened: BinaryIO) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by our own column names, with its line number. Raises InformativaError for a wrong header."""
    lines = (_decode(line) for line in opened)
    header = next(lines, "").lstrip("\ufeff")
    separator = max(";,\t", key=header.count)
    names = [_column(name) for name in next(csv.reader([header], delimiter=separator), [])]
    if "number" not in names or "date" not in names:
        raise InformativaError(
            _("The first line must name the columns, `number` and `date` among them (or `numero`, `data`)."),
            _("Others may be `reference` and `version`."),
        )
    reader = csv.reader(lines, delimiter=separator)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num + 1, dict(zip(names, (cell.strip() for cell in cells), strict=False))


def _decode(line: bytes) -> str:
    with suppress(UnicodeDecodeError):
        return line.decode("utf-8")
    return line.decode("cp1252", errors="replace")


def _column(name: str) -> str:
    plain = name.strip().lower()
    return next((ours for ours, theirs in COLUMNS.items() if plain in theirs), plain)


def _date(text: str) -> datetime:
    for form in DATES:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    raise RejectedError(_("the date is not such as 2026-01-31 or 31/01/2026"))


def _number(text: str, region: str) -> str:
    plain = "".join(letter for letter in text if letter not in " -./()'")
    if "E+" in plain.upper():
        raise RejectedError(_("the number was rounded by a spreadsheet; export that column as text"))
    found = e164(plain, region, NumberForm.EITHER)
    if len(found) > 1:
        raise RejectedError(
            _("the number may be national or international; write it with + and country code")
        )
    if not found:
        raise RejectedError(_("the number is not one"))
    (number,) = found
    return number
