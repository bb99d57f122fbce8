"""A fast way from a record's row to the texts that its leaf commits to, in canonical JSON.

Most records differ from others in a few values, so `commitment.canonical` writes one template for all of
these, with gaps for the values. A call waits for the texts of its record, and an audit spends most of its
time on them: by way of the event they take 7 times as long, and Python's `json` takes more than twice as long
for the writing alone. A record of another form must go by way of its event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

from ..evidence import commitment
from . import rows

_MINUTE = 60_000_000  # microseconds
_GAP = "\ufffc"  # the object replacement character
_NUMBER_GAP = f"{_GAP}0"
# The values in the gaps of the templates, in their order.
_OF_FACTS = ("happened", "heard", "number", "record", "recorded")
_OF_PERSON = {name: 0 if name in ("basis", "happened", "recorded") else "" for name in commitment.PERSON}


def texts(
    row: tuple[Any, ...],
    binding: bytes | None,
    opening: bytes | None,
    origin: str,
    index: int | str,
) -> tuple[bytes, bytes] | None:
    """Return the texts of the facts, for leaf `index` of a log, and of the person; `None` if the record has
    not the usual form. The values must have the types of `rows.COLUMNS`."""
    number, at, call, line, pseudonym = row[:5]
    ending, heard, length, key, basis, linked = row[12:18]
    reference, erased, recorded = row[20:23]
    rate, earlier, asked = row[27:]
    if (
        asked is not None
        or erased != 0
        or recorded is None
        or not commitment.is_plain(f"{call}{key}{linked}{reference}")
    ):
        return None
    if ending is not None:
        samples = _samples(heard, length, rate)
        if samples is None or key is None:
            return None
        heard, length, rate = samples
    elif not heard is length is key is rate is None:
        return None
    facts = _facts_template(origin, line, row[5:13], length, row[18:20], row[23:27], rate)
    if not facts:
        return None
    person = _person_template(
        basis is not None,
        binding is not None,
        call != "",
        earlier is not None,
        True,
        bool(key),
        linked != "",
        opening is not None,
        pseudonym is not None,
        True,
        reference != "",
    )
    # To fill the gaps by `%` takes 1.1 to 1.2 times as long.
    f0, f1, f2, f3, f4, f5 = facts
    p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = person
    try:
        minute, recorded_minute = _minute(at // _MINUTE), _minute(recorded // _MINUTE)
    except OverflowError:  # past the ends of the calendar
        return None
    facts_text = (
        f"{f0}{minute}{f1}{'' if heard is None else heard}{f2}{number}{f3}{index}{f4}{recorded_minute}{f5}"
    )
    person_text = (
        f"{p0}{'' if basis is None else basis}{p1}{binding.hex() if binding else ''}{p2}{call}"
        f"{p3}{earlier.hex() if earlier else ''}{p4}{at}{p5}{key or ''}{p6}{linked}"
        f"{p7}{opening.hex() if opening else ''}{p8}{pseudonym.hex() if pseudonym else ''}"
        f"{p9}{recorded}{p10}{reference}{p11}"
    )
    try:
        return facts_text.encode(), person_text.encode()
    except UnicodeEncodeError:
        return None


def _samples(heard: float | None, length: float | None, rate: int | None) -> tuple[int, int, int] | None:
    """Return the numbers of samples heard and in all, and their rate; `None` if an event is not written with
    such numbers."""
    if heard is None or length is None or rate is None:
        return None
    try:
        samples, total = int(heard), int(length)
    except (OverflowError, ValueError):
        return None
    return (samples, total, rate) if samples == heard and total == length else None


@lru_cache(1024)
def _facts_template(
    origin: str,
    line: str,
    played: Sequence[Any],
    length: int | None,
    wish: Sequence[str],
    proof: Sequence[Any],
    rate: int | None,
) -> tuple[str, ...]:
    """Return the text of the facts, split at the gaps for `_OF_FACTS`; empty if the record has not the usual
    form. `played` has the columns `notice` to `ending`, `wish` is `wanted` and `kind`, `proof` has
    `vouched` to `counts`."""
    heard, key = (None, None) if length is None else (0, "")
    before, after = (0, "", line, None, *played), (*wish, "", 0, 0, *proof, rate, None, None)
    row = (*before, heard, length, key, None, "", *after)
    try:
        event = rows.record((0, *row)).event
        facts = commitment.facts(event, origin, 0, 0)
        template = _template(facts, _OF_FACTS)
    except (ValueError, TypeError, AttributeError):  # no record is written with these values
        return ()
    return template if event.kind not in commitment.KEPT and rows.row(event) == row else ()


@lru_cache(1024)
def _person_template(*present: bool) -> tuple[str, ...]:
    """Return the text of the person, split at the gaps for `_OF_PERSON`."""
    return _template(dict(compress(_OF_PERSON.items(), present)), _OF_PERSON)


def _template(values: Mapping[str, str | int], names: Collection[str]) -> tuple[str, ...]:
    """Return the text of values, split at a gap for each of these names; a gap without a member for a name
    without a value. Empty if a value has the character of gaps."""
    marks = {name: _NUMBER_GAP if isinstance(values.get(name), int) else _GAP for name in names}
    text = commitment.canonical(dict(sorted({**values, **marks}.items()))).decode()
    if text.count(_GAP) != len(names):
        return ()
    text = text.replace(f'"{_NUMBER_GAP}"', _GAP)
    for name in set(names) - values.keys():
        member = f'"{name}":"{_GAP}"'
        text = text.replace(f"{member},", _GAP).replace(f",{member}}}", f"{_GAP}}}")
    return tuple(text.split(_GAP))


@lru_cache(1024)
def _minute(number: int) -> str:
    return commitment.minute(number * _MINUTE)
