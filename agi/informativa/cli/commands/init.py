"""`informativa init`: lay a first configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...model import NumberForm
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import init, new_company
from ...operations.new_company import NewCompany, OtherCompany
from ...views.text.configuration import company_message, files_message
from ..interview import interview
from ..options import warn
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("init")(_init)


def _init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    callers: Annotated[
        NumberForm | None,
        typer.Option(
            metavar="FORM",
            help="How the trunk writes callers' numbers without + or 00: national, international or either"
            " (not known). Asked for, if not given.",
        ),
    ] = None,
    company: Annotated[
        str, typer.Option(metavar="NAME", help="Lay this company alone, and ask nothing.")
    ] = "",
    number: Annotated[str, typer.Option(metavar="NUMBER", help="The number that its callers dial.")] = "",
    language: Annotated[
        list[str] | None, typer.Option(metavar="LANGUAGE", help="Of its callers, the usual one first.")
    ] = None,
    country: Annotated[
        str, typer.Option(metavar="COUNTRY", help="Where it is: IT; by its language, if not given.")
    ] = "",
    notice: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="One of those of `notices add`.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A value that these notices need: no=5, or marketing.no=5 for one alone.",
        ),
    ] = None,
    outsourced: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER=NAME", help="Another company whose calls this one answers."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write it (with --company only shown, otherwise).")
    ] = False,
) -> None:
    """Write a commented configuration, keys and prompts: of one company, by its answers or the options, or
    of two companies as an example."""
    options = (number, country, language, notice, settings, outsourced, yes)
    if not company and any(options):
        raise InformativaError(Text("Whose configuration?"), Text("Name the company: --company NAME"))
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    laid: NewCompany | None = None
    if company:
        laid = _company_of(
            company, number, language or (), country, notice or (), settings or (), outsourced or ()
        )
    elif at_terminal and callers is None:
        laid = interview()
    form = callers or (NumberForm.EITHER if company else _ask_form())
    configuration = init.init(folder, form, laid, write=yes or not company)
    if laid:
        print("\n".join(company_message(configuration, _)))
    else:
        print(files_message(configuration, _))
    warn(configuration.warnings)


def _company_of(
    company: str,
    number: str,
    language: list[str] | tuple[str, ...],
    country: str,
    notice: list[str] | tuple[str, ...],
    settings: list[str] | tuple[str, ...],
    outsourced: list[str] | tuple[str, ...],
) -> NewCompany:
    """Return the company of the options. Raises InformativaError for a wrong one."""
    spoken = new_company.languages(",".join(language) or "it")
    new_company.required_packages(notice)
    pairs = (other.partition("=")[::2] for other in outsourced)
    return NewCompany(
        new_company.company_name(company),
        new_company.called_number(number),
        spoken,
        new_company.country(country or new_company.usual_country(spoken[0])),
        notice,
        new_company.given_values(settings),
        [
            OtherCompany(new_company.company_name(name), new_company.called_number(called))
            for called, name in pairs
        ],
    )


def _ask_form() -> NumberForm:
    """Ask at a terminal how the trunk writes numbers; a script is not asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return NumberForm.EITHER
    print(
        _(
            "How does your trunk write the number of a caller from your own country that comes without + or"
            " 00: national (0212345678), international (390212345678), or either, if you do not know? With"
            " either some callers hear the notice every time."
        )
    )
    forms = {form[:1]: form for form in NumberForm}
    answer = ""
    while answer[:1] not in forms:
        answer = typer.prompt(" / ".join(NumberForm), default=str(NumberForm.EITHER)).strip().lower()
    return forms[answer[:1]]
