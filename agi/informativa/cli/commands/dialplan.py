"""`informativa dialplan`: print the dialplan for a configuration, write it, or install it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import dialplan as dialplans
from ...operations import dialplan_install
from ...views.text import dialplan as view
from ..options import Config, Json, print_generated, print_result
from ..words import _

app = typer.Typer(help="Print the dialplan for this configuration, write it, or install it.")


def add_to(program: typer.Typer) -> None:
    """Give the program the group `dialplan`."""
    program.add_typer(app, name="dialplan")


@app.callback(invoke_without_command=True)
def dialplan(
    context: typer.Context,
    config: Config = DEFAULT_FILE,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there instead.")
    ] = None,
) -> None:
    """Print the dialplan for this configuration, or write it: -o /etc/asterisk/informativa.conf."""
    context.obj = config
    if context.invoked_subcommand is None:
        print_generated(dialplans.generate(config, output))
    elif output is not None:
        raise InformativaError(Text("`install` does not take -o."), Text("Name the folder: --to DIR"))


AsterisksFolder = Annotated[
    Path, typer.Option("--to", metavar="DIR", help="Asterisk's folder, with extensions.conf in it.")
]


@app.command()
def install(
    context: typer.Context,
    to: AsterisksFolder = Path("/etc/asterisk"),
    freepbx: Annotated[
        bool, typer.Option("--freepbx", help="Show what FreePBX needs; so too where FreePBX is found.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; say what would be done.")
    ] = False,
    as_json: Json = False,
    config: Annotated[
        Path | None,
        typer.Option("-c", "--config", metavar="FILE", help="The configuration.", callback=_.name),
    ] = None,
) -> None:
    """Put informativa.conf into Asterisk's folder and show the line that includes it; change nothing else."""
    result = dialplan_install.install(config or context.obj, to, freepbx=freepbx, dry_run=dry_run)
    print_result(result, view.installed(result, _), as_json=as_json)


@app.command()
def uninstall(
    to: AsterisksFolder = Path("/etc/asterisk"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Delete nothing; say what would be done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take informativa.conf out of Asterisk's folder and show the lines that include and call it."""
    result = dialplan_install.uninstall(to, dry_run=dry_run)
    print_result(result, view.uninstalled(result, _), as_json=as_json)
