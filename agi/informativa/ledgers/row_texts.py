"""The short way to see that a record is what it committed to: from its row to the text that was hashed.

Most records of a ledger are of one form, and an audit spends its time on them. What is not of that form, or
does not open, `audit` looks at closely, by way of the event, and says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ..evidence import commitment

_TO_ESCAPE = re.compile(r'[\x00-\x1f"\\]')
_MINUTE = 60_000_000  # microseconds


def opens(leaf: Sequence[Any], row: Sequence[Any], origin: str, index: int) -> bool:
    """Whether a record that was neither erased nor migrated opens its leaf, `index` of the log, and has no
    value that no record is written with. What is false may be right all the same. The values are of the
    kinds that their columns have."""
    _leaf, number, what, who, salt_what, salt_who, binding, migrated = leaf
    if migrated or salt_what is None or salt_who is None or number != row[0] or not _is_usual(row):
        return False
    try:
        facts, person = _facts(row, origin, index), _person(row, binding)
        return (
            sha256(commitment.WHAT_TAG + salt_what + facts.encode()).digest() == what
            and sha256(commitment.WHO_TAG + salt_who + person.encode()).digest() == who
            # Or a text might hold what others should say.
            and not _TO_ESCAPE.search("".join([each for each in row if type(each) is str]) + origin)
        )
    except (UnicodeEncodeError, OverflowError):
        return False


def _is_usual(row: Sequence[Any]) -> bool:
    """Whether it is not erased, and its numbers are such as an event is written with."""
    _ending, heard, length, key = row[12:16]
    erased, recorded, vouched, _recording, supplement, counts, rate = row[21:28]
    if erased != 0 or recorded is None or vouched == "" or supplement not in (0, 1) or counts not in (0, 1):
        return False
    if row[12] is None:
        return heard is None and length is None and key is None and rate is None
    return (
        heard is not None
        and length is not None
        and key is not None
        and rate is not None
        and heard.is_integer()
        and length.is_integer()
    )


def _facts(row: Sequence[Any], origin: str, index: int) -> str:
    """As `commitment.facts`, in canonical JSON."""
    number, at, _, line, _, notice, version, language, purposes, status, reason, prompt, ending = row[:13]
    heard, length, _, _, _, wanted, kind, reference, _, recorded, vouched, recording = row[13:25]
    told = ending is not None
    parts = [
        "" if row[26] else ',"counts":0',
        f',"ending":"{ending}"' if told else "",
        f',"happened":"{_minute(at // _MINUTE)}"',
        f',"heard":{heard:.0f}' if told else "",
        f',"indices":"{reference}"' if reference and kind in commitment.ABOUT_RECORDS else "",
        f',"kind":"{kind}"',
        f',"language":"{language}"' if language else "",
        f',"length":{length:.0f}' if told else "",
        f',"line":"{line}"' if line else "",
        f',"log":"{origin}"',
        f',"notice":"{notice}"' if notice else "",
        f',"number":{number}',
        f',"prompt":"{prompt}"' if prompt else "",
        f',"purposes":"{purposes}"' if purposes else "",
        f',"rate":{row[27]}' if told else "",
        f',"reason":"{reason}","record":{index}',
        f',"recorded":"{_minute(recorded // _MINUTE)}"',
        f',"recording":"{recording}"' if recording else "",
        f',"status":"{status}"',
        ',"supplement":1' if row[25] else "",
        f',"version":"{version}"' if version else "",
        f',"vouched":"{vouched}"' if vouched else "",
        f',"wanted":"{wanted}"' if wanted else "",
    ]
    return f"{{{''.join(parts)[1:]}}}"


def _person(row: Sequence[Any], binding: bytes | None) -> str:
    """As `commitment.person`, in canonical JSON."""
    call, pseudonym, key, basis, linked, kind, reference, earlier = (row[at] for at in _PERSON)
    parts = [
        "" if basis is None else f',"basis":{basis}',
        "" if binding is None else f',"binding":"{binding.hex()}"',
        f',"call":"{call}"' if call else "",
        "" if earlier is None else f',"earlier":"{earlier.hex()}"',
        f',"happened":{row[1]}',
        f',"key":"{key}"' if key else "",
        f',"linked":"{linked}"' if linked else "",
        "" if pseudonym is None else f',"pseudonym":"{pseudonym.hex()}"',
        f',"recorded":{row[22]}',
        f',"reference":"{reference}"' if reference and kind not in commitment.ABOUT_RECORDS else "",
    ]
    return f"{{{''.join(parts)[1:]}}}"


_PERSON = (2, 4, 15, 16, 17, 19, 20, 28)


@lru_cache(1024)
def _minute(number: int) -> str:
    return commitment.minute(number * _MINUTE)
