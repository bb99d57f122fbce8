"""Since when a number is its present holder's, as rows of SQLite: statements, and a caller's history by them.
No connection here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..model import PriorDelivery
from . import rows

# The caller's history. A row without a version has the time since which the number is somebody else's.
KNOWN = f"""{rows.STANDING}
UNION ALL
SELECT notice, '', '', 0, recycled, NULL, NULL FROM number_use WHERE pseudonym = ?1
"""  # noqa: S608  # our own names
# Deliveries to an earlier holder of the number do not count for the present one; the notice '' stands for all
# notices.
RECYCLED = """
INSERT INTO number_use (pseudonym, notice, recycled) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET recycled = max(recycled, excluded.recycled)
"""
MOVE = "UPDATE OR REPLACE number_use SET pseudonym = ?2 WHERE pseudonym = ?1"
# Purged by age, as the ledger's records; searched for page by page, and deleted by key.
OLD = """
SELECT pseudonym, notice FROM number_use
WHERE recycled < ? AND (pseudonym, notice) > (?, ?)
ORDER BY pseudonym, notice LIMIT ?
"""
PURGE = "DELETE FROM number_use WHERE pseudonym = ? AND notice = ?"


def history(known_rows: Sequence[Sequence[Any]]) -> dict[str, PriorDelivery]:
    """Return what a caller already got, by notice, from his rows of KNOWN."""
    recycled_by_notice = {row[0]: row[4] for row in known_rows if not row[1]}
    deliveries: dict[str, PriorDelivery] = {}
    for row in known_rows:
        if not row[1]:
            continue
        notice, delivery = rows.prior_delivery(row)
        if recycled_by_notice:
            times = (recycled_by_notice.get(name) for name in (notice, ""))
            recycled = max(filter(None, times), default=None)
            since = None if recycled is None else rows.moment(recycled)
            if since is not None and delivery.at < since:  # told to an earlier holder of the number
                continue
            if since and delivery.last_complete and delivery.last_complete < since:
                delivery = replace(delivery, last_complete=None)
        deliveries[notice] = delivery.merge(deliveries[notice]) if notice in deliveries else delivery
    return deliveries
