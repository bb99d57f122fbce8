"""Templates of notices: a folder with a text for each language and part, and phrases for purposes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable

import yaml

from ..model.errors import PromptError
from ..model.text import Foreign, Text
from .pronunciation import SPELLINGS

PURPOSES = "purposes.yaml"
_PLACE = re.compile(r"\{([^{}]*)\}")


def lines(
    folder: Traversable, language: str, part: str, values: Mapping[str, str], purposes: Sequence[str]
) -> list[str]:
    """Return a text with its placeholders filled: one sentence a line, an empty line for a longer pause.

    `values` replace the placeholders; an empty one counts as missing. Raises PromptError for a missing text,
    an unknown placeholder, a missing value, and a purpose without a phrase.
    """
    name = f"{language}/{part}.txt"
    text = _read(folder, name, language)
    replacements = {**values, "purposes": ""}
    if "{purposes}" in text:
        replacements["purposes"] = _in_words(folder, language, purposes)

    def value(match: re.Match[str]) -> str:
        placeholder = match[1]
        line = text.count("\n", 0, match.start()) + 1
        if placeholder not in replacements:
            close = difflib.get_close_matches(placeholder, replacements, n=1)
            hint = (
                Text("Did you mean {{{name}}}?", name=close[0])
                if close
                else Text("There are: {known}.", known=", ".join(sorted(replacements)))
            )
            raise PromptError(
                Text(
                    "{name}, line {line}: {{{place}}} means nothing.", name=name, line=line, place=placeholder
                ),
                hint,
            )
        if not replacements[placeholder]:
            raise PromptError(
                Text("{name}, line {line}, says {{{place}}}.", name=name, line=line, place=placeholder),
                Text("Give it: --{place} …", place=placeholder),
            )
        return replacements[placeholder]

    filled = re.sub(r"(?<!\.)\.\.(?!\.)", ".", _PLACE.sub(value, text)).splitlines()  # "… is Acme S.p.A.."
    if not any(line.strip() for line in filled):
        raise PromptError(Text("{name} is empty.", name=name), Text("Write one sentence a line."))
    return filled


def _in_words(folder: Traversable, language: str, purposes: Sequence[str]) -> str:
    """Return `[service, marketing]` as a phrase of a text."""
    name = f"{language}/{PURPOSES}"
    try:
        phrases = yaml.safe_load(_read(folder, name, language))
    except yaml.YAMLError as error:
        raise PromptError(
            Text("{name} is not YAML.", name=name), Text("It has lines such as `service: handle your call`.")
        ) from error
    if not isinstance(phrases, dict) or not all(isinstance(phrase, str) for phrase in phrases.values()):
        raise PromptError(
            Text("{name} does not say purposes.", name=name),
            Text("It has lines such as `service: handle your call`."),
        )
    if unknown := [purpose for purpose in purposes if purpose == "and" or purpose not in phrases]:
        raise PromptError(
            Text("{name} does not say what {purpose} is.", name=name, purpose=unknown[0]),
            Text(
                "Copy the texts (informativa prompts texts DIR), add a line for it there, and give"
                " --texts DIR."
            ),
        )
    return f" {phrases.get('and', ',')} ".join(phrases[purpose] for purpose in purposes)


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
