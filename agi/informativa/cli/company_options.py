"""The options of `init` and `setup` that describe a company, and the company that they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from ..model import NumberForm
from ..model.errors import InformativaError
from ..model.text import Text
from ..operations import new_company
from ..operations.new_company import NewCompany, OtherCompany

CallersForm = Annotated[
    NumberForm | None,
    typer.Option(
        metavar="FORM",
        help="How the trunk writes callers' numbers without + or 00: national, international or either"
        " (not known). Asked for, if not given.",
    ),
]
CompanyName = Annotated[str, typer.Option(metavar="NAME", help="Lay this company alone, and ask nothing.")]
CalledNumber = Annotated[
    str,
    typer.Option(metavar="NUMBER", help="The number that its callers dial; several with commas between."),
]
Languages = Annotated[
    list[str] | None, typer.Option(metavar="LANGUAGE", help="Of its callers, the usual one first.")
]
CompanyCountry = Annotated[
    str, typer.Option(metavar="COUNTRY", help="Where it is: IT; by its language, if not given.")
]
Notices = Annotated[list[str] | None, typer.Option(metavar="NAME", help="One of those of `notices add`.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A value that these notices need: no=5, or marketing.no=5 for one alone.",
    ),
]
Outsourced = Annotated[
    list[str] | None,
    typer.Option(metavar="NUMBER=NAME", help="Another company whose calls this one answers."),
]


@dataclass(frozen=True)
class CompanyOptions:
    """The options that somebody typed."""

    number: str
    language: Sequence[str]
    country: str
    notice: Sequence[str]
    settings: Sequence[str]
    outsourced: Sequence[str]

    def company(self, name: str) -> NewCompany | None:
        """Return the company of this name; `None` where none is named. Raises InformativaError for a wrong
        option, and for options of nobody."""
        if not name:
            if any(vars(self).values()):
                raise InformativaError(Text("Whose configuration?"), Text("Name the company: --company NAME"))
            return None
        spoken = new_company.languages(",".join(self.language) or "it")
        new_company.required_packages(self.notice)
        if not self.number:
            raise InformativaError(
                Text("Which number do its callers dial?"), Text("Name it: --number +390212345678")
            )
        number, *further = new_company.called_numbers(self.number)
        pairs = (other.partition("=")[::2] for other in self.outsourced)
        return NewCompany(
            new_company.company_name(name),
            number,
            spoken,
            new_company.country(self.country or new_company.usual_country(spoken[0])),
            self.notice,
            new_company.given_values(self.settings),
            [
                OtherCompany(new_company.company_name(other), new_company.called_number(called))
                for called, other in pairs
            ],
            further,
        )
