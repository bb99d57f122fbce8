"""The end of the demo: the proof of one of its calls, checked elsewhere, and a forgery that is found."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from rich.console import Console

from informativa.model import Status

from .office import BIN, Office

FORGED = "UPDATE event SET status = 'PLAYED', ending = 'whole', heard = length WHERE status = 'PARTIAL'"


class ProofError(Exception):
    """The proof, or the forgery, did not come to what the demo says it shows."""


def prove(console: Console, office: Office, folder: Path) -> None:
    """Write a receipt for Acme's first whole delivery, check it in another folder where nothing else is,
    and find a call that was made whole afterwards. Raises ProofError."""
    proof, elsewhere = folder / "proof", folder / "elsewhere"
    proof.mkdir()
    elsewhere.mkdir()
    at_acme = ("--controller", "acme", "-c", str(office.config))
    console.print("\n[bold]Proof, for somebody who trusts nobody here:[/bold]\n")
    _run(console, 0, ["evidence", "checkpoint", *at_acme])
    number = next(each.number for each in office.records("acme") if each.event.status is Status.PLAYED)
    _run(console, 0, ["evidence", "receipt", str(number), *at_acme, "--html", "-o", str(proof)])
    (key,) = _run(console, 0, ["evidence", "key", *at_acme]).splitlines()
    for file in proof.iterdir():
        shutil.copy(file, elsewhere)
    (receipt,) = elsewhere.glob("*.tlog-proof")
    _run(console, 0, ["evidence", "verify", receipt.name, "--key", key], elsewhere)
    forged = folder / "forged"
    shutil.copytree(office.folder, forged)
    with closing(sqlite3.connect(forged / "ledger/acme.sqlite3")) as ledger, ledger:
        ledger.execute(FORGED)
    console.print(
        "\n[bold]In a copy of the ledger the caller who hung up half way now has heard it all:[/bold]\n"
    )
    said = _run(
        console, 1, ["evidence", "audit", "--controller", "acme", "-c", str(forged / office.config.name)]
    )
    if "not what was written" not in said:
        raise ProofError("The audit does not say what was changed.")


def _run(console: Console, expected: int, arguments: list[str], folder: Path | None = None) -> str:
    """Type a command, and show both; what it printed."""
    shown = " ".join(arguments).replace(f"{Path.cwd()}/", "")
    console.print(f"$ informativa {shown}", style="dim", soft_wrap=True, highlight=False)
    environment = {name: value for name, value in os.environ.items() if name != "INFORMATIVA_CONFIG"}
    done = subprocess.run(
        [BIN.absolute() / "informativa", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    console.print(done.stdout.replace(f"{Path.cwd()}/", ""), soft_wrap=True, highlight=False, markup=False)
    if done.returncode != expected:
        raise ProofError(f"informativa {shown} ended with {done.returncode}: {done.stderr}")
    return done.stdout
