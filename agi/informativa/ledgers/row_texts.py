"""A fast way from a record's row to the texts that its leaf commits to: canonical JSON, written from the
values of the row.

Most records have one usual form. A call waits for the text of its record, and an audit spends most of its
time on these texts. The result is the same, byte for byte, as that of `commitment.facts` and
`commitment.person` from the event; records of another form must be written by those.
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
    """Return the texts of the facts, for leaf `index` of a log, and of the person; `None` if the record has
    not the usual form. The values must have the types of `rows.COLUMNS`."""
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
        samples_heard = _samples(heard, length, rate, migrated=migrated)
        if samples_heard is None or key is None:
            return None
        heard, length, rate = samples_heard
    elif not heard is length is key is rate is None:
        return None
    parts = _around(origin, migrated, row[3], row[5:13], length, row[18:20], row[23:27], rate)
    if parts is None:
        return None
    first, second, third, fourth = parts
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
    """Return whether JSON writes all its characters as they are. Other text could imitate further JSON
    members."""
    return text.isprintable() and '"' not in text and "\\" not in text


def _samples(
    heard: float | None, length: float | None, rate: int | None, *, migrated: bool
) -> tuple[int, int, int] | None:
    """Return the numbers of samples heard and in all, and their rate; `None` if an event is not written with
    such numbers."""
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
    wish: Sequence[str],
    proof: Sequence[Any],
    rate: int | None,
) -> tuple[str, str, str, str] | None:
    """Return the four constant parts of the facts, which stand around time, number, index and time of
    recording: they are the same in many records. `played` has the columns `notice` to `ending`, `wish` is
    `wanted` and `kind`, `proof` is `vouched` to `counts`. `None` if the record has not the usual form."""
    notice, version, language, purposes, status, reason, prompt, ending = played
    (wanted, kind), (vouched, recording, supplement, counts) = wish, proof
    text = (
        f"{origin}{line}{notice}{version}{language}{purposes}{status}{reason}{prompt}{ending}{wanted}{kind}"
    )
    unusual = (
        vouched == "" or supplement not in (0, 1) or counts not in (0, 1) or kind in commitment.ABOUT_RECORDS
    )
    if unusual or not is_plain(f"{text}{vouched}{recording}"):
        return None

    def members(**values: object) -> str:
        return "".join(f',"{name}":"{value}"' for name, value in values.items() if value)

    first = ("" if counts else '"counts":0,') + ("" if ending is None else f'"ending":"{ending}",')
    length_member = "" if ending is None else f',"length":{length}'
    second = members(kind="migrated" if migrated else kind, language=language) + length_member
    second += members(line=line, log=origin, notice=notice)
    third = members(prompt=prompt, purposes=purposes) + ("" if ending is None else f',"rate":{rate}')
    fourth = members(recording=recording, status=status) + (',"supplement":1' if supplement else "")
    fourth += members(version=version, vouched=vouched, wanted=wanted, was=kind if migrated else "")
    return first, second, third + members(reason=reason), fourth


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
