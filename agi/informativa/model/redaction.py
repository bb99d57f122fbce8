"""Redaction of a caller's number from text that may not hold one: a reference, an operator's name, a call's
id. Pure.

A chain of six digits or more counts as a number, however it is grouped: `3401200728`, `+39.340.120-0728`,
`(02) 12 34 56`. Dates (`2026-11-24`, `24/11/2026`, with a time or without), a contract's number with its year
(`2026/17`) and Asterisk's own ids (`1700000000.1`) are none.
"""

from __future__ import annotations

import re
import unicodedata

_FEWEST = 6  # digits that may be a telephone's number
_TELLING = 7  # last digits of the caller's own number, enough to identify him
# A list's commas part its members. It begins at the first of its brackets: to try each of 100,000 that
# somebody has put there would take a minute.
_CHAIN = re.compile(rf"(?<![+(])[+(]*+\d(?:(?:(?![,;:]\s)[\W_]){{0,4}}\d){{{_FEWEST - 1},}}")
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_TIME = r"(?:[01]?\d|2[0-3])[:.][0-5]\d(?:[:.][0-5]\d)?"
# Not part of a longer group of digits: what joins a date to others is no point, dash or stroke.
_APART, _END = r"(?<![\d./+-])", r"(?![./-]?\d)"
# These two are compiled when the first number is looked at: most scripts see none.
_HARMLESS = (
    rf"{_APART}(?:"
    rf"{_YEAR}([./-]){_MONTH}\1{_DAY}"
    rf"|{_DAY}([./-]){_MONTH}\2(?:{_YEAR}|\d\d)"
    rf"|{_TIME}"
    rf"|1[5-9]\d{{8}}\.\d{{1,6}}"  # Asterisk's id of a call, of 2017 to 2033
    rf"){_END}"
)
_WITH_YEAR = rf"{_YEAR}[/-]\d{{1,6}}|\d{{1,6}}[/-]{_YEAR}"
_OWN_ID = re.compile(r"[12][0-9]{9}\.[0-9]{1,8}\Z")  # epoch seconds until 2065, and a count
_LONGEST_NAME, _LONGEST_ID = 40, 64
_UNSAFE = re.compile(r"[^A-Za-z0-9._:-]")
_DIGIT = re.compile(r"\d")


def without_numbers(text: str, number: str = "") -> str:
    """Return `text` with `#` for each digit of a possible telephone number; for all of its digits where the
    caller's own `number` still stands in it, with any other characters between its digits."""
    plain = _plain_digits(text)
    masked = _CHAIN.sub(lambda match: _DIGIT.sub("#", match[0]) if _number(match[0]) else match[0], plain)
    if _holds(masked, number):
        return _DIGIT.sub("#", masked)
    return text if masked == plain else masked


def holds_number(text: str, number: str = "") -> bool:
    """Return whether `without_numbers` would change the text."""
    plain = _plain_digits(text)
    if len(_DIGIT.findall(plain)) < _FEWEST:  # nearly always, and no chain need be searched
        return False
    return _holds(plain, number) or any(_number(match[0]) for match in _CHAIN.finditer(plain))


def _holds(text: str, number: str) -> bool:
    """Return whether the end of the caller's own number stands in the text."""
    digits = number[-_TELLING:]
    return len(digits) == _TELLING and digits.isdigit() and digits in "".join(_DIGIT.findall(text))


def _plain_digits(text: str) -> str:
    """Return the text with 3 for ³ and ③, since people read them as 3."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.digit(character)) if character.isdigit() and not character.isdecimal() else character
        for character in text
    )


def plain_id(text: str, number: str = "") -> str:
    """Return the id of a call, which a channel may have set freely (through AMI, say), in a safe form.
    Asterisk's own id stays as it is, after a system's name too. Of any other only safe characters stay, and
    no digits that may be a number, with any characters between them. The caller's own `number` is never in
    it."""
    digits = number[-_TELLING:]
    has_number = len(digits) == _TELLING and digits.isdigit() and digits in text
    if _OWN_ID.match(text) and not has_number:
        return text
    name, dash, asterisk_id = text.rpartition("-")
    if has_number or not _OWN_ID.match(asterisk_id):
        name, dash, asterisk_id = text, "", ""
    safe = _UNSAFE.sub("_", name[: _LONGEST_NAME if asterisk_id else _LONGEST_ID])
    if len(_DIGIT.findall(safe)) >= _FEWEST:
        safe = _DIGIT.sub("#", safe)
    return safe + dash + asterisk_id


def _number(chain: str) -> bool:
    if re.fullmatch(_WITH_YEAR, chain):
        return False
    international = chain.startswith(("+", "(+", "00"))
    return international or _digits(re.sub(_HARMLESS, "", chain)) >= _FEWEST


def _digits(text: str) -> int:
    return len(_DIGIT.findall(text))
