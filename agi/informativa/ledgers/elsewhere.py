"""Deliveries that other boxes made, as rows of SQLite: statements, and both directions of the mapping. No
connection here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..model import PriorDelivery, Record
from . import rows

# The caller's history in this ledger, and what other boxes told him. A row without a version has the time
# since which they know the number as somebody else's, and the time at which it was last in use there.
KNOWN = f"""{rows.STANDING}
UNION ALL
SELECT notice, version, purposes, box || ':' || record, at, CASE WHEN supplement THEN NULL ELSE at END,
       CASE WHEN supplement THEN at END
FROM elsewhere WHERE pseudonym = ?1
UNION ALL
SELECT notice, '', '', 0, recycled, NULL, seen FROM number_use WHERE pseudonym = ?1
"""  # noqa: S608  # our own names
# Of each version, whole or supplement, the latest delivery by other boxes is kept. Deliveries to an earlier
# holder of the number do not count for the present one; the notice '' stands for all notices.
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
TABLES = ("elsewhere", "number_use")
"""The tables that have what other boxes told callers, by pseudonym."""

MOVE_OTHERS = tuple(
    f"UPDATE OR REPLACE {table} SET pseudonym = ?2 WHERE pseudonym = ?1"  # noqa: S608  # our own names
    for table in TABLES
)
# Purged by age, as this ledger's own records; searched for page by page, and deleted by key.
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


def history(known_rows: Sequence[Sequence[Any]]) -> dict[str, PriorDelivery]:
    """Return what a caller already got, by notice, from his rows of KNOWN."""
    use_by_notice = {row[0]: row[-3:] for row in known_rows if not row[1]}
    deliveries: dict[str, PriorDelivery] = {}
    for row in known_rows:
        if not row[1]:
            continue
        notice, delivery = rows.prior_delivery(row)
        if use_by_notice:
            recycled, _whole_at, seen_at = use_by_notice.get(notice, _UNUSED)
            recycled = max(filter(None, (recycled, use_by_notice.get("", _UNUSED)[0])), default=None)
            since = None if recycled is None else rows.moment(recycled)
            if since is not None and delivery.at < since:  # told to an earlier holder of the number
                continue
            whole_at = (
                None
                if since and delivery.last_complete and delivery.last_complete < since
                else delivery.last_complete
            )
            use = replace(
                delivery, last_complete=whole_at, last_call=None if seen_at is None else rows.moment(seen_at)
            )
            delivery = use.merge(replace(delivery, last_complete=whole_at))
        deliveries[notice] = delivery.merge(deliveries[notice]) if notice in deliveries else delivery
    return deliveries


def learnt(box: str, record: Record) -> tuple[object, ...]:
    """Return the values for LEARN: all that another box's record told its caller."""
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
