"""`informativa config`: the configuration file itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations.forecast import forecast
from ...views.text import forecast as view
from ..options import Config, Json, Of, day, print_document, warn
from ..words import _

app = typer.Typer(help="The configuration file itself.", no_args_is_help=True)


def add_to(program: typer.Typer) -> None:
    """Give the program the group `config`."""
    program.add_typer(app, name="config")


@app.command()
def diff(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The configuration that is to be loaded.")],
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    on: Annotated[
        date | None,
        typer.Option(
            "--on", metavar="DAY", parser=day, help="As it is at the end of a day to come; now, if not given."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what another configuration would change for callers: which would hear what, and for how long.

    All callers on record are counted, and the calls of the last 30 days as if they came again. Nothing is
    changed, and NEW is read as if it stood in the place of the configuration. The exit code is 3 if a company
    is left out.
    """
    with view.bar(_) as progress:
        result = forecast(new, config, datetime.now(UTC), on=on, names=controller or (), progress=progress)
    if as_json:
        print_document(result)
    else:
        warn(result.warnings)
        for line in view.forecast(result, _):
            print(line)
    if result.warnings:  # a company is left out
        raise typer.Exit(3)
