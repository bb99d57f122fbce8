"""`informativa witness`: to sign, at home, for the log of whoever answers one's calls."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ...operations.evidence import logs, verifying
from ...operations.evidence import witness as operations
from ...views.text.monitor import public_key_lines
from ..log import LogFormat, configure
from ..options import Json, print_result
from ..words import _

app = typer.Typer(help="Sign that somebody else's log takes nothing back.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Where its key lies, and what it signed.")]


def add_to(program: typer.Typer) -> None:
    """Give the program the group `witness`."""
    program.add_typer(app, name="witness")


@app.command()
def key(
    folder: Folder,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Make one of that name if there is none: home.acme.example")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show a witness's public key and what it signed last; with a name, make it."""
    made = operations.make(folder, name) if name else False
    witness = operations.witness(folder)
    print_result(witness, public_key_lines(witness, made, _), as_json=as_json)


@app.command()
def serve(
    folder: Folder,
    log_key: Annotated[
        list[str] | None,
        typer.Option("--log", metavar="VKEY", help="The key of a log to sign for; for several, repeat it."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The logs to sign for (C2SP tlog-policy).")
    ] = None,
    listen: Annotated[str, typer.Option(metavar="ADDRESS", help="Address and port.")] = "127.0.0.1:4590",
    approvals: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where you put approvals, for whoever keeps the logs to fetch."),
    ] = None,
    log: Annotated[LogFormat, typer.Option("--log-format", help="How to write the log.")] = LogFormat.CONSOLE,
) -> None:
    """Sign what logs send, unless it contradicts what was signed before (C2SP tlog-witness)."""
    if not re.fullmatch(r"[0-9a-zA-Z.:\[\]-]+:[0-9]{1,5}", listen) or int(listen.rpartition(":")[2]) > 65535:
        raise typer.BadParameter(_("Write an address and port such as 127.0.0.1:4590."))
    keys = list(logs.trusted_keys(log_key or []))
    if policy:
        keys += [log.key for log in verifying.policy_in(policy).logs]
    _.speak({})  # a log is searched in the language of this documentation
    sink = configure(log)
    try:
        operations.serve(folder, keys, listen, approvals)
    finally:
        sink.close()
