"""Persons' requests, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.requests import Move, RequestKind, RequestState
from ...model.text import Text
from ...operations.request_answers import RequestAnswer, RequestErasure
from ...operations.request_register import ListedRequest, RequestList, StepTaken
from ..messages import Language
from ..terminal import one_line
from .callers import erased

KINDS = {
    RequestKind.ACCESS: Text("access (art. 15)"),
    RequestKind.ERASURE: Text("erasure (art. 17)"),
    RequestKind.OBJECTION: Text("objection (art. 21)"),
    RequestKind.PORTABILITY: Text("portability (art. 20)"),
    RequestKind.PROOF: Text("proof of what was told"),
}
STATES = {
    RequestState.OPENED: Text("opened, the person not identified yet"),
    RequestState.IDENTIFIED: Text("the person is identified"),
    RequestState.WAITING: Text("the erasure is ordered and not done everywhere"),
    RequestState.ANSWERED: Text("the answer is made"),
    RequestState.CLOSED: Text("closed"),
}
MOVES = {
    Move.OPEN: Text("opened"),
    Move.IDENTIFY: Text("person identified"),
    Move.ASSIGN: Text("assigned"),
    Move.EXTEND: Text("extended by two months"),
    Move.PART: Text("answer made, not complete"),
    Move.LETTER: Text("answer made"),
    Move.NOTE: Text("erasure ordered, not done everywhere yet"),
    Move.ERASE: Text("person erased"),
    Move.CLOSE: Text("closed"),
}
WORDS = {
    "called-back": Text("called back"),
    "in-person": Text("came in person"),
    "document": Text("showed a document"),
    "signature": Text("signed electronically"),
    "account": Text("asked from an account"),
    "complexity": Text("it is complex"),
    "number": Text("there are many requests"),
    "answered": Text("the person has the answer"),
    "withdrawn": Text("withdrawn by the person"),
    "unidentified": Text("the person could not be identified"),
    "unfounded": Text("manifestly unfounded"),
    "excessive": Text("excessive"),
    "retained": Text("refused: there are grounds to keep the data"),
}
"""The words of steps: identifications, reasons of an extension, outcomes."""
_NEXT = {
    Move.IDENTIFY: Text(
        "Next: check that the number is the person's, and type: informativa request identify {number} HOW"
        " --controller {id}"
    ),
    Move.LETTER: Text("Next: informativa request letter {number} CALLER --language it --controller {id}"),
    Move.ERASE: Text("Next: informativa request erase {number} CALLER --controller {id}"),
    Move.CLOSE: Text(
        "Next: when the person has the answer: informativa request close {number} answered --controller {id}"
    ),
}


def listing(result: RequestList, say: Language) -> Iterator[str]:
    """Yield a line for each request."""
    for request in result.requests:
        yield _line(request, say)
    if not result.requests:
        yield say("No request is open.")


def request(result: ListedRequest, say: Language) -> Iterator[str]:
    """Yield a request, its steps, and the next one."""
    yield _line(result, say)
    for step in result.steps:
        facts = (
            step_words(step, say),
            f"sha256 {step.digest}" if step.digest else "",
            say("record {record}", record=step.record) if step.record is not None else "",
            say("entry {entry} of the access log", entry=step.entry) if step.entry is not None else "",
        )
        yield one_line(f"    {step.at:%Y-%m-%d %H:%M} {step.account}: {', '.join(filter(None, facts))}")
    if result.next is not None:
        yield say(_NEXT[result.next], number=result.number, id=result.controller)


def answer(result: RequestAnswer, say: Language) -> Iterator[str]:
    """Yield where the answer is, what is missing in it, and the request."""
    yield say(
        "{file}: the letter, {records} records and {receipts} receipts; sha256 {digest}",
        file=result.file,
        records=result.records,
        receipts=result.receipts,
        digest=result.sha256,
    )
    if result.receipts < result.records:
        yield say(
            "Some records have no receipt yet. Wait a minute, or type: informativa evidence checkpoint"
            " --controller {id}; then make the answer anew.",
            id=result.request.controller,
        )
    yield from request(result.request, say)


def step_words(step: StepTaken, say: Language) -> str:
    """Return what was done, and its word."""
    if step.word is None or step.move is Move.OPEN:
        return say(MOVES[step.move])
    return f"{say(MOVES[step.move])}: {say(WORDS[step.word]) if step.word in WORDS else step.word}"


def _line(result: ListedRequest, say: Language) -> str:
    facts = {
        "number": result.number,
        "id": result.controller,
        "kind": KINDS[result.kind],
        "received": result.received,
        "due": result.due,
        "state": STATES[result.state],
    }
    if result.next is None:
        text = say("{id} {number}: {kind}, received {received}, {state}", **facts)
    elif result.overdue:
        text = say("{id} {number}: {kind}, received {received}, OVERDUE, it was due {due}; {state}", **facts)
    else:
        text = say("{id} {number}: {kind}, received {received}, due {due}; {state}", **facts)
    worker = say("; works on it: {account}", account=result.worker) if result.worker and result.next else ""
    return one_line(f"{text}{worker}")


def erasure(result: RequestErasure, say: Language) -> Iterator[str]:
    """Yield the part of the person's data that was erased, or would be, and the request."""
    yield from erased(result.erased, result.done, say)
    if not result.done:
        yield say("Nothing was erased yet. To do it, add --yes.")
    yield from request(result.request, say)
