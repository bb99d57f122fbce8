"""The pages of recorded calls: the list, new calls as they come, and the list as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from ...call.caller import mask
from ...ledgers.tally import OF_CHOICES
from ...model import Action, Reason, Record, RecordFilter, Role
from ...model.errors import InformativaError, LedgerError
from ...model.text import Text
from ...operations import access_log, callers, record_document, records
from ...operations.controller_state import lines_of
from ...operations.typed_caller import by_customer, by_number
from ...process import storage
from ...views.call_words import OUTCOMES, REASONS
from ...views.documents import streamed
from ...views.record_files import table
from ..context import RequestContext, attachment, record_number
from ..live import Subscriber
from . import exports
from .call_filter import FILTERS, CallerFilter, CallFilter, call_filter

STREAM = "text/event-stream"
COUNT = 50  # records on a page
ROWS = 500  # of a file, that are sent at a time
GROUPS = {
    "": Text("All"),
    "calls": Text("Calls"),
    "papers": Text("Papers and imports"),
    "erasures": Text("Erasures"),
    "notes": Text("Notes of the program"),
}
"""The kinds of records (`records.KIND_GROUPS`) as the page names them."""
HEARTBEAT = 2.0  # seconds between two checks that the browser is still there, and may watch
KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def listing(context: RequestContext) -> Response:
    """Show the newest calls that pass the filters, among the last records (`records.REACH`)."""
    return _listing(context, None)


def listing_of(context: RequestContext) -> Response:
    """Do the same for one caller."""
    return _listing(context, context.session_object(CallerFilter))


def seek(context: RequestContext) -> Response:
    """Take a number that was typed, and remember its pseudonyms in the session, not the number."""
    number, customer = context.field("number", 40), context.field("customer", 64)
    typed = {"number": number, "customer": customer, "reason": context.field("look-reason", 100)}
    try:
        if bool(number) == bool(customer):
            raise InformativaError(Text("Type a telephone number or a customer number, one of the two."))
        reason = access_log.require_reason([context.company], typed["reason"], access_log.IN_FORM)
        match = by_number(number) if number else by_customer(customer)
    except InformativaError as error:
        field = "customer" if customer and not number else "number"
        return _listing(context, None, typed, {"look-reason" if error.code == "no-reason" else field: error})
    pseudonyms = tuple(callers.pseudonyms(context.company, match.caller))
    last = records.page(context.company, RecordFilter(callers=pseudonyms), count=1).records
    recorded = last[0].event.pseudonym if last else None
    detail = "number" if number else "customer"
    context.note(Action.SEARCH, pseudonym=recorded, detail=detail, reason=reason)
    caller_filter = CallerFilter(
        context.company.id, pseudonyms, recorded, mask(match.caller.number), match.doubt
    )
    assert context.session is not None
    return context.redirect(context.path("calls", "of", context.session.put(caller_filter)))


def export(context: RequestContext) -> Response:
    """Send the records that pass the filters as a file; they are read while it is sent."""
    return _export(context, None)


def ask_export(context: RequestContext) -> Response:
    """Ask a second person to confirm the file, of the records that there are now."""
    chosen, before = _chosen(context, None), context.number("before")
    end = records.extract(context.company, chosen.records).last + 1
    return exports.ask(context, _file(context, min(before or end, end)))


def export_of(context: RequestContext) -> Response:
    """Do the same for one caller."""
    exports.require_no_four_eyes(context)
    return _export(context, context.session_object(CallerFilter))


def live(context: RequestContext) -> Response:
    """Send new calls as events: those after the page was made, or after the last event of the browser."""
    if context.console.live.full(context.account.name):
        raise HTTPException(429)
    after = context.request.headers.get("last-event-id") or context.query("after", 20)
    if context.request.method == "HEAD":
        return Response(media_type=STREAM)
    events = _events(context, record_number(after) or 0)
    return StreamingResponse(events, media_type=STREAM, headers={"x-accel-buffering": "no"})  # of nginx


async def _events(context: RequestContext, after: int) -> AsyncIterator[str]:
    """Yield the events for a browser: rows for its table, until it goes, logs out, or the console stops."""
    subscriber, console = Subscriber(context.account.name), context.console
    watch = console.live.join(context.company, subscriber)
    if watch is None:
        return
    try:
        await run_in_threadpool(watch.wait_ready)  # so that no record falls between the page and the stream
        news: list[Record] | LedgerError | None = await run_in_threadpool(_since, context, after)
        while news is not None:
            if not await run_in_threadpool(context.session_is_valid):
                yield _event("over", "logged out")  # or the browser would connect again
                return
            if isinstance(news, LedgerError):
                yield _event("trouble", context.say(news.text))
            elif fresh := [record for record in news if record.number > after]:
                after = max(record.number for record in fresh)
                rows = await run_in_threadpool(
                    context.render, "calls_rows.html", last=list(reversed(fresh)), fresh=True
                )
                yield _event("calls", rows, after)
            else:
                yield ":\n\n"
            news = await subscriber.next_news(HEARTBEAT)
    finally:
        console.live.leave(watch, subscriber)


def _since(context: RequestContext, after: int) -> list[Record] | LedgerError:
    """Return the calls after a record, at most the newest `COUNT`; or why they cannot be read."""
    try:
        newest = records.page(context.company, records.CALLS, count=COUNT).records
    except LedgerError as error:
        return error
    return [record for record in reversed(newest) if record.number > after and record.event.call]


def _event(name: str, text: str, number: int | None = None) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return (f"id: {number}\n" if number else "") + f"event: {name}\n{lines}\n"


def _listing(
    context: RequestContext,
    caller_filter: CallerFilter | None,
    typed: dict[str, str] | None = None,
    errors: dict[str, InformativaError] | None = None,
) -> Response:
    """Show a page of calls; `typed` and `errors` are those of a search for a caller that failed."""
    chosen, before_number = call_filter(context, caller_filter), context.number("before")
    page = (
        records.Page((), None)
        if chosen.errors
        else records.page(context.company, chosen.records, before_number, COUNT)
    )
    choices = {name: context.query(name) for name in FILTERS}
    parameters = {name: value for name, value in choices.items() if value}
    has_choices = storage.has_answers(context.company)
    first = caller_filter is None and not parameters and before_number is None and not errors
    newest = page.records[0].number if page.records else 0
    return context.page(
        "calls.html",
        400 if chosen.errors or errors else 200,
        page=page,
        errors={**chosen.errors, **(errors or {})},
        typed=typed or {},
        groups=GROUPS,
        caller_filter=caller_filter,
        choices=choices,
        before=before_number,
        here=context.path("calls") if errors else context.request.url.path,
        address=lambda **more: "?" + urlencode({**parameters, **more}),
        address_of=lambda group: "?" + urlencode({**parameters, "kind": group}),
        lines=lines_of(context.company, context.configuration),
        statuses={
            status: words for status, words in OUTCOMES.items() if has_choices or status not in OF_CHOICES
        },
        reasons={
            reason: words
            for reason, words in REASONS.items()
            if has_choices or reason is not Reason.NOT_ANSWERED
        },
        reach=records.REACH,
        searches=context.account.may(context.company.id, Role.COMPLIANCE),
        live=f"{context.path('live')}?after={newest}" if first else "",
        most=COUNT,
    )


def batched(parts: Iterable[str]) -> Iterator[str]:
    """Join many rows into one piece: a thread fetches each piece of an answer, which costs more than a
    row."""
    remaining = iter(parts)
    while batch := list(islice(remaining, ROWS)):
        yield "".join(batch)


def _chosen(context: RequestContext, caller_filter: CallerFilter | None) -> CallFilter:
    """Return the filter of a file. Raises HTTPException (404) for another kind of file, and
    InformativaError."""
    if context.request.path_params["kind"] not in KINDS:
        raise HTTPException(404)
    chosen = call_filter(context, caller_filter)
    for error in chosen.errors.values():
        raise error
    return chosen


def _file(context: RequestContext, before: int | None) -> str:
    """Return the address of a file of records by which it is asked for."""
    typed = {name: context.query(name) for name in FILTERS if name != "line"}
    return exports.address(
        f"calls/file/{context.request.path_params['kind']}",
        {"line": context.query("line"), "before": before},
        typed,
    )


def _export(context: RequestContext, caller_filter: CallerFilter | None) -> Response:
    kind, owner, before = context.request.path_params["kind"], context.company, context.number("before")
    chosen = _chosen(context, caller_filter)
    confirmation = exports.confirmation(context, _file(context, before))
    extract = records.extract(owner, chosen.records, before)
    filters = [f"{name}={context.query(name)}" for name in FILTERS if context.query(name) and name != "line"]
    context.note(
        Action.EXPORT,
        pseudonym=caller_filter.recorded if caller_filter else None,
        detail=" ".join(filters),
        line=chosen.line,
        facts=f"records={extract.first}-{extract.last} {confirmation}".strip(),
    )
    if kind == "csv":
        parts = table(owner, extract.records, choices=storage.has_answers(owner))
    else:
        documents = (record_document.Record.of(record, owner.id) for record in extract.records)
        parts = streamed("records", documents)
    name = f"{owner.id}-records-{extract.first}-{extract.last}.{kind}"
    return StreamingResponse(batched(parts), media_type=KINDS[kind], headers=attachment(name))
