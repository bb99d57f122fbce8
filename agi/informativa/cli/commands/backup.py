"""`informativa backup` and `informativa restore`: all that a lost disk would take, in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from ...config import DEFAULT_FILE
from ...config.forms import period
from ...model import Period
from ...operations.backup import listing, making, recovery
from ...operations.backup.encryption import KeyAccess, KeyProtection
from ...views.text import backups as view
from ..options import Config, Json, Yes, print_result
from ..words import _

INCOMPLETE = 3


class _MakeByDefault(TyperGroup):
    """A group whose command `make` need not be named: `informativa backup /mnt/backups`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["make", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Back up all that a lost disk would take; list and verify backups.", cls=_MakeByDefault
)


def add_to(program: typer.Typer) -> None:
    """Give the program the group `backup` and the command `restore`."""
    program.add_typer(app, name="backup")
    program.command("restore")(restore)


def _period(text: str) -> Period:
    try:
        return period(text)
    except ValueError:
        raise typer.BadParameter(_("there is no such time. Write it like 30 days or 6 months.")) from None


Companies = Annotated[
    list[str] | None,
    typer.Option("--controller", metavar="NAME", help="Only this company; all, if not given."),
]
Keep = Annotated[
    Period | None,
    typer.Option(
        metavar="PERIOD",
        parser=_period,
        help="How long backups in the folder are kept, such as `30 days`; as configured, if not given.",
    ),
]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase", metavar="FILE", help="A file with the passphrase of the keys.")
]


@app.command()
def make(
    place: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER|FILE.tar]", help="Where; the configured folder, if not given."),
    ] = None,
    config: Config = DEFAULT_FILE,
    controller: Companies = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="The keys, too, encrypted: with --to or --passphrase.")
    ] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="RECIPIENT", help="Who can open the keys: age1…, as age-keygen prints it."),
    ] = None,
    passphrase: PassphraseFile = None,
    keep: Keep = None,
    json: Json = False,
) -> None:
    """Back up ledgers, logs, configuration and prompts while calls go on; delete backups that are over."""
    protection = KeyProtection(tuple(to or ()), passphrase) if with_keys or to or passphrase else None
    result = making.make(config, place, datetime.now(UTC), controller or (), protection, keep)
    print_result(result, view.made(result, _), as_json=json)
    if result.left_out:
        raise typer.Exit(INCOMPLETE)


@app.command("list")
def list_all(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Where; the configured folder, if not given.")
    ] = None,
    config: Config = DEFAULT_FILE,
    keep: Keep = None,
    json: Json = False,
) -> None:
    """List backups: until when they are kept, and which still hold callers who were erased since."""
    result = listing.list_backups(config, folder, keep)
    print_result(result, view.backup_list(result, _), as_json=json)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")], json: Json = False
) -> None:
    """Compare all that is in a backup with the digests in it."""
    result = listing.verify(file)
    print_result(result, view.verified(result, _), as_json=json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    config: Config = DEFAULT_FILE,
    controller: Companies = None,
    identity: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The identity of age that opens the keys in it.")
    ] = None,
    passphrase: PassphraseFile = None,
    instruction: Annotated[
        str, typer.Option(metavar="TICKET", help="The controller's instruction for what is lost.")
    ] = "",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Restore a backup, on an empty machine too; who was erased since stays so, as far as that is known."""
    access = KeyAccess(identity, passphrase) if identity or passphrase else None
    result = recovery.restore(
        file, config, datetime.now(UTC), controller or (), access, instruction, really=yes
    )
    print_result(result, view.restored_backup(result, _), as_json=json)
    if any(company.problem for company in result.companies):
        raise typer.Exit(1)
