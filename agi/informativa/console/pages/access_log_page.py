"""The access log of one company: what its officers and admins looked at and did in the console."""

from __future__ import annotations

from starlette.responses import Response

from ...model import Action
from ...operations import access_log
from ...operations.access_log import AccessFilter
from ..context import RequestContext
from .caller_lookup import lookup_keys

COUNT = 50  # entries on a page


def listing(context: RequestContext) -> Response:
    """Show the newest entries, of all or of one account or action, and whether all are intact. This look is
    on record, too."""
    account, action = context.query("account", 64), context.query("action", 40)
    access_filter = AccessFilter(
        account=account or None, action=Action(action) if action in list(Action) else None
    )
    context.note("access-log")
    before = context.number("before")
    entries = access_log.page(context.company, before, COUNT, access_filter)
    problems = access_log.problems(context.company, context.console.now()) if before is None else None
    return context.page(
        "access_log.html",
        problems=problems,
        page=entries,
        account=account,
        action=access_filter.action,
        actions=list(Action),
        lookups=lookup_keys(context),
    )
