"""`informativa init`: lay a first configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...model import NumberForm
from ...operations import init
from ...views.text.configuration import files_message
from ..options import warn
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("init")(_init)


def _init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    callers: Annotated[
        NumberForm | None,
        typer.Option(
            metavar="FORM",
            help="How the trunk writes callers' numbers without + or 00: national, international or either"
            " (not known). Asked for, if not given.",
        ),
    ] = None,
) -> None:
    """Write a commented configuration with two example companies, their keys, and the prompts."""
    configuration = init.init(folder, callers or _ask_form())
    print(files_message(configuration, _))
    warn(configuration.warnings)


def _ask_form() -> NumberForm:
    """Ask at a terminal how the trunk writes numbers; a script is not asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return NumberForm.EITHER
    print(
        _(
            "How does your trunk write the number of a caller from your own country that comes without + or"
            " 00: national (0212345678), international (390212345678), or either, if you do not know? With"
            " either some callers hear the notice every time."
        )
    )
    forms = {form[:1]: form for form in NumberForm}
    answer = ""
    while answer[:1] not in forms:
        answer = typer.prompt(" / ".join(NumberForm), default=str(NumberForm.EITHER)).strip().lower()
    return forms[answer[:1]]
