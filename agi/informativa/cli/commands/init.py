"""`informativa init`: lay a first configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...model import NumberForm
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import init
from ...views.text.configuration import company_message, files_message
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
from ..interview import ask_form, interview
from ..options import warn
from ..questions import is_terminal
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("init")(_init)


def _init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    callers: CallersForm = None,
    company: CompanyName = "",
    number: CalledNumber = "",
    language: Languages = None,
    country: CompanyCountry = "",
    notice: Notices = None,
    settings: Settings = None,
    outsourced: Outsourced = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write it (with --company only shown, otherwise).")
    ] = False,
) -> None:
    """Write a commented configuration, keys and prompts: of one company, by its answers or the options, or
    of two companies as an example."""
    options = CompanyOptions(number, language or (), country, notice or (), settings or (), outsourced or ())
    if yes and not company:
        raise InformativaError(Text("Whose configuration?"), Text("Name the company: --company NAME"))
    laid = options.company(company)
    if laid is None and is_terminal() and callers is None:
        laid = interview()
    form = callers or (NumberForm.EITHER if company else ask_form())
    configuration = init.init(folder, form, laid, write=yes or not company)
    if laid:
        print("\n".join(company_message(configuration, _)))
    else:
        print(files_message(configuration, _))
    warn(configuration.warnings)
