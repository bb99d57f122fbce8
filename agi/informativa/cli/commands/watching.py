"""The commands for watching: `tail`, whose work is in tail.py, and `status`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations import status
from ...views import terminal
from ...views.text import status as view
from ..options import Config, Json, Of, print_document
from ..words import _
from . import tail


def add_to(app: typer.Typer) -> None:
    """Give the program these commands."""
    app.command("tail")(_tail)
    app.command("status")(_status)


def _tail(
    line: Annotated[str | None, typer.Option(metavar="LINE", help="Only this called number.")] = None,
    controller: Of = None,
    count: Annotated[
        int, typer.Option("-n", min=0, metavar="COUNT", help="Begin with the last so many of each ledger.")
    ] = 10,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Follow the calls as they are recorded, one notice a line, until Ctrl-C."""
    tail.run(config, line, controller or (), count, as_json)


def _status(
    service: Annotated[
        bool,
        typer.Option(
            "--service", help="Only the service, whatever one company's trouble: for a health check."
        ),
    ] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Show the service and the ledgers on one screen.

    Exit code 0 if the service answers and the ledgers can be used.
    """
    if not _show(config, as_json, service_alone=service):
        raise typer.Exit(1)


def _show(file: Path, as_json: bool, *, service_alone: bool = False) -> bool:
    """Show the service and the ledgers; return whether all is in order. Raises ConfigError for a file of
    which no part can be used."""
    look = status.look_at_service if service_alone else status.look
    report = look(file, datetime.now().astimezone())
    if as_json:
        print_document(report)
        return report.in_order
    console = terminal.console()
    for part in view.screen(report, _):
        console.print(part)
    if report.warnings:
        console.print()
    for warning in view.warnings(report, _):
        console.print(warning, style="yellow", soft_wrap=True)
    return report.in_order
