"""The page of exports that a second person must confirm, and the steps that other pages share with it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...model.errors import InformativaError
from ...model.redaction import holds_number
from ...model.text import Text
from ...operations import asked_exports
from ..context import EXPORTS, RequestContext, record_number

ROWS = 50  # exports on a page


def listing(context: RequestContext) -> Response:
    """Show what was asked for, who confirmed it, and until when it can be taken."""
    return _page(context, None)


def confirm(context: RequestContext) -> Response:
    """Confirm what somebody else asked for."""
    company, number = context.company, record_number(context.field("number", 20))
    try:
        asked_exports.confirm(company, number or 0, context.account.name, context.console.now())
    except InformativaError as error:
        return _page(context, error)
    return context.redirect(context.path(EXPORTS))


def address(file: str, parameters: Mapping[str, object], typed: Mapping[str, str] | None = None) -> str:
    """Return the address of a file below the company's, the same for the same wish. The access log has it as
    it is: raises InformativaError where a telephone number stands in what somebody `typed` (I5)."""
    for text in (typed or {}).values():
        if holds_number(text):
            raise InformativaError(Text("There is no such choice."), Text("Choose one of the list."))
    parameters = {**(typed or {}), **parameters}
    return f"{file}?{urlencode({name: value for name, value in parameters.items() if value})}"


def ask(context: RequestContext, file: str) -> Response:
    """Ask for a file, and show the page that says whether it is confirmed. Raises HTTPException (404) where
    no second person is needed."""
    if not context.company.export_four_eyes:
        raise HTTPException(404)
    account = context.account
    asked_exports.ask(context.company, account.name, file, context.console.now(), account.made)
    return context.redirect(context.path(EXPORTS))


def confirmation(context: RequestContext, file: str) -> str:
    """Return the words of the access log for the confirmation of a file; '' where none is needed. Raises
    InformativaError where it is missing."""
    account = context.account
    return asked_exports.confirmation_facts(
        context.company, account.name, file, context.console.now(), account.made
    )


def require_no_four_eyes(context: RequestContext) -> None:
    """Raise InformativaError for a file of one caller, records or letter, where exports need a second
    person."""
    if context.company.export_four_eyes:
        raise InformativaError(
            Text("A file of one caller's records is not made here (four eyes)."),
            Text("Open a request of the person: its answer has the records."),
        )


def _page(context: RequestContext, error: InformativaError | None) -> Response:
    exports = asked_exports.asked_exports(context.company, context.console.now())
    rows, following = context.part(exports, ROWS)
    return context.page("exports.html", 409 if error else 200, exports=rows, following=following, error=error)
