"""`informativa import`: what callers were told elsewhere, from a list of any length; and what it shares with
`consent import`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import typer

from ...config import DEFAULT_FILE
from ...model import NumberForm, RecordKind
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import importing
from ...operations.cell_times import DateOrder
from ...operations.controllers import notice_named, select_for_notices
from ...operations.csv_table import Dialect
from ...operations.import_reading import Reading, Understood
from ...operations.import_rows import FileOptions
from ...operations.importing import Import, ImportCounts, ImportPreview, Source
from ...views.text import importing as text
from ..options import Config, Json, print_document, print_result, warn_of_unrelated
from ..questions import ask_yes, is_terminal
from ..words import _
from .callers import Elsewhere

REJECTED = 4  # the exit code where some rows could not be taken

S = TypeVar("S", bound=Source, contravariant=True)
R = TypeVar("R", bound=Import, covariant=True)


class Run(Protocol[S, R]):
    """An import, as `importing.run`."""

    def __call__(
        self,
        source: S,
        counts: ImportCounts,
        progress: importing.Progress,
        say: Callable[[Text], str],
        understood: Understood | None,
        /,
    ) -> R:
        """Import the file as it was understood."""


Form = Annotated[
    NumberForm | None,
    typer.Option(
        "--callers",
        metavar="FORM",
        help="How numbers without + or 00 are written: national, international or either.",
    ),
]
Column = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=HEADER", help="Which column is the number, customer, date, …, if it is not clear."
    ),
]
Encoding = Annotated[
    str, typer.Option(metavar="NAME", help="utf-8, cp1252, mac-roman or utf-16, if the guess is wrong.")
]
Separator = Annotated[
    str, typer.Option(metavar="CHARACTER", help="What stands between cells, if the guess is wrong, or `tab`.")
]
Sheet = Annotated[str, typer.Option(metavar="NAME", help="The sheet of an Excel file; else the first.")]
Dates = Annotated[
    DateOrder | None,
    typer.Option(metavar="ORDER", help="How to read 01/02/2026: day-first or month-first."),
]
ShortYears = Annotated[
    bool | None, typer.Option("--short-years/--no-short-years", help="Whether the year 26 stands for 2026.")
]
RejectsFile = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Write the rows that are rejected here, with their numbers and the reasons, to be corrected.",
    ),
]
Confirmed = Annotated[bool, typer.Option("--yes", help="Import without a question, as it is understood.")]


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("import")(_import)


def _import(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV or Excel (.xlsx), with columns `number` (or `customer`) and `date`."
        ),
    ],
    controller: Annotated[str, typer.Option(metavar="NAME", help="Who told them.")],
    kind: Annotated[Elsewhere, typer.Option("--by", help="operator, website or contract.")],
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Where the evidence is.")] = "",
    notice: Annotated[str, typer.Option(metavar="NAME")] = "privacy",
    region: Annotated[str, typer.Option(metavar="COUNTRY", help="Of numbers without country code.")] = "IT",
    callers: Form = None,
    column: Column = None,
    encoding: Encoding = "",
    separator: Separator = "",
    sheet: Sheet = "",
    dates: Dates = None,
    short_years: ShortYears = None,
    rejects: RejectsFile = None,
    confirmed: Confirmed = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Put on record who was told elsewhere, from a list; the same row adds nothing twice.

    The whole file is read first, and how it is understood is shown on ten rows before anything is recorded.
    Exit code 4 if some rows were rejected.
    """
    selection = select_for_notices(config, controller)
    warn_of_unrelated(selection.unrelated)
    source = Source(
        file,
        selection.named[0],
        notice_named(selection.configuration, controller, notice),
        RecordKind(kind),
        reference,
        region,
        columns_by_name(column or ()),
        datetime.now(UTC),
        callers,
        file_options(encoding, separator, sheet, dates, short_years, rejects),
    )
    result = run_import(source, importing.run, confirmed=confirmed, as_json=as_json)
    print_result(result, text.imported(result, _), as_json=as_json)
    if result.rejected:
        raise typer.Exit(REJECTED)


def file_options(
    encoding: str,
    separator: str,
    sheet: str,
    dates: DateOrder | None,
    short_years: bool | None,
    rejects: Path | None,
) -> FileOptions:
    """Return what was said of the form of a file."""
    tab = "\t" if separator.lower() in ("tab", "\\t") else separator
    return FileOptions(Dialect(encoding.lower(), tab), sheet, dates, short_years, rejects)


def run_import(source: S, run: Run[S, R], *, confirmed: bool, as_json: bool) -> R:
    """Show how the file is understood, and import it if somebody confirms it; print the numbers of rows also
    if it is interrupted."""
    with text.bars(source.file, _) as progress:
        understood = importing.understand(source, progress)
    understood = replace(understood, reading=_ask_missing(understood.reading))
    if source.writes and not (confirmed or source.is_explicit):
        _require_confirmation(understood.preview(source), as_json=as_json)
    counts = ImportCounts()
    try:
        with text.bars(source.file, _) as progress:
            return run(source, counts, progress, _, understood)
    except BaseException:
        if counts.read:
            print(text.count_lines(counts, _), file=sys.stderr)
            print(_("Type the same again: nothing is recorded twice."), file=sys.stderr)
        raise


def _ask_missing(reading: Reading) -> Reading:
    """Return the reading with the answers of a person at a terminal to what only a person can tell."""
    if not is_terminal():
        return reading
    if reading.dates is None:
        month_first = ask_yes(_("Is 01/02/2026 in this file the second of January (month first)?"))
        order = DateOrder.MONTH_FIRST if month_first else DateOrder.DAY_FIRST
        reading = replace(reading, dates=order)
    if reading.short_years is None:
        reading = replace(reading, short_years=ask_yes(_("Does the year 26 stand for 2026?")))
    return reading


def _require_confirmation(preview: ImportPreview, *, as_json: bool) -> None:
    """Show how the file is understood, and ask. Raises InformativaError where nobody can be asked, and Exit
    for a no."""
    if as_json:
        print_document(preview)
        raise typer.Exit(1)
    for line in text.previewed(preview, _):
        print(line)
    preview.reading.require_complete()
    if not is_terminal():
        raise InformativaError(
            Text("Nothing was recorded: nobody has confirmed that the file is read rightly."),
            Text("Look at the rows that are shown, and type the same with --yes."),
        )
    if not ask_yes(_("Record it?")):
        print(_("Nothing was recorded."))
        raise typer.Exit(1)


def columns_by_name(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that `--column number=cellulare` chooses, by name."""
    pairs = [column.partition("=") for column in columns]
    if any(not (name and header) for name, _equals, header in pairs):
        raise InformativaError(
            Text("--column takes a name and a header."), Text("Type it like --column number=cellulare.")
        )
    return {name: header for name, _equals, header in pairs}
