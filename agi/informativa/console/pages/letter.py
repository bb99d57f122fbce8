"""The pages of the letter that answers an access request: to print, or to save as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from starlette.responses import HTMLResponse, Response

from ...model import Controller, plausibility
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import access_letter, callers
from ...operations.access_letter import AccessLetter
from ...operations.typed_caller import Typed
from ...views.letter_page import LetterHead, letter_page
from ...views.messages import LETTER_LANGUAGES
from ..context import RequestContext, attachment
from .caller_lookup import CallerLookup, LazyResult, company_with_callers, note_access
from .exports import require_no_four_eyes


@dataclass(frozen=True, kw_only=True)
class LetterRequest(LetterHead):
    """A letter that an officer asked for, its caller, and the reason for which that one was looked up."""

    controller: str
    typed: Typed = field(repr=False)
    reason: str = ""


def form(context: RequestContext) -> Response:
    """Show the form that asks for the language, a reference, and the day of the request."""
    return _form(context, {"language": context.say.code}, {})


def wish(context: RequestContext) -> Response:
    """Take the form. Texts with a telephone number are refused, and so is a day in the future."""
    lookup = context.session_object(CallerLookup)
    names = ("language", "reference", "received", "verified")
    typed = {name: context.field(name) for name in names}
    errors = dict(_mistakes(typed, "" if lookup.typed.caller.customer else lookup.typed.caller.number))
    received = None
    if typed["received"]:
        try:
            received = context.day("received")
            if received > context.console.now().astimezone(context.company.zone).date():
                raise InformativaError(Text("This day is still to come."))
        except InformativaError as error:
            errors["received"] = error
    if errors:
        return _form(context, typed, errors)
    reference, verified = (plausibility.evidence(typed[name]) for name in ("reference", "verified"))
    request = LetterRequest(
        code=typed["language"],
        reference=reference,
        received=received,
        verified=verified.rstrip("."),
        controller=context.company.id,
        typed=lookup.typed,
        reason=lookup.reason,
    )
    return context.redirect(context.path("letter", context.session_put(request)))


def _mistakes(typed: Mapping[str, str], number: str) -> Iterator[tuple[str, InformativaError]]:
    """Yield the mistakes of a form, each with its field; no letter may have a telephone number."""
    fault = plausibility.reference_fault(plausibility.evidence(typed["reference"]), number)
    if typed["reference"] and fault is not None:
        cause = callers.REFERENCE_FAULTS[fault]
        yield (
            "reference",
            InformativaError(
                Text("This cannot be the reference: {why}.", why=cause),
                Text("Number letters without a telephone number, such as `2026/17`."),
            ),
        )
    fault = plausibility.reference_fault(plausibility.evidence(typed["verified"]), number)
    if typed["verified"] and fault is not None:
        yield (
            "verified",
            InformativaError(
                Text("This cannot stand in the letter."),
                Text("Say it in at most 200 characters, without a telephone number."),
            ),
        )
    if typed["language"] not in LETTER_LANGUAGES:
        yield "language", InformativaError(Text("Choose a language."))


def show(context: RequestContext) -> Response:
    """Show the letter, to be printed. The ledger is read while the page is being sent."""
    request, company = context.session_object(LetterRequest), company_with_callers(context)
    return context.stream(
        "letter.html",
        request=request,
        result=LazyResult(lambda: _letter(context, company, request, "shown")),
    )


def saved(context: RequestContext) -> Response:
    """Send the letter as a file that needs no other."""
    require_no_four_eyes(context)
    request, company = context.session_object(LetterRequest), company_with_callers(context)
    letter = _letter(context, company, request, "saved")
    page = letter_page(letter, request, context.console.now())
    day = context.console.now().astimezone(company.zone).date()
    return HTMLResponse(page, headers=attachment(f"{company.id}-{day.isoformat()}.html"))


def _letter(context: RequestContext, company: Controller, request: LetterRequest, how: str) -> AccessLetter:
    """Return the content of the letter, after the access log has it that somebody saw it."""
    letter = access_letter.access_letter(company, request.typed, context.configuration, context.console.now())
    detail = f"{how} {request.reference}".strip()
    note_access(context, "letter", request.typed, letter.entries, detail, request.reason)
    return letter


def _form(context: RequestContext, typed: dict[str, str], errors: dict[str, InformativaError]) -> Response:
    return context.page(
        "letter_form.html",
        400 if errors else 200,
        lookup=context.session_object(CallerLookup),
        typed=typed,
        errors=errors,
        languages=LETTER_LANGUAGES,
    )
