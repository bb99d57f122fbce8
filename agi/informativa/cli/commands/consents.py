"""Commands about consents: a file of all that stand, a list of answers given elsewhere than by key, and the
hook."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model import Action, Answer, Controller, RecordKind
from ...operations import consent_export, consent_import, consents
from ...operations.access_log import note_in_shell
from ...operations.asked_exports import require_no_four_eyes
from ...operations.consent_export import ConsentFilter
from ...operations.consent_import import ConsentSource
from ...operations.controllers import select_for_callers, select_for_notices
from ...views import record_files
from ...views.record_files import ConsentFormat
from ...views.terminal import escaped
from ...views.text import consents as text
from ..options import Config, Json, print_result, warn_of_unrelated
from ..words import _
from . import hooks
from .importing import (
    REJECTED,
    Column,
    Confirmed,
    Dates,
    Encoding,
    Form,
    RejectsFile,
    Separator,
    Sheet,
    ShortYears,
    columns_by_name,
    file_options,
    run_import,
)

app = typer.Typer(help="Consents of callers: in files, and to other systems.", no_args_is_help=True)

OfCompany = Annotated[str, typer.Option("--controller", metavar="NAME", help="Whose consent.")]


class Written(StrEnum):
    """The ways in which a list of answers comes about: where callers themselves wrote them."""

    WEBSITE = RecordKind.WEBSITE
    CONTRACT = RecordKind.CONTRACT


class Act(StrEnum):
    """The acts that a file can be of."""

    GRANTED = Answer.GRANTED
    REFUSED = Answer.REFUSED
    WITHDRAWN = Answer.WITHDRAWN


def add_to(program: typer.Typer) -> None:
    """Give the program this group."""
    program.add_typer(app, name="consent")


app.command("hook")(hooks.hook)


@app.command()
def export(
    controller: OfCompany,
    choice: Annotated[str | None, typer.Option(metavar="CHOICE", help="Only this consent.")] = None,
    form: Annotated[
        ConsentFormat,
        typer.Option("--format", help="csv or jsonl."),
    ] = ConsentFormat.CSV,
    answer: Annotated[
        Act | None, typer.Option(help="Only these; granted: only those that may be relied on now.")
    ] = None,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Print each caller's standing answers, under his pseudonym; --json is --format jsonl."""
    selection = select_for_callers(config, [controller])
    warn_of_unrelated(selection.unrelated)
    (owner,) = selection.named
    known, now = consents.consents(selection.configuration, owner.id), datetime.now(UTC)
    if choice is not None:
        consents.consent_named(selection.configuration, owner.id, choice)
    selection_of_rows = ConsentFilter(choice or "", None if answer is None else Answer(answer))
    rows = consent_export.rows(owner, known, now, selection_of_rows)
    require_no_four_eyes(owner)
    note_in_shell(owner, Action.EXPORT, now, known=None, facts=selection_of_rows.facts(owner.zone))
    form = ConsentFormat.LINES if as_json else form
    parts = record_files.consents(form, rows)
    for part in parts:
        print(escaped(part.replace("\r\n", "\n")), end="")  # a table's lines end as the shell's do


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV or Excel (.xlsx), with columns `number` (or `customer`), `answer` and `at`.",
        ),
    ],
    choice: Annotated[str, typer.Option(metavar="CHOICE", help="The consent that they answered.")],
    controller: OfCompany,
    kind: Annotated[Written, typer.Option("--by", help="website or contract.")],
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Where the evidence is.")] = "",
    region: Annotated[str, typer.Option(metavar="COUNTRY", help="Of numbers without country code.")] = "IT",
    callers_form: Form = None,
    column: Column = None,
    encoding: Encoding = "",
    separator: Separator = "",
    sheet: Sheet = "",
    dates: Dates = None,
    short_years: ShortYears = None,
    rejects: RejectsFile = None,
    confirmed: Confirmed = False,
    trial: Annotated[bool, typer.Option("--dry-run", help="Only say what would be recorded.")] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Put on record what callers answered to a consent, from a list; the same row adds nothing twice.

    The whole file is read first, and how it is understood is shown on ten rows before anything is recorded.
    Exit code 4 if some rows were rejected.
    """
    selection = select_for_notices(config, controller)
    warn_of_unrelated(selection.unrelated)
    (owner,) = selection.named
    source = ConsentSource(
        file,
        owner,
        consents.consent_named(selection.configuration, controller, choice).wording,
        RecordKind(kind),
        reference,
        region,
        columns_by_name(column or ()),
        datetime.now(UTC),
        callers_form,
        file_options(encoding, separator, sheet, dates, short_years, rejects),
        trial=trial,
    )
    result = _imported(source, owner, confirmed=confirmed, as_json=as_json)
    print_result(result, text.imported(result, _), as_json=as_json)
    if result.rejected:
        raise typer.Exit(REJECTED)


def _imported(
    source: ConsentSource, owner: Controller, *, confirmed: bool, as_json: bool
) -> consent_import.ConsentImport:
    """Import the file, and note it in the access log before; afterwards where it made the ledger."""
    noted = Path(owner.ledger).exists()
    facts = f"{'trial of an import' if source.trial else 'import'} choice={source.notice.id}"
    note_in_shell(owner, Action.RECORD_CONSENT, source.now, known=None, facts=facts)
    try:
        return run_import(source, consent_import.run, confirmed=confirmed, as_json=as_json)
    finally:
        if not noted:
            note_in_shell(owner, Action.RECORD_CONSENT, source.now, known=None, facts=facts)
