"""The commands for watching: `test-call`, `tail`, `status`. What they do is in the modules of their names."""

from __future__ import annotations

from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ..options import WITHHELD, Config, Json, Of
from . import status, tail, testcall


def add_to(app: typer.Typer) -> None:
    """Give the program these commands."""
    app.command("test-call")(_test_call)
    app.command("tail")(_tail)
    app.command("status")(_status)


def _test_call(
    line: Annotated[str, typer.Argument(metavar="LINE", help="The called number.")],
    number: Annotated[
        str, typer.Option("--from", metavar="NUMBER", help="Who rings, or `withheld`.")
    ] = WITHHELD,
    context: Annotated[str, typer.Option(metavar="CONTEXT", help="Where the call comes in.")] = "",
    through: Annotated[
        bool, typer.Option("--through", help="Through the real dialplan even where that may ring somebody.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Really have it recorded that the caller was told.")
    ] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Place one call through the real dialplan, to nobody, and show what happens to it, step by step.

    It makes a real record; the default caller is nobody. Exit code 0 only if all was as it should be.
    """
    if not testcall.run(config, line, number, context, through=through, sure=yes, as_json=as_json):
        raise typer.Exit(1)


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


def _status(config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """Show the service and the ledgers on one screen.

    Exit code 0 if the service answers and the ledgers can be used.
    """
    if not status.run(config, as_json):
        raise typer.Exit(1)
