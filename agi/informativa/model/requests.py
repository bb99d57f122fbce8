"""Requests of persons about their data (GDPR 15 to 22): their states, and which move is possible in which.

A request is a list of steps, to which one is added at a time. All else follows from them: the state, the day
on which the answer is due, who works on it. No name, no number and no text of somebody's stands in it, so
that it may outlive the erasure of its person.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum

from .plan import Period

TIME_TO_ANSWER, EXTENDED = Period(months=1), Period(months=3)
"""From the day of receipt, by the calendar (GDPR 12(3)): one month, and two further months."""


class RequestKind(StrEnum):
    """The right that somebody uses."""

    ACCESS = "access"
    ERASURE = "erasure"
    OBJECTION = "objection"
    PORTABILITY = "portability"
    PROOF = "proof"


class Identification(StrEnum):
    """The way in which it was checked that the number is the person's; never the document itself."""

    CALLED_BACK = "called-back"
    IN_PERSON = "in-person"
    DOCUMENT = "document"
    SIGNATURE = "signature"
    ACCOUNT = "account"


class ExtensionReason(StrEnum):
    """The two reasons of GDPR 12(3)."""

    COMPLEXITY = "complexity"
    NUMBER = "number"


class RequestOutcome(StrEnum):
    """The end of a request."""

    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"  # by the person
    UNIDENTIFIED = "unidentified"  # GDPR 11(2), 12(2)
    UNFOUNDED = "unfounded"  # GDPR 12(5)
    EXCESSIVE = "excessive"
    RETAINED = "retained"  # GDPR 17(3), 21(1): grounds to keep the data


class RequestState(StrEnum):
    """The state of a request."""

    OPENED = "opened"
    IDENTIFIED = "identified"
    WAITING = "waiting"  # its erasure is noted, and waits for the controller's approval
    ANSWERED = "answered"
    CLOSED = "closed"


class Move(StrEnum):
    """A step of a request."""

    OPEN = "open"
    IDENTIFY = "identify"
    ASSIGN = "assign"
    EXTEND = "extend"
    PART = "part"  # an answer that is not complete
    LETTER = "letter"
    NOTE = "note"  # an erasure that is ordered, and not done everywhere
    ERASE = "erase"
    CLOSE = "close"


class Refusal(StrEnum):
    """The reason why a move is not possible."""

    CLOSED = "closed"
    KIND = "kind"
    NOT_IDENTIFIED = "not-identified"
    IDENTIFIED = "identified"
    EXTENDED = "extended"
    OVERDUE = "overdue"
    NOT_ANSWERED = "not-answered"
    WAITING = "waiting"
    SAME_ACCOUNT = "same-account"


@dataclass(frozen=True)
class RequestStep:
    """One step: when, by which account, and with which `word` of the enumerations above; the assignee of
    `ASSIGN`, the language of a letter. `digest` is the SHA-256 of what was made for the person, `record` the
    record that notes the erasure, `entry` that of the access log."""

    at: datetime
    account: str
    move: Move
    word: str = ""
    digest: str = ""
    record: int | None = None
    entry: int | None = None


_TARGETS = {
    Move.OPEN: RequestState.OPENED,
    Move.IDENTIFY: RequestState.IDENTIFIED,
    Move.NOTE: RequestState.WAITING,
    Move.CLOSE: RequestState.CLOSED,
}
"""The state after a move; of all others see `PersonRequest.state`."""
_ANSWERS = {
    RequestKind.ACCESS: {Move.LETTER},
    RequestKind.PORTABILITY: {Move.LETTER},
    RequestKind.PROOF: {Move.LETTER},
    RequestKind.ERASURE: {Move.ERASE},
    RequestKind.OBJECTION: {Move.ERASE},
}
"""The move that answers a request of each kind. An objection may also be answered by a decision alone."""
_FROM = {
    Move.IDENTIFY: {RequestState.OPENED},
    Move.PART: {RequestState.IDENTIFIED, RequestState.ANSWERED},
    Move.LETTER: {RequestState.IDENTIFIED, RequestState.ANSWERED},
    Move.NOTE: {RequestState.IDENTIFIED, RequestState.WAITING},
    Move.ERASE: {RequestState.IDENTIFIED, RequestState.WAITING},
}
"""The states in which a move is possible; all others are in any state but `CLOSED`."""
_BY_ANOTHER = {Move.PART, Move.LETTER, Move.NOTE, Move.ERASE}
"""The moves that, by four eyes, are not for the account that opened the request or identified the person."""


@dataclass(frozen=True)
class PersonRequest:
    """One request: its number in the register of its ledger, and its steps, the first of which opened it.
    `pseudonym` is of the person, `None` once nothing leads there any more."""

    number: int
    kind: RequestKind
    received: date
    steps: tuple[RequestStep, ...]
    pseudonym: bytes | None = field(default=None, repr=False)

    def last(self, *moves: Move) -> RequestStep | None:
        """Return the last step that is one of these moves."""
        return next((step for step in reversed(self.steps) if step.move in moves), None)

    @property
    def state(self) -> RequestState:
        """The state after all steps."""
        state = RequestState.OPENED
        for step in self.steps:
            answers = step.move in _ANSWERS[self.kind]
            state = RequestState.ANSWERED if answers else _TARGETS.get(step.move, state)
        return state

    @property
    def due(self) -> date:
        """The last day on which an answer is in time."""
        return due_day(self.received, EXTENDED if self.last(Move.EXTEND) else TIME_TO_ANSWER)

    @property
    def worker(self) -> str:
        """The account that works on it; '' for none."""
        step = self.last(Move.ASSIGN)
        return step.word if step else ""

    @property
    def is_open(self) -> bool:
        """Return whether it is still to be answered."""
        return self.state is not RequestState.CLOSED

    def is_overdue(self, today: date) -> bool:
        """Return whether its answer is late."""
        return self.is_open and today > self.due

    @property
    def next_move(self) -> Move | None:
        """The move that leads on; `None` for a request that is closed."""
        return {
            RequestState.OPENED: Move.IDENTIFY,
            RequestState.IDENTIFIED: next(iter(_ANSWERS[self.kind])),
            RequestState.WAITING: Move.CLOSE,
            RequestState.ANSWERED: Move.CLOSE,
            RequestState.CLOSED: None,
        }[self.state]


def due_day(received: date, period: Period = TIME_TO_ANSWER) -> date:
    """Return the day that is this period after a day of receipt: of 31 January the last of February.
    It is not moved to a working day, so that it is in time everywhere."""
    return period.after(datetime.combine(received, time(), UTC), UTC).date()


def refusal(
    request: PersonRequest, move: Move, today: date, account: str, word: str = "", *, four_eyes: bool = False
) -> Refusal | None:
    """Return why this account may not do this move today, or `None` if it may."""
    if not request.is_open:
        return Refusal.CLOSED
    if move in _FROM and request.state not in _FROM[move]:
        return _out_of_order(request.state)
    if move in (Move.ERASE, Move.NOTE) and Move.ERASE not in _ANSWERS[request.kind]:
        return Refusal.KIND
    if move is Move.EXTEND and request.last(Move.EXTEND):
        return Refusal.EXTENDED
    if move is Move.EXTEND and today > request.due:
        return Refusal.OVERDUE
    if move is Move.CLOSE:
        return _ending(request, word)
    asked = _accounts(request.steps, {Move.OPEN, Move.IDENTIFY})
    return Refusal.SAME_ACCOUNT if four_eyes and move in _BY_ANOTHER and account in asked else None


def _out_of_order(state: RequestState) -> Refusal:
    if state is RequestState.OPENED:
        return Refusal.NOT_IDENTIFIED
    return Refusal.WAITING if state is RequestState.WAITING else Refusal.IDENTIFIED


def _ending(request: PersonRequest, outcome: str) -> Refusal | None:
    """Return why a request cannot be closed with this outcome."""
    if request.state is RequestState.WAITING:
        return Refusal.WAITING
    if outcome == RequestOutcome.UNIDENTIFIED and request.state is not RequestState.OPENED:
        return Refusal.IDENTIFIED
    decided = request.kind is RequestKind.OBJECTION and request.state is RequestState.IDENTIFIED
    if outcome == RequestOutcome.ANSWERED and not decided and request.state is not RequestState.ANSWERED:
        return Refusal.NOT_ANSWERED
    return None


def _accounts(steps: Collection[RequestStep], moves: Collection[Move]) -> set[str]:
    return {step.account for step in steps if step.move in moves}
