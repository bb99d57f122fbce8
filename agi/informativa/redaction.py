"""A caller's number where none may stand: inside a reference, an operator's name, a call's id. Pure.

What counts as a number is a chain of six digits or more, however it is grouped: `3401200728`,
`+39.340.120-0728`, `(02) 12 34 56`. Dates (`2026-11-24`, `24/11/2026`, with a time or without), a contract's
number with its year (`2026/17`) and Asterisk's own ids (`1700000000.1`) are none.
"""

from __future__ import annotations

import re
import unicodedata

_FEWEST = 6  # digits that may be a telephone's number
_TELLING = 7  # last ones of the caller's own that tell him from others
# A list's commas part its members. It begins at the first of its brackets: to try each of 100,000 that
# somebody has put there would take a minute.
_CHAIN = re.compile(rf"(?<![+(])[+(]*+\d(?:(?:(?![,;:]\s)[\W_]){{0,4}}\d){{{_FEWEST - 1},}}")
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_TIME = r"(?:[01]?\d|2[0-3])[:.][0-5]\d(?:[:.][0-5]\d)?"
# Not part of a longer group of digits: what joins a date to others is no point, dash or stroke.
_APART, _END = r"(?<![\d./+-])", r"(?![./-]?\d)"
_HARMLESS = re.compile(
    rf"{_APART}(?:"
    rf"{_YEAR}([./-]){_MONTH}\1{_DAY}"
    rf"|{_DAY}([./-]){_MONTH}\2(?:{_YEAR}|\d\d)"
    rf"|{_TIME}"
    rf"|1[5-9]\d{{8}}\.\d{{1,6}}"  # Asterisk's id of a call, of 2017 to 2033
    rf"){_END}"
)
_WITH_YEAR = re.compile(rf"{_YEAR}[/-]\d{{1,6}}|\d{{1,6}}[/-]{_YEAR}")
_OWN_ID = re.compile(r"[12][0-9]{9}\.[0-9]{1,8}\Z")  # epoch seconds until 2065, and a count
_LONGEST_NAME, _LONGEST_ID = 40, 64
_UNSAFE = re.compile(r"[^A-Za-z0-9._:-]")
_DIGIT = re.compile(r"\d")


def without_numbers(text: str, number: str = "") -> str:
    """`text` with `#` for each digit of what may be somebody's number; for all of them where the caller's own
    `number` still stands in it, whatever is between its digits."""
    plain = _plain_digits(text)
    masked = _CHAIN.sub(lambda found: _DIGIT.sub("#", found[0]) if _number(found[0]) else found[0], plain)
    if _holds(masked, number):
        return _DIGIT.sub("#", masked)
    return text if masked == plain else masked


def holds_number(text: str, number: str = "") -> bool:
    """Whether `without_numbers` would change it."""
    plain = _plain_digits(text)
    return _holds(plain, number) or any(_number(found[0]) for found in _CHAIN.finditer(plain))


def _holds(text: str, number: str) -> bool:
    """Whether the end of the caller's own number stands in it."""
    digits = number[-_TELLING:]
    return len(digits) == _TELLING and digits.isdigit() and digits in "".join(_DIGIT.findall(text))


def _plain_digits(text: str) -> str:
    """With 3 for ³ and ③, which everybody reads so."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.digit(each)) if each.isdigit() and not each.isdecimal() else each for each in text
    )


def plain_id(text: str, number: str = "") -> str:
    """The id of a call, which a channel may have set freely (through AMI, say). Asterisk's own stays as it
    is, after a system's name too; of another only what is safe wherever it goes, and no digits where they
    may be a number, whatever stands between them. The caller's own `number` is never in it."""
    digits = number[-_TELLING:]
    known = len(digits) == _TELLING and digits.isdigit() and digits in text
    if _OWN_ID.match(text) and not known:
        return text
    name, dash, own = text.rpartition("-")
    if known or not _OWN_ID.match(own):
        name, dash, own = text, "", ""
    safe = _UNSAFE.sub("_", name[: _LONGEST_NAME if own else _LONGEST_ID])
    if len(_DIGIT.findall(safe)) >= _FEWEST:
        safe = _DIGIT.sub("#", safe)
    return safe + dash + own


def _number(chain: str) -> bool:
    if _WITH_YEAR.fullmatch(chain):
        return False
    international = chain.startswith(("+", "(+", "00"))
    return international or _digits(_HARMLESS.sub("", chain)) >= _FEWEST


def _digits(text: str) -> int:
    return len(_DIGIT.findall(text))
