"""Lengths of time in the words of the five spoken languages, as the texts need them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Period

_NUMBERS = {
    "it": "due tre quattro cinque sei sette otto nove dieci undici dodici",
    "en": "two three four five six seven eight nine ten eleven twelve",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
}
"""From two; a greater number is written in digits, which a voice reads in its language."""
_UNITS = {
    "it": (("un anno", "anni"), ("un mese", "mesi"), ("un giorno", "giorni")),
    "en": (("one year", "years"), ("one month", "months"), ("one day", "days")),
    "de": (("ein Jahr", "Jahre"), ("einen Monat", "Monate"), ("einen Tag", "Tage")),
    "fr": (("un an", "ans"), ("un mois", "mois"), ("un jour", "jours")),
    "es": (("un año", "años"), ("un mes", "meses"), ("un día", "días")),
}
"""One year, month and day, and several."""
_DATIVE = (("einem Jahr", "Jahren"), ("einem Monat", "Monaten"), ("einem Tag", "Tagen"))
_AND = {"it": "e", "en": "and", "de": "und", "fr": "et", "es": "y"}
_FOR = {"it": "per {}", "en": "{}", "de": "{} lang", "fr": "pendant {}", "es": "durante {}"}
"""The place of a length in "we keep them …"; in English the text itself has the preposition."""


def for_so_long(period: Period, language: str) -> str:
    """Return a length as the answer to "how long?": per cinque anni, five years, fünf Jahre lang."""
    return _FOR[language].format(_in_words(period, language, _UNITS[language]))


def length(period: Period, language: str) -> str:
    """Return a length after a preposition: (per) tre mesi, (after) three months, (nach) drei Monaten."""
    return _in_words(period, language, _DATIVE if language == "de" else _UNITS[language])


def numbers_in_words(language: str) -> list[str]:
    """Return the words for numbers, each at its own index, from two on; nothing for another language."""
    return ["", "", *_NUMBERS[language].split()] if language in _NUMBERS else []


def _in_words(period: Period, language: str, units: tuple[tuple[str, str], ...]) -> str:
    years, months = divmod(period.months, 12)
    if years and months and period.months <= 24:  # "eighteen months", as everybody says
        years, months = 0, period.months
    return f" {_AND[language]} ".join(_parts((years, months, period.days), language, units))


def _parts(numbers: tuple[int, ...], language: str, units: tuple[tuple[str, str], ...]) -> Iterator[str]:
    words = numbers_in_words(language)
    for number, (one, several) in zip(numbers, units, strict=True):
        if number == 1:
            yield one
        elif number:
            yield f"{words[number] if number < len(words) else number} {several}"
