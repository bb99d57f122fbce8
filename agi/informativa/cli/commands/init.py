"""`informativa init`: lay a first configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...operations import init
from ...views.text.init import written
from ..options import warn
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("init")(_init)


def _init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Write a commented configuration with two example companies, their keys, and the prompts."""
    made = init.init(folder)
    print(written(made, _))
    warn(made.warnings)
