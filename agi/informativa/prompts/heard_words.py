"""Words that a recogniser heard in a recording, compared with the text that was read. Pure.

A recogniser errs: what sounds nearly the same counts as the same, and so does a number in words or digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from .named_keys import key_words, named_keys
from .pronunciation import SPELLINGS, spell_out, without_form
from .spoken_periods import numbers_in_words

ALIKE = 0.75  # of the letters, from which on words sound the same
ERRORS = 0.15  # of the words, beyond which another text was read; Whisper base errs in 0.1 at most
LONG_NUMBER = 4  # digits of a telephone number, or of a part of one
MISSING = 3  # words in a row, of which a recogniser misses none


@dataclass(frozen=True)
class WordDifference:
    """A place where words of the text were not heard, and the words that were heard instead."""

    text: tuple[str, ...]
    heard: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' '.join(self.text) or '–'} → {' '.join(self.heard) or '–'}"  # noqa: RUF001

    @property
    def words(self) -> int:
        """The number of words that are wrong, missing or too many."""
        return max(len(self.text), len(self.heard))

    @property
    def leaves_out(self) -> bool:
        """True if a piece of the text is missing."""
        return len(self.text) - len(self.heard) >= MISSING


@dataclass(frozen=True)
class Comparison:
    """The differences between a text and what was heard."""

    words: int
    """The number of words in the text."""
    differences: tuple[WordDifference, ...]
    spoken: frozenset[str]
    """The words that were heard, and those of the text that sound like them; no telephone numbers."""

    @property
    def wrong(self) -> int:
        """The number of words that are wrong, missing or too many."""
        return sum(difference.words for difference in self.differences)

    @property
    def is_another_text(self) -> bool:
        """True if so many words differ, or are missing in a row, that no recogniser is to blame."""
        too_many = self.wrong > ERRORS * self.words
        return too_many or any(difference.leaves_out for difference in self.differences)


def compare(text: str, heard: str, language: str) -> Comparison:
    """Compare the words of a text with those that were heard."""
    expected, words = spoken_words(text, language), spoken_words(heard, language)
    blocks = SequenceMatcher(None, expected, words, autojunk=False).get_opcodes()
    differences = (
        WordDifference(tuple(expected[begin:end]), tuple(words[heard_begin:heard_end]))
        for block, begin, end, heard_begin, heard_end in blocks
        if block != "equal" and not _alike(expected[begin:end], words[heard_begin:heard_end])
    )
    others = tuple(differences)
    lacking = {word for difference in others for word in difference.text}
    spoken = {*without_numbers(expected, language)} - lacking | {*without_numbers(words, language)}
    return Comparison(len(expected), others, frozenset(spoken))


def missing_keys(spoken: Collection[str], keys: frozenset[str]) -> frozenset[str]:
    """Return those of the keys whose name is not among these spoken words."""
    return frozenset(key for key in keys if not {key, *map(_plain, key_words(key))}.intersection(spoken))


def other_keys(heard: str, keys: frozenset[str], language: str) -> frozenset[str]:
    """Return the keys that a hearer is told to press and that are not among `keys`."""
    return named_keys(heard, language) - keys


def says_name(heard: str, name: str, language: str) -> bool:
    """Return whether a company's name is heard without its form, or something much like it."""
    words, name_words = (spoken_words(text, language) for text in (heard, name))
    sizes = range(max(1, len(name_words) - 1), len(name_words) + 2)  # a recogniser may divide it otherwise
    pieces = (words[at : at + size] for size in sizes for at in range(len(words) - size + 1))
    return any(_alike(name_words, piece) for piece in pieces)


def says_number(heard: str, number: str, language: str) -> bool:
    """Return whether a telephone number is heard, with its country code (1 to 3 digits) or without."""
    names = dict(zip(_digit_names(language), "0123456789", strict=False))
    digits = "".join(names.get(word, "") for word in spoken_words(heard, language))
    written = re.sub(r"\D", "", number)
    return any(written[code:] in digits for code in range(4))


def without_numbers(words: Sequence[str], language: str) -> list[str]:
    """Return spoken words without those of telephone numbers, whose digits are no keys."""
    names = {*_digit_names(language)}
    runs = (list(run) for _, run in groupby(words, names.__contains__))
    return [word for run in runs if len(run) < LONG_NUMBER or run[0] not in names for word in run]


def spoken_words(text: str, language: str) -> list[str]:
    """Return a text's words as they sound: numbers in words; no signs, case, accents, companies' forms."""
    base = language.partition("_")[0]
    if base in SPELLINGS:
        text = spell_out(without_form(text), base)
    plain = _plain(text)
    numbers, names = numbers_in_words(base), _digit_names(language)
    return [part for word in re.findall(r"[^\W_]+", plain) for part in _number_words(word, numbers, names)]


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _digit_names(language: str) -> list[str]:
    spelling = SPELLINGS.get(language.partition("_")[0])
    return _plain(spelling.digits).split() if spelling else []


def _number_words(word: str, numbers: Sequence[str], digits: Sequence[str]) -> Iterator[str]:
    """Yield a word; a number in digits as the words that say it, a long one digit by digit."""
    if not word.isdecimal() or not digits:
        yield word
    elif len(word) <= 2 and 1 < int(word) < len(numbers) and word[0] != "0":
        yield _plain(numbers[int(word)])
    else:
        yield from (digits[int(digit)] for digit in word)


def _alike(expected: Sequence[str], heard: Sequence[str]) -> bool:
    """Return whether words sound the same, also where they are divided otherwise."""
    return SequenceMatcher(None, "".join(expected), "".join(heard), autojunk=False).ratio() >= ALIKE
