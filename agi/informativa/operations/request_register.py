"""The register of requests of one company on this machine: opening, leading on and closing one.

Each step is noted in the access log first, whose newest entry the signed log has: so the register cannot be
changed later without notice, and it leads to nobody.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..call.caller import pseudonyms_under
from ..ledgers import requests
from ..model import Action, Controller, plausibility
from ..model.errors import InformativaError
from ..model.requests import (
    Move,
    PersonRequest,
    RequestKind,
    RequestOutcome,
    RequestState,
    RequestStep,
    refusal,
)
from ..model.text import Text
from ..process import storage
from . import access_log
from . import request_refusals as refusals
from .document import Time

if TYPE_CHECKING:  # it loads the world's numbering plans, which `status` and `doctor` do not need
    from .typed_caller import Typed

_ACCOUNT = re.compile(r"[\w.@:-]{1,64}")


@dataclass(frozen=True)
class StepTaken:
    """A step of a request."""

    at: Time
    """The time of the step."""
    account: str
    """The account that did it."""
    move: Move
    """The move."""
    word: str | None
    """The way of identification, the account that works on it, the reason of an extension, the letter's
    language, or the outcome."""
    digest: str | None
    """The SHA-256 of the file that was made for the person."""
    record: int | None
    """The record that notes the erasure."""
    entry: int | None
    """The entry of the access log that says the same."""


@dataclass(frozen=True)
class ListedRequest:
    """A person's request, without anything that leads to the person."""

    controller: str
    """The company's name in the configuration."""
    number: int
    """Its number in the company's register on this machine."""
    kind: RequestKind
    """The right that the person uses."""
    received: date
    """The day on which it came."""
    due: date
    """The last day on which the answer is in time."""
    extended: bool
    """True if the two further months count."""
    state: RequestState
    """Its state."""
    overdue: bool
    """True if the answer is late."""
    worker: str | None
    """The account that works on it."""
    named: bool
    """True while it can be told for which number it was opened."""
    next: Move | None
    """The move that leads on; null once it is closed."""
    outcome: RequestOutcome | None
    """Its end."""
    steps: tuple[StepTaken, ...]
    """Its steps, in their order."""

    @classmethod
    def of(cls, request: PersonRequest, controller: Controller, now: datetime) -> ListedRequest:
        """Describe a request of a company."""
        closed = request.last(Move.CLOSE)
        return cls(
            controller=controller.id,
            number=request.number,
            kind=request.kind,
            received=request.received,
            due=request.due,
            extended=request.last(Move.EXTEND) is not None,
            state=request.state,
            overdue=request.is_overdue(today(controller, now)),
            worker=request.worker or None,
            named=request.pseudonym is not None,
            next=request.next_move,
            outcome=RequestOutcome(closed.word) if closed else None,
            steps=tuple(_step(step, controller) for step in request.steps),
        )


@dataclass(frozen=True)
class RequestList:
    """The requests of companies."""

    requests: tuple[ListedRequest, ...]
    """In their order, those that are due first before all others."""


def today(controller: Controller, now: datetime) -> date:
    """Return the day in the company's time zone."""
    return now.astimezone(controller.zone).date()


@dataclass(frozen=True)
class OpenRequests:
    """The open requests of a company, counted."""

    open: int
    """The number of all that are open."""
    overdue: int
    """The number of those whose answer is late."""
    next_due: date
    """The day on which the first of them is due, or was."""


def open_requests(controller: Controller, now: datetime) -> OpenRequests | None:
    """Count the open requests of a company; `None` where there are none. Raises LedgerError."""
    return count_open(controller, storage.requests(controller), now)


def count_open(
    controller: Controller, requests: Iterable[PersonRequest], now: datetime
) -> OpenRequests | None:
    """Count those of a company's requests that are open; `None` where there are none."""
    selection = [request for request in requests if request.is_open]
    if not selection:
        return None
    day = today(controller, now)
    overdue = sum(request.is_overdue(day) for request in selection)
    return OpenRequests(len(selection), overdue, min(request.due for request in selection))


def overdue_text(controller: Controller, requests: OpenRequests) -> Text:
    """Return a sentence on the requests that are overdue."""
    text = Text.counted(
        "{count} person's request to {id} is overdue: it was due on {due}",
        "{count} persons' requests to {id} are overdue, the first since {due}",
        requests.overdue,
    )
    return text.format(id=controller.id, due=requests.next_due)


def listing(controllers: Sequence[Controller], now: datetime, *, closed: bool = False) -> RequestList:
    """Return the open requests of companies, and with `closed` all; the first to answer first. Raises
    LedgerError."""
    selection = [
        ListedRequest.of(request, controller, now)
        for controller in controllers
        for request in storage.requests(controller)
        if closed or request.is_open
    ]
    return RequestList(tuple(sorted(selection, key=lambda request: (request.next is None, request.due))))


def request_numbered(controller: Controller, number: int) -> PersonRequest:
    """Return the request of this number. Raises InformativaError if there is none, and LedgerError."""
    matches = [request for request in storage.requests(controller) if request.number == number]
    return _only(controller, number, matches)


def _only(controller: Controller, number: int, matches: Sequence[PersonRequest]) -> PersonRequest:
    if not matches:
        raise refusals.unknown(controller, number)
    return matches[0]


def open_request(
    controller: Controller, typed: Typed, kind: RequestKind, received: date, account: str, now: datetime
) -> ListedRequest:
    """Open a request that came on a day. Raises InformativaError for a day to come, and LedgerError."""
    if received > today(controller, now):
        raise InformativaError(refusals.NO_DAY, Text("Type the day on which it came, such as 2026-01-31."))
    pseudonym = pseudonyms_under(typed.caller, controller.keys)[0]
    with _transaction(controller, create=True) as connection:
        request = requests.open_request(connection, kind, received, pseudonym)
        request = _add(controller, connection, request, RequestStep(now, account, Move.OPEN, kind))
    return ListedRequest.of(request, controller, now)


def assign(controller: Controller, number: int, worker: str, account: str, now: datetime) -> ListedRequest:
    """Assign a request to an account. Raises as `take_step`."""
    if not _ACCOUNT.fullmatch(worker) or plausibility.reference_fault(worker):
        raise InformativaError(refusals.NO_ACCOUNT, refusals.ACCOUNT_REMEDY)
    return take_step(controller, number, RequestStep(now, account, Move.ASSIGN, worker))


def take_step(controller: Controller, number: int, step: RequestStep) -> ListedRequest:
    """Add a step to a request, and return the request. Before the last one an erasure that was waited for,
    and that is done by now, is put on record. Raises InformativaError where the step is not possible, and
    LedgerError."""
    with _transaction(controller) as connection:
        request = _only(controller, number, requests.read(connection, number))
        if step.move is Move.CLOSE and (done := _erasure_done(controller, connection, request, step)):
            request = _add(controller, connection, request, done)
        require_possible(controller, request, step)
        request = _add(controller, connection, request, step)
    return ListedRequest.of(request, controller, step.at)


def require_possible(controller: Controller, request: PersonRequest, step: RequestStep) -> None:
    """Raise InformativaError where a step is not possible."""
    day = today(controller, step.at)
    reason = refusal(request, step.move, day, step.account, step.word, four_eyes=controller.four_eyes)
    if reason is not None:
        raise refusals.refused(controller, request, reason)


def require_caller(controller: Controller, request: PersonRequest, typed: Typed) -> None:
    """Raise InformativaError for a caller whom a request is not about."""
    if request.pseudonym not in pseudonyms_under(typed.caller, controller.keys):
        raise refusals.another_caller(controller, request)


def _erasure_done(
    controller: Controller, connection: sqlite3.Connection, request: PersonRequest, step: RequestStep
) -> RequestStep | None:
    """Return the step of an erasure that was done beside the request: after the approval that it waited for,
    on all boxes; or by an erasure of the caller without the request."""
    erases = request.kind in (RequestKind.ERASURE, RequestKind.OBJECTION)
    noted = request.last(Move.NOTE)
    elsewhere = request.state is RequestState.IDENTIFIED and request.pseudonym is None
    if not erases or not (request.state is RequestState.WAITING or elsewhere):
        return None
    record = noted.record if noted else None
    if not requests.is_erased(connection, Path(controller.ledger), record):
        return None
    return replace(step, move=Move.ERASE, word="", record=record)


def _add(
    controller: Controller, connection: sqlite3.Connection, request: PersonRequest, step: RequestStep
) -> PersonRequest:
    """Note a step in the access log, and add it to the request, within a transaction."""
    facts = " ".join(filter(None, [f"request={request.number}", step.move, step.word, step.digest]))
    entry = access_log.note(
        controller, step.account, Action.REQUEST, step.at, record=step.record, facts=facts
    )
    step = replace(step, entry=entry)
    requests.add_step(connection, request.number, step)
    pseudonym = None if step.move is Move.CLOSE else request.pseudonym
    return replace(request, steps=(*request.steps, step), pseudonym=pseudonym)


@contextmanager
def _transaction(controller: Controller, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a company's ledger for one transaction. Raises LedgerError."""
    with (
        closing(storage.store(controller, create=create)) as ledger,
        ledger.transaction(),
        ledger.connected() as connection,
    ):
        yield connection


def _step(step: RequestStep, controller: Controller) -> StepTaken:
    return StepTaken(
        step.at.astimezone(controller.zone),
        step.account,
        step.move,
        step.word or None,
        step.digest or None,
        step.record,
        step.entry,
    )
