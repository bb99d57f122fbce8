"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..config import Configuration
from ..errors import InformativaError
from ..i18n import _, speak
from ..model import Controller

Config = Annotated[
    Path,
    typer.Option("-c", "--config", envvar="INFORMATIVA_CONFIG", metavar="FILE", help="The configuration."),
]


def _for_programs(wanted: bool) -> bool:
    """What a program reads is the same in every language."""
    if wanted:
        speak({})
    return wanted


Json = Annotated[
    bool, typer.Option("--json", callback=_for_programs, is_eager=True, help="Print it as JSON.")
]


def controller_named(configuration: Configuration, name: str) -> Controller:
    """The controller that an admin named. Raises InformativaError with those that there are."""
    found = configuration.controllers.get(name)
    if found is None:
        known = ", ".join(sorted(configuration.controllers))
        raise InformativaError(
            _("There is no controller {name}.").format(name=name),
            _("There are: {known}.").format(known=known),
        )
    return found
