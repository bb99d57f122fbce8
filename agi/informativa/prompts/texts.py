"""Templates of notices: a folder with a text for each language and part, and phrases for purposes.

A line that begins with `?{name}` stands only where the value of `name` is not empty, one with `!{name}` only
where it is empty, and one with several of these marks where all hold; the marks are not spoken.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import yaml

from ..model.errors import PromptError
from ..model.text import Foreign, Text
from .pronunciation import SPELLINGS

PURPOSES = "purposes.yaml"
PLACEHOLDERS = frozenset({
    "company", "site", "key", "purposes", "other_purposes", "new", "retention", "contact", "dpo", "authority",
    "safeguards", "in_country", "decision", "logic", "human", "eu", "yes", "no", "withdraw", "withdraw_at",
    "withdraw_here", "quality", "months",
})  # fmt: skip
"""The placeholders that every text may have."""
KEY_PLACEHOLDERS = frozenset({"key", "human", "eu", "yes", "no", "withdraw"})
"""Placeholders that stand for a key of the telephone."""
PURPOSE_PLACEHOLDERS = frozenset({"purposes", "other_purposes", "new", "quality"})
"""Placeholders that stand for purposes."""
_PLACE = re.compile(r"\{([^{}]*)\}")
_CONDITION = re.compile(r"([?!])\{([^{}]*)\} *")


@dataclass(frozen=True)
class MissingValue:
    """A placeholder that has no value, and the line that would speak it."""

    placeholder: str
    text: str
    """The text's name in the folder: it/full.txt"""
    line: int
    """Counted from 1."""


@dataclass(frozen=True)
class Phrase:
    """A purpose as it is spoken."""

    words: str
    basis: str = ""
    """The legal basis; '' if nobody wrote it."""

    @property
    def with_basis(self) -> str:
        """The purpose and its legal basis, which is not repeated where the purpose itself says it."""
        return f"{self.words}, {self.basis}" if self.basis and self.basis not in self.words else self.words


@dataclass(frozen=True)
class Phrases:
    """The purposes of one language, and the words that join two of them."""

    name: str
    """The file's name in the folder."""
    by_purpose: Mapping[str, Phrase]
    conjunction: str = ","

    def join(self, purposes: Sequence[str], *, with_basis: bool = False) -> str:
        """Return purposes as a phrase of a text. Raises PromptError for one that has no phrase."""
        if unknown := [purpose for purpose in purposes if purpose not in self.by_purpose]:
            raise PromptError(
                Text("{name} does not say what {purpose} is.", name=self.name, purpose=unknown[0]),
                Text(
                    "Copy the texts (informativa prompts texts DIR), add a line for it there, and give"
                    " --texts DIR."
                ),
            )
        phrases = (self.by_purpose[purpose] for purpose in purposes)
        between = self.conjunction if self.conjunction.startswith(",") else f" {self.conjunction}"
        return f"{between} ".join(phrase.with_basis if with_basis else phrase.words for phrase in phrases)


@dataclass(frozen=True)
class Template:
    """A text with placeholders: one sentence a line, an empty line for a longer pause."""

    name: str
    """Its name in the folder: it/full.txt"""
    content: str

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of its placeholders, also of lines that may not stand."""
        return frozenset(_PLACE.findall(self.content))

    def missing(self, values: Mapping[str, str]) -> Iterator[MissingValue]:
        """Yield the placeholders without a value in lines that are to be spoken, or whose condition needs
        one."""
        for number, line in enumerate(self.content.splitlines(), 1):
            unknown = [name for _, name in _parted(line)[0] if name not in values]
            for name in unknown:
                yield MissingValue(name, self.name, number)
            if not unknown and (sentence := _standing(line, values)) is not None:
                for placeholder in dict.fromkeys(_PLACE.findall(sentence)):
                    if not values.get(placeholder):
                        yield MissingValue(placeholder, self.name, number)

    def fill(self, values: Mapping[str, str]) -> list[str]:
        """Return the lines that stand, with values in place of the placeholders. Raises PromptError if
        nothing stands."""
        sentences = (_standing(line, values) for line in self.content.splitlines())
        text = "\n".join(sentence for sentence in sentences if sentence is not None)
        text = _PLACE.sub(lambda match: values[match[1]], text)
        lines = re.sub(r"(?<!\.)\.\.(?!\.)", ".", text).splitlines()  # "… is Acme S.p.A.."
        if not any(line.strip() for line in lines):
            raise PromptError(Text("{name} is empty.", name=self.name), Text("Write one sentence a line."))
        return lines


def template(folder: Traversable, language: str, part: str, others: Collection[str] = ()) -> Template:
    """Return a text whose placeholders are all known, or among `others`. Raises PromptError for a missing
    text, and for an unknown placeholder."""
    name = f"{language}/{part}.txt"
    text = Template(name, _read(folder, name, language))
    known = PLACEHOLDERS.union(others)
    for number, line in enumerate(text.content.splitlines(), 1):
        for placeholder in _PLACE.findall(line):
            if placeholder not in known:
                close = difflib.get_close_matches(placeholder, known, n=1)
                hint = (
                    Text("Did you mean {{{name}}}?", name=close[0])
                    if close
                    else Text("There are: {known}.", known=", ".join(sorted(known)))
                )
                message = Text("{name}, line {line}: {{{place}}} means nothing.")
                raise PromptError(message.format(name=name, line=number, place=placeholder), hint)
    return text


def phrases(folder: Traversable, language: str) -> Phrases:
    """Return the phrases for purposes in a language. A purpose is one sentence, or a mapping with `said`, and
    perhaps `basis` and `name`. Raises PromptError."""
    name = f"{language}/{PURPOSES}"
    example = Text("It has lines such as `service: handle your call`.")
    try:
        entries = yaml.safe_load(_read(folder, name, language))
    except yaml.YAMLError as error:
        raise PromptError(Text("{name} is not YAML.", name=name), example) from error
    if not isinstance(entries, dict) or not all(map(_is_purpose, entries.values())):
        raise PromptError(Text("{name} does not say purposes.", name=name), example)
    conjunction = entries.pop("and", ",")
    by_purpose = {
        str(purpose): Phrase(entry)
        if isinstance(entry, str)
        else Phrase(entry["said"], entry.get("basis", ""))
        for purpose, entry in entries.items()
    }
    return Phrases(name, by_purpose, conjunction)


def _is_purpose(entry: object) -> bool:
    if isinstance(entry, dict):
        return "said" in entry and all(isinstance(value, str) for value in entry.values())
    return isinstance(entry, str)


def _standing(line: str, values: Mapping[str, str]) -> str | None:
    """Return a line without its conditions; `None` if it does not stand."""
    conditions, sentence = _parted(line)
    holds = all(bool(values.get(name)) == (mark == "?") for mark, name in conditions)
    return sentence if holds else None


def _parted(line: str) -> tuple[list[tuple[str, str]], str]:
    """Return the conditions of a line, each as its mark and placeholder, and the sentence after them."""
    conditions = []
    while condition := _CONDITION.match(line):
        conditions.append((condition[1], condition[2]))
        line = line[condition.end() :]
    return conditions, line


def _read(folder: Traversable, name: str, language: str) -> str:
    if language not in SPELLINGS:
        remedy = Text(
            "There are: {languages}. Record a person, and add it: informativa prompts add",
            languages=", ".join(sorted(SPELLINGS)),
        )
        raise PromptError(Text("There is no voice that speaks {language!r}.", language=language), remedy)
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = Foreign(getattr(error, "strerror", None) or "") or Text("it is not UTF-8")
        raise PromptError(
            Text("{file} cannot be read ({why}).", file=folder / name, why=reason),
            Text("Type: informativa prompts texts DIR"),
        ) from None
