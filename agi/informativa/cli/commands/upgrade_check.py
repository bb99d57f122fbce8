"""`informativa upgrade-check`: what would happen if this version took over. Changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations.doctor.examination import upgrade_check
from ...system.patience import run
from ...views import terminal
from ...views.text.doctor import findings
from ..options import Config, Json, print_document
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("upgrade-check")(_upgrade_check)


def _upgrade_check(
    config: Config = DEFAULT_FILE,
    asterisk: Annotated[
        Path, typer.Option("--asterisk", metavar="DIR", help="Asterisk's folder, with extensions.conf in it.")
    ] = Path("/etc/asterisk"),
    units: Annotated[
        Path, typer.Option("--units", metavar="DIR", help="The folder of systemd's units.")
    ] = Path("/etc/systemd/system"),
    as_json: Json = False,
) -> None:
    """Say what would happen if this version took over: configuration, ledgers, dialplan, units.
    Changes nothing; exit 1 if anything keeps it from that."""
    result = run(upgrade_check(config, asterisk, units))
    if as_json:
        print_document(result)
    else:
        console = terminal.console(wrap=False)
        console.print(_("If informativa {version} took over:", version=result.version))
        unicode = "utf" in (sys.stdout.encoding or "").lower()
        for line in findings(result, _, unicode=unicode):
            console.print(line)
    if result.wrong:
        raise typer.Exit(1)
