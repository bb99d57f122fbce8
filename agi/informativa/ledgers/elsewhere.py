"""What other boxes told callers, as rows of SQLite: statements, and both directions. No connection here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..model import PriorDelivery, Record
from . import rows

# What this ledger has, and what other boxes told him. Without a version: since when the number is somebody
# else's by what they say, and when it was last in use there.
KNOWN = f"""{rows.STANDING}
UNION ALL
SELECT notice, version, purposes, box || ':' || record, at, CASE WHEN supplement THEN NULL ELSE at END,
       CASE WHEN supplement THEN at END
FROM elsewhere WHERE pseudonym = ?1
UNION ALL
SELECT notice, '', '', 0, recycled, NULL, seen FROM number_use WHERE pseudonym = ?1
"""  # noqa: S608  # our own names
# What other boxes told is kept once for all that it says: of each version, whole or supplement, the latest.
# What was told to whoever had the number before says nothing of who has it now; the notice '' stands for all.
LEARN = """
INSERT INTO elsewhere (pseudonym, notice, version, supplement, purposes, box, record, at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
WHERE ?8 >= coalesce((SELECT max(recycled) FROM number_use WHERE pseudonym = ?1 AND notice IN (?2, '')), ?8)
ON CONFLICT DO UPDATE SET box = excluded.box, record = excluded.record, at = excluded.at
WHERE (excluded.at, excluded.box, excluded.record) > (at, box, record)
"""
RECYCLED = """
INSERT INTO number_use (pseudonym, notice, recycled) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET recycled = max(coalesce(recycled, 0), excluded.recycled)
"""
OF_BEFORE = "DELETE FROM elsewhere WHERE pseudonym = ?1 AND (at < ?4 OR (notice = ?2 AND at < ?3))"
SEEN_ELSEWHERE = """
INSERT INTO number_use (pseudonym, notice, seen) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET seen = max(coalesce(seen, 0), excluded.seen)
"""
_OTHERS = ("elsewhere", "number_use")
MOVE_OTHERS = tuple(
    f"UPDATE OR REPLACE {table} SET pseudonym = ?2 WHERE pseudonym = ?1"  # noqa: S608  # our own names
    for table in _OTHERS
)
FORGET_HIM = tuple(
    f"DELETE FROM {table} WHERE pseudonym IN his"  # noqa: S608  # our own names
    for table in ("standing", *_OTHERS)
)
# By its age, as what this ledger has itself; searched for page by page, and deleted by its key.
OLD_OTHERS = """
SELECT pseudonym, notice, version, supplement, purposes FROM elsewhere
WHERE at < ? AND (pseudonym, notice, version, supplement, purposes) > (?, ?, ?, ?, ?)
ORDER BY pseudonym, notice, version, supplement, purposes LIMIT ?
"""
PURGE_OTHERS = """
DELETE FROM elsewhere WHERE pseudonym = ? AND notice = ? AND version = ? AND supplement = ? AND purposes = ?
"""
OLD_USE = """
SELECT pseudonym, notice FROM number_use
WHERE max(coalesce(recycled, 0), coalesce(seen, 0)) < ? AND (pseudonym, notice) > (?, ?)
ORDER BY pseudonym, notice LIMIT ?
"""
PURGE_USE = "DELETE FROM number_use WHERE pseudonym = ? AND notice = ?"


_UNUSED = (None, None, None)


def history(found: Sequence[Sequence[Any]]) -> dict[str, PriorDelivery]:
    """What a caller already got, by notice, from his rows of KNOWN."""
    used = {row[0]: row[-3:] for row in found if not row[1]}
    told: dict[str, PriorDelivery] = {}
    for row in found:
        if not row[1]:
            continue
        notice, one = rows.known(row)
        if used:
            recycled, _whole, seen = used.get(notice, _UNUSED)
            recycled = max(filter(None, (recycled, used.get("", _UNUSED)[0])), default=None)
            since = None if recycled is None else rows.moment(recycled)
            if since is not None and one.at < since:  # told to whoever had the number before
                continue
            whole = None if since and one.whole and one.whole < since else one.whole
            use = replace(one, whole=whole, seen=None if seen is None else rows.moment(seen))
            one = use.merged(replace(one, whole=whole))
        told[notice] = one.merged(told[notice]) if notice in told else one
    return told


def learnt(box: str, record: Record) -> tuple[object, ...]:
    """What LEARN takes: all that another box's record told its caller."""
    event = record.event
    return (
        event.pseudonym,
        event.notice,
        event.version,
        event.supplement,
        rows.words(event.purposes),
        box,
        record.number,
        rows.microseconds(event.at),
    )
