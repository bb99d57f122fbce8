"""`informativa evidence bundle`: all that an auditor needs of a period, in one file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model import Action
from ...operations.access_log import note_in_shell
from ...operations.asked_exports import require_no_four_eyes
from ...operations.controllers import select_for_callers
from ...operations.day_range import DayRange
from ...operations.evidence import bundle as operation
from ...views.text.bundle import bundle_lines
from ...views.text.bundle_readme import BundleWords
from ...views.text.evidence import bar
from ..options import Config, Json, day, print_result, reader_of, warn_of_unrelated
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the group this command."""
    app.command("bundle")(_bundle)


def _bundle(
    first: Annotated[
        date,
        typer.Option(
            "--from", metavar="DAY", parser=day, help="The first day, of the controller's time zone."
        ),
    ],
    last: Annotated[
        date, typer.Option("--to", metavar="DAY", parser=day, help="The last day, which is in it.")
    ],
    config: Config = DEFAULT_FILE,
    controller: Annotated[
        str | None,
        typer.Option("--controller", metavar="NAME", help="Whose; not needed where there is only one."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where it goes; NAME-DAY-DAY.zip, if not given."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="The auditor's: it, en. Yours, if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write records, proofs, checkpoints, texts and recordings of a period into a ZIP file for an auditor."""
    selection = select_for_callers(config, (controller,) if controller else ())
    warn_of_unrelated(selection.unrelated)
    (owner,) = selection.named
    period = DayRange(first, last, owner.zone)
    file = output or Path(f"{operation.folder_name(owner, period)}.zip")
    words = BundleWords(reader_of(language))
    facts = f"period={period.first}/{period.last}"
    require_no_four_eyes(owner)
    note_in_shell(owner, Action.BUNDLE, datetime.now(UTC), known=None, facts=facts)
    with bar(_("collecting"), _) as progress:
        bundle = operation.bundle(selection.configuration, owner, period, file, words, progress)
    print_result(bundle, bundle_lines(bundle, _), as_json=as_json)
