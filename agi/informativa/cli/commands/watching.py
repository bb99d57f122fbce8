"""The commands for watching: `tail`, `status`. What they do is in the modules of their names."""

from __future__ import annotations

from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ..options import Config, Json, Of
from . import status, tail


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
    if not status.run(config, as_json, service_alone=service):
        raise typer.Exit(1)
