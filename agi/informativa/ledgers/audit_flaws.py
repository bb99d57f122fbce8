"""Flaws of a ledger's records, as an audit finds them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Flaw(StrEnum):
    """The kinds of flaws of a record."""

    FACTS = "facts-altered"  # its facts are not those that it committed to
    PERSON = "person-altered"  # its caller is not the one that it committed to
    ROW = "row-altered"  # it has a value that no record is written with
    LEAF = "leaf-altered"  # its leaf is not the one that was published, or not as leaves are written
    DELETED = "deleted"  # it is gone, and no record says why
    INSERTED = "inserted"  # it never had a leaf
    UNEXPLAINED = "unexplained"  # it cannot be opened, and no record says why
    STILL_THERE = "still-there"  # a record says that it is gone
    FALSE_NOTE = "false-note"  # a record about records names leaves after its own, or an empty range
    TOTALS = "totals"  # it counts other records, or other numbers of them, than there are
    TRUNCATED = "truncated"  # it was published, and the ledger ends before it


@dataclass(frozen=True)
class AuditedFlaw:
    """A flaw of one record."""

    record: int | None
    """Its number in the ledger; null where it is gone."""
    leaf: int | None
    """The index of its leaf in the log; null where it has none."""
    flaw: Flaw
    """The kind of the flaw."""


@dataclass(frozen=True)
class ClosedLeaves:
    """Leaves of the log with an origin that nobody can open any more, by their indices: their `facts`, or
    only whom they are about."""

    log: str
    indices: range
    facts: bool

    @property
    def leaves(self) -> tuple[str, range]:
        """The log with the indices."""
        return self.log, self.indices
