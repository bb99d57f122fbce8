"""The pages of persons' requests: the open ones, one with its next step, and the form that opens one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...model.errors import InformativaError
from ...model.requests import (
    ExtensionReason,
    Identification,
    Move,
    PersonRequest,
    RequestKind,
    RequestOutcome,
    RequestStep,
)
from ...model.text import Text
from ...operations import request_answers, request_register
from ...operations.callers import Erased
from ...operations.request_refusals import UNKNOWN
from ...operations.request_register import ListedRequest
from ...operations.typed_caller import Typed, by_customer, by_number
from ...views.letter_page import answer_pages
from ...views.messages import LETTER_LANGUAGES
from ...views.text.requests import KINDS, STATES, WORDS, step_words
from ..context import RequestContext, attachment
from .caller_lookup import CallerLookup, company_with_callers, forget_caller, lookup_keys

ROWS = 100  # requests on a page
_WORDS: dict[str, type[StrEnum]] = {
    Move.IDENTIFY: Identification,
    Move.EXTEND: ExtensionReason,
    Move.CLOSE: RequestOutcome,
}
"""The words of which a form takes one, by its move."""


@dataclass(frozen=True)
class RequestFile:
    """An answer that was made, to be saved: it is in the session alone."""

    controller: str
    name: str
    data: bytes = field(repr=False)
    typed: Typed = field(repr=False)


def listing(context: RequestContext) -> Response:
    """Show the open requests, or all."""
    closed = context.query("all") == "1"
    result = request_register.listing([company_with_callers(context)], context.console.now(), closed=closed)
    requests, following = context.part(result.requests, ROWS)
    return context.page(
        "requests.html", requests=requests, following=following, closed=closed, kinds=KINDS, states=STATES
    )


def new_form(context: RequestContext) -> Response:
    """Show the form that opens a request."""
    today = request_register.today(context.company, context.console.now())
    return _new(context, {"number": "", "customer": "", "kind": "", "received": today.isoformat()}, {})


def open_request(context: RequestContext) -> Response:
    """Open a request, and remember its person in the session."""
    typed = {name: context.field(name, 100) for name in ("number", "customer", "kind", "received")}
    errors = dict[str, InformativaError]()
    caller = _typed_caller(context, errors)
    if typed["kind"] not in list(RequestKind):
        errors["kind"] = InformativaError(Text("Choose what the person asks for."))
    try:
        received = context.day("received")
        if caller is not None and not errors:
            company, now = company_with_callers(context), context.console.now()
            kind = RequestKind(typed["kind"])
            result = request_register.open_request(company, caller, kind, received, context.account.name, now)
            _remember(context, company.id, caller, result.number)
            return context.redirect(context.path("requests", result.number))
    except InformativaError as error:
        errors["received"] = error
    return _new(context, typed, errors)


def show(context: RequestContext) -> Response:
    """Show a request, its steps, and the form of the next one."""
    return _page(context, {})


def lead(context: RequestContext) -> Response:
    """Do the step that a form asks for."""
    errors = dict[str, InformativaError]()
    move, path = context.field("move", 20), context.path("requests", _request(context).number)
    try:
        done = _STEPS[move](context, errors) if move in _STEPS else _step(context, move)
    except InformativaError as error:
        errors["step"] = error
    return _page(context, errors) if errors else context.redirect("/".join(filter(None, [path, done])))


def answer(context: RequestContext) -> Response:
    """Show where the answer can be saved."""
    file = context.session_object(RequestFile)
    return _page(context, {}, file)


def saved(context: RequestContext) -> Response:
    """Send the answer as a file."""
    file = context.session_object(RequestFile)
    return Response(file.data, media_type="application/zip", headers=attachment(file.name))


def _request(context: RequestContext) -> PersonRequest:
    """Return the request of the page. Raises HTTPException (404) if there is none."""
    try:
        number: int = context.request.path_params["request"]
        return request_register.request_numbered(company_with_callers(context), number)
    except InformativaError as error:
        if error.code != UNKNOWN:
            raise
        raise HTTPException(404) from error


def _step(context: RequestContext, name: str) -> str:
    """Add a step that needs a word alone. Raises InformativaError."""
    company, now, account = company_with_callers(context), context.console.now(), context.account.name
    word, number = context.field("word", 100), _request(context).number
    if name == Move.ASSIGN:
        request_register.assign(company, number, word, account, now)
    elif name not in _WORDS or word not in list(_WORDS[name]):
        raise InformativaError(Text("Choose one of the words."))
    else:
        request_register.take_step(company, number, RequestStep(now, account, Move(name), word))
    return ""


def _look(context: RequestContext, errors: dict[str, InformativaError]) -> str:
    """Remember the person of the request, whose number was typed, in the session."""
    company, caller = company_with_callers(context), _typed_caller(context, errors)
    if caller is not None:
        request = _request(context)
        request_register.require_caller(company, request, caller)
        context.note("search", detail=f"request={request.number}")
        _remember(context, company.id, caller, request.number)
    return ""


def _remember(context: RequestContext, controller: str, caller: Typed, number: int) -> None:
    """Remember the person of a request in the session: the request is the reason of each look."""
    context.session_put(CallerLookup(controller, caller, reason=f"request={number}"))


def _letter(context: RequestContext, errors: dict[str, InformativaError]) -> str:
    """Make the answer, and return the end of the address at which it is to be saved."""
    company, now, caller = company_with_callers(context), context.console.now(), _caller(context)
    code, made = context.field("language", 2), dict[str, bytes]()
    if code not in LETTER_LANGUAGES:
        errors["language"] = InformativaError(Text("Choose a language."))
        return ""

    def put(name: str, data: bytes) -> str:
        made[name] = data
        return name

    account, pages = context.account.name, answer_pages(code, now)
    number, configuration = _request(context).number, context.configuration
    result = request_answers.answer(company, number, caller, configuration, pages, put, account, now)
    file = RequestFile(company.id, result.file, made[result.file], caller)
    return f"answer/{context.session_put(file)}"


def _erase(context: RequestContext, errors: dict[str, InformativaError]) -> str:
    """Erase the person of the request if the word was typed."""
    company, caller = company_with_callers(context), _caller(context)
    if context.field("confirmation", 100).casefold() != company.id.casefold():
        errors["confirmation"] = InformativaError(
            Text("Nothing was erased: that is another word."),
            Text("Type {word} and press the button again.", word=company.id),
        )
        return ""
    _erasure(context, caller, really=True)
    return ""


def _erasure(context: RequestContext, caller: Typed, *, really: bool) -> Erased:
    """Erase the person of the request, or return what would be erased. The sessions forget who was
    erased. Raises as `request_answers.erase`."""
    company = company_with_callers(context)

    def finish(_erased: Erased) -> None:
        if really:
            forget_caller(context, CallerLookup(company.id, caller))

    return request_answers.erase(
        company,
        _request(context).number,
        caller,
        context.field("instruction", 100) if really else "",
        context.account.name,
        context.console.now(),
        really=really,
        in_console=True,
        progress=finish,
    ).erased


_STEPS = {"look": _look, "letter": _letter, "erase": _erase}
"""The steps that need more than a word, by the name in their form."""


def _caller(context: RequestContext) -> Typed:
    """Return the person of the request. Raises InformativaError if the session does not remember the
    number."""
    caller = _remembered(context)
    if caller is None:
        raise InformativaError(
            Text("The number is not remembered any more."), Text("Type it, and press the button again.")
        )
    return caller


def _remembered(context: RequestContext) -> Typed | None:
    """Return the person of the request if the session remembers the number."""
    pseudonym = _request(context).pseudonym
    key = lookup_keys(context).get(pseudonym.hex()) if pseudonym else None
    lookup = context.session_get(key) if key else None
    return lookup.typed if isinstance(lookup, CallerLookup) else None


def _typed_caller(context: RequestContext, errors: dict[str, InformativaError]) -> Typed | None:
    """Return the caller of a form with the fields number and customer; `None` with an error."""
    typed = {name: context.field(name, 100) for name in ("number", "customer")}
    filled = [name for name, value in typed.items() if value]
    field_name = filled[0] if filled else "number"
    try:
        if len(filled) != 1:
            message = Text("Type the telephone number or the customer number: one of both.")
            raise InformativaError(message)
        return (by_number if filled == ["number"] else by_customer)(typed[field_name])
    except InformativaError as error:
        errors[field_name] = error
        return None


def _new(context: RequestContext, typed: dict[str, str], errors: dict[str, InformativaError]) -> Response:
    status = 400 if errors else 200
    return context.page("request_new.html", status, typed=typed, errors=errors, kinds=KINDS)


def _page(
    context: RequestContext, errors: dict[str, InformativaError], file: RequestFile | None = None
) -> Response:
    """Show a request with the fields as they were typed."""
    company, caller = company_with_callers(context), _remembered(context)
    request = ListedRequest.of(_request(context), company, context.console.now())
    trial = None
    if caller is not None and request.next is Move.ERASE:
        try:
            trial = _erasure(context, caller, really=False)
        except InformativaError as error:  # as by four eyes
            errors.setdefault("step", error)
    names = ("number", "customer", "language", "confirmation", "instruction", "word", "move")
    return context.page(
        "request.html",
        400 if errors and context.request.method == "POST" else 200,
        request=request,
        known=caller is not None,
        trial=trial,
        typed={name: context.field(name, 100) for name in names},
        errors=errors,
        file=file,
        kinds=KINDS,
        states=STATES,
        words=WORDS,
        step_words=step_words,
        choices={move: [*words] for move, words in _WORDS.items()},
        languages=LETTER_LANGUAGES,
    )
