"""Which telephone's number some digits may be, by the numbering plans of the world.

phonenumbers knows them, as a dozen regular expressions for each country; it takes 30 µs of processor time for
a number, and 13 ms until it is imported. `table.py` is made from its metadata (`make plans`): one automaton
whose states are what is still possible after the digits so far. It gives the library's own answers, or none:
then the library is asked. Nothing of a number is kept.

A country's part of the table counts only as long as the files that the installed phonenumbers has about this
country are those that it was made from, so that whoever installs a newer one has its plans.
"""

from __future__ import annotations

import binascii
import functools
import importlib.util
import re
import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from enum import Enum
from importlib.machinery import SourceFileLoader
from typing import NamedTuple

from ..model import NumberForm
from . import table


class Kind(Enum):
    """Whose a number is, as far as its plan tells."""

    LANDLINE = "one household's; in some countries numbers do not show whether it is a mobile"
    PERSONAL = "one other telephone's: a mobile, or one over the internet"
    SHARED = "toll-free, shared-cost, service and personal numbers (Italy's 199), which whole companies show"


Valid = Mapping[str, tuple[str, Kind]]
"""All numbers that some digits may be: by E.164 with its plus, the country (ISO 3166; 001 for none) and
kind."""

KINDS = tuple(Kind)
DEAD, ASK = 0, 1  # what the table says of digits that are no number, and of those that it cannot judge

_DIALLED = re.compile(r"\+?[0-9]{2,20}\Z")
_NONE: Valid = {}
_NEXT = array(
    "H", bytes(2 * ord("0")) + zlib.decompress(binascii.a2b_base64(table.STATES))
)  # by state * 10 + digit
if sys.byteorder == "big":
    _NEXT.byteswap()
_CLASS = zlib.decompress(binascii.a2b_base64(table.CLASSES))  # by state
_PLANS = {code: rest for code, *rest in map(str.split, table.PLANS.strip().splitlines())}
_NATIONAL = {
    region: (code, trunk) for region, code, trunk in (each.split(":") for each in table.NATIONAL.split())
}


class _Plan(NamedTuple):
    start: int
    answers: Sequence[tuple[str, Kind]]  # by class


def valid(text: str, region: str, form: NumberForm) -> Valid:
    """All that `text` may be that was sent by a trunk in `region` (ISO 3166); empty if it is not one
    telephone's number. `form` says how the trunk writes numbers without plus sign and without 00, which is
    the international prefix of nearly all countries and trunks."""
    if not _DIALLED.match(text):
        return _NONE
    found = _quickly(text, region, form)
    if found is None:
        from . import library  # most calls need none of it, and a script is started for one call

        return library.valid(text, region, form)
    return found


def written(text: str, region: str) -> frozenset[str]:
    """Every way in which a dialplan may write the number `text`: as it is, +39…, 0039…, 39…, 0…"""
    if not _DIALLED.match(text):
        return frozenset({text})
    code, trunk = _NATIONAL.get(region, ("", "?"))
    found = _quickly(text, region, NumberForm.NATIONAL)
    number = next(iter(found or ()), "")
    abroad = not number.startswith("+" + code)
    if number and (abroad or not trunk):
        own = () if abroad else (number.removeprefix("+" + code),)
        return frozenset({text, number, "00" + number[1:], number[1:], *own})
    from . import library

    return library.written(text, region)


def is_possible(number: str) -> bool:
    """Whether a number with plus sign has a length that there is in its country."""
    found = _international(number[1:]) if _DIALLED.match(number) else None
    if found and found[number][0] in _NATIONAL:  # elsewhere its length may be that of another region alone
        return True
    from . import library

    return library.is_possible(number)


def is_region(region: str) -> bool:
    """Whether this is a country (ISO 3166) with a numbering plan."""
    if region in _NATIONAL:
        return True
    from . import library

    return library.is_region(region)


def _quickly(text: str, region: str, form: NumberForm) -> Valid | None:
    """What the library would say; `None` where it must be asked."""
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


def _national(text: str, region: str, international: Valid) -> Valid | None:
    """In the national form of a country with nothing but a trunk prefix (0, say), if that."""
    code, trunk = _NATIONAL[region]
    if trunk and text.startswith(trunk):
        return _international(code + text.removeprefix(trunk)) or None
    found = _international(code + text)
    if not found and text.startswith(code):  # which the library may take away, where the rest is a number
        return _NONE if international else None
    return found


def _international(digits: str, *, simple: bool = False) -> Valid | None:
    """In E.164 without the plus sign. The library reads digits that no country has as if the plus were not
    there; where the country is a `simple` one nothing comes of it."""
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
    known = _CLASS[state]
    if known > ASK:
        return {"+" + digits: plan.answers[known]}
    return _NONE if known == DEAD else None


@functools.cache
def _plan(code: str) -> _Plan | None:
    """The plan of one country code; `None` where the installed library may have another."""
    start, digest, regions = _PLANS[code]
    answers = [(region, kind) for region in regions.split(",") for kind in KINDS]
    files = [code] if regions == "001" else regions.split(",")
    return _Plan(int(start), [answers[0]] * 2 + answers) if source(files) == digest else None


def edition() -> str:
    """What tells the installed library from other editions of it; '' without files."""
    return _digest(["__init__.py"])  # where its version stands


def source(regions: Sequence[str]) -> str:
    """What tells the library's files about these regions from other editions of them; '' without files."""
    return _digest([f"data/region_{region}.py" for region in regions])


def _digest(files: Sequence[str]) -> str:
    found = importlib.util.find_spec("phonenumbers")
    if (
        found is None
        or not found.submodule_search_locations
        or not isinstance(found.loader, SourceFileLoader)
    ):
        return ""
    folder, digest = found.submodule_search_locations[0], 0
    try:
        for file in files:
            digest = zlib.crc32(found.loader.get_data(f"{folder}/{file}"), digest)
    except OSError:
        return ""
    return f"{digest:08x}"
