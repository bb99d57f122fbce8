"""Differences between the texts of two versions of a notice, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from ..model import Version
from .notices import NoticePrompt, prompts_of

MAX_WORDS = 2000  # of a text that is compared: ten minutes of speech, twice as fast as anybody reads
_WORD = re.compile(r"\n+|[^\S\n]*[^\s]+")


class WordChange(StrEnum):
    """The fate of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Comparability(StrEnum):
    """The relation of two recordings of one part and language, by their texts."""

    SAME = "same"
    CHANGED = "changed"
    NEW = "new"
    """Only the later version has this recording."""
    GONE = "gone"
    """Only the earlier version has this recording."""
    NO_TEXT = "no-text"
    TOO_LONG = "too-long"


@dataclass(frozen=True)
class TextPiece:
    """Words in a row that have the same fate."""

    change: WordChange
    text: str


@dataclass(frozen=True)
class PartChange:
    """The difference in one part of a version and one language."""

    part: str
    language: str
    comparability: Comparability
    pieces: tuple[TextPiece, ...] = ()
    """The text, if it is the same or changed."""


def version_changes(earlier: Version, later: Version) -> tuple[PartChange, ...]:
    """Return the difference in each part and language that one of two versions has."""
    earlier_prompts, later_prompts = (
        {(prompt.part, prompt.language): prompt for prompt in prompts_of(version)}
        for version in (earlier, later)
    )
    keys = [*later_prompts, *(key for key in earlier_prompts if key not in later_prompts)]
    return tuple(_part_change(*key, earlier_prompts.get(key), later_prompts.get(key)) for key in keys)


def text_changes(earlier: str, later: str) -> Iterator[TextPiece]:
    """Yield the pieces of both texts in their order; what was removed stands before what was added. The
    blanks of what is in both are the later text's, but where that begins with it and the earlier did not."""
    words, later_words = (_WORD.findall(text) for text in (earlier, later))
    bare, later_bare = ([word.strip(" \t") for word in side] for side in (words, later_words))
    matcher = SequenceMatcher(None, bare, later_bare, autojunk=False)
    for tag, start, end, later_start, later_end in matcher.get_opcodes():
        if tag == "equal":
            first = max(later_words[later_start], words[start], key=lambda word: word[0].isspace())
            yield TextPiece(WordChange.SAME, first + "".join(later_words[later_start + 1 : later_end]))
            continue
        if end > start:
            yield TextPiece(WordChange.REMOVED, "".join(words[start:end]))
        if later_end > later_start:
            yield TextPiece(WordChange.ADDED, "".join(later_words[later_start:later_end]))


def _part_change(
    part: str, language: str, earlier: NoticePrompt | None, later: NoticePrompt | None
) -> PartChange:
    if earlier is None or later is None:
        comparability = Comparability.GONE if later is None else Comparability.NEW
    elif not (earlier.text and later.text):
        comparability = Comparability.NO_TEXT
    elif max(len(text.split()) for text in (earlier.text, later.text)) > MAX_WORDS:
        comparability = Comparability.TOO_LONG
    else:
        pieces = tuple(text_changes(earlier.text, later.text))
        changed = any(piece.change is not WordChange.SAME for piece in pieces)
        comparability = Comparability.CHANGED if changed else Comparability.SAME
        return PartChange(part, language, comparability, pieces)
    return PartChange(part, language, comparability)
