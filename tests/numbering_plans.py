"""The world's numbering plans, out of phonenumbers' own metadata into a table that is walked digit by digit:
`make plans`.

What the library does for a number (find its country code, then its region, then match it with a dozen regular
expressions, in their order) depends on nothing but its digits, of which there are no more than 17. So it can
be done beforehand: each country code becomes the smallest automaton whose states are what is still possible
after the digits so far. Those of all countries share their states.
"""

from __future__ import annotations

import base64
import re
import re._constants as sre  # type: ignore[import-not-found]  # typeshed leaves them out
import re._parser as parser  # type: ignore[import-not-found]
import sys
import textwrap
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata

from informativa.model import numbering
from informativa.model.numbering.library import kind_of

TARGET = Path(__file__).resolve().parents[1] / "agi/informativa/model/numbering/table.py"
LONGEST = 17  # digits of a national number that phonenumbers reads
ALL = sum(1 << digit for digit in range(10))
DEAD, ASK = numbering.DEAD, numbering.ASK  # states with these numbers, and their classes
KINDS = [  # in the order in which the library tries them
    ("premium_rate", phonenumbers.PhoneNumberType.PREMIUM_RATE),
    ("toll_free", phonenumbers.PhoneNumberType.TOLL_FREE),
    ("shared_cost", phonenumbers.PhoneNumberType.SHARED_COST),
    ("voip", phonenumbers.PhoneNumberType.VOIP),
    ("personal_number", phonenumbers.PhoneNumberType.PERSONAL_NUMBER),
    ("pager", phonenumbers.PhoneNumberType.PAGER),
    ("uan", phonenumbers.PhoneNumberType.UAN),
    ("voicemail", phonenumbers.PhoneNumberType.VOICEMAIL),
    ("fixed_line", phonenumbers.PhoneNumberType.FIXED_LINE),
    ("mobile", phonenumbers.PhoneNumberType.MOBILE),
]
WIDTH = 108
TEMPLATE = '''"""The numbering plans of phonenumbers {version}, written by `make plans`."""

# Of each country code: its first state, what tells the library's files about it from others, its regions.
PLANS = """
{plans}
"""
# Of each country with a simple national form: its country code, what stands before a number (or nothing).
NATIONAL = """
{national}
"""
# What each state says of the digits that led to it: one byte each. Deflated, as base64.
CLASSES = """
{classes}
"""
# Where each state leads by each digit: ten numbers of two bytes each, the lower first. Deflated, as base64.
STATES = """
{states}
"""
'''
EITHER = phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE


@dataclass
class Expressions:
    """Regular expressions of digits as one non-deterministic automaton; sets of its states are bits."""

    arcs: list[list[tuple[int, int]]] = field(
        default_factory=list
    )  # by state: digits, as bits, and what follows
    empty: list[list[int]] = field(default_factory=list)  # by state: what follows without a digit
    stepped: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, pattern: str) -> tuple[int, int]:
        """The states to start in, and the one that accepts, both as bits."""
        start = self._state()
        end = self._follow(parser.parse(pattern), start)
        return self._closed([start]), 1 << end

    def step(self, states: int, digit: int) -> int:
        """Return the states after one digit."""
        key = states, digit
        if key not in self.stepped:
            targets = (to for state in bits(states) for digits, to in self.arcs[state] if digits >> digit & 1)
            self.stepped[key] = self._closed(targets)
        return self.stepped[key]

    def _state(self) -> int:
        self.arcs.append([])
        self.empty.append([])
        return len(self.arcs) - 1

    def _closed(self, states: Iterable[int]) -> int:
        closed, waiting = 0, list(states)
        while waiting:
            state = waiting.pop()
            if not closed >> state & 1:
                closed |= 1 << state
                waiting += self.empty[state]
        return closed

    def _follow(self, items: Any, state: int) -> int:
        for kind, value in items:
            state = self._item(kind, value, state)
        return state

    def _item(self, kind: Any, value: Any, state: int) -> int:
        if kind in (sre.LITERAL, sre.IN):
            end = self._state()
            self.arcs[state].append((_digits([(kind, value)] if kind is sre.LITERAL else value), end))
            return end
        if kind is sre.SUBPATTERN:
            return self._follow(value[-1], state)
        if kind is sre.BRANCH:
            end = self._state()
            for branch in value[1]:
                self.empty[self._follow(branch, state)].append(end)
            return end
        if kind is sre.MAX_REPEAT and value[1] is not sre.MAXREPEAT:
            fewest, most, items = value
            for _ in range(fewest):
                state = self._follow(items, state)
            end = self._state()
            for _ in range(most - fewest):
                self.empty[state].append(end)
                state = self._follow(items, state)
            self.empty[state].append(end)
            return end
        if (kind, value) == (sre.AT, sre.AT_END):
            return state  # only in prefixes, where it is enough to know that the library may take one away
        raise NotImplementedError(f"{kind} in a numbering plan")


def bits(number: int) -> Iterator[int]:
    """The places of the ones in it."""
    while number:
        yield (number & -number).bit_length() - 1
        number &= number - 1


def _digits(items: Any) -> int:
    digits = 0
    for kind, value in items:
        if kind is sre.LITERAL:
            digits |= 1 << value - 48
        elif kind is sre.RANGE:
            digits |= sum(1 << code - 48 for code in range(value[0], value[1] + 1))
        elif (kind, value) == (sre.CATEGORY, sre.CATEGORY_DIGIT):
            digits |= ALL
        else:
            raise NotImplementedError(f"{kind} among the digits of a numbering plan")
    return digits


class Plan:
    """One country code: what phonenumbers makes of the digits that follow it."""

    def __init__(self, code: int, nodes: dict[tuple[int, ...], int]) -> None:
        self.regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
        self._metadata: list[Any] = [
            PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in self.regions
        ]
        self._nodes, self._numbers = nodes, dict[tuple[int, int, int, bool], int]()
        self._all = Expressions()
        self._starts = 0
        self._leading = [self._add(data.leading_digits) for data in self._metadata]
        self._prefix = self._add(self._metadata[0].national_prefix_for_parsing)
        self._kinds = [
            {name: self._described(getattr(data, name)) for name in ("general_desc", *dict(KINDS))}
            for data in self._metadata
        ]
        self.start = self._node(self._starts, 0, 0, stripped=False)

    def _add(self, pattern: str | None) -> int:
        if pattern is None:
            return 0
        start, end = self._all.add(pattern)
        self._starts |= start
        return end

    def _described(self, desc: Any) -> tuple[int, frozenset[int]]:
        if desc is None or not desc.national_number_pattern:
            return 0, frozenset()
        return self._add(desc.national_number_pattern), frozenset(desc.possible_length)

    def _node(self, states: int, length: int, leading: int, *, stripped: bool) -> int:
        """The node of the table for what is possible after so many digits. `leading` are the regions whose
        leading digits were seen; `stripped` that the library may take a prefix away."""
        if length and states & self._prefix:
            return ASK
        leading |= sum(1 << place for place, end in enumerate(self._leading) if states & end)
        if not states or length > LONGEST:
            return DEAD
        key = states, length, leading, stripped
        if key not in self._numbers:
            children = [
                self._node(self._all.step(states, digit), length + 1, leading, stripped=stripped)
                for digit in range(10)
            ]
            node = (self._class(states, length, leading), *children)
            dead = not any(node)
            self._numbers[key] = DEAD if dead else self._nodes.setdefault(node, len(self._nodes) + 2)
        return self._numbers[key]

    def _class(self, states: int, length: int, leading: int) -> int:
        for place, data in enumerate(self._metadata):
            kind = self._kind(place, states, length)
            if data.leading_digits is not None and len(self.regions) > 1:
                chosen = bool(leading >> place & 1)
            else:
                chosen = len(self.regions) == 1 or kind != phonenumbers.PhoneNumberType.UNKNOWN
            if chosen:
                kind_in_table = kind_of(kind)
                return (
                    DEAD
                    if kind_in_table is None
                    else numbering.KINDS.index(kind_in_table) + 2 + len(numbering.KINDS) * place
                )
        return DEAD

    def _kind(self, place: int, states: int, length: int) -> int:
        def matches(name: str) -> bool:
            end, lengths = self._kinds[place][name]
            return bool(states & end) and (not lengths or length in lengths)

        if not matches("general_desc"):
            return phonenumbers.PhoneNumberType.UNKNOWN
        number_type = next(
            (kind for name, kind in KINDS if matches(name)), phonenumbers.PhoneNumberType.UNKNOWN
        )
        same = self._metadata[place].same_mobile_and_fixed_line_pattern
        if number_type == phonenumbers.PhoneNumberType.FIXED_LINE and (same or matches("mobile")):
            return EITHER
        if number_type == phonenumbers.PhoneNumberType.MOBILE and same:
            return phonenumbers.PhoneNumberType.UNKNOWN
        return number_type


def table() -> str:
    """The text of `table.py`."""
    nodes: dict[tuple[int, ...], int] = {}
    plans, national = [], []
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        start = Plan(code, nodes).start
        files = [str(code)] if regions == ("001",) else regions
        plans.append(f"{code} {start} {numbering.source(files)} {','.join(regions)}")
        if (trunk := trunk_prefix(code, regions[0])) is not None:
            national.append(f"{regions[0]}:{code}:{trunk}")
    states = array("H", [DEAD] * 10 + [ASK] * 10)
    for node in nodes:
        states.extend(node[1:])
    if sys.byteorder == "big":
        states.byteswap()
    return TEMPLATE.format(
        version=phonenumbers.__version__,
        plans="\n".join(plans),
        national=textwrap.fill(" ".join(national), WIDTH),
        classes=_packed(bytes([DEAD, ASK, *(node[0] for node in nodes)])),
        states=_packed(states.tobytes()),
    )


def trunk_prefix(code: int, region: str) -> str | None:
    """Return the trunk prefix of numbers in national form; `None` for a country whose national form is not
    that simple: with an own prefix for calls abroad, or with more changes than digits that are removed."""
    data = PhoneMetadata.metadata_for_region(region, None)
    trunk = data.national_prefix_for_parsing or "" if data else "?"
    simple = trunk.isdigit() or not trunk
    if data is None or not simple or data.national_prefix_transform_rule or data.international_prefix != "00":
        return None
    if trunk and str(code).startswith(trunk):
        return None
    plain = all(
        re.fullmatch(r"\\1(?:[ -]?\\\d)*", number_format.format or "") for number_format in data.number_format
    )
    return trunk if trunk or plain else None


def _packed(raw: bytes) -> str:
    return textwrap.fill(base64.b64encode(zlib.compress(raw, 9)).decode(), WIDTH)


def main() -> None:
    """Write the table anew, from the phonenumbers that is installed."""
    TARGET.write_text(table())


if __name__ == "__main__":
    main()
