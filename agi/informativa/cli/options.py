"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..config import Configuration
from ..errors import InformativaError
from ..model import Controller

Config = Annotated[
    Path,
    typer.Option("-c", "--config", envvar="INFORMATIVA_CONFIG", metavar="FILE", help="The configuration."),
]
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


def controller_named(configuration: Configuration, name: str) -> Controller:
    """The controller that an admin named. Raises InformativaError with those that there are."""
    found = configuration.controllers.get(name)
    if found is None:
        known = ", ".join(sorted(configuration.controllers))
        raise InformativaError(f"There is no controller {name}.", f"There are: {known}.")
    return found
