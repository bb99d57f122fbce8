"""The page of a company, and the worksheet for an outsourcing contract."""

from __future__ import annotations

from starlette.responses import Response

from ...operations.outsourcing import facts
from ...views.text.controllers import worksheet as worksheet_of
from ..context import RequestContext, attachment


def company(context: RequestContext) -> Response:
    """Show whether the company is live, its lines, its processor, and the papers of the outsourcing."""
    return context.page("company.html", facts=facts(context.configuration, context.company.id))


def worksheet(context: RequestContext) -> Response:
    """Send the worksheet for the analysis before an outsourcing contract, as a file."""
    text = worksheet_of(facts(context.configuration, context.company.id))
    name = f"outsourcing-{context.company.id}.md"
    headers = attachment(name)
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)
