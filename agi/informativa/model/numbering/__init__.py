"""Telephone numbers that some digits may be, by the numbering plans of the world.

phonenumbers knows them, as a dozen regular expressions for each country; it takes 30 µs of processor time for
a number, and 13 ms until it is imported. `table.py` is made from its metadata (`make plans`): one automaton
whose states stand for all that is still possible after the digits so far. It gives the library's own answers,
or none: then the library is asked. No number is stored.

A country's part of the table counts only as long as the files that the installed phonenumbers has about this
country are those that it was made from, so that a newer installed library is used with its own plans.

- `table`: the automaton, written by `make plans`
- `library`: the answers of phonenumbers itself
"""

from __future__ import annotations

import binascii
import functools
import importlib.util
import re
import sys
import zlib
from array import array
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from typing import NamedTuple

from ..words import NumberForm, NumberKind, ValidNumbers
from . import table

"""All numbers that some digits may be: by E.164 with its plus, the country (ISO 3166; 001 for none) and
kind."""

KINDS = tuple(NumberKind)
DEAD, ASK = 0, 1  # the table's classes of digits that are no number, and of those that it cannot judge

_DIALLED = re.compile(r"\+?[0-9]{2,20}\Z")
_NONE: ValidNumbers = {}
_NEXT = array(
    "H", bytes(2 * ord("0")) + zlib.decompress(binascii.a2b_base64(table.STATES))
)  # by state * 10 + digit
if sys.byteorder == "big":
    _NEXT.byteswap()
_CLASS = zlib.decompress(binascii.a2b_base64(table.CLASSES))  # by state
_PLANS = {code: fields for code, *fields in map(str.split, table.PLANS.strip().splitlines())}
_NATIONAL = {
    region: (code, trunk) for region, code, trunk in (entry.split(":") for entry in table.NATIONAL.split())
}


class _Plan(NamedTuple):
    start: int
    answers: Sequence[tuple[str, NumberKind]]  # by class


def valid(text: str, region: str, form: NumberForm) -> ValidNumbers:
    """Return all numbers that `text`, sent by a trunk in `region` (ISO 3166), may be; empty if it is not one
    telephone's number. `form` is the form in which the trunk writes numbers without plus sign and without 00,
    which is the international prefix of nearly all countries and trunks."""
    if not _DIALLED.match(text):
        return _NONE
    numbers = _by_table(text, region, form)
    if numbers is None:
        from . import library  # slow to import, and most calls do not need it

        return library.valid(text, region, form)
    return numbers


def written_forms(text: str, region: str) -> frozenset[str]:
    """Return every form in which a dialplan may write the number `text`: as it is, +39…, 0039…, 39…, 0…"""
    if not _DIALLED.match(text):
        return frozenset({text})
    code, trunk = _NATIONAL.get(region, ("", "?"))
    numbers = _by_table(text, region, NumberForm.NATIONAL)
    number = next(iter(numbers or ()), "")
    abroad = not number.startswith("+" + code)
    if number and (abroad or not trunk):
        national = () if abroad else (number.removeprefix("+" + code),)
        return frozenset({text, number, "00" + number[1:], number[1:], *national})
    from . import library

    return library.written_forms(text, region)


def is_possible(number: str) -> bool:
    """Return whether a number with plus sign has a possible length in its country."""
    numbers = _international(number[1:]) if _DIALLED.match(number) else None
    # In other countries only another region may have numbers of this length.
    if numbers and numbers[number][0] in _NATIONAL:
        return True
    from . import library

    return library.is_possible(number)


def is_region(region: str) -> bool:
    """Return whether this is a country (ISO 3166) with a numbering plan."""
    if region in _NATIONAL:
        return True
    from . import library

    return library.is_region(region)


def _by_table(text: str, region: str, form: NumberForm) -> ValidNumbers | None:
    """Return the library's answer from the table; `None` if the library must be asked."""
    simple = region in _NATIONAL
    if text.startswith(("+", "00")):
        return _international(text.removeprefix("+").removeprefix("00"), simple=simple)
    international = _NONE if form is NumberForm.NATIONAL else _international(text, simple=simple)
    if form is NumberForm.INTERNATIONAL or international is None:
        return international
    national = _national(text, region, international) if simple else None
    if national is None:
        return None
    return {**national, **international} if national and international else national or international


def _national(text: str, region: str, international: ValidNumbers) -> ValidNumbers | None:
    """Return the numbers that `text` may be in the national form of a country that has only a trunk prefix
    (0, say)."""
    code, trunk = _NATIONAL[region]
    if trunk and text.startswith(trunk):
        return _international(code + text.removeprefix(trunk)) or None
    numbers = _international(code + text)
    if not numbers and text.startswith(code):  # the library may take the code away, if the rest is a number
        return _NONE if international else None
    return numbers


def _international(digits: str, *, simple: bool = False) -> ValidNumbers | None:
    """Return the numbers for E.164 digits without the plus sign. The library reads digits that no country has
    as if there were no plus; in a `simple` country they are no number."""
    for size in (1, 2, 3):
        if (code := digits[:size]) in _PLANS:
            break
    else:
        return _NONE if simple and not digits.startswith("00") else None
    plan = _plan(code)
    if plan is None:
        return None
    state = plan.start
    for digit in digits[size:].encode():
        state = _NEXT[state * 10 + digit]
    number_class = _CLASS[state]
    if number_class > ASK:
        return {"+" + digits: plan.answers[number_class]}
    return _NONE if number_class == DEAD else None


@functools.cache
def _plan(code: str) -> _Plan | None:
    """Return the plan of one country code; `None` if the installed library may have another."""
    start, digest, regions = _PLANS[code]
    answers = [(region, kind) for region in regions.split(",") for kind in KINDS]
    files = [code] if regions == "001" else regions.split(",")
    return _Plan(int(start), [answers[0]] * 2 + answers) if source(files) == digest else None


def edition() -> str:
    """Return a checksum of the installed library's edition; '' without files."""
    return _digest(["__init__.py"])  # where its version stands


def source(regions: Sequence[str]) -> str:
    """Return a checksum of the library's files about these regions; '' without files."""
    return _digest([f"data/region_{region}.py" for region in regions])


def _digest(files: Sequence[str]) -> str:
    spec = importlib.util.find_spec("phonenumbers")
    if spec is None or not spec.submodule_search_locations or not isinstance(spec.loader, SourceFileLoader):
        return ""
    folder, digest = spec.submodule_search_locations[0], 0
    try:
        for file in files:
            digest = zlib.crc32(spec.loader.get_data(f"{folder}/{file}"), digest)
    except OSError:
        return ""
    return f"{digest:08x}"
