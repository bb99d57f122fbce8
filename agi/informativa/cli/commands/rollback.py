"""`informativa rollback`: back to an earlier version, with its ledgers, units and dialplan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations import rollback
from ...operations.rollback_plan import Places
from ...views.text import setup as view
from ..options import Config, Json, Yes, json_text
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("rollback")(_rollback)


def _rollback(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The earlier version: its .deb, or its wheel or .pex.")
    ],
    config: Config = DEFAULT_FILE,
    asterisk: Annotated[
        Path, typer.Option("--asterisk", metavar="DIR", help="Asterisk's folder, with extensions.conf in it.")
    ] = Places.asterisk,
    units: Annotated[
        Path, typer.Option("--units", metavar="DIR", help="The folder of systemd's units.")
    ] = Places.units,
    steps: Annotated[
        Path, typer.Option("--steps", metavar="DIR", help="The folder for the script of the last steps.")
    ] = Places.steps,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Go back to an earlier version, with ledgers, units and dialplan; all records stay, or nothing is
    changed."""
    places = replace(Places(), asterisk=asterisk, units=units, steps=steps)
    result = rollback.rollback(file, config, places, datetime.now(UTC), really=yes)
    output = json_text(result) if as_json else "\n".join(view.rollback(result, _))
    if yes:
        rollback.finish(places, result.earlier)
    print(output)
