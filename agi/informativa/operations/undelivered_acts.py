"""Acts about consents that an erasure deleted before the company's hook was told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ..model import Answer
from ..model.hooks import HookMessage
from ..model.text import NOTHING, Text, joined
from .document import Time

_ANSWERS = {
    Answer.GRANTED: Text("granted"),
    Answer.REFUSED: Text("refused"),
    Answer.WITHDRAWN: Text("withdrawn"),
}


@dataclass(frozen=True)
class UndeliveredAct:
    """An act about a consent that the company's hook does not know of."""

    choice: str
    """The name of the consent in the configuration."""
    answer: Answer
    """The answer: granted, refused or withdrawn."""
    at: Time
    """The time at which the caller answered."""

    @classmethod
    def of(cls, message: HookMessage) -> Self:
        """Return the act that a message would have told."""
        return cls(message.choice, message.word, message.at)


def untold(acts: Sequence[UndeliveredAct]) -> Text:
    """Return the sentence that nobody tells the hook of these acts; `NOTHING` if there are none."""
    if not acts:
        return NOTHING
    return Text(
        "The company's hook was not told of {acts}, and is not told after an erasure: tell its receiver"
        " yourself.",
        acts=joined("; ", *(joined(", ", act.choice, _ANSWERS[act.answer]) for act in acts)),
    )
