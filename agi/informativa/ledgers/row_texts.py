"""The short way from a record's row to what its leaf commits to: canonical JSON of the values as they stand.

Most records are of one form; a call waits for the text of its own, and an audit spends its time on them. The
text is the same, byte for byte, as that of `commitment.facts` and `commitment.person`, by way of the event;
what is not of that form goes that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ..evidence import commitment
from ..model import TELEPHONE_RATE

_MINUTE = 60_000_000  # microseconds


def texts(
    row: Sequence[Any], binding: bytes | None, origin: str, index: int, *, migrated: bool
) -> tuple[bytes, bytes] | None:
    """Of the facts, as leaf `index` of a log, and of the person; `None` for a record that is not of the usual
    form. The values of `rows.COLUMNS` are of the kinds that these have."""
    erased, vouched, supplement, counts = row[21], row[23], row[25], row[26]
    if erased != 0 or vouched == "" or supplement not in (0, 1) or counts not in (0, 1):
        return None
    if not _is_plain(row, origin):
        return None
    told = _told(row, migrated=migrated)
    recorded = row[1] if row[22] is None and migrated else row[22]
    if told is None or recorded is None:
        return None
    try:
        facts = _facts(row, told, recorded, origin, index, migrated=migrated)
        return facts.encode(), _person(row, binding, recorded).encode()
    except (UnicodeEncodeError, OverflowError):
        return None


def opens(leaf: Sequence[Any], row: Sequence[Any], origin: str, index: int) -> bool:
    """Whether a record that was not erased opens its leaf, `index` of the log, and has no value that no
    record is written with. What is false may be right all the same."""
    _leaf, number, what, who, salt_what, salt_who, binding, migrated = leaf
    if salt_what is None or salt_who is None or number != row[0]:
        return False
    if migrated and not row[2] and row[4] is None:  # as one that was erased
        return False
    found = texts(row, binding, origin, index, migrated=migrated)
    return (
        found is not None
        and sha256(commitment.WHAT_TAG + salt_what + found[0]).digest() == what
        and sha256(commitment.WHO_TAG + salt_who + found[1]).digest() == who
    )


def _is_plain(row: Sequence[Any], origin: str) -> bool:
    """Whether no text in it is written otherwise in JSON. Or one might hold what others should say."""
    _, _, call, line, _, notice, version, language, purposes, status, reason, prompt, ending = row[:13]
    key, _, linked, wanted, kind, reference = row[15:21]
    vouched, recording = row[23:25]
    text = (
        f"{call}{line}{notice}{version}{language}{purposes}{status}{reason}{prompt}{ending}{key}{linked}"
        f"{wanted}{kind}{reference}{vouched}{recording}{origin}"
    )
    return text.isprintable() and '"' not in text and "\\" not in text


def _told(row: Sequence[Any], *, migrated: bool) -> tuple[int, int, int] | tuple[()] | None:
    """How many samples of how many were heard, and their rate; nothing where nothing was played; `None` where
    these are not numbers that an event is written with."""
    ending, heard, length, key, rate = *row[12:16], row[27]
    there = (heard is not None) + (length is not None) + (key is not None)
    if ending is None:
        return None if there or rate is not None else ()
    if there < 3:
        return None
    try:
        if rate is None:  # seconds, in a record from before there was a log
            return (
                (round(heard * TELEPHONE_RATE), round(length * TELEPHONE_RATE), TELEPHONE_RATE)
                if migrated
                else None
            )
        samples, total = int(heard), int(length)
    except (OverflowError, ValueError):
        return None
    return (samples, total, rate) if samples == heard and total == length else None


def _facts(
    row: Sequence[Any],
    told: tuple[int, int, int] | tuple[()],
    recorded: int,
    origin: str,
    index: int,
    *,
    migrated: bool,
) -> str:
    number, at, _, line, _, notice, version, language, purposes, status, reason, prompt, ending = row[:13]
    wanted, kind, reference, _, _, vouched, recording, supplement, counts = row[18:27]
    heard, length, rate = told or (0, 0, 0)
    parts = [
        "" if counts else ',"counts":0',
        f',"ending":"{ending}"' if told else "",
        f',"happened":"{_minute(at // _MINUTE)}"',
        f',"heard":{heard}' if told else "",
        f',"indices":"{reference}"' if reference and kind in commitment.ABOUT_RECORDS else "",
        ',"kind":"migrated"' if migrated else f',"kind":"{kind}"',
        f',"language":"{language}"' if language else "",
        f',"length":{length}' if told else "",
        f',"line":"{line}"' if line else "",
        f',"log":"{origin}"',
        f',"notice":"{notice}"' if notice else "",
        f',"number":{number}',
        f',"prompt":"{prompt}"' if prompt else "",
        f',"purposes":"{purposes}"' if purposes else "",
        f',"rate":{rate}' if told else "",
        f',"reason":"{reason}","record":{index}',
        f',"recorded":"{_minute(recorded // _MINUTE)}"',
        f',"recording":"{recording}"' if recording else "",
        f',"status":"{status}"',
        ',"supplement":1' if supplement else "",
        f',"version":"{version}"' if version else "",
        f',"vouched":"{vouched}"' if vouched else "",
        f',"wanted":"{wanted}"' if wanted else "",
        f',"was":"{kind}"' if migrated else "",
    ]
    return f"{{{''.join(parts)[1:]}}}"


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
