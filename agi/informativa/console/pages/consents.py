"""The pages of consents: what counts now of all callers, as a list and as files, and a withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from ...model import Action, Answer, Choice, Controller, RecordKind, plausibility
from ...model.choices import ACTS
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import callers, consent_export, consents
from ...operations.consent_export import ConsentFilter
from ...operations.controllers import select_for_notices
from ...operations.day_range import DayRange
from ...views import record_files
from ...views.record_files import ConsentFormat
from ..context import RequestContext, attachment
from . import exports
from .caller import ELSEWHERE, FIELDS
from .caller_lookup import CallerLookup, company_with_callers, lookup_keys, new_form_name
from .calls import batched
from .erasure import redirect_if_erased

COUNT = 50  # consents on a page
FILTERS = ("choice", "answer", "from", "to")  # parameters of the address
KINDS = {
    ConsentFormat.CSV: "text/csv; charset=utf-8",
    ConsentFormat.LINES: "application/jsonl; charset=utf-8",
}


@dataclass(frozen=True)
class ConsentPlace:
    """The place in a company's list of consents at which its next page begins: behind a caller's answer to a
    choice. It stands in a session, for no address may have a pseudonym."""

    controller: str
    pseudonyms: tuple[bytes, ...] = field(repr=False)
    choice: str


def listing(context: RequestContext) -> Response:
    """Show what callers answered last and what it counts for, as far as it passes the filters. This look is
    on record, too."""
    owner, known = company_with_callers(context), _consents(context)
    selection, after = _selection(context, owner), _place(context)
    context.note(Action.SEARCH, facts=selection.facts(owner.zone))
    page = consent_export.page(owner, known, context.console.now(), selection, after, COUNT)
    typed = {name: context.query(name) for name in FILTERS}
    parameters = {name: value for name, value in typed.items() if value}
    return context.page(
        "consents.html",
        page=page,
        after=after,
        next=_next(context, owner, page.place),
        choices=known,
        answers=ACTS,
        typed=typed,
        filtered=bool(parameters),
        address=lambda **more: "?" + urlencode({**parameters, **more}),
        lookups=lookup_keys(context),
        reach=consent_export.REACH,
        forms=ConsentFormat,
    )


def ask_export(context: RequestContext) -> Response:
    """Ask a second person to confirm the file; it has what is on record when it is taken."""
    _format(context)
    _selection(context, company_with_callers(context))
    return exports.ask(context, _file(context))


def export(context: RequestContext) -> Response:
    """Send what passes the filters as a file, as `consent export` prints it; it is read while it is sent."""
    form = _format(context)
    owner, known, now = company_with_callers(context), _consents(context), context.console.now()
    selection = _selection(context, owner)
    rows = consent_export.rows(owner, known, now, selection)
    confirmation = exports.confirmation(context, _file(context))
    context.note(Action.EXPORT, facts=f"{selection.facts(owner.zone)} {confirmation}".strip())
    parts = record_files.consents(form, rows)
    name = f"{owner.id}-consents-{now.astimezone(owner.zone).date()}.{form}"
    return StreamingResponse(batched(parts), media_type=KINDS[form], headers=attachment(name))


def _format(context: RequestContext) -> ConsentFormat:
    """Return the format of a file. Raises HTTPException (404) for one that there is not."""
    try:
        return ConsentFormat(context.request.path_params["kind"])
    except ValueError:
        raise HTTPException(404) from None


def _file(context: RequestContext) -> str:
    """Return the address of a file of consents by which it is asked for."""
    kind = context.request.path_params["kind"]
    return exports.address(f"consents/file/{kind}", {}, {name: context.query(name) for name in FILTERS})


def withdrawal_form(context: RequestContext) -> Response:
    """Show the form by which a consent is withdrawn for a caller."""
    if answer := redirect_if_erased(context):
        return answer
    typed = {"choice": context.query("choice"), "once": new_form_name()}
    return _withdrawal_page(context, context.session_object(CallerLookup), typed, {})


def withdraw(context: RequestContext) -> Response:
    """Put on record that a caller withdrew a consent, once."""
    if answer := redirect_if_erased(context):
        return answer
    lookup = context.session_object(CallerLookup)
    typed = {name: context.field(name) for name in ("choice", "kind", "reference", "on", "once")}
    if typed["kind"] not in ELSEWHERE:
        error = InformativaError(Text("Choose how he withdrew it."))
        return _withdrawal_page(context, lookup, typed, {"kind": error})
    try:
        on = plausibility.typed(typed["on"]) if typed["on"] else None
    except ValueError:
        error = InformativaError(Text("That is no day."), Text("Type it like 2026-01-31."))
        return _withdrawal_page(context, lookup, typed, {"on": error})
    selection = select_for_notices(context.console.file, context.company.id)
    (company,) = selection.named
    choice = consents.consent_named(selection.configuration, company.id, typed["choice"])

    def withdraw_and_note() -> tuple[str, bool]:
        number = lookup.run_once(
            f"withdrawn {typed['once']}",
            lambda: (_recorded(context, company, choice, lookup, typed, on), True),
        )
        pseudonym = callers.pseudonyms(company, lookup.typed.caller)[0]
        context.note(Action.RECORD_CONSENT, record=number, pseudonym=pseudonym)
        page = context.path("caller", context.request.path_params["session_key"])
        return f"{page}?recorded={number}", True

    try:
        return context.redirect(lookup.run_once(f"withdrawal {typed['once']}", withdraw_and_note))
    except InformativaError as error:
        if error.code not in FIELDS:
            raise
        return _withdrawal_page(context, lookup, typed, {FIELDS[error.code]: error})


def _recorded(
    context: RequestContext,
    company: Controller,
    choice: Choice,
    lookup: CallerLookup,
    typed: Mapping[str, str],
    on: datetime | None,
) -> int:
    """Put a withdrawal on record and return the number of the record. Here an operator needs a reference,
    too: whoever is logged in may be asked one day why he did it."""
    reference = callers.checked_reference(typed["reference"], lookup.typed.caller)
    recorded = consents.record_act(
        company,
        choice,
        lookup.typed,
        Answer.WITHDRAWN,
        RecordKind(typed["kind"]),
        reference,
        on,
        context.console.now(),
    )
    return recorded.act.record


def _withdrawal_page(
    context: RequestContext,
    lookup: CallerLookup,
    typed: Mapping[str, str],
    errors: Mapping[str, InformativaError],
) -> Response:
    return context.page(
        "withdrawal.html",
        400 if errors else 200,
        lookup=lookup,
        typed=typed,
        errors=errors,
        choices=_consents(context),
        kinds=ELSEWHERE,
    )


def _consents(context: RequestContext) -> Mapping[str, Choice]:
    return consents.consents(context.configuration, context.company.id)


def _selection(context: RequestContext, owner: Controller) -> ConsentFilter:
    """Return the filter of the address. Raises InformativaError for a value that cannot be."""
    choice, answer = (context.query(name) for name in ("choice", "answer"))
    if (answer and answer not in ACTS) or (choice and choice not in _consents(context)):
        raise InformativaError(Text("There is no such choice."), Text("Choose one of the list."))
    first, last = _day(context, "from"), _day(context, "to")
    return ConsentFilter(
        choice,
        Answer(answer) if answer else None,
        DayRange(first, first, owner.zone).since if first else None,
        DayRange(last, last, owner.zone).until if last else None,
    )


def _day(context: RequestContext, name: str) -> date | None:
    text = context.query(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InformativaError(Text("There is no such day."), Text("Write it like 2026-01-31.")) from None


def _place(context: RequestContext) -> consent_export.Place | None:
    key = context.query("after")
    if not key:
        return None
    place = context.session_get(key)
    if not isinstance(place, ConsentPlace) or place.controller != context.company.id:
        raise HTTPException(404)
    return place.pseudonyms[0], place.choice


def _next(context: RequestContext, owner: Controller, place: consent_export.Place | None) -> str:
    """Return the session's key of the place at which the next page begins; '' if there is none."""
    if place is None:
        return ""
    pseudonym, choice = place
    return context.session_put(ConsentPlace(owner.id, (pseudonym,), choice))
