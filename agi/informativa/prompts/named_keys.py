"""Keys that a spoken text tells its hearer to press. Pure.

Only the five languages of the shipped notices are known, and only their usual words. A text that names a key
promises it: if the key does nothing, the caller was told something untrue (law: 12(1) GDPR).
"""

from __future__ import annotations

import re

_DIGITS = {
    "0": "zero|null|cero|zéro",
    "1": "one|uno|eins|un",
    "2": "two|due|zwei|deux|dos",
    "3": "three|tre|drei|trois|tres",
    "4": "four|quattro|vier|quatre|cuatro",
    "5": "five|cinque|fünf|cinq|cinco",
    "6": "six|sei|sechs|seis",
    "7": "seven|sette|sieben|sept|siete",
    "8": "eight|otto|acht|huit|ocho",
    "9": "nine|nove|neun|neuf|nueve",
    "*": "star|asterisco|stern|étoile|asterisk",
    "#": "hash|pound|cancelletto|raute|dièse|almohadilla",
}
_PRESS = {
    "it": r"(?:prem\w+|digit\w+|pigi\w+)(?: ora)?(?: (?:il|la))?(?: (?:tasto|cifra))?",
    "en": r"press(?: now)?(?: (?:the|key|button|number))*",
    "de": r"(?:drück\w+|wähl\w+)(?: (?:sie|jetzt|nun|bitte|die|das|taste|ziffer))*",
    "fr": r"(?:appuy\w+|press\w+|tap\w+|compos\w+)(?: maintenant)?(?: sur)?(?: (?:la|le))?(?: touche)?",
    "es": r"(?:pulse|presione|marque|oprima)(?: ahora)?(?: (?:la|el))?(?: (?:tecla|número))?",
}
_NOUN = {"it": "tasto", "en": "key", "de": "taste", "fr": "touche", "es": "tecla"}
"""The word before a key, also without a verb: "per no il tasto due", "mit der Taste eins"."""
_WORDS = "|".join(_DIGITS.values())


def named_keys(text: str, language: str = "") -> frozenset[str]:
    """Return the keys (0 to 9, * and #) that a text names. `language` is such as it or de_DE; without it all
    five languages are tried. Empty for any other language."""
    codes = [language.partition("_")[0]] if language else list(_PRESS)
    patterns = [f"(?:{_PRESS[code]}|{_NOUN[code]})" for code in codes if code in _PRESS]
    normalized = " ".join(text.lower().split())
    words = (
        word
        for pattern in patterns
        for word in re.findall(rf"\b{pattern} ([0-9*#]|(?:{_WORDS})\b)", normalized)
    )
    return frozenset(map(_key, words))


def key_words(key: str) -> tuple[str, ...]:
    """Return the words for a key in all the languages."""
    return tuple(_DIGITS[key].split("|"))


def _key(word: str) -> str:
    return next((key for key, words in _DIGITS.items() if word in words.split("|")), word)
