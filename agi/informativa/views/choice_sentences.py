"""Choices and answers in sentences, for readers who have never seen one: officers, courts, the caller."""

from __future__ import annotations

from ..model import Answer, Asks
from ..model.text import Text
from .messages import Language

ASKS: dict[str, Text] = {
    Asks.CONSENT: Text("whether he consents to a use of his data"),
    Asks.OPERATOR: Text("whether he wants to be answered from within the European Union"),
    Asks.HUMAN: Text("whether he wants a person instead of a machine"),
    Asks.RECORDING: Text("whether the call may be recorded"),
}
"""Each kind of choice, after "the caller was asked"."""

ANSWERS: dict[str, Text] = {
    Answer.GRANTED: Text("the caller gave his consent"),
    Answer.REFUSED: Text("the caller refused his consent"),
    Answer.WITHDRAWN: Text("the caller withdrew the consent that he had given"),
    Answer.EU: Text("the caller wanted to be answered from within the European Union"),
    Answer.HUMAN: Text("the caller wanted a person instead of a machine"),
    Answer.NOT_RECORDED: Text("the caller did not want the call to be recorded"),
    Answer.RECORDED: Text("the caller agreed by key to the recording of the call"),
    Answer.SILENCE: Text("the caller pressed no key, and silence is no consent"),
    Answer.UNCLEAR: Text("the caller pressed a key that was not offered, which is no answer"),
    Answer.EARLY: Text(
        "the caller pressed the key before he had heard the whole question, so it does not count"
    ),
    Answer.HUNG_UP: Text("the caller hung up without an answer, and that is no consent"),
    Answer.NOT_ASKED: Text("the caller was not asked, because the question could not be played"),
}
"""Each answer, as a sentence about the caller."""

OPTIONS: dict[str, Text] = {
    Answer.GRANTED: Text("I consent"),
    Answer.REFUSED: Text("I do not consent"),
    Answer.WITHDRAWN: Text("I withdraw my consent"),
    Answer.EU: Text("answer me from within the European Union"),
    Answer.HUMAN: Text("let a person answer me"),
    Answer.NOT_RECORDED: Text("do not record this call"),
    Answer.RECORDED: Text("you may record this call"),
}
"""Each option, as the caller says it by its key."""


def options(as_recorded: str, say: Language) -> str:
    """Return each key with the meaning of its answer: `4=granted` as "4 = I consent"."""
    pairs = [item.partition("=") for item in as_recorded.split()]
    return ", ".join(
        f"{key} = {say(OPTIONS[answer]) if answer in OPTIONS else answer}" for key, _, answer in pairs
    )
