"""Names of notices, choices and purposes before people, in place of the ids of a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .text import Text, joined, plain

NamesByLanguage = Mapping[str, Mapping[str, str]]
"""Names that a company gives to its notices and purposes, by language (two letters) and id."""

NAMES = {
    "privacy": Text("privacy notice"),
    "recording": Text("recording of calls"),
    "service": Text("handling the call and the service asked for"),
    "quality": Text("improving the quality of the service"),
    "marketing": Text("sending offers"),
    "profiling": Text("learning preferences"),
    "ai": Text("answer by an artificial intelligence"),
    "recording-orders": Text("recording of orders"),
    "country": Text("country of the operator"),
    "callback": Text("number that calls with offers"),
    "human": Text("a person instead of the machine"),
    "recorded": Text("recording of the call"),
    "abroad": Text("an operator in the European Union"),
}
"""Names of notices, choices and purposes with these ids, where a company gives them no name of its own."""

BASES = {
    "service": Text("to perform our contract, or at your request"),
    "quality": Text("in our legitimate interest"),
    "marketing": Text("with your consent"),
    "profiling": Text("with your consent"),
}
"""The legal basis of each of these purposes, as a letter tells it to the caller (GDPR 13(1)(c))."""

LETTER_LANGUAGES = frozenset({"it", "en", "de", "fr", "es"})
"""Languages in which letters are written, into all of which those names are translated."""


def name_of(item_id: str, names: NamesByLanguage) -> Text:
    """Return the name of a notice or purpose in the reader's language: the one that its company gives it, or
    else ours; its id where there is neither."""
    translations = {language: by_id[item_id] for language, by_id in names.items() if by_id.get(item_id)}
    return Text.in_languages(translations, NAMES.get(item_id) or plain(item_id))


def name_with_basis(purpose: str, names: NamesByLanguage) -> Text:
    """Return the name of a purpose with its legal basis. A name that a company gives it stands alone: the
    basis is in it, if the company wants it."""
    name = name_of(purpose, names)
    basis = BASES.get(purpose)
    return (
        name if basis is None or _is_named(purpose, names) else joined(" ", name, joined("", "(", basis, ")"))
    )


def names_of(ids: Iterable[str], names: NamesByLanguage) -> Text:
    """Return the names of several notices or purposes, in their order."""
    return joined(", ", *(name_of(item_id, names) for item_id in ids))


def name_and_id(item_id: str, names: NamesByLanguage) -> Text:
    """Return the name of a notice or purpose with its id in the configuration."""
    name = name_of(item_id, names)
    return joined(" ", name, f"({item_id})") if item_id in NAMES or _is_named(item_id, names) else name


def names_and_ids(ids: Iterable[str], names: NamesByLanguage) -> Text:
    """Return the names and ids of several notices or purposes, in their order."""
    return joined(", ", *(name_and_id(item_id, names) for item_id in ids))


def languages_without_name(item_id: str, names: NamesByLanguage, languages: Iterable[str]) -> tuple[str, ...]:
    """Return the languages (of de or de_DE, as two letters) in which letters show the id of a notice or
    purpose, since it has no name there."""
    codes = dict.fromkeys(language.partition("_")[0] for language in languages)
    letter_codes = () if item_id in NAMES else LETTER_LANGUAGES.intersection(codes)
    return tuple(code for code in codes if code in letter_codes and not names.get(code, {}).get(item_id))


def _is_named(item_id: str, names: NamesByLanguage) -> bool:
    return any(by_id.get(item_id) for by_id in names.values())
