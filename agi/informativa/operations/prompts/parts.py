"""The texts that are shipped to be spoken, and the place of each in a configuration."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ...model.text import Text


class SpokenPart(StrEnum):
    """A text that can be spoken: a part of a notice, a notice of its own, or a choice by key."""

    SHORT = "short"
    SHORT_NOKEY = "short-nokey"
    FULL = "full"
    SUPPLEMENT = "supplement"
    AI = "ai"
    AI_EMOTION = "ai-emotion"
    EMOTION = "emotion"
    HUMAN = "human"
    RECORDING = "recording"
    RECORDING_CONSENT = "recording-consent"
    RECORDING_ORDERS = "recording-orders"
    COUNTRY = "country"
    COUNTRY_OUTSIDE_EU = "country-outside-eu"
    ABROAD = "abroad"
    MARKETING = "marketing"
    PROFILING = "profiling"
    MARKETING_WITHDRAW = "marketing-withdraw"
    WITHDRAWN = "withdrawn"
    YES_NOTED = "yes-noted"
    NO_NOTED = "no-noted"
    CALLBACK = "callback"


class PromptPart(StrEnum):
    """A part of a version of a notice or choice, of which a recording is taken."""

    SHORT = "short"
    SHORT_NOKEY = "short-nokey"
    FULL = "full"
    SUPPLEMENT = "supplement"
    WITHDRAW = "withdraw"


WHOLE_NOTICE = (SpokenPart.SHORT, SpokenPart.SHORT_NOKEY, SpokenPart.FULL)
"""The parts that every version of a privacy notice has."""


@dataclass(frozen=True)
class PartPlace:
    """The place of a text in a controller's section of the configuration."""

    id: str
    """The id of the notice or choice."""
    part: str = "short"
    """The part of its version."""
    asks: str = ""
    """The kind of a choice; '' for a notice."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """The options of a choice by the placeholders of their keys."""
    digits: Mapping[str, str] = field(default_factory=dict)
    """The keys that are pressed, by those placeholders."""
    when: str = ""
    """The repetition of a notice in a line's plan; '' for once."""
    by_dialplan: bool = False
    """True if no setting names the text: the dialplan plays it, after an answer."""
    own: bool = True
    """True if the text is a notice or choice of its own, false for a part of one that exists."""

    @property
    def section(self) -> str:
        """The list of the configuration that it is in."""
        return "choices" if self.asks else "notices"

    def is_new(self, names: Container[str]) -> bool:
        """Return whether this text is the first of its notice or choice; `names` are those that exist."""
        return self.own and not self.by_dialplan and self.id not in names

    def with_digits(self, options: Mapping[str, str]) -> PartPlace:
        """Return the same with the keys among the values that somebody gave."""
        return replace(self, digits={name: options[name] for name in self.keys if name in options})

    def heading(self) -> Iterator[str]:
        """Yield the lines that begin its notice or choice in a configuration."""
        step = f"choice: {self.id}" if self.asks else f"notice: {self.id}"
        often = f", when: {self.when}" if self.when else ""
        yield f"      # in the plan of its lines: - {{{step}{often}}}"
        yield f"      {self.id}:"
        if self.asks:
            yield f"        asks: {self.asks}"
        if self.digits:
            keys = (f'{self.keys[name]}: "{digit}"' for name, digit in self.digits.items())
            yield f"        keys: {{{', '.join(keys)}}}"
        yield "        versions:"


_CONSENT = {"yes": "granted", "no": "refused"}
PLACES = {
    SpokenPart.AI: PartPlace("ai", when="always"),
    SpokenPart.AI_EMOTION: PartPlace("ai", when="always"),
    SpokenPart.EMOTION: PartPlace("ai", when="always"),
    SpokenPart.HUMAN: PartPlace("human", asks="human", keys={"human": "human"}),
    SpokenPart.RECORDING: PartPlace(
        "recorded", asks="recording", keys={"no": "not-recorded", "yes": "recorded"}
    ),
    SpokenPart.RECORDING_CONSENT: PartPlace(
        "recorded", asks="recording", keys={"no": "not-recorded", "yes": "recorded"}
    ),
    SpokenPart.RECORDING_ORDERS: PartPlace("recording-orders"),
    SpokenPart.COUNTRY: PartPlace("country", when="always"),
    SpokenPart.COUNTRY_OUTSIDE_EU: PartPlace("country", when="always"),
    SpokenPart.ABROAD: PartPlace("abroad", asks="operator", keys={"eu": "eu"}),
    SpokenPart.MARKETING: PartPlace("marketing", asks="consent", keys=_CONSENT),
    SpokenPart.PROFILING: PartPlace("profiling", asks="consent", keys=_CONSENT),
    SpokenPart.MARKETING_WITHDRAW: PartPlace(
        "marketing", "withdraw", "consent", keys={"withdraw": "refused"}
    ),
    SpokenPart.WITHDRAWN: PartPlace("marketing", "withdrawn", "consent", by_dialplan=True),
    SpokenPart.YES_NOTED: PartPlace("marketing", "yes-noted", "consent", by_dialplan=True),
    SpokenPart.NO_NOTED: PartPlace("marketing", "no-noted", "consent", by_dialplan=True),
    SpokenPart.CALLBACK: PartPlace("callback", when="always"),
}
"""The texts that are no part of the privacy notice."""

_CALLERS_ONLY = Text(
    "callers only: the emotions of agents may not be read (AI Act art. 5(1)(f)), so see to it that the system"
    " hears the caller's voice alone"
)
CAUTIONS = {SpokenPart.AI_EMOTION: _CALLERS_ONLY, SpokenPart.EMOTION: _CALLERS_ONLY}
"""Cautions for whoever lets callers hear these texts."""


def place_of(part: SpokenPart, name: str = "", after: str = "") -> PartPlace:
    """Return the place of a text. `name` is the id of the notice or choice, '' for the usual one; `after` is
    the version that hearers of a supplement know."""
    of_notice = PartPlace("privacy", f"{part}:{after}" if after else part, own=False)
    place = PLACES.get(part, of_notice)
    return replace(place, id=name or place.id)


def recorded_place(name: str, part: PromptPart, after: str, asks: str) -> PartPlace:
    """Return the place of a recording in a notice or choice that exists."""
    return PartPlace(name, f"{part}:{after}" if after else part, asks, own=False)


def texts_for(place: PartPlace) -> list[SpokenPart]:
    """Return the shipped texts that a recording in this place may read, for those that are not its own: none
    for a choice of another name, and the privacy notice's for any other notice."""
    part = place.part.partition(":")[0]
    own = [text for text, other in PLACES.items() if (other.id, other.part) == (place.id, part)]
    return own or ([] if place.asks or part == PromptPart.WITHDRAW else [SpokenPart(part)])
