"""Commands that read the ledger."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..config import DEFAULT_FILE, Configuration, load
from ..errors import InformativaError
from ..ledgers.sqlite import SqliteLedger
from ..model import Controller, Event, Record
from .options import Config

app = typer.Typer(help="What was recorded.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(
    config: Config = DEFAULT_FILE,
    controller: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this controller's ledger.")
    ] = None,
) -> None:
    """Show the records of every controller, or of one, the oldest first."""
    configuration = load(config)
    console = Console() if sys.stdout.isatty() else Console(width=200)
    for name in _chosen(configuration, controller):
        console.print(_table(configuration.controllers[name]), "")


def _chosen(configuration: Configuration, controller: str | None) -> list[str]:
    names = sorted(configuration.controllers)
    if controller is None:
        return names
    if controller not in names:
        raise InformativaError(f"There is no controller {controller}.", f"There are: {', '.join(names)}.")
    return [controller]


def _table(controller: Controller) -> Table:
    table = Table(
        title=Text(f"{controller.name} ({controller.id})"),
        title_justify="left",
        box=None,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )
    table.add_column("#", justify="right")
    for heading in ("when (UTC)", "line", "caller", "notice", "status", "why", "heard"):
        table.add_column(heading, overflow="fold")
    if Path(controller.ledger).exists():
        for record in SqliteLedger(controller.ledger).records():
            table.add_row(*map(Text, _cells(record)))  # Text: what is recorded is no markup
    return table


def _cells(record: Record) -> list[str]:
    event = record.event
    return [
        str(record.number),
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.line,
        event.pseudonym.hex()[:8] if event.pseudonym else "unidentified",
        f"{event.notice} {event.version} {event.language}",
        event.status,
        _why(event),
        _heard(event),
    ]


def _why(event: Event) -> str:
    return f"{event.reason} #{event.basis}" if event.basis else event.reason


def _heard(event: Event) -> str:
    if event.heard is None:
        return ""
    heard = event.heard
    return f"{heard.seconds:.1f} of {heard.length:.1f} s, {heard.ending} {heard.key}".strip()
