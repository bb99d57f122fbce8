"""`informativa doctor`: what is wrong with the live system, and how to mend it; `--fix` does that."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text as Styled

from ...config import DEFAULT_FILE
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations.doctor import mending
from ...operations.doctor.account import of_configuration
from ...operations.doctor.examination import examine
from ...operations.doctor.remedy_commands import execute
from ...system.patience import run
from ...views import terminal
from ...views.text import mending as view
from ...views.text.account import instructions
from ...views.text.doctor import findings
from ..options import Config, Json, print_document
from ..questions import ask_yes, is_terminal
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("doctor")(_doctor)


def _doctor(
    config: Config = DEFAULT_FILE,
    account: Annotated[
        bool,
        typer.Option("--account", help="Print what makes an account at Asterisk's manager interface."),
    ] = False,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Ask for each remedy by which nothing is lost, run it, and look whether it helped."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: run them all, and ask nobody.")] = False,
    as_json: Json = False,
) -> None:
    """Look at the live system: Asterisk, dialplan, prompts, service, ledgers. Says what to mend; exit 1 if
    anything is wrong."""
    if yes and not fix:
        raise typer.BadParameter(_("--yes goes with --fix."))
    if fix:
        _fix(config, yes=yes, as_json=as_json)
        return
    if account:
        print(instructions(of_configuration(config), _), end="")
        return
    examination = run(examine(config))
    if as_json:
        print_document(examination)
    else:
        # Printed at once: rich takes longer to begin than for a line.
        lines = findings(examination, _, unicode=_unicode())
        terminal.console(wrap=False).print(Styled("\n").join(lines))
    if examination.wrong:
        raise typer.Exit(1)


def _fix(config: Path, *, yes: bool, as_json: bool) -> None:
    """Run safe remedies, and show each with what came of it; exit 1 if anything is wrong then."""
    if not yes and (as_json or not is_terminal()):
        raise InformativaError(
            Text("Nothing was mended: nobody can be asked here."),
            Text("Answer at a terminal; or, in a script, add --yes."),
        )
    if as_json:
        run = partial(execute, environment={"LC_ALL": "C.UTF-8", "LANGUAGE": ""})
        result = mending.mend(config, lambda _treatment: True, lambda _treatment: None, run)
        print_document(result)
    else:
        console = terminal.console(wrap=False)
        proposed = []

        def agree(treatment: mending.Treatment) -> bool:
            proposed.append(treatment.finding)
            for line in view.proposal(treatment, _, unicode=_unicode()):
                console.print(line)
            return yes or ask_yes(f"    {_('Run it?')}")

        def report(treatment: mending.Treatment) -> None:
            below = treatment.finding in proposed
            for line in view.outcome(treatment, _, unicode=_unicode(), proposed=below):
                console.print(line)

        result = mending.mend(config, agree, report)
        for line in view.summary(result, _):
            console.print(line)
    if result.wrong:
        raise typer.Exit(1)


def _unicode() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
