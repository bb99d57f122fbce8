"""The end of the demo: the proof of one of its calls, checked elsewhere; a forgery and a missing record that
are found; and an erasure that the company's data protection officer approves at home."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console

from informativa.model import Status
from lab.office import BIN, Office
from lab.ports import free_port
from lab.process import Child, until

CALLS = "cdr-csv/Master.csv"
"""Asterisk's own list of calls, in its folder of logs."""
CDR = {"cdr.conf": "[general]\nenable = yes\nunanswered = yes\n[csv]\nusegmtime = yes\nloguniqueid = yes\n"}
"""The configuration by which Asterisk writes it."""
ERASED = "+393331234567"  # who called first
_VKEY = re.compile(r"\S+\+[0-9a-f]{8}\+\S+")

FORGED = "UPDATE event SET status = 'PLAYED', ending = 'whole', heard = length WHERE status = 'PARTIAL'"


class ProofError(Exception):
    """The proof, or the forgery, did not come to what the demo says it shows."""


class Home:
    """The company's own place, which who runs the PBX cannot reach: the officer's key, the witness, the
    monitor, and where the log is published."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        self.published = folder / "published"
        self.published.mkdir()
        self.key, self.witness_folder = folder / "officer.key", folder / "witness"
        self.policy, self.state = folder / "policy", folder / "state"
        self.approver = _vkey("evidence", "approver-key", str(self.key), "--name", "acme.example/officer")
        self.witness = _vkey("witness", "key", str(self.witness_folder), "--name", "home.acme.example")

    def configure(self, office: Office) -> None:
        """Have Acme's rule say who approves, and its log go to the witness and to where it is published."""
        line = "    ledger: ledger/acme.sqlite3\n"
        office.edit(line, f"    approver: {self.approver}\n    erasures: each\n{line}")
        publish = f"folder: {self.published}, independent: true, controllers: [acme]"
        witness = f"key: {self.witness}, url: 'http://127.0.0.1:{self.port}', controllers: [acme]"
        office.edit(
            "\noperator:",
            "\nevidence:\n  domain: acme.example\n  box: pbx-1\n"
            f"  publish: [{{{publish}}}]\n  witness: [{{{witness}}}]\noperator:",
        )

    @contextmanager
    def witnessing(self, office: Office) -> Iterator[None]:
        """Run the witness, which knows the log by its key."""
        key = office.folder / "ledger/acme.log/1/key"
        if not key.exists():  # nobody signed yet: that fails without a witness, and shows the key
            _output_of("evidence", "checkpoint", "--controller", "acme", "-c", str(office.config))
        self.policy.write_text(f"log {key.read_text().strip()}\nwitness home {self.witness}\nquorum home\n")
        log = self.folder / "witness.log"
        address = f"127.0.0.1:{self.port}"
        serve = ["witness", "serve", str(self.witness_folder), "--policy", str(self.policy)]
        child = Child(
            [str(BIN.absolute() / "informativa"), *serve, "--listen", address], cwd=self.folder, output=log
        )
        try:
            until(lambda: log.exists() and address in log.read_text(), 30, log.read_text)
            yield
        finally:
            child.end(10)


def compare(console: Console, office: Office, calls: Path) -> None:
    """Hold Asterisk's own list of calls beside the ledger, which lacks the one whose record waits in AstDB.
    Raises ProofError."""
    console.print("\n[bold]Asterisk's own list of calls shows which one is not in the ledger yet:[/bold]\n")
    at_acme = ("--controller", "acme", "-c", str(office.config))
    command = ["evidence", "compare", "--calls", str(calls), "--zone", "UTC", *at_acme]
    output = show_command(console, 3, command, only="^Calls|RECORD|IN THE LIST|line [0-9]+ of")
    if not re.search("1 +WITHOUT A RECORD", output) or not re.search("0 +NOT IN THE LIST", output):
        raise ProofError("The list of calls does not name the one without a record.")


def approve(console: Console, office: Office, home: Home) -> None:
    """Erase a caller where each erasure needs the officer's word, and account for it. Raises ProofError."""
    at_acme = ("--controller", "acme", "-c", str(office.config))
    console.print("\n[bold]A caller asks to be erased, and the company's officer must agree:[/bold]\n")
    erase = ["caller", "erase", ERASED, "--instruction", "OPS/17", "--yes", *at_acme]
    show_command(console, 3, erase, only="waits")
    (private,) = (office.folder / "ledger/acme.log/private").iterdir()
    show_command(console, 0, ["evidence", "checkpoint", *at_acme], only="signed in all")
    show_command(console, 0, ["evidence", "publish", *at_acme], only="home.acme.example")
    show_command(console, 0, ["evidence", "audit", *at_acme], only="^acme:|still there")
    look = ["monitor", "--once", "--policy", str(home.policy), "--state", str(home.state)]
    show_command(console, 3, [*look, "--published", str(home.published)], only="OPS/17")
    origin, index = home.policy.read_text().split()[1].partition("+")[0], private.name.partition("-")[2]
    word = ["--key", str(home.key), "--list", str(private), "--to", str(home.folder), "--yes"]
    show_command(console, 0, ["evidence", "approve", str(home.state), origin, index, *word], only="OPS/17")
    (approval,) = home.folder.glob("*.approval")
    show_command(console, 0, ["evidence", "approval", str(approval), *at_acme], only="erases")
    office.start()
    office.wait_logged("erasure carried out")
    office.stop()
    output = show_command(console, 0, ["evidence", "audit", *at_acme], only="^acme:|OPS/17")
    if "Accounted for" not in output:
        raise ProofError("The audit does not say that the erasure is accounted for.")


def prove(console: Console, office: Office, folder: Path) -> None:
    """Write a receipt for Acme's first whole delivery, check it in another folder where nothing else is,
    and find a call that was made whole afterwards. Raises ProofError."""
    proof, elsewhere = folder / "proof", folder / "elsewhere"
    proof.mkdir()
    elsewhere.mkdir()
    at_acme = ("--controller", "acme", "-c", str(office.config))
    console.print("\n[bold]Proof, for somebody who trusts nobody here:[/bold]\n")
    show_command(console, 0, ["evidence", "checkpoint", *at_acme])
    number = next(record.number for record in office.records("acme") if record.event.status is Status.PLAYED)
    show_command(console, 0, ["evidence", "receipt", str(number), *at_acme, "-o", str(proof)])
    (key,) = show_command(console, 0, ["evidence", "key", *at_acme]).splitlines()
    for file in proof.iterdir():
        shutil.copy(file, elsewhere)
    (receipt,) = elsewhere.glob("*.tlog-proof")
    show_command(console, 0, ["evidence", "verify", receipt.name, "--key", key], elsewhere)
    forged = folder / "forged"
    shutil.copytree(office.folder, forged)
    with closing(sqlite3.connect(forged / "ledger/acme.sqlite3")) as ledger, ledger:
        ledger.execute(FORGED)
    console.print(
        "\n[bold]In a copy of the ledger the caller who hung up half way now has heard it all:[/bold]\n"
    )
    output = show_command(
        console, 1, ["evidence", "audit", "--controller", "acme", "-c", str(forged / office.config.name)]
    )
    if "not what was written" not in output:
        raise ProofError("The audit does not say what was changed.")


def show_command(
    console: Console, expected: int, arguments: list[str], folder: Path | None = None, only: str = ""
) -> str:
    """Type a command, and show it with the lines in which `only` is found; all that it printed."""
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
    lines = done.stdout.replace(f"{Path.cwd()}/", "").splitlines()
    text = "".join(f"{line}\n" for line in lines if re.search(only, line))
    console.print(text, soft_wrap=True, highlight=False, markup=False)
    if done.returncode != expected:
        raise ProofError(f"informativa {shown} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def _output_of(*arguments: str) -> str:
    done = subprocess.run(
        [BIN.absolute() / "informativa", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def _vkey(*arguments: str) -> str:
    match = _VKEY.search(_output_of(*arguments))
    if match is None:
        raise ProofError(f"informativa {' '.join(arguments)} shows no key.")
    return match[0]
