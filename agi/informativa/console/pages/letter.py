"""The answer to an access request, as a letter to print or to save."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from ... import plausibility
from ...errors import InformativaError
from ...model import Controller
from ...operations import access_letter, callers
from ...operations.access_letter import AccessLetter
from ...operations.callers import Typed
from ...text import Text
from ...views.html.console import shipped_style
from ...views.messages import ENGLISH, Language, language
from ..visit import FORGOTTEN, Visit
from .looked_up import Attempt, looked_up, note, owner

LANGUAGES = {"it": "Italiano", "en": "English"}


@dataclass(frozen=True)
class WantedLetter:
    """To whom, in which language, and what the officer calls it."""

    controller: str
    typed: Typed = field(repr=False)
    code: str
    reference: str

    @property
    def language(self) -> Language:
        """The reader's, who need not be the officer."""
        return ENGLISH if self.code == "en" else language(self.code)


def form(visit: Visit) -> Response:
    """Asks in which language, and for a reference."""
    return _form(visit, {"language": visit.say.code, "reference": ""}, {})


def wish(visit: Visit) -> Response:
    """Takes both; a reference that holds a number is refused."""
    found = looked_up(visit)
    typed = {"language": visit.field("language", 2), "reference": visit.field("reference")}
    reference, number = plausibility.evidence(typed["reference"]), found.typed.caller.number
    wrong = plausibility.reference_fault(reference, "" if found.typed.caller.customer else number)
    if wrong is not None and reference:
        why = callers.REFERENCE_FAULTS[wrong]
        error = InformativaError(
            Text("This cannot be the reference: {why}.", why=why),
            Text("Number letters without a telephone number, such as `2026/17`."),
        )
        return _form(visit, typed, {"reference": error})
    if typed["language"] not in LANGUAGES:
        return _form(visit, typed, {"language": InformativaError(Text("Choose a language."))})
    name = visit.keep(WantedLetter(visit.company.id, found.typed, typed["language"], reference))
    return visit.redirect(visit.path("letter", name))


def shown(visit: Visit) -> Response:
    """The letter, to be printed. The page begins before the ledger is read."""
    wanted, company = _wanted(visit), owner(visit)
    return visit.stream(
        "letter.html", wanted=wanted, look=Attempt(lambda: _written(visit, company, wanted, "shown"))
    )


def saved(visit: Visit) -> Response:
    """The letter, as a file that needs no other."""
    wanted, company = _wanted(visit), owner(visit)
    letter = _written(visit, company, wanted, "saved")
    page = visit.console.render(
        visit, "letter_file.html", letter=letter, wanted=wanted, style=shipped_style("letter.css")
    )
    day = visit.console.now().astimezone(company.zone).date()
    disposition = f'attachment; filename="{company.id}-{day.isoformat()}.html"'
    return HTMLResponse(page, headers={"content-disposition": disposition})


def _written(visit: Visit, company: Controller, wanted: WantedLetter, how: str) -> AccessLetter:
    """What it tells, once it is on record that somebody has it."""
    letter = access_letter.access_letter(company, wanted.typed, visit.configuration.shared)
    note(visit, "letter", wanted.typed, letter.entries, f"{how} {wanted.reference}".strip())
    return letter


def _wanted(visit: Visit) -> WantedLetter:
    found = visit.kept(visit.request.path_params["kept"])
    if not isinstance(found, WantedLetter) or found.controller != visit.company.id:
        raise HTTPException(404, FORGOTTEN)
    return found


def _form(visit: Visit, typed: dict[str, str], errors: dict[str, InformativaError]) -> Response:
    return visit.page(
        "letter_form.html",
        400 if errors else 200,
        found=looked_up(visit),
        typed=typed,
        errors=errors,
        languages=LANGUAGES,
    )
