"""`informativa systemd`: print the systemd unit for a configuration, or write it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations import systemd_unit
from ..options import Config, print_generated
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("systemd")(_systemd)


def _systemd(
    config: Config = DEFAULT_FILE,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it here.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="That of the console instead of the service's.")] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="That of what signs, with a key that the service cannot read.")
    ] = False,
) -> None:
    """Print the systemd unit for this configuration, hardened, or write it."""
    if web and evidence:
        raise typer.BadParameter(_("Choose --web or --evidence: a unit runs one of the two."))
    unit = systemd_unit.SIGNER if evidence else systemd_unit.CONSOLE if web else systemd_unit.SERVICE
    print_generated(systemd_unit.generate(config, output, unit))
