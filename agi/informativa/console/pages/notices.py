"""The pages of notices, lines and their plans, of the company, and of the simulation of a call."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from ...model import Action, Role
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import access_log, notices
from ...operations.controller_state import lines_of
from ...operations.explain import Explanation, explain
from ...operations.outsourcing import facts
from ...views.text.controllers import worksheet as worksheet_of
from ..context import RequestContext, attachment, parse_moment

SOUND = "audio/wav"


def notices_page(context: RequestContext) -> Response:
    """Show every version of every notice, and the lines on which they are played."""
    told_notices = notices.notices_of_company(context.configuration, context.company, context.console.now())
    lines = lines_of(context.company, context.configuration)
    return context.page("notices.html", told=told_notices, lines=lines)


def sound(context: RequestContext) -> Response:
    """Send one recording; a browser may ask for a part of it."""
    names = (context.request.path_params[name] for name in ("notice", "version", "part", "language"))
    file = notices.recording(context.configuration, context.company, *names)
    if file is None:
        raise HTTPException(404)
    return FileResponse(file, media_type=SOUND)


def what_if(context: RequestContext) -> Response:
    """Show the form for the simulation of a call."""
    return _simulation_page(context)


def what_if_answered(context: RequestContext) -> Response:
    """Show what would happen to a call. Nothing is changed, so no redirect follows; the number is in no
    address. Compliance officers alone see what a person was told, and the access log has who asked (the
    Garante's measure of 27 November 2008)."""
    try:
        explanation = _explain(context)
    except InformativaError as error:
        return _simulation_page(context, error=error, status=422)
    return _simulation_page(context, explanation=explanation)


def _simulation_page(
    context: RequestContext,
    *,
    status: int = 200,
    explanation: Explanation | None = None,
    error: InformativaError | None = None,
) -> Response:
    lines = lines_of(context.company, context.configuration)
    return context.page(
        "what_if.html",
        status,
        lines=lines,
        countries=sorted(frozenset[str]().union(*(line.countries for line in lines))),
        explanation=explanation,
        error=error,
        knows=_knows_people(context),
    )


def _knows_people(context: RequestContext) -> bool:
    """Return whether the visitor may see what a person was told."""
    return context.account.may(context.company.id, Role.COMPLIANCE)


def _explain(context: RequestContext) -> Explanation:
    lines = {line.number: line for line in lines_of(context.company, context.configuration)}
    line = lines.get(context.field("line"))
    if line is None:
        raise InformativaError(Text("This company has no such line."), Text("Choose one of the list."))
    number, on = context.field("number", 40), context.field("on", 30)
    withheld = context.field("presentation") == "withheld"
    if not number and not withheld:
        raise InformativaError(Text("A number is missing."), Text("Type one, or choose that it is withheld."))
    reason = context.field("look-reason", 100)
    if number and _knows_people(context):
        reason = access_log.require_reason([context.company], reason, access_log.IN_FORM)
    explanation = explain(
        line,
        line.number,
        None if withheld else number,
        parse_moment(on),
        context.field("language", 5),
        context.console.now(),
        use_history=_knows_people(context),
        country=context.field("country", 20),
    )
    context.note(Action.WHAT_IF, pseudonym=explanation.disclosed_pseudonym, line=line, reason=reason)
    return explanation


def company(context: RequestContext) -> Response:
    """Show whether the company is live, its lines, its processor, and the papers of the outsourcing."""
    return context.page("company.html", facts=facts(context.configuration, context.company.id))


def worksheet(context: RequestContext) -> Response:
    """Send the worksheet for the analysis before an outsourcing contract, as a file."""
    text = worksheet_of(facts(context.configuration, context.company.id))
    name = f"outsourcing-{context.company.id}.md"
    headers = attachment(name)
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)
