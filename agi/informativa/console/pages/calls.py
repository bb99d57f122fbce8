"""What was recorded: a page of it at a time, as it comes, and as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import TypeVar
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from ...caller import mask
from ...errors import InformativaError, LedgerError
from ...model import Action, Line, Reason, Record, RecordFilter, Role, Status
from ...operations import callers, records
from ...operations.controller_state import lines_of
from ...text import Text
from ...views.json import records as json
from ...views.record_files import table
from ..live import Reader
from ..visit import Visit, moment, whole

STREAM = "text/event-stream"
COUNT = 50  # records on a page
ROWS = 500  # of a file that are sent at a time
HEARTBEAT = 2.0  # seconds until it is looked anew whether somebody is still there, and may watch
FILTERS = ("line", "status", "reason", "since", "until")  # parameters of the address
KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True)
class Sought:
    """A caller of one company whom somebody looked up: what stands for him there, and his number as nobody
    can call it. `known` is what stands for him on record, if anything does: who was erased must not come back
    by being looked for. `doubt` is why he may not be the one who was meant."""

    controller: str
    pseudonyms: tuple[bytes, ...]
    known: bytes | None
    caller: str
    doubt: Text


def listing(visit: Visit) -> Response:
    """The newest first; those that are wanted, in so far as few enough were recorded since."""
    return _listing(visit, None)


def listing_of(visit: Visit) -> Response:
    """The same, of one caller."""
    return _listing(visit, _sought(visit))


def seek(visit: Visit) -> Response:
    """Takes a number that was typed. What is kept of it stands for him here alone."""
    number, customer = visit.field("number", 40), visit.field("customer", 64)
    if bool(number) == bool(customer):
        raise InformativaError(Text("Type a telephone number or a customer number, one of the two."))
    found = callers.by_number(number) if number else callers.by_customer(customer)
    pseudonyms = tuple(callers.pseudonyms(visit.company, found.caller))
    last = records.page(visit.company, RecordFilter(callers=pseudonyms), count=1).records
    known = last[0].event.pseudonym if last else None
    visit.note(Action.SEARCH, pseudonym=known, detail="number" if number else "customer")
    sought = Sought(visit.company.id, pseudonyms, known, mask(found.caller.number), found.doubt)
    assert visit.session is not None
    return visit.redirect(visit.path("calls", "of", visit.session.keep(sought)))


def export(visit: Visit) -> Response:
    """What the filters take, as a file; it is read while it is sent."""
    return _export(visit, None)


def export_of(visit: Visit) -> Response:
    """The same, of one caller."""
    return _export(visit, _sought(visit))


def live(visit: Visit) -> Response:
    """Calls from the moment on at which the page was made, or the browser was told last."""
    if visit.console.live.full(visit.who.name):
        raise HTTPException(429)
    after = visit.request.headers.get("last-event-id") or visit.query("after", 20)
    if visit.request.method == "HEAD":
        return Response(media_type=STREAM)
    events = _events(visit, whole(after) or 0)
    return StreamingResponse(events, media_type=STREAM)


async def _events(visit: Visit, after: int) -> AsyncIterator[str]:
    """What a browser is told: rows for its table, until it goes, logs out, or the console stops."""
    reader, console = Reader(visit.who.name), visit.console
    watch = console.live.join(visit.company, reader)
    if watch is None:
        return
    try:
        await run_in_threadpool(watch.begun)  # so that nothing falls between what was and what comes
        news: list[Record] | LedgerError | None = await run_in_threadpool(_since, visit, after)
        while news is not None:
            if not await run_in_threadpool(visit.lasts):
                yield _event("over", "logged out")  # else the browser would come again, to the log-in page
                return
            if isinstance(news, LedgerError):
                yield _event("trouble", visit.say(news.text))
            elif fresh := [each for each in news if each.number > after]:
                after = max(each.number for each in fresh)
                rows = await run_in_threadpool(
                    console.render, visit, "calls_rows.html", last=list(reversed(fresh)), fresh=True
                )
                yield _event("calls", rows, after)
            else:
                yield ":\n\n"
            news = await reader.wait(HEARTBEAT)
    finally:
        console.live.leave(watch, reader)


def _since(visit: Visit, after: int) -> list[Record] | LedgerError:
    """What came since the page was made; of much, the newest."""
    try:
        found = records.page(visit.company, count=COUNT).records
    except LedgerError as error:
        return error
    return [each for each in reversed(found) if each.number > after and each.event.call]


def _event(name: str, text: str, number: int | None = None) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return (f"id: {number}\n" if number else "") + f"event: {name}\n{lines}\n"


def _listing(visit: Visit, sought: Sought | None) -> Response:
    wanted, before = _wanted(visit, sought), visit.number("before")
    found = records.page(visit.company, wanted, before, COUNT)
    given = {name: visit.query(name) for name in FILTERS}
    asked = {name: value for name, value in given.items() if value}
    first = sought is None and not asked and before is None
    newest = found.records[0].number if found.records else 0
    return visit.page(
        "calls.html",
        found=found,
        sought=sought,
        given=given,
        before=before,
        here=visit.request.url.path,
        address=lambda **more: "?" + urlencode({**asked, **more}),
        lines=lines_of(visit.company, visit.configuration),
        statuses=list(Status),
        reasons=list(Reason),
        reach=records.REACH,
        searches=visit.who.may(visit.company.id, Role.COMPLIANCE),
        live=f"{visit.path('live')}?after={newest}" if first else "",
        most=COUNT,
    )


def _together(parts: Iterable[str]) -> Iterator[str]:
    """Many rows at a time: a thread fetches each piece of an answer, which takes longer than a row."""
    left = iter(parts)
    while some := list(islice(left, ROWS)):
        yield "".join(some)


def _export(visit: Visit, sought: Sought | None) -> Response:
    kind, owner = visit.request.path_params["kind"], visit.company
    if kind not in KINDS:
        raise HTTPException(404)
    found = records.extract(owner, _wanted(visit, sought), visit.number("before"))
    asked = [f"{name}={visit.query(name)}" for name in FILTERS if visit.query(name) and name != "line"]
    visit.note(
        Action.EXPORT,
        pseudonym=sought.known if sought else None,
        detail=" ".join(asked),
        line=_line(visit),
        facts=f"records={found.first}-{found.last}",
    )
    if kind == "csv":
        parts = table(owner, found.records)
    else:
        parts = json.Records.streamed(json.Record.of(each, owner.id) for each in found.records)
    name = f"{owner.id}-records-{found.first}-{found.last}.{kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_together(parts), media_type=KINDS[kind], headers=headers)


def _sought(visit: Visit) -> Sought:
    """Whom the session remembers. Raises HTTPException (404) for nobody of this company."""
    found = visit.kept(visit.request.path_params["kept"])
    if not isinstance(found, Sought) or found.controller != visit.company.id:
        raise HTTPException(404)
    return found


def _wanted(visit: Visit, sought: Sought | None) -> RecordFilter:
    """What the address asks for. Raises InformativaError where that is nothing that there could be."""
    line = _line(visit)
    wanted = RecordFilter(
        line.number if line else "",
        status=_word(visit, Status, "status"),
        reason=_word(visit, Reason, "reason"),
        since=moment(visit.query("since", 30)),
        until=moment(visit.query("until", 30)),
    )
    return replace(wanted, callers=sought.pseudonyms) if sought else wanted


def _line(visit: Visit) -> Line | None:
    """The one that the address asks for. Raises InformativaError for one that the company has not."""
    number = visit.query("line")
    lines = {each.number: each for each in lines_of(visit.company, visit.configuration)}
    if number and number not in lines:
        raise InformativaError(Text("This company has no such line."), Text("Choose one of the list."))
    return lines.get(number)


def _word(visit: Visit, kind: type[Word], name: str) -> Word | None:
    text = visit.query(name)
    try:
        return kind(text) if text else None
    except ValueError:
        raise InformativaError(Text("There is no such choice."), Text("Choose one of the list.")) from None
