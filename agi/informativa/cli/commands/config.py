"""`informativa config`: the configuration file itself."""

from __future__ import annotations

from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations import config_upgrade
from ...views.text.configuration import upgraded
from ..options import Config, Json, print_document
from ..words import _

app = typer.Typer(help="The configuration file itself.", no_args_is_help=True)


def add_to(program: typer.Typer) -> None:
    """Give the program the group `config`."""
    program.add_typer(app, name="config")


@app.callback()
def _group() -> None:
    pass


@app.command()
def upgrade(
    config: Config = DEFAULT_FILE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; say what would be done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the configuration to the newest format: its comments and its layout stay, and so does what it
    means."""
    result = config_upgrade.upgrade(config, dry_run=dry_run)
    if as_json:
        print_document(result)
        return
    for line in upgraded(result, _):
        print(line)
