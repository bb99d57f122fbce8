"""What callers are told: notices, lines with their plans, and what would happen to a call."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from ...errors import InformativaError
from ...model import Action, Role
from ...operations import notices
from ...operations.controller_state import lines_of
from ...operations.explain import Explanation, explain
from ...operations.outsourcing import facts
from ...text import Text
from ...views.text.controllers import worksheet as worksheet_of
from ..visit import Visit, moment

SOUND = "audio/wav"


def notices_page(visit: Visit) -> Response:
    """Every version of every notice, and the lines on which they are told."""
    told = notices.told(visit.configuration, visit.company, visit.console.now())
    lines = lines_of(visit.company, visit.configuration)
    return visit.page("notices.html", told=told, lines=lines)


def sound(visit: Visit) -> Response:
    """One recording; a browser may ask for a part of it."""
    which = (visit.request.path_params[name] for name in ("notice", "version", "part", "language"))
    file = notices.recording(visit.configuration, visit.company, *which)
    if file is None:
        raise HTTPException(404)
    return FileResponse(file, media_type=SOUND)


def what_if(visit: Visit) -> Response:
    """A form for a call that nobody makes."""
    return _what_if(visit)


def what_if_answered(visit: Visit) -> Response:
    """What would happen to it. Nothing is changed, so no redirect follows; the number is in no address. What
    a person was told is for compliance alone, and who asked is on record (L24)."""
    try:
        found = _explained(visit)
    except InformativaError as error:
        return _what_if(visit, error=error, status=422)
    return _what_if(visit, found=found)


def _what_if(
    visit: Visit,
    *,
    status: int = 200,
    found: Explanation | None = None,
    error: InformativaError | None = None,
) -> Response:
    lines = lines_of(visit.company, visit.configuration)
    return visit.page(
        "what_if.html", status, lines=lines, found=found, error=error, knows=_knows_people(visit)
    )


def _knows_people(visit: Visit) -> bool:
    """Tell if the visitor may see what a person was told."""
    return visit.who.may(visit.company.id, Role.COMPLIANCE)


def _explained(visit: Visit) -> Explanation:
    lines = {each.number: each for each in lines_of(visit.company, visit.configuration)}
    line = lines.get(visit.field("line"))
    if line is None:
        raise InformativaError(Text("This company has no such line."), Text("Choose one of the list."))
    number, on = visit.field("number", 40), visit.field("on", 30)
    withheld = visit.field("presentation") == "withheld"
    if not number and not withheld:
        raise InformativaError(Text("A number is missing."), Text("Type one, or choose that it is withheld."))
    explanation = explain(
        line,
        line.number,
        None if withheld else number,
        moment(on),
        visit.field("language", 5),
        visit.console.now(),
        known=_knows_people(visit),
    )
    visit.note(Action.WHAT_IF, pseudonym=explanation.person, line=line)
    return explanation


def company(visit: Visit) -> Response:
    """Whether the company is live, its lines, who serves it, and the papers of that."""
    return visit.page("company.html", facts=facts(visit.configuration, visit.company.id))


def worksheet(visit: Visit) -> Response:
    """The worksheet that an analysis before an outsourcing contract starts from, as a file."""
    text = worksheet_of(facts(visit.configuration, visit.company.id))
    name = f"outsourcing-{visit.company.id}.md"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)
