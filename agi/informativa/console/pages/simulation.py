"""The page of a simulated call: what would happen to it, and by which rule."""

from __future__ import annotations

from starlette.responses import Response

from ...model import Action, Role
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import access_log
from ...operations.controller_state import lines_of
from ...operations.explain import Explanation, explain
from ..context import RequestContext, parse_moment


def what_if(context: RequestContext) -> Response:
    """Show the form for the simulation of a call."""
    return _simulation_page(context, {})


def what_if_answered(context: RequestContext) -> Response:
    """Show what would happen to a call. Nothing is changed, so no redirect follows; the number is in no
    address. Compliance officers alone see what a person was told, and the access log has who asked (the
    Garante's measure of 27 November 2008)."""
    errors = dict[str, InformativaError]()
    try:
        explanation = _explain(context, errors)
    except InformativaError as error:
        errors["call"] = error
        explanation = None
    return _simulation_page(context, errors, explanation)


def _simulation_page(
    context: RequestContext, errors: dict[str, InformativaError], explanation: Explanation | None = None
) -> Response:
    """Show the form, with the errors by their fields; `call` for one that is of no single field."""
    lines = lines_of(context.company, context.configuration)
    return context.page(
        "what_if.html",
        422 if errors else 200,
        lines=lines,
        countries=sorted(frozenset[str]().union(*(line.countries for line in lines))),
        explanation=explanation,
        errors=errors,
        knows=_knows_people(context),
    )


def _knows_people(context: RequestContext) -> bool:
    """Return whether the visitor may see what a person was told."""
    return context.account.may(context.company.id, Role.COMPLIANCE)


def _explain(context: RequestContext, errors: dict[str, InformativaError]) -> Explanation | None:
    """Return what would happen, or `None` with the errors of the fields. Raises InformativaError."""
    lines = {line.number: line for line in lines_of(context.company, context.configuration)}
    line = lines.get(context.field("line"))
    if line is None:
        errors["line"] = InformativaError(
            Text("This company has no such line."), Text("Choose one of the list.")
        )
    number, on = context.field("number", 40), None
    withheld = context.field("presentation") == "withheld"
    if not number and not withheld:
        errors["number"] = InformativaError(
            Text("A number is missing."), Text("Type one, or choose that it is withheld.")
        )
    try:
        on = parse_moment(context.field("on", 30))
    except InformativaError as error:
        errors["on"] = error
    reason, knows = context.field("look-reason", 100), _knows_people(context)
    if number and knows:
        try:
            reason = access_log.require_reason([context.company], reason, access_log.IN_FORM)
        except InformativaError as error:
            errors["look-reason"] = error
    if line is None or errors:
        return None
    explanation = explain(
        line,
        line.number,
        None if withheld else number,
        on,
        context.field("language", 5),
        context.console.now(),
        use_history=knows,
        country=context.field("country", 20),
    )
    context.note(Action.WHAT_IF, pseudonym=explanation.disclosed_pseudonym, line=line, reason=reason)
    return explanation
