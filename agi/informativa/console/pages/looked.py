"""Who looked at whom, of one company: what its officers and admins did in the console."""

from __future__ import annotations

from starlette.responses import Response

from ...model import Action
from ...operations import access_log
from ...operations.access_log import AccessFilter
from ...operations.callers import pseudonyms
from ..visit import Visit
from .looked_up import LookedUp

COUNT = 50  # entries on a page


def listing(visit: Visit) -> Response:
    """The newest first, of all or of one account or action. To look here is on record, too."""
    account, action = visit.query("account", 64), visit.query("action", 40)
    wanted = AccessFilter(account=account or None, action=Action(action) if action in list(Action) else None)
    visit.note("access-log")
    found = access_log.page(visit.company, visit.number("before"), COUNT, wanted)
    return visit.page(
        "looked.html",
        found=found,
        account=account,
        action=wanted.action,
        actions=list(Action),
        kept=_kept(visit),
    )


def _kept(visit: Visit) -> dict[bytes, str]:
    """By pseudonym, the names of those callers whom this session remembers: they can be opened again."""
    there = visit.session.kept.items() if visit.session else ()
    return {
        pseudonym: name
        for name, each in list(there)
        if isinstance(each, LookedUp) and each.controller == visit.company.id
        for pseudonym in pseudonyms(visit.company, each.typed.caller)
    }
