"""`informativa import`: what callers were told elsewhere, from a CSV file of any length."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model import NumberForm, RecordKind
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import importing
from ...operations.controllers import notice_named, select_for_notices
from ...operations.importing import ImportCounts, Source
from ...views.text import importing as text
from ..options import Config, Json, print_document, warn_of_unrelated
from ..words import _
from .callers import Elsewhere

REJECTED = 4  # the exit code where some rows could not be taken


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("import")(_import)


def _import(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="With columns `number` (or `customer`) and `date`.")
    ],
    controller: Annotated[str, typer.Option(metavar="NAME", help="Who told them.")],
    kind: Annotated[Elsewhere, typer.Option("--by", help="operator, website or contract.")],
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Where the evidence is.")] = "",
    notice: Annotated[str, typer.Option(metavar="NAME")] = "privacy",
    region: Annotated[str, typer.Option(metavar="COUNTRY", help="Of numbers without country code.")] = "IT",
    callers: Annotated[
        NumberForm,
        typer.Option(
            metavar="FORM", help="How numbers without + or 00 are written: national, international or either."
        ),
    ] = NumberForm.EITHER,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=HEADER", help="Which column is the number, customer, date, …, if it is not clear."
        ),
    ] = None,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Put on record who was told elsewhere, from a CSV file; the same row adds nothing twice.

    The whole file is checked first, and nothing is recorded of one that cannot be understood. Exit code 4 if
    some rows were rejected.
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
    )
    result = _run(source)
    if as_json:
        print_document(result)
    else:
        for line in text.imported(result, _):
            print(line)
    if result.rejected:
        raise typer.Exit(REJECTED)


def _run(source: Source) -> importing.Import:
    """Import the file; print the numbers of rows also if it is interrupted."""
    counts = ImportCounts()
    try:
        with text.bars(source.file, _) as progress:
            return importing.run(source, counts, progress, _)
    except BaseException:
        if counts.read:
            print(text.count_lines(counts, _), file=sys.stderr)
            print(_("Type the same again: nothing is recorded twice."), file=sys.stderr)
        raise


def columns_by_name(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that `--column number=cellulare` chooses, by name."""
    pairs = [column.partition("=") for column in columns]
    if any(not (name and header) for name, _equals, header in pairs):
        raise InformativaError(
            Text("--column takes a name and a header."), Text("Type it like --column number=cellulare.")
        )
    return {name: header for name, _equals, header in pairs}
