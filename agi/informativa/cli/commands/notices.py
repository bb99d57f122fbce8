"""`informativa notices`: the notices that the law asks for today."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations.packages import adding
from ...operations.packages.request import NoticeRequest
from ...operations.packages.table import PACKAGES
from ...operations.prompts.parts import SpokenPart
from ...operations.prompts.spoken_values import GivenValues
from ...views.text.packages import added
from ..options import Config, Json, Yes, print_result
from ..words import _

app = typer.Typer(help="The notices that the law asks for today.", no_args_is_help=True)


def add_to(program: typer.Typer) -> None:
    """Give the program the group `notices`."""
    program.add_typer(app, name="notices")


@app.command()
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"One of {', '.join(package.id for package in PACKAGES)}.")
    ],
    controller: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose; not needed where there is only one.")
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER", help="A line in whose plan it belongs; all of the company, if not given."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A value that it needs: no=5, or it.in_country=… for one language alone.",
        ),
    ] = None,
    text: Annotated[
        SpokenPart | None, typer.Option(metavar="TEXT", help="Another text for it, such as ai-emotion.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Your own texts, instead of those shipped.")
    ] = None,
    yes: Yes = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Add a notice of today to the configuration: its section, its place in the plans, its prompts; and say
    what the dialplan must test, and what the law says."""
    request = NoticeRequest(name, controller, line or (), GivenValues.parsed(settings or ()), text, texts)
    result = adding.add(config, request, write=yes)
    print_result(result, added(result, _), as_json=as_json)
    if yes and result.missing:
        raise typer.Exit(1)
