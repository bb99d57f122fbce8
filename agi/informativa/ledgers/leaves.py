"""The leaves of a ledger's log as rows of SQLite: the statements, and how records about records name them."""

from __future__ import annotations

from collections.abc import Sequence

from . import rows

# The newest log: its origin, its first leaf, and the next leaf.
LOG = """
SELECT origin, first, (SELECT coalesce(max(leaf) + 1, log.first) FROM leaf)
FROM log ORDER BY epoch DESC LIMIT 1
"""
BEGIN = "INSERT INTO log (epoch, origin, first) VALUES (?, ?, ?)"
APPEND = """
INSERT INTO leaf (leaf, record, what, who, salt_what, salt_who, binding, migrated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
PURGE = """
UPDATE leaf SET salt_what = NULL, salt_who = NULL, binding = NULL WHERE record = ? RETURNING leaf
"""
# From before there were leaves.
MISSING = f"""
SELECT {rows.COLUMNS} FROM event
WHERE record > ? AND NOT EXISTS (SELECT 1 FROM leaf WHERE leaf.record = event.record)
ORDER BY record LIMIT ?
"""  # noqa: S608  # our own names


def named(leaves: Sequence[int]) -> str:
    """What a record about records says of their leaves: `; leaves 0-63 70`, nothing where they had none."""
    ranges: list[list[int]] = []
    for leaf in sorted(leaves):
        if ranges and leaf == ranges[-1][1] + 1:
            ranges[-1][1] = leaf
        else:
            ranges.append([leaf, leaf])
    words = (f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)
    return f"; leaves {' '.join(words)}" if ranges else ""


def indices(reference: str) -> list[range]:
    """The leaves that `named` named. Raises ValueError for another text."""
    _, _, listed = reference.partition("; leaves ")
    bounds = (each.partition("-") for each in listed.split())
    return [range(int(first), int(last or first) + 1) for first, _, last in bounds]
