"""Commands about the configuration: `informativa check`, and `informativa config` for the file itself."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations import check, config_upgrade
from ...views.text.check import in_order, problem_lines
from ...views.text.configuration import upgraded
from ..options import Config, Json, print_document
from ..words import _

app = typer.Typer(help="The configuration file itself.", no_args_is_help=True)


def add_to(program: typer.Typer) -> None:
    """Give the program the command `check` and the group `config`."""
    program.command("check")(_check)
    program.add_typer(app, name="config")


def _check(config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """Check the configuration and all that it names, and open the ledgers, without serving calls."""
    result = check.check(config, datetime.now(UTC))
    if as_json:
        print_document(result)
    else:
        for line in problem_lines(result, _):
            print(line, file=sys.stderr)
        for line in in_order(result, _):
            print(line)
    if not result.ok:
        raise typer.Exit(1)


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
