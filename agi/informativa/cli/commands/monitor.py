"""`informativa monitor`: to follow, at home, the log of whoever answers one's calls."""

from __future__ import annotations

import asyncio
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...evidence.monitor_state import MonitorFolder
from ...operations.evidence import logs
from ...operations.evidence import monitor as operations
from ...operations.evidence.monitor_findings import Look
from ...views.documents import document
from ...views.text.monitor import finding_lines, lines
from ..options import Json, print_document, warn
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("monitor")(_monitor)


def _monitor(
    policy: Annotated[
        Path, typer.Option(metavar="FILE", help="The keys of the logs and of witnesses (C2SP tlog-policy).")
    ],
    state: Annotated[Path, typer.Option(metavar="FOLDER", help="Where it keeps what it has read.")],
    approver: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="The key of somebody who approves; for several, repeat it."),
    ] = None,
    witness: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder of your own witness, only to be read.")
    ] = None,
    published: Annotated[
        str,
        typer.Option(
            metavar="PLACE", help="Where logs are published whose address the policy does not have."
        ),
    ] = "",
    command: Annotated[
        str, typer.Option("--run", metavar="COMMAND", help="Run it for each finding, given to it as JSON.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    as_json: Json = False,
) -> None:
    """Follow somebody else's logs, and tell what was taken back or waits for a word.

    With --once: exit code 1 at a fork, 3 if something is missing or waits, 2 if it could not look.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        raise typer.BadParameter(_("The quotes in {command} do not match.", command=command)) from None
    settings = operations.MonitorSettings(
        policy, state, logs.trusted_keys(approver or []), witness, published, words
    )
    show = _Output(as_json=as_json, once=once)
    with MonitorFolder(state).locked():
        monitor = operations.Monitor(settings, partial(document, indent=None, ascii_only=True))
        if once:
            raise typer.Exit(operations.look_and_deliver(monitor, show).exit_code)
        asyncio.run(operations.watch(monitor, show))


class _Output:
    """The printed looks: with `once` all that is so, else only what is new. A problem that lasts is printed
    once."""

    def __init__(self, *, as_json: bool, once: bool) -> None:
        self._as_json, self._once = as_json, once
        self._problems: tuple[object, ...] = ()

    def __call__(self, look: Look) -> None:
        """Print a look."""
        if self._as_json:
            for finding in look.findings if self._once else look.news:
                print_document(finding, on_one_line=True)
        elif self._once:
            for line in lines(look, _):
                print(line)
        else:
            for finding in look.news:
                print("\n".join(finding_lines(finding, _)))
        if look.problems != self._problems:
            warn(look.problems)
        self._problems = look.problems
        sys.stdout.flush()
