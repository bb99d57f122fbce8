"""The short way from a record's row to what its leaf commits to: canonical JSON of the values as they stand.

Most records are of one form; a call waits for the text of its own, and an audit spends its time on them. The
text is the same, byte for byte, as that of `commitment.facts` and `commitment.person`, by way of the event;
what is not of that form goes that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..evidence import commitment
from ..model import TELEPHONE_RATE

_MINUTE = 60_000_000  # microseconds


def texts(
    row: tuple[Any, ...], binding: bytes | None, origin: str, index: int | str, *, migrated: bool
) -> tuple[bytes, bytes] | None:
    """Of the facts, as leaf `index` of a log, and of the person; `None` for a record that is not of the usual
    form. The values of `rows.COLUMNS` are of the kinds that these have."""
    ending, heard, length, key = row[12:16]
    erased, recorded, rate = row[21], row[22], row[27]
    if recorded is None and migrated:
        recorded = row[1]
    if (
        row[29] is not None
        or erased != 0
        or recorded is None
        or not is_plain(f"{row[2]}{key}{row[17]}{row[20]}")
    ):
        return None
    if ending is not None:
        counted = _samples(heard, length, rate, migrated=migrated)
        if counted is None or key is None:
            return None
        heard, length, rate = counted
    elif not heard is length is key is rate is None:
        return None
    around = _around(origin, migrated, row[3], row[5:13], length, row[18:20], row[23:27], rate)
    if around is None:
        return None
    first, second, third, fourth = around
    samples = "" if ending is None else f',"heard":{heard}'
    facts = (
        f'{{{first}"happened":"{_minute(row[1] // _MINUTE)}"{samples}{second},"number":{row[0]}{third},'
        f'"record":{index},"recorded":"{_minute(recorded // _MINUTE)}"{fourth}}}'
    )
    try:
        return facts.encode(), _person(row, binding, recorded).encode()
    except UnicodeEncodeError:
        return None


def is_plain(text: str) -> bool:
    """Whether nothing in it is written otherwise in JSON. Or it might hold what others should say."""
    return text.isprintable() and '"' not in text and "\\" not in text


def _samples(
    heard: float | None, length: float | None, rate: int | None, *, migrated: bool
) -> tuple[int, int, int] | None:
    """How many of how many were heard, and their rate; `None` where these are not numbers that an event is
    written with."""
    if heard is None or length is None or (rate is None and not migrated):
        return None
    try:
        if rate is None:  # seconds, in a record from before there was a log
            return round(heard * TELEPHONE_RATE), round(length * TELEPHONE_RATE), TELEPHONE_RATE
        samples, total = int(heard), int(length)
    except (OverflowError, ValueError):
        return None
    return (samples, total, rate) if samples == heard and total == length else None


@lru_cache(1024)
def _around(
    origin: str,
    migrated: bool,
    line: str,
    played: Sequence[str],
    length: int | None,
    other: Sequence[str],
    proof: Sequence[Any],
    rate: int | None,
) -> tuple[str, str, str, str] | None:
    """What stands in the facts around when it happened, its number, its index and when it was recorded: the
    same in many records. Given are what stands together in a row: `notice` to `ending`, `wanted` and `kind`,
    `vouched` to `counts`. `None` where it is not of the usual form."""
    notice, version, language, purposes, status, reason, prompt, ending = played
    (wanted, kind), (vouched, recording, supplement, counts) = other, proof
    text = (
        f"{origin}{line}{notice}{version}{language}{purposes}{status}{reason}{prompt}{ending}{wanted}{kind}"
    )
    odd = (
        vouched == "" or supplement not in (0, 1) or counts not in (0, 1) or kind in commitment.ABOUT_RECORDS
    )
    if odd or not is_plain(f"{text}{vouched}{recording}"):
        return None

    def said(**values: object) -> str:
        return "".join(f',"{name}":"{value}"' for name, value in values.items() if value)

    first = ("" if counts else '"counts":0,') + ("" if ending is None else f'"ending":"{ending}",')
    whole = "" if ending is None else f',"length":{length}'
    second = said(kind="migrated" if migrated else kind, language=language) + whole
    second += said(line=line, log=origin, notice=notice)
    third = said(prompt=prompt, purposes=purposes) + ("" if ending is None else f',"rate":{rate}')
    fourth = said(recording=recording, status=status) + (',"supplement":1' if supplement else "")
    fourth += said(version=version, vouched=vouched, wanted=wanted, was=kind if migrated else "")
    return first, second, third + said(reason=reason), fourth


def _person(row: Sequence[Any], binding: bytes | None, recorded: int) -> str:
    call, pseudonym, key, basis, linked, kind, reference, earlier = (
        row[2], row[4], row[15], row[16], row[17], row[19], row[20], row[28]
    )  # fmt: skip
    parts = [
        "" if basis is None else f',"basis":{basis}',
        "" if binding is None else f',"binding":"{binding.hex()}"',
        f',"call":"{call}"' if call else "",
        "" if earlier is None else f',"earlier":"{earlier.hex()}"',
        f',"happened":{row[1]}',
        f',"key":"{key}"' if key else "",
        f',"linked":"{linked}"' if linked else "",
        "" if pseudonym is None else f',"pseudonym":"{pseudonym.hex()}"',
        f',"recorded":{recorded}',
        f',"reference":"{reference}"' if reference and kind not in commitment.ABOUT_RECORDS else "",
    ]
    return f"{{{''.join(parts)[1:]}}}"


@lru_cache(1024)
def _minute(number: int) -> str:
    return commitment.minute(number * _MINUTE)
