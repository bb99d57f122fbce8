"""Choices by key, for a terminal: whether one would be asked, and what its keys mean."""

from __future__ import annotations

from datetime import tzinfo

from ...model import Answer
from ...model.text import Text
from ...operations.explained_choices import ExplainedChoice, ExplainedKey, Outlook
from ..choice_sentences import ANSWERS, OPTIONS
from ..messages import Language
from ..record_words import REASONS
from ..times import local_day, local_time

_NOT_ASKED = {
    Outlook.NOT_VOUCHED: Text("not be asked: nobody vouches for the number whom the choice requires"),
    Outlook.NOT_TOLD: Text(
        "not be asked: no notice before it tells its purpose, or one is left out that was to be heard"
    ),
    Outlook.NOT_ON_RECORD: Text(
        "not be asked: the company is not live, and a consent without a record is void"
    ),
}


def outlook(choice: ExplainedChoice, zone: tzinfo, say: Language) -> str:
    """Return whether a choice would be asked, with the reason."""
    reason = say(REASONS[choice.reason]) if choice.reason else ""
    if choice.outlook is Outlook.ASKED and choice.consents is not None:
        return say("be asked, if the notices before it are heard to their end: {reason}", reason=reason)
    if choice.outlook is Outlook.ASKED:
        return say("be asked: {reason}", reason=reason)
    if choice.outlook is Outlook.NOT_RECOGNISED:
        return say("not be asked, because the caller is not recognised: {reason}", reason=reason)
    if choice.outlook is Outlook.ENOUGH_ASKED:
        return say.counted(
            "not be asked: at most {count} consent is asked in a call",
            "not be asked: at most {count} consents are asked in a call",
            choice.consents or 0,
        )
    return _remembered(choice, zone, say) if choice.remembered else say(_NOT_ASKED[choice.outlook])


def _remembered(choice: ExplainedChoice, zone: tzinfo, say: Language) -> str:
    remembered = choice.remembered
    assert remembered is not None
    facts = {
        "answer": say(ANSWERS[remembered.answer]),
        "version": remembered.version,
        "record": remembered.record,
        "at": local_time(remembered.at, zone),
    }
    if remembered.until is None:
        return say("not be asked: {answer} (version {version}, record {record} of {at})", **facts)
    return say(
        "not be asked: {answer} (version {version}, record {record} of {at}); this counts until {until}",
        until=local_day(remembered.until, zone),
        **facts,
    )


def explained_key(key: ExplainedKey, zone: tzinfo, say: Language) -> str:
    """Return what a key means, when it counts, and for how long."""
    parts = [f"{key.answer}: {say(OPTIONS[key.answer])}"]
    if key.only_after_the_whole_prompt:
        parts.append(say("counts only after the whole question"))
    if key.until is not None:
        parts.append(say("would count until {until}", until=local_day(key.until, zone)))
    return "; ".join(parts)


def silence(word: Answer, say: Language) -> str:
    """Return what no key means, with the word that the dialplan gets."""
    return f"{word}: {say(ANSWERS[word])}"
