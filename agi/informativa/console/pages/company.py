"""The page of a company."""

from __future__ import annotations

from starlette.responses import Response

from ...operations.outsourcing import facts
from ..context import RequestContext


def company(context: RequestContext) -> Response:
    """Show whether the company is live, its lines, its processor, and the papers of the outsourcing."""
    return context.page("company.html", facts=facts(context.configuration, context.company.id))
