"""`informativa test-call`: one call, placed by Asterisk to nobody, and whether it went as it should."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from ...asterisk.test_call import Moment, Press
from ...config import DEFAULT_FILE, load
from ...operations.test_call import CallPlaced, place, plan
from ...views.text.test_call import progress, report
from ..options import WITHHELD, Config, Country, Json, print_result, shown_number
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("test-call")(_test_call)


def _press(text: str) -> Press:
    """Parse KEY@SECONDS."""
    match = re.fullmatch(r"([0-9*#])@(\d{1,3}(?:\.\d{1,3})?)", text)
    if match is None:
        raise typer.BadParameter(_("Type a key and the seconds after the answer, like 5@2.0"))
    return Press(match[1], float(match[2]))


def _test_call(
    line: Annotated[str, typer.Argument(metavar="LINE", help="The called number.")],
    number: Annotated[
        str, typer.Option("--from", metavar="NUMBER", help="Who rings, or `withheld`.")
    ] = WITHHELD,
    context: Annotated[str, typer.Option(metavar="CONTEXT", help="Where the call comes in.")] = "",
    through: Annotated[
        bool, typer.Option("--through", help="Through the real dialplan even where that may ring somebody.")
    ] = False,
    presses: Annotated[
        list[Press] | None,
        typer.Option(
            "--press",
            metavar="KEY@SECONDS",
            parser=_press,
            help="Press a key so many seconds after the answer, in steps of half a second: 5@2.0.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Really have it recorded that the caller was told.")
    ] = False,
    country: Country = "",
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Place one call through the real dialplan, to nobody, and show what happens to it, step by step.

    It makes a real record; the default caller is nobody. Exit code 0 only if all was as it should be.
    """
    call = plan(
        load(config), line, shown_number(number), context, datetime.now(UTC), sure=yes, country=country
    )

    def show(step: CallPlaced | Moment) -> None:
        if not as_json:
            for text in progress(step, call, _):
                print(text, flush=True)

    result = asyncio.run(place(call, through=through, presses=presses or (), progress=show))
    print_result(result, report(result, call, _), as_json=as_json)
    if not result.in_order:
        raise typer.Exit(1)
