"""The answer to an access request, as a letter to print or to save."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from ... import plausibility
from ...errors import InformativaError
from ...model import Controller, Period
from ...operations import access_letter, callers
from ...operations.access_letter import AccessLetter
from ...operations.callers import Typed
from ...text import Text
from ...views.html.console import shipped_style
from ...views.messages import Language, of_letter
from ..visit import FORGOTTEN, Visit
from .looked_up import Attempt, looked_up, note, owner

LANGUAGES = {"it": "Italiano", "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
_MONTH = Period(months=1)


@dataclass(frozen=True)
class WantedLetter:
    """To whom, in which language, what the officer calls it, on which day the request came and how it was
    checked that the number is theirs; `None` and '' where that is not said."""

    controller: str
    typed: Typed = field(repr=False)
    code: str
    reference: str
    received: date | None = None
    verified: str = ""

    @property
    def language(self) -> Language:
        """The reader's, who need not be the officer."""
        return of_letter(self.code)

    def in_time(self, today: date) -> bool:
        """Tell if an answer of today is within a month of the request (GDPR 12(3))."""
        if self.received is None:
            return False
        came = datetime.combine(self.received, time(), UTC)
        return today <= _MONTH.after(came, UTC).date()


def form(visit: Visit) -> Response:
    """Asks in which language, and for a reference."""
    return _form(visit, {"language": visit.say.code}, {})


def wish(visit: Visit) -> Response:
    """Takes what the officer says; what holds a number is refused, and so is a day to come."""
    found = looked_up(visit)
    names = ("language", "reference", "received", "verified")
    typed = {name: visit.field(name) for name in names}
    errors = dict(_mistakes(typed, "" if found.typed.caller.customer else found.typed.caller.number))
    received = None
    if typed["received"]:
        try:
            received = visit.day("received")
            if received > visit.console.now().astimezone(visit.company.zone).date():
                raise InformativaError(Text("This day is still to come."))
        except InformativaError as error:
            errors["received"] = error
    if errors:
        return _form(visit, typed, errors)
    reference, verified = (plausibility.evidence(typed[name]) for name in ("reference", "verified"))
    wanted = WantedLetter(
        visit.company.id, found.typed, typed["language"], reference, received, verified.rstrip(".")
    )
    return visit.redirect(visit.path("letter", visit.keep(wanted)))


def _mistakes(typed: Mapping[str, str], number: str) -> Iterator[tuple[str, InformativaError]]:
    """By the field; no letter holds somebody's number."""
    wrong = plausibility.reference_fault(plausibility.evidence(typed["reference"]), number)
    if typed["reference"] and wrong is not None:
        why = callers.REFERENCE_FAULTS[wrong]
        yield (
            "reference",
            InformativaError(
                Text("This cannot be the reference: {why}.", why=why),
                Text("Number letters without a telephone number, such as `2026/17`."),
            ),
        )
    wrong = plausibility.reference_fault(plausibility.evidence(typed["verified"]), number)
    if typed["verified"] and wrong is not None:
        yield (
            "verified",
            InformativaError(
                Text("This cannot stand in the letter."),
                Text("Say it in at most 200 characters, without a telephone number."),
            ),
        )
    if typed["language"] not in LANGUAGES:
        yield "language", InformativaError(Text("Choose a language."))


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
    letter = access_letter.access_letter(company, wanted.typed, visit.configuration, visit.console.now())
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
