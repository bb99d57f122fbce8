"""Facts that a record states as one text: the totals of a day's records, and the newest entry of an access
log. Pure.

The ledger stores the text as the record's reference. A text that is not exactly as it is written here has no
such facts, so that every text stands for other facts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from ..model import RecordKind

COUNTED = (RecordKind.PHONE, RecordKind.OPERATOR, RecordKind.WEBSITE, RecordKind.CONTRACT)
"""The kinds of records that totals count."""

Group = tuple[str, str, str, str]
"""The line, the notice, the status and the reason that some records have in common."""

_NUMBER = "(0|[1-9][0-9]{0,14})"
_SAFE = "+*#"
_TEXTS = {
    RecordKind.TOTALS: (
        re.compile(f"leaves from {_NUMBER} to before {_NUMBER}(?:: (.+))?", re.DOTALL),
        {"from": int, "to": int, "totals": str},
    ),
    RecordKind.ACCESS: (
        re.compile(f"{_NUMBER} entries, the hash of the newest is ([0-9a-f]{{64}})"),
        {"rows": int, "head": str},
    ),
}
_ITEM = re.compile(f"([^/ ]*)/([^/ ]*)/([^/ ]*)/([^/ ]*)={_NUMBER}")


def totals_text(first: int, end: int, totals: str) -> str:
    """Return the text of the totals of the leaves from `first` to before `end`."""
    return f"leaves from {first} to before {end}" + (f": {totals}" if totals else "")


def access_text(rows: int, head: bytes) -> str:
    """Return the text of an access log that ever had so many entries; `head` is the hash of the newest."""
    return f"{rows} entries, the hash of the newest is {head.hex()}"


def stated(kind: RecordKind, text: str) -> dict[str, str | int]:
    """Return the facts that the text of a record states; none for a text of another form, or kind."""
    if kind not in _TEXTS:
        return {}
    form, names = _TEXTS[kind]
    match = form.fullmatch(text)
    if not match:
        return {}
    values = zip(names.items(), match.groups(), strict=True)
    return {name: convert(value) for (name, convert), value in values if value is not None}


def totals(counts: Mapping[Group, int]) -> str:
    """Return `LINE/NOTICE/STATUS/REASON=NUMBER` for each group, sorted, with one space between. In a name
    every character but letters and digits of ASCII and `_.-~+*#` is written as in an address: `%2F`."""
    items = (f"{'/'.join(quote(name, _SAFE) for name in group)}={count}" for group, count in counts.items())
    return " ".join(sorted(items))


def counts_of(totals: str) -> dict[str, int]:
    """Return the number of each item of such a text, by what stands before its `=`. Raises ValueError for
    another text."""
    counts: dict[str, int] = {}
    for item in totals.split(" ") if totals else ():
        match = _ITEM.fullmatch(item)
        name = item.rpartition("=")[0]
        if not match or name in counts or match[5] == "0":
            raise ValueError(f"{item!r} counts nothing")
        counts[name] = int(match[5])
    return counts
