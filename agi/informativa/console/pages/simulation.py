"""The page of a simulated call: what would happen to it, and by which rule."""

from __future__ import annotations

from starlette.responses import Response

from ...model import Action, Role
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations.controller_state import lines_of
from ...operations.explain import Explanation, explain
from ..context import RequestContext, parse_moment


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
    context.note(Action.WHAT_IF, pseudonym=explanation.disclosed_pseudonym, line=line)
    return explanation
