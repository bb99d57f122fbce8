"""The access log of one company: what its officers and admins looked at and did in the console."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

from starlette.responses import Response

from ...model import Action, plausibility
from ...model.errors import InformativaError
from ...model.looks import MANY_PERSONS, NIGHT_BEGINS, NIGHT_ENDS
from ...operations import access_log
from ...operations.access_log import AccessEntries, AccessFilter
from ..context import RequestContext
from .call_filter import typed_times
from .caller_lookup import lookup_keys

COUNT = 50  # entries on a page
FILTERS = ("account", "action", "since", "until")  # parameters of the address
WEEK = timedelta(days=7)  # whose unusual looks are named


def listing(context: RequestContext) -> Response:
    """Show the newest entries that pass the filters; without any also whether all are intact, which is sent
    when the whole list is read, and which looks were unusual. This look is on record, too."""
    choices = {name: context.query(name, 64) for name in FILTERS}
    errors: dict[str, InformativaError] = {}
    since, until = (
        None if at is None else plausibility.moment(at.isoformat(), context.company.zone)
        for at in typed_times(context, errors)
    )
    access_filter = AccessFilter(
        account=choices["account"] or None,
        action=Action(choices["action"]) if choices["action"] in list(Action) else None,
        since=since,
        until=until,
    )
    context.note("access-log")
    before, now = context.number("before"), context.console.now()
    parameters = {name: value for name, value in choices.items() if value}
    first = before is None and not parameters
    return context.stream(
        "access_log.html",
        400 if errors else 200,
        problems=partial(access_log.problems, context.company, now, context.console.access_logs)
        if first
        else None,
        unusual=access_log.unusual(context.company, now, WEEK) if first else (),
        page=AccessEntries((), None)
        if errors
        else access_log.page(context.company, before, COUNT, access_filter),
        errors=errors,
        choices=choices,
        actions=list(Action),
        address=lambda **more: "?" + urlencode({**parameters, **more}),
        lookups=lookup_keys(context),
        many=MANY_PERSONS,
        night=(NIGHT_BEGINS.hour, NIGHT_ENDS.hour),
    )
