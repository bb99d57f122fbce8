"""Commands that read the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from .. import bootstrap
from ..config import DEFAULT_FILE, load
from ..errors import InformativaError
from ..i18n import _, later
from ..model import Controller, Event, Kind, Record
from .options import Config, controller_named

app = typer.Typer(help="What was recorded.", no_args_is_help=True)

# One record a line, in columns that fit what is usual; a longer cell moves the rest to the right.
_LINE = "{:>4} {:<19} {:<13} {:<12} {:<18} {:<8} {:<20} {}"
_HEADINGS = (
    "#",
    later("when (UTC)"),
    later("line"),
    later("caller"),
    later("notice"),
    later("status"),
    later("why"),
    later("heard"),
)


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(
    config: Config = DEFAULT_FILE,
    controller: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this controller's ledger.")
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the last N of each.")] = None,
) -> None:
    """Show the records of every controller, or of one, the oldest first."""
    configuration = load(config)
    chosen = (
        [controller_named(configuration, controller)] if controller else configuration.controllers.values()
    )
    for each in chosen:
        _show(each, last)


def _show(controller: Controller, last: int | None) -> None:
    print(f"{controller.name} ({controller.id})")
    try:
        exists = Path(controller.ledger).exists()
    except PermissionError as error:
        raise InformativaError(
            _("{ledger} cannot be looked into (permission denied).").format(ledger=controller.ledger),
            _("Run this as the user who owns it."),
        ) from error
    if not exists:
        print(
            _("There is no ledger {ledger}: nothing was recorded yet, or it was taken away.\n").format(
                ledger=controller.ledger
            )
        )
        return
    ledger = bootstrap.store(controller)
    try:
        _print(ledger.records(max(1, ledger.newest() - last + 1) if last else 1))
    finally:
        ledger.close()


def _print(records: Iterable[Record]) -> None:
    print(_LINE.format(*map(_, _HEADINGS)))
    rows = iter(records)
    while page := list(islice(rows, 1000)):
        print("\n".join(_LINE.format(*_cells(record)).rstrip() for record in page))
    print()


def _cells(record: Record) -> list[str]:
    event = record.event
    return [
        str(record.number),
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.line,
        _caller(event),
        f"{event.notice} {event.version} {event.language}",
        event.status if event.kind is Kind.PHONE else event.kind,
        _why(event),
        _heard(event),
    ]


def _caller(event: Event) -> str:
    if event.pseudonym:
        return event.pseudonym.hex()[:8]
    return _("erased") if event.erased else _("unidentified")


def _why(event: Event) -> str:
    return f"{event.reason} #{event.basis}" if event.basis else event.reason


def _heard(event: Event) -> str:
    if event.heard is None:
        return event.reference
    heard = event.heard
    return (
        _("{seconds:.1f} of {length:.1f} s, {ending} {key}")
        .format(seconds=heard.seconds, length=heard.length, ending=heard.ending, key=heard.key)
        .strip()
    )
