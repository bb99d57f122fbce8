"""The questions of `informativa init` and `setup` at a terminal: what a company does, so which notices it
needs."""

from __future__ import annotations

from collections.abc import Callable

import typer

from ..model import NumberForm
from ..model.errors import InformativaError
from ..model.text import Text
from ..operations.new_company import (
    NewCompany,
    OtherCompany,
    called_number,
    called_numbers,
    company_name,
    country,
    languages,
    package_values,
    recorded_languages,
    usual_country,
)
from ..operations.packages.table import PACKAGES, VALUES, NoticePackage
from ..operations.prompts.spoken_values import GivenValues
from .questions import ask, ask_yes, is_terminal
from .words import _

_NO_DEFAULT = ("silence", "in_country", "months")
"""Values of which nobody should take an example for an answer."""
LEARN = "learn"
"""The answer by which setup waits for a call and learns the form of numbers from it."""


def interview() -> NewCompany | None:
    """Ask about a company; `None` where somebody wants the example of two."""
    name = ask(_("Your company's name (nothing: an example of two companies)"), _optional_name, "")
    return interview_of(name) if name else None


def ask_company() -> NewCompany:
    """Ask about a company, which must have a name."""
    return interview_of(ask(_("Your company's name"), company_name))


def interview_of(name: str) -> NewCompany:
    """Ask about the company of this name. A question with a wrong answer is asked again, after the reason."""
    question = _("The number that callers dial, such as +390212345678; several with commas between")
    number, *further = ask(question, called_numbers)
    spoken = ask(
        _("Languages of your callers, the usual one first ({known})", known=", ".join(recorded_languages())),
        languages,
        "it",
    )
    region = ask(_("The country in which it is"), country, usual_country(spoken[0]))
    notices: list[str] = []
    values: dict[str, str] = {}
    for package in PACKAGES:
        if any(other in notices for other in package.apart_from):
            continue
        if ask_yes(_(package.question)):
            notices.append(package.id)
            values |= _values(package, spoken)
    others = []
    while ask_yes(_("Do you answer the calls of another company, too?")):
        other = ask(_("Its name"), company_name)
        others.append(OtherCompany(other, ask(_("The number that its callers dial"), called_number)))
    return NewCompany(name, number, spoken, region, notices, GivenValues(values), others, further)


def ask_form(learn: Callable[[], NumberForm] | None = None) -> NumberForm:
    """Ask at a terminal how the trunk writes numbers, or learn it from a call; a script is not asked."""
    if not is_terminal():
        return NumberForm.EITHER
    print(
        _(
            "How does your trunk write the number of a caller from your own country that comes without + or"
            " 00: national (0212345678), international (390212345678), or either, if you do not know? With"
            " either some callers hear the notice every time."
        )
    )
    if learn:
        print(_("With “learn” you ring it once from a mobile, and setup looks how the number comes."))
    words = [*NumberForm, *([LEARN] if learn else [])]
    default = LEARN if learn else str(NumberForm.EITHER)
    while True:
        answer = typer.prompt(" / ".join(words), default=default).strip().lower()
        word = next((word for word in words if answer and word.startswith(answer[:1])), "")
        if not word or (word == LEARN and learn is None):
            continue
        try:
            return learn() if learn and word == LEARN else NumberForm(word)
        except InformativaError as error:
            print(_(error.text))
            default = str(NumberForm.EITHER)


def _values(package: NoticePackage, spoken: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for name in package_values(package, spoken):
        value = VALUES[name]
        example = value.example
        question = f"  {_(value.meaning)}"
        if name == "in_country":
            for language in spoken:
                asked = _("{question}, in {language} (such as {example})")
                text = asked.format(question=question, language=language, example=example)
                values[f"{package.id}.{language}.{name}"] = ask(text, _nonempty)
        elif name in _NO_DEFAULT:
            text = _("{question} (such as {example})").format(question=question, example=example)
            values[f"{package.id}.{name}"] = ask(text, _nonempty)
        else:
            values[f"{package.id}.{name}"] = ask(question, _nonempty, example)
    return values


def _optional_name(text: str) -> str:
    return company_name(text) if text else ""


def _nonempty(text: str) -> str:
    if not text:
        raise InformativaError(Text("Without it nobody can be told."))
    return text
