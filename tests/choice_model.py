"""The questions that a caller must be asked, and the answers that count, told a second time: as a lawyer
would read the rules, without a look at the program's own.

A `Caller` presses keys at random; `Expected` follows one conversation after another and says what must come
of it. Only consents are remembered of a caller; the other kinds are remembered for the conversation.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

YES, NO, EU = "4", "5", "2"
PROMPT = 8.0  # seconds of the question
MONTHS = {"granted": 24, "refused": 12, "withdrawn": 12}


@dataclass(frozen=True)
class Turn:
    """One playing of a question: the second of the prompt at which a key came, or the second of the wait;
    '' for none. `hung_up`: instead of a key, at that time."""

    key: str = ""
    in_prompt: float | None = None
    in_wait: float | None = None
    hung_up: bool = False


def turn(chance: random.Random) -> Turn:
    """Draw one: a key early, late, in between, a wrong one, none, or a hang-up."""
    key = chance.choice((YES, YES, NO, EU, "9", ""))
    at = chance.choice((0.0, 0.1, 0.29, 0.3, 0.31, 1.0, 3.9))
    if chance.random() < 0.1:
        return Turn(hung_up=True, in_wait=at)
    if key in (YES, NO, EU) and chance.random() < 0.4:
        return Turn(key, in_prompt=chance.choice((0.6, 4.0, 7.95)))
    return Turn(key, in_wait=at)


def answer_of(turns: list[Turn], options: dict[str, str], grant: str, tries: int = 2) -> tuple[str, int]:
    """Return the word for the dialplan that these turns come to, and how many of them were played.

    `options` are words by key; keys that are no option do not end the prompt.
    """
    word = "silence"
    for number, one in enumerate(turns[:tries], 1):
        if one.hung_up:
            return "hung-up", number
        in_prompt = one.in_prompt is not None and one.key in options
        if in_prompt:
            word = options[one.key]
        elif one.in_prompt is not None or not one.key:
            return "silence", number  # a key that Asterisk dropped, or none
        else:
            word = options.get(one.key, "unclear")
        granted_too_early = word == grant and (in_prompt or (one.in_wait or 0.0) < 0.3)
        if granted_too_early:
            word = "unclear"
        if word != "unclear":
            return word, number
    return word, tries


@dataclass
class Expected:
    """The state of one caller as the rules have it: his last act of consent and when, and when he last gave
    no answer."""

    act: str = ""
    at: datetime | None = None
    silent_at: datetime | None = None
    asked: int = field(default=0)

    def remembered(self, now: datetime) -> str:
        """Return the word that he is not asked again for; '' if he is."""
        if self.at is not None and now < _months_after(self.at, MONTHS[self.act]):
            return self.act
        if self.silent_at is not None and now < _months_after(self.silent_at, 1):
            return "silent"
        return ""

    def take(self, word: str, now: datetime) -> None:
        """Take an answer."""
        self.asked += 1
        if word in MONTHS:
            self.act, self.at = word, now
        else:
            self.silent_at = now


def _months_after(moment: datetime, months: int) -> datetime:
    """Return the same day so many months later."""
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    day = moment.day
    while True:
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            day -= 1


def days(chance: random.Random) -> timedelta:
    """Draw the time until a caller calls again."""
    return timedelta(days=chance.choice((0, 1, 20, 40, 200, 370, 740)), minutes=chance.randrange(1, 900))
