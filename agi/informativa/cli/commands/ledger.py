"""Commands that read the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations import records
from ...operations.controllers import of_their_callers
from ...views.json import Record
from ...views.terminal import width
from ...views.text import records as view
from ..options import Config, Json, Of, print_records, told_aside
from ..words import _

app = typer.Typer(help="What was recorded.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the last N of each.")] = None,
    json: Json = False,
) -> None:
    """Show the records of a controller, the oldest first."""
    companies = of_their_callers(config, controller or ())
    told_aside(companies)
    if json:
        found = records.read_all(companies.named, last=last)
        print_records(Record.of(each.record, each.controller.id) for each in found)
        return
    for each in companies.named:
        with records.opened(each) as ledger:
            read = records.read(ledger, last=last) if ledger else None
            for lines in view.ledger(each, read, _, width()):
                print(lines)
