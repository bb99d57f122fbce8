"""`informativa setup`: a PBX set up in one step, from answers or options; and taken back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE, load_usable
from ...model import NumberForm
from ...model.errors import InformativaError
from ...operations.init import FILE, LISTEN
from ...operations.new_company import NewCompany
from ...operations.setup import number_form, running, undoing
from ...operations.setup.machine import Machine, find
from ...operations.setup.plan import Request, SetupPlan, planned
from ...operations.setup.report import SetupReport, SetupState
from ...system.processes import run_command
from ...views.text import setup as view
from ..company_options import (
    CalledNumber,
    CallersForm,
    CompanyCountry,
    CompanyName,
    CompanyOptions,
    Languages,
    Notices,
    Outsourced,
    Settings,
)
from ..interview import ask_company, ask_form
from ..options import Json, print_result, warn
from ..questions import ask, ask_yes, is_terminal
from ..words import _

_LEARN_SECONDS = 120.0


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("setup")(_setup)


def _setup(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of the configuration.")
    ] = DEFAULT_FILE.parent,
    company: CompanyName = "",
    number: CalledNumber = "",
    language: Languages = None,
    country: CompanyCountry = "",
    notice: Notices = None,
    settings: Settings = None,
    outsourced: Outsourced = None,
    callers: CallersForm = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="Learn that form: wait for you to ring once from a mobile.")
    ] = False,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="How long to wait for that call.")
    ] = _LEARN_SECONDS,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Asterisk's folder, with extensions.conf in it; found, if not given."
        ),
    ] = None,
    context: Annotated[
        str,
        typer.Option(metavar="CONTEXT", help="Where in Asterisk's dialplan calls from the trunk come in."),
    ] = "",
    units: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder of systemd's units.")] = None,
    user: Annotated[str, typer.Option(metavar="USER", help="As whom Asterisk runs.")] = "",
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the service listens, in a new configuration.")
    ] = LISTEN,
    yes: Annotated[bool, typer.Option("--yes", help="Do it, and ask nothing.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --yes, also replace files that somebody else wrote.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back what setup did, but keys and records.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set this PBX up: configuration, service and dialplan. Each file is shown before it is written.

    It asks at a terminal; elsewhere it shows what it would do, unless there is --yes.
    """
    asks = not (yes or as_json) and is_terminal()
    folder = folder.absolute()
    if undo:
        _show(_undone(folder, asks=asks, yes=yes), as_json)
        return
    machine = _machine(to, units, user, asks=asks)
    options = CompanyOptions(number, language or (), country, notice or (), settings or (), outsourced or ())
    laid, file = options.company(company), folder / FILE
    form = callers or NumberForm.EITHER
    if not file.exists():
        laid = laid or (ask_company() if asks else None)
        if laid and not callers:
            form = _form(machine, laid, wait, asks=asks, learns=learn)
    elif learn:
        line = load_usable(file).lines[0]
        learned = _learn(machine, line.number, line.region, wait)
        text = _("Write it under the lines of {file}: callers: {form}", file=file, form=learned)
        print(text, file=sys.stderr)
    request = Request(folder, laid, form, listen, context, overwrite)
    with planned(request, machine) as plan:
        if asks:
            plan = _approved(plan)
        report = running.run(plan) if yes or asks else running.preview(plan)
    _show(report, as_json)


def _machine(to: Path | None, units: Path | None, user: str, *, asks: bool) -> Machine:
    """Find Asterisk, or ask where it is."""
    try:
        return find(to, units, user)
    except InformativaError as error:
        if not asks or to is not None or user:
            raise
        print(_(error.text))
    return ask(_("The folder of Asterisk's extensions.conf"), lambda text: find(Path(text), units, user))


def _form(machine: Machine, company: NewCompany, seconds: float, *, asks: bool, learns: bool) -> NumberForm:
    """Return the form of callers' numbers: as learned, as answered, or not known."""

    def learn() -> NumberForm:
        return _learn(machine, company.number, company.region, seconds)

    if learns:
        return learn()
    return ask_form(learn) if asks else NumberForm.EITHER


def _learn(machine: Machine, number: str, country: str, seconds: float) -> NumberForm:
    """Return the form of callers' numbers, from a call for which it waits."""
    text = _(
        "Ring {number} once from a mobile of {country}, within {seconds} s.",
        number=number,
        country=country,
        seconds=f"{seconds:g}",
    )
    print(text, file=sys.stderr, flush=True)
    form = number_form.learn(machine, country, seconds, run_command)
    print(_("The trunk writes numbers like this: {form}.", form=form), file=sys.stderr)
    return form


def _approved(plan: SetupPlan) -> SetupPlan:
    """Show each file, and ask whether to write it. Without the configuration nothing else is written."""
    declined = set()
    for step in running.preview(plan).steps:
        if step.state is not SetupState.PLANNED:
            continue
        for line in view.step_lines(step, _):
            print(line)
        change = next((change for change in plan.changes if str(change.path) == step.target), None)
        is_configuration = step.target == str(plan.request.file)
        if not (change or is_configuration):
            continue
        if ask_yes(_("Write it?"), usually=change is None or change.is_replaceable):
            continue
        if change is None:
            raise typer.Abort
        declined.add(change.path)
    return plan.approved(declined)


def _undone(folder: Path, *, asks: bool, yes: bool) -> SetupReport:
    preview = undoing.undo(folder, write=False)
    if asks:
        print("\n".join(view.report(preview, _)))
        yes = ask_yes(_("Take it back?"))
    return undoing.undo(folder, write=True) if yes else preview


def _show(report: SetupReport, as_json: bool) -> None:
    print_result(report, view.report(report, _), as_json=as_json)
    if not as_json:
        warn(report.warnings)
    if not report.in_order:
        raise typer.Exit(1)
