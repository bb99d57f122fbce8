"""The time that a text takes to be read aloud. Pure.

The shipped notices are spoken at 13.6 to 15.8 letters a second in all five languages, pauses included, once
signs and abbreviations are put into words. A person who reads more slowly than half as fast again either way
does not read that text.
"""

from __future__ import annotations

from typing import NamedTuple

from .pronunciation import SPELLINGS, spell_out

FASTEST, SLOWEST = 21.0, 9.0  # letters a second, pauses included
PAUSE = 1.0  # seconds that a slow reader may spend more, however short the text


class ReadingTime(NamedTuple):
    """The seconds that a text takes: of the fastest reader, and of the slowest."""

    shortest: float
    longest: float


def reading_time(text: str, language: str) -> ReadingTime:
    """Return the time that a text takes in a language such as it or de_DE."""
    base = language.partition("_")[0]
    words = spell_out(text, base) if base in SPELLINGS else text
    letters = sum(map(str.isalpha, words))
    return ReadingTime(letters / FASTEST, letters / SLOWEST + PAUSE)
