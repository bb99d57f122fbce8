"""Commands about controllers: their state, and the worksheet for an outsourcing contract's prior analysis."""

from __future__ import annotations

from typing import Annotated

import typer

from ...config import DEFAULT_FILE, load
from ...operations import controller_state, outsourcing
from ...views.text import controllers as text
from ..options import Config, Json, print_document
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program these commands."""
    app.command("controllers")(_controllers)
    app.command("outsourcing-worksheet")(_outsourcing_worksheet)


def _controllers(config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """List the controllers with their state."""
    states = controller_state.states(load(config))
    if as_json:
        print_document(states)
        return
    for line in text.states(states, _):
        print(line)


def _outsourcing_worksheet(
    controller: Annotated[str, typer.Argument(metavar="CONTROLLER")], config: Config = DEFAULT_FILE
) -> None:
    """Print the worksheet that the analysis before an outsourcing contract starts from (Markdown)."""
    print(text.worksheet(outsourcing.facts(load(config), controller)))
