"""Words of persons' requests: kinds, states, and what was done."""

from __future__ import annotations

from ...model.requests import Move, RequestKind, RequestState
from ...model.text import Text
from ...operations.request_register import StepTaken
from ..messages import Language

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


def step_words(step: StepTaken, say: Language) -> str:
    """Return what was done, and its word."""
    if step.word is None or step.move is Move.OPEN:
        return say(MOVES[step.move])
    return f"{say(MOVES[step.move])}: {say(WORDS[step.word]) if step.word in WORDS else step.word}"
