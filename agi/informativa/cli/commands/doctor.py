"""`informativa doctor`: what is wrong with the live system, and how to mend it. Changes nothing."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations.doctor.account import of_configuration
from ...operations.doctor.examination import examine
from ...views import terminal
from ...views.text.account import instructions
from ...views.text.doctor import findings
from ..options import Config, Json, print_document
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("doctor")(_doctor)


def _doctor(
    config: Config = DEFAULT_FILE,
    account: Annotated[
        bool,
        typer.Option("--account", help="Print what makes an account at Asterisk's manager interface."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at the live system: Asterisk, dialplan, prompts, service, ledgers. Says what to mend; exit 1 if
    anything is wrong."""
    if account:
        print(instructions(of_configuration(config), _), end="")
        return
    examination = asyncio.run(examine(config))
    if as_json:
        print_document(examination)
    else:
        console = terminal.console(wrap=False)
        for line in findings(examination, _, unicode="utf" in (sys.stdout.encoding or "").lower()):
            console.print(line)
    if examination.wrong:
        raise typer.Exit(1)
