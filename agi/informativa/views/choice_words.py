"""Choices, answers and endings of playbacks in words, for whoever reads records and counts."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Answer, Asks, Ending, Unasked
from ..model.text import Text
from ..operations.record_document import AskedChoice
from ..operations.statistics import ChoiceStatistics
from .messages import Language
from .record_words import tenths

ANSWERS: dict[str, Text] = {
    Answer.GRANTED: Text("granted"),
    Answer.REFUSED: Text("refused"),
    Answer.WITHDRAWN: Text("withdrawn"),
    Answer.EU: Text("from within the European Union"),
    Answer.HUMAN: Text("a person"),
    Answer.NOT_RECORDED: Text("not to be recorded"),
    Answer.RECORDED: Text("may be recorded"),
    Answer.SILENCE: Text("silent"),
    Answer.UNCLEAR: Text("unclear"),
    Answer.EARLY: Text("too early"),
    Answer.HUNG_UP: Text("hung up"),
    Answer.NOT_ASKED: Text("not asked"),
}
"""Each answer in a word or two."""

KINDS: dict[str, Text] = {
    Asks.CONSENT: Text("consent"),
    Asks.OPERATOR: Text("place of the operator"),
    Asks.HUMAN: Text("a person instead of a machine"),
    Asks.RECORDING: Text("recording"),
}
"""Each kind of choice in a word or two."""

ENDINGS: dict[str, Text] = {
    Ending.WHOLE: Text("whole"),
    Ending.KEY: Text("key"),
    Ending.HUNG_UP: Text("hung up"),
    Ending.CUT_SHORT: Text("cut short"),
    Ending.NOT_PLAYABLE: Text("not playable"),
    Ending.CHANGED: Text("recording changed"),
    Ending.CONNECTION_LOST: Text("connection lost"),
    Ending.SERVICE_STOPPED: Text("service stopped"),
}
"""Endings of a playback in a word or two."""


UNASKED: dict[str, Text] = {
    Unasked.WITHHELD: Text("number withheld"),
    Unasked.MALFORMED: Text("no number"),
    Unasked.SHARED: Text("number of many"),
    Unasked.AMBIGUOUS: Text("number may be two"),
    Unasked.UNVERIFIED: Text("number found wrong"),
    Unasked.INTERNAL: Text("own telephone"),
    Unasked.NOT_VOUCHED: Text("nobody vouches for the number"),
    Unasked.NOT_TOLD: Text("purpose not told"),
    Unasked.ENOUGH_ASKED: Text("another consent asked"),
    Unasked.NOT_ON_RECORD: Text("no record possible"),
    Unasked.HUNG_UP_BEFORE: Text("hung up before it"),
}
"""Each reason for which nobody is asked, in a few words."""


def counts(choice: ChoiceStatistics, say: Language) -> Iterator[str]:
    """Yield how often each answer was given: `granted 3`; of `not asked` also the reasons."""
    for word, number in choice.answers.items():
        reasons = f" ({unasked(choice, say)})" if word is Answer.NOT_ASKED and choice.unasked else ""
        yield f"{say(ANSWERS[word])} {number}{reasons}"
    if choice.left_out:
        callers = sum(choice.left_out.values())
        yield say("left out {count} ({reasons})", count=callers, reasons=left_out(choice, say))


def unasked(choice: ChoiceStatistics, say: Language) -> str:
    """Return why callers could not be asked, and how often: `not playable 1`."""
    return ", ".join(f"{say(ENDINGS[ending])} {number}" for ending, number in choice.unasked.items())


def left_out(choice: ChoiceStatistics, say: Language) -> str:
    """Return why callers were not to be asked, and how often: `number withheld 3`."""
    return ", ".join(f"{say(UNASKED[reason])} {number}" for reason, number in choice.left_out.items())


def answer(asked: AskedChoice, key: str, say: Language) -> str:
    """Return what somebody was asked and answered, with the key that he pressed, '' if that is not known:
    `asked marketing: granted (key 4), after 1.2 s`."""
    sentence = say("asked {choice}: {answer}", choice=asked.choice, answer=ANSWERS[asked.answer])
    parts = [sentence + (say(" (key {key})", key=key) if key else "")]
    if asked.waited:
        parts.append(say("after {seconds} s", seconds=tenths(asked.waited, say)))
    if asked.tries > 1:
        parts.append(say("asked {tries} times", tries=asked.tries))
    return ", ".join(parts)
