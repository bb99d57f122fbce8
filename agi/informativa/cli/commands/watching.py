"""The commands for watching: `tail`, whose work is in tail.py, and `status`."""

from __future__ import annotations

import sys
from datetime import datetime
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
    """Follow the calls as they are recorded, one notice a line, until Ctrl-C; in each company's own time."""
    tail.run(config, line, controller or (), count, as_json)


def _status(
    service: Annotated[
        bool,
        typer.Option(
            "--service", help="Only the service, whatever one company's trouble: for a health check."
        ),
    ] = False,
    screen: Annotated[
        bool, typer.Option("--screen", help="All that a terminal shows, also through a pipe.")
    ] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Show the service and the ledgers on one screen; through a pipe one line a company.

    Exit code 0 if the service answers and the ledgers can be used.
    """
    look = status.look_at_service if service else status.look
    report = look(config, datetime.now().astimezone())
    if as_json:
        print_document(report)
    elif screen or service or sys.stdout.isatty():
        _print_screen(report)
    else:
        for line in view.lines(report, _):
            print(line)
        for line in view.warnings(report, _):
            print(line, file=sys.stderr)
    if not report.in_order:
        raise typer.Exit(1)


def _print_screen(report: status.StatusReport) -> None:
    console = terminal.console()
    for part in view.screen(report, _):
        console.print(part)
    if report.warnings:
        console.print()
    for warning in view.warnings(report, _):
        console.print(warning, style="yellow", soft_wrap=True)
