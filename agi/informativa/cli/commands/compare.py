"""`informativa evidence compare`: a list of calls beside the ledgers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ...config import DEFAULT_FILE
from ...model import Action, Controller
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations.access_log import note_in_shell
from ...operations.controllers import select_for_logs
from ...operations.evidence import comparison
from ...operations.evidence.comparison import ListSource
from ...views.text import comparison as view
from ..options import Config, Json, Of, day, failing_with, print_result, warn_of_unrelated
from ..words import _

DIFFERS, NOT_COMPARED = 3, 2  # exit codes


def add_to(app: typer.Typer) -> None:
    """Give the group this command."""
    app.command("compare")(_compare)


def _zone(text: str) -> tzinfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise typer.BadParameter(_("there is no such time zone. Write it like Europe/Rome or UTC.")) from None


def _compare(
    calls: Annotated[
        Path,
        typer.Option(
            "--calls", metavar="FILE", help="The list: Asterisk's Master.csv, or any CSV file with a header."
        ),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="NAME=HEADER,…",
            help="Which columns are id, line and start, if it is not clear: by header, or by place.",
        ),
    ] = None,
    first: Annotated[
        date | None,
        typer.Option("--from", metavar="DAY", parser=day, help="The first day; the list's, if not given."),
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", metavar="DAY", parser=day, help="The last day, which is in it.")
    ] = None,
    zone: Annotated[
        tzinfo | None,
        typer.Option(
            metavar="ZONE",
            parser=_zone,
            help="The time zone of the list, as UTC with usegmtime; the company's, if not given.",
        ),
    ] = None,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Hold a list of calls beside the ledger: calls without a record, and records without a call.

    The list is the PBX's own, or the carrier's; nothing of a caller is taken from it. Exit code 0 if they
    agree, 3 if something is missing, 2 if they could not be compared.
    """
    now = datetime.now(UTC)
    with failing_with(NOT_COMPARED):
        source = ListSource(calls, _columns_by_name(columns or ()), first, last, zone)
        selection = select_for_logs(config, controller or (), begun=False)
        warn_of_unrelated(selection.unrelated)

        def note(company: Controller) -> None:
            note_in_shell(company, Action.AUDIT, now, known=None, facts="calls compared with a list")

        with view.bar(calls, _) as progress:
            result = comparison.compare(selection.configuration, selection.named, source, progress, note)
    print_result(result, view.compared(result, _), as_json=as_json)
    if not result.agrees:
        raise typer.Exit(DIFFERS)


def _columns_by_name(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that `--columns id=uniqueid,line=dst` chooses, by name."""
    pairs = [pair.partition("=") for column in columns for pair in column.split(",")]
    if any(not (name and header) for name, _equals, header in pairs):
        raise InformativaError(
            Text("--columns takes names, each with a header."),
            Text("Type it like --columns id=uniqueid,line=dst,start=calldate."),
        )
    return {name.strip(): header for name, _equals, header in pairs}
