"""The pages of a caller: the search by number, his records, and the form for deliveries elsewhere."""

from __future__ import annotations

from starlette.responses import Response

from ...model import RecordKind, plausibility
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import access_letter, access_log, callers, consents
from ...operations.controllers import notice_named, select_for_notices
from ...operations.typed_caller import by_customer, by_number
from ..context import RequestContext
from .caller_lookup import (
    CallerLookup,
    LazyResult,
    company_with_callers,
    new_form_name,
    note_access,
)
from .erasure import redirect_if_erased

ELSEWHERE = (RecordKind.OPERATOR, RecordKind.WEBSITE, RecordKind.CONTRACT)
MAX_ENTRIES = 70  # that are shown, some 50 KB; the letter has all
FIELDS = {
    callers.NO_REFERENCE: "reference",
    callers.NO_VERSION: "version",
    callers.NO_SUCH_DAY: "on",
}
"""The field of the form that an error is about."""


def search_form(context: RequestContext) -> Response:
    """Show the form that asks for a number."""
    return context.page("caller_search.html", typed={}, errors={})


def search(context: RequestContext) -> Response:
    """Take a number or a customer number, and remember it in the session under a random key."""
    typed = {name: context.field(name, 100) for name in ("number", "customer")}
    typed["reason"] = context.field("look-reason", 100)
    filled = [name for name in ("number", "customer") if typed[name]]
    try:
        if len(filled) != 1:
            message = Text("Type the telephone number or the customer number: one of both.")
            raise InformativaError(message)
        caller = (by_number if filled == ["number"] else by_customer)(typed[filled[0]])
        reason = access_log.require_reason([context.company], typed["reason"], access_log.IN_FORM)
    except InformativaError as error:
        field = "look-reason" if error.code == "no-reason" else filled[0] if filled else "number"
        return context.page("caller_search.html", 400, typed=typed, errors={field: error})
    company_with_callers(context)
    key = context.session_put(CallerLookup(context.company.id, caller, reason=reason))
    context.note("search", detail=filled[0], reason=reason)
    return context.redirect(context.path("caller", key))


def show(context: RequestContext) -> Response:
    """Show the records of a caller. For the first one the whole ledger is read, while the page is being
    sent."""
    if answer := redirect_if_erased(context):
        return answer
    lookup, company = context.session_object(CallerLookup), company_with_callers(context)

    known = consents.consents(context.configuration, company.id)

    def read() -> tuple[access_letter.CallerEntries, consents.CallerConsents]:
        now, caller = context.console.now(), lookup.typed.caller
        records = access_letter.caller_entries(company, lookup.typed, context.console.callers)
        note_access(context, "open-caller", lookup.typed, records.entries, reason=lookup.reason)
        own_records = [entry.record for entry in records.entries]
        return records, consents.of_caller(company, known, caller, now, own_records)

    return context.stream(
        "caller.html",
        lookup=lookup,
        result=LazyResult(read),
        new=context.number("recorded"),
        most=MAX_ENTRIES,
        asks=bool(known),
        errors={},
    )


def told_form(context: RequestContext) -> Response:
    """Show the form that asks when, how and of which notice the caller was told elsewhere."""
    lookup = context.session_object(CallerLookup)
    today = context.console.now().astimezone(context.company.zone).date().isoformat()
    return _told_page(context, lookup, {"on": today, "once": new_form_name()}, {})


def tell(context: RequestContext) -> Response:
    """Put a delivery elsewhere on record."""
    lookup = context.session_object(CallerLookup)
    typed = {name: context.field(name) for name in ("kind", "notice", "version", "reference", "on", "once")}
    try:
        on = plausibility.typed(typed["on"]) if typed["on"] else None
    except ValueError:
        error = InformativaError(Text("That is no day."), Text("Type it like 2026-01-31."))
        return _told_page(context, lookup, typed, {"on": error})
    if typed["kind"] not in ELSEWHERE:
        return _told_page(context, lookup, typed, {"kind": InformativaError(Text("Choose how he was told."))})
    selection = select_for_notices(context.console.file, context.company.id)
    (company,) = selection.named
    notice = notice_named(selection.configuration, company.id, typed["notice"])

    def record() -> tuple[callers.Recorded, bool]:
        kind, now = RecordKind(typed["kind"]), context.console.now()
        recorded = callers.add_record(
            company, notice, lookup.typed, kind, typed["reference"], on, typed["version"], now
        )
        return recorded, True

    def tell_and_note() -> tuple[str, bool]:
        recorded = lookup.run_once(f"recorded {typed['once']}", record)  # not again if the note fails
        pseudonym = callers.pseudonyms(company, lookup.typed.caller)[0]
        context.note("record-elsewhere", record=recorded.record.number, pseudonym=pseudonym)
        page = context.path("caller", context.request.path_params["session_key"])
        return f"{page}?recorded={recorded.record.number}", True

    try:
        return context.redirect(lookup.run_once(f"told {typed['once']}", tell_and_note))
    except InformativaError as error:
        if error.code not in FIELDS:
            raise
        return _told_page(context, lookup, typed, {FIELDS[error.code]: error})


def _told_page(
    context: RequestContext, lookup: CallerLookup, typed: dict[str, str], errors: dict[str, InformativaError]
) -> Response:
    selection = select_for_notices(context.console.file, context.company.id)
    notices = selection.configuration.notices[context.company.id]
    return context.page(
        "told.html",
        400 if errors else 200,
        lookup=lookup,
        typed=typed,
        errors=errors,
        notices=notices,
        kinds=ELSEWHERE,
    )
