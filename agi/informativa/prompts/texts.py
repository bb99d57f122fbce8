"""Templates of notices: a folder with a text for each language and part, and how purposes are said."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable

import yaml

from ..errors import PromptError
from ..text import Foreign, Text
from .pronunciation import SPELLINGS

PURPOSES = "purposes.yaml"
_PLACE = re.compile(r"\{([^{}]*)\}")


def lines(
    folder: Traversable, language: str, part: str, values: Mapping[str, str], purposes: Sequence[str]
) -> list[str]:
    """A text made out: one sentence a line, an empty line for a longer pause.

    `values` are what the placeholders stand for, and an empty one is one that nobody gave. Raises PromptError
    for a text that is not there, a placeholder that means nothing, and a purpose that nobody put into words.
    """
    name = f"{language}/{part}.txt"
    text = _read(folder, name, language)
    known = {**values, "purposes": ""}
    if "{purposes}" in text:
        known["purposes"] = _in_words(folder, language, purposes)

    def value(found: re.Match[str]) -> str:
        wanted = found[1]
        line = text.count("\n", 0, found.start()) + 1
        if wanted not in known:
            close = difflib.get_close_matches(wanted, known, n=1)
            hint = (
                Text("Did you mean {{{name}}}?", name=close[0])
                if close
                else Text("There are: {known}.", known=", ".join(sorted(known)))
            )
            raise PromptError(
                Text("{name}, line {line}: {{{place}}} means nothing.", name=name, line=line, place=wanted),
                hint,
            )
        if not known[wanted]:
            raise PromptError(
                Text("{name}, line {line}, says {{{place}}}.", name=name, line=line, place=wanted),
                Text("Give it: --{place} …", place=wanted),
            )
        return known[wanted]

    made = re.sub(r"(?<!\.)\.\.(?!\.)", ".", _PLACE.sub(value, text)).splitlines()  # "… is Acme S.p.A.."
    if not any(line.strip() for line in made):
        raise PromptError(Text("{name} is empty.", name=name), Text("Write one sentence a line."))
    return made


def _in_words(folder: Traversable, language: str, purposes: Sequence[str]) -> str:
    """`[service, marketing]` as a text says it."""
    name = f"{language}/{PURPOSES}"
    try:
        phrases = yaml.safe_load(_read(folder, name, language))
    except yaml.YAMLError as error:
        raise PromptError(
            Text("{name} is not YAML.", name=name), Text("It has lines such as `service: handle your call`.")
        ) from error
    if not isinstance(phrases, dict) or not all(isinstance(said, str) for said in phrases.values()):
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
        said = Foreign(getattr(error, "strerror", None) or "") or Text("it is not UTF-8")
        raise PromptError(
            Text("{file} cannot be read ({why}).", file=folder / name, why=said),
            Text("Type: informativa prompts texts DIR"),
        ) from None
