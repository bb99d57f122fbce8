"""Names of notices and purposes before people, in place of the ids of a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..text import Text, joined, plain

NamesByLanguage = Mapping[str, Mapping[str, str]]
"""Names that a company gives to its notices and purposes, by language (two letters) and id."""

NAMES = {
    "privacy": Text("privacy notice"),
    "recording": Text("recording of calls"),
    "service": Text("handling the call and the service asked for"),
    "quality": Text("improving the quality of the service"),
    "marketing": Text("sending offers, only with consent"),
    "profiling": Text("learning preferences, only with consent"),
}
"""Names of notices and purposes with these ids, where their company gives them no name of its own."""

LETTER_LANGUAGES = frozenset({"it", "en", "de", "fr", "es"})
"""Languages in which letters are written, into all of which those names are translated."""


def name_of(one: str, names: NamesByLanguage) -> Text:
    """The name of a notice or purpose: the one that its company gives it in the reader's language, or else
    ours; its id where there is neither."""
    own_names = {language: own[one] for language, own in names.items() if own.get(one)}
    return Text.in_languages(own_names, NAMES.get(one) or plain(one))


def names_of(ids: Iterable[str], names: NamesByLanguage) -> Text:
    """Some of them, in their order."""
    return joined(", ", *(name_of(one, names) for one in ids))


def name_and_id(one: str, names: NamesByLanguage) -> Text:
    """The name of a notice or purpose with the id that stands for it in the configuration."""
    name = name_of(one, names)
    return joined(" ", name, f"({one})") if one in NAMES or _is_named(one, names) else name


def names_and_ids(ids: Iterable[str], names: NamesByLanguage) -> Text:
    """Some of them, in their order."""
    return joined(", ", *(name_and_id(one, names) for one in ids))


def languages_without_name(one: str, names: NamesByLanguage, languages: Iterable[str]) -> tuple[str, ...]:
    """Give the languages (of de or de_DE, as two letters) in which letters show the id of a notice or
    purpose, since it has no name there."""
    codes = dict.fromkeys(language.partition("_")[0] for language in languages)
    wanted = () if one in NAMES else LETTER_LANGUAGES.intersection(codes)
    return tuple(code for code in codes if code in wanted and not names.get(code, {}).get(one))


def _is_named(one: str, names: NamesByLanguage) -> bool:
    return any(own.get(one) for own in names.values())
