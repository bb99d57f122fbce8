"""A caller: who he is by his number, what is on record of him, and that he was told elsewhere."""

from __future__ import annotations

from starlette.responses import Response

from ... import plausibility
from ...errors import InformativaError
from ...model import RecordKind
from ...operations import access_letter, callers
from ...operations.controllers import notice_named, of_their_notices
from ...text import Text
from ..visit import Visit
from .erasure import erased_already
from .looked_up import Attempt, LookedUp, form_name, looked_up, note, owner

ELSEWHERE = (RecordKind.OPERATOR, RecordKind.WEBSITE, RecordKind.CONTRACT)
MOST = 200  # records that are shown; the letter has all
FIELDS = {
    callers.NO_REFERENCE: "reference",
    callers.NO_VERSION: "version",
    callers.NO_SUCH_DAY: "on",
}
"""Of a form, which field an error is about."""


def search_form(visit: Visit) -> Response:
    """Asks for a number."""
    return visit.page("caller_search.html", typed={}, errors={})


def search(visit: Visit) -> Response:
    """Takes a number or a customer number, and remembers it under a name that tells nothing."""
    typed = {name: visit.field(name, 100) for name in ("number", "customer")}
    given = [name for name, value in typed.items() if value]
    try:
        if len(given) != 1:
            message = Text("Type the telephone number or the customer number: one of both.")
            raise InformativaError(message)
        found = (callers.by_number if given == ["number"] else callers.by_customer)(typed[given[0]])
    except InformativaError as error:
        field = given[0] if given else "number"
        return visit.page("caller_search.html", 400, typed=typed, errors={field: error})
    owner(visit)
    name = visit.keep(LookedUp(visit.company.id, found))
    visit.note("search", detail=given[0])
    return visit.redirect(visit.path("caller", name))


def shown(visit: Visit) -> Response:
    """What is on record of him. The whole ledger is read for it, so the page begins before."""
    if answer := erased_already(visit):
        return answer
    found, company = looked_up(visit), owner(visit)

    def look() -> access_letter.AccessLetter:
        letter = access_letter.access_letter(company, found.typed, visit.configuration, visit.console.now())
        note(visit, "open-caller", found.typed, letter.entries)
        return letter

    return visit.stream(
        "caller.html",
        found=found,
        look=Attempt(look),
        new=visit.number("recorded"),
        most=MOST,
        errors={},
    )


def told_form(visit: Visit) -> Response:
    """Asks when, how and of what he was told elsewhere."""
    found = looked_up(visit)
    today = visit.console.now().astimezone(visit.company.zone).date().isoformat()
    return _told_page(visit, found, {"on": today, "once": form_name()}, {})


def tell(visit: Visit) -> Response:
    """Puts on record that he was told elsewhere."""
    found = looked_up(visit)
    typed = {name: visit.field(name) for name in ("kind", "notice", "version", "reference", "on", "once")}
    try:
        on = plausibility.typed(typed["on"]) if typed["on"] else None
    except ValueError:
        wrong = InformativaError(Text("That is no day."), Text("Type it like 2026-01-31."))
        return _told_page(visit, found, typed, {"on": wrong})
    if typed["kind"] not in ELSEWHERE:
        return _told_page(visit, found, typed, {"kind": InformativaError(Text("Choose how he was told."))})
    selection = of_their_notices(visit.console.file, visit.company.id)
    (company,) = selection.named
    notice = notice_named(selection.configuration, company.id, typed["notice"])

    def record() -> tuple[callers.Recorded, bool]:
        kind, now = RecordKind(typed["kind"]), visit.console.now()
        made = callers.record(
            company, notice, found.typed, kind, typed["reference"], on, typed["version"], now
        )
        return made, True

    def tell_and_note() -> tuple[str, bool]:
        made = found.once(f"recorded {typed['once']}", record)  # and not again where it cannot be noted
        visit.note("record-elsewhere", record=made.record.number, pseudonym=made.record.event.pseudonym)
        there = visit.path("caller", visit.request.path_params["kept"])
        return f"{there}?recorded={made.record.number}", True

    try:
        return visit.redirect(found.once(f"told {typed['once']}", tell_and_note))
    except InformativaError as error:
        if error.code not in FIELDS:
            raise
        return _told_page(visit, found, typed, {FIELDS[error.code]: error})


def _told_page(
    visit: Visit, found: LookedUp, typed: dict[str, str], errors: dict[str, InformativaError]
) -> Response:
    selection = of_their_notices(visit.console.file, visit.company.id)
    notices = selection.configuration.notices[visit.company.id]
    return visit.page(
        "told.html",
        400 if errors else 200,
        found=found,
        typed=typed,
        errors=errors,
        notices=notices,
        kinds=ELSEWHERE,
    )
