"""Erasing a caller: what would go, a word to be typed, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...errors import InformativaError
from ...operations import callers
from ...operations.callers import Erased
from ...text import Text
from ..visit import FORGOTTEN, Visit
from .looked_up import Attempt, LookedUp, forget, looked_up, note, owner

_FORM = "erasure"


@dataclass(frozen=True)
class ErasureOutcome:
    """What became of an erasure at one company: what was erased, or why something is left. `again` is the
    address of the form."""

    controller: str
    caller: str
    erased: Erased | None
    error: InformativaError | None
    again: str


def trial(visit: Visit) -> Response:
    """What would go, and the form that has it go."""
    return erased_already(visit) or _trial(visit, looked_up(visit), None)


def erase(visit: Visit) -> Response:
    """Erases him, once, where the word was typed."""
    if answer := erased_already(visit):
        return answer
    found = looked_up(visit)
    if visit.field("word", 100).casefold() != visit.company.id.casefold():
        wrong = InformativaError(
            Text("Nothing was erased: that is another word."),
            Text("Type {word} and press the button again.", word=visit.company.id),
        )
        return _trial(visit, found, wrong)
    return visit.redirect(found.once(_FORM, lambda: _erase(visit, found)))


def erased_already(visit: Visit) -> Response | None:
    """Where the outcome is: the session has it by the name by which it had him."""
    name = visit.request.path_params["kept"]
    there = isinstance(visit.kept(name), ErasureOutcome)
    return visit.redirect(visit.path("erased", name)) if there else None


def outcome(visit: Visit) -> Response:
    """What became of it."""
    found = visit.kept(visit.request.path_params["kept"])
    if not isinstance(found, ErasureOutcome) or found.controller != visit.company.id:
        raise HTTPException(404, FORGOTTEN)
    return visit.page("erased.html", found=found)


def _trial(visit: Visit, found: LookedUp, wrong: InformativaError | None) -> Response:
    company, shared = owner(visit), visit.configuration.shared

    def look() -> Erased:
        would = callers.erase([company], found.typed, visit.console.now(), really=False, shared=shared)
        note(visit, "erase-trial", found.typed, would.erased[0].records)
        return would.erased[0]

    errors = {"word": wrong} if wrong else {}
    return visit.stream(
        "erase.html", 400 if wrong else 200, found=found, look=Attempt(look), errors=errors, shared=shared
    )


def _erase(visit: Visit, found: LookedUp) -> tuple[str, bool]:
    """Where the outcome is shown, and whether nothing is left to do."""
    company, shared = owner(visit), visit.configuration.shared
    visit.note("erase", detail="begun")
    erased, error = None, None

    def work() -> tuple[Erased, bool]:
        done = callers.erase([company], found.typed, visit.console.now(), really=True, shared=shared)
        return done.erased[0], True

    try:
        erased = found.once("erased", work)  # and not again where it cannot be noted
        visit.note("erase", record=max(erased.traces, default=None), detail="done")
    except InformativaError as raised:
        error = raised
    name = visit.request.path_params["kept"]
    again = visit.path("caller", name, "erasure")
    made = ErasureOutcome(company.id, found.masked, erased, error, again)
    if error is not None:
        return visit.path("erased", visit.keep(made)), False
    forget(visit, found)
    visit.keep(made, name)
    return visit.path("erased", name), True
