"""The pages of an erasure: its preview, the form to confirm it by a word, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import access_log, callers
from ...operations.callers import Erased, check_instruction
from ...operations.request_refusals import require_no_four_eyes
from ..context import RequestContext
from .caller_lookup import (
    CallerLookup,
    LazyResult,
    company_with_callers,
    forget_caller,
    note_access,
)

_FORM = "erasure"


@dataclass(frozen=True)
class ErasureOutcome:
    """The outcome of an erasure at one company: what was erased, or the error by which something is left.
    `form` is the address of the form, to try again."""

    controller: str
    caller: str
    erased: Erased | None
    error: InformativaError | None
    form: str


def trial(context: RequestContext) -> Response:
    """Show what would be erased, and the form that erases it."""
    return redirect_if_erased(context) or _preview(context, context.session_object(CallerLookup), {})


def erase(context: RequestContext) -> Response:
    """Erase the caller, once, if the word was typed."""
    if answer := redirect_if_erased(context):
        return answer
    lookup, instruction = context.session_object(CallerLookup), context.field("instruction", 100)
    if context.field("word", 100).casefold() != context.company.id.casefold():
        error = InformativaError(
            Text("Nothing was erased: that is another word."),
            Text("Type {word} and press the button again.", word=context.company.id),
        )
        return _preview(context, lookup, {"word": error}, instruction)
    try:
        require_no_four_eyes([context.company])
        check_instruction([context.company], instruction)
    except InformativaError as error:
        return _preview(context, lookup, {"instruction": error}, instruction)
    return context.redirect(lookup.run_once(_FORM, lambda: _erase(context, lookup, instruction)))


def redirect_if_erased(context: RequestContext) -> Response | None:
    """Return a redirect to the outcome if the caller was erased: it replaces him in the session."""
    key = context.request.path_params["session_key"]
    erased = isinstance(context.session_get(key), ErasureOutcome)
    return context.redirect(context.path("erased", key)) if erased else None


def outcome(context: RequestContext) -> Response:
    """Show the outcome of an erasure."""
    return context.page("erased.html", outcome=context.session_object(ErasureOutcome))


def _preview(
    context: RequestContext,
    lookup: CallerLookup,
    errors: Mapping[str, InformativaError],
    instruction: str = "",
) -> Response:
    """Show what would be erased, with the errors by the field of the form."""
    company = company_with_callers(context)

    def read() -> Erased:
        preview = callers.erase([company], lookup.typed, context.console.now(), really=False)
        (erased,) = preview.controllers
        note_access(context, "erase-trial", lookup.typed, erased.records, reason=lookup.reason)
        return erased

    return context.stream(
        "erase.html",
        400 if errors else 200,
        lookup=lookup,
        instruction=instruction,
        result=LazyResult(read),
        errors=errors,
    )


def _erase(context: RequestContext, lookup: CallerLookup, instruction: str) -> tuple[str, bool]:
    """Erase the caller; return the address of the outcome, and whether nothing is left to do."""
    company = company_with_callers(context)
    context.note("erase", detail=access_log.BEGUN)
    erased, error = None, None

    def work() -> tuple[Erased, bool]:
        now = context.console.now()
        erasure = callers.erase(
            [company], lookup.typed, now, really=True, instruction=instruction, in_console=True
        )
        return erasure.controllers[0], True

    try:
        erased = lookup.run_once("erased", work)  # not again if the note fails
        detail = "waiting" if erased.waiting else "done"
        context.note("erase", record=max(erased.traces, default=None), detail=detail)
    except InformativaError as raised:
        error = raised
    key = context.request.path_params["session_key"]
    form = context.path("caller", key, "erasure")
    result = ErasureOutcome(company.id, lookup.masked, erased, error, form)
    if error is not None:
        return context.path("erased", context.session_put(result)), False
    forget_caller(context, lookup)
    context.session_put(result, key)
    return context.path("erased", key), True
