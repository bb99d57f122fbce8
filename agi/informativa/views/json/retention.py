"""What is older than the retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ...operations import retention
from .shapes import Document, Shape, Time


class OldCopy(Shape):
    """A copy of a ledger from before an upgrade."""

    file: str
    """Where it is."""
    until: date
    """On which day the last of its records are past the retention."""
    deleted: bool
    """Whether it is gone now."""


class RetiredRecords(Shape):
    """Old records of a box that left for good, in the database where boxes meet."""

    box: str
    records: int
    """How many are deleted, or would be, by that database's clock."""


class Purged(Shape):
    """What was deleted at one controller, or would be."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    before: Time | None
    """Records from before this time; null where no retention is set."""
    records: int | None
    """How many; null where no retention is set."""
    copies: list[OldCopy]
    retired: list[RetiredRecords]
    """Of boxes that left for good."""

    @classmethod
    def of(cls, found: retention.Purged) -> Purged:
        """As the retention has it."""
        return cls(
            controller=found.controller.id,
            name=found.controller.name,
            before=found.before,
            records=found.records,
            copies=[OldCopy(file=str(one.file), until=one.ends, deleted=one.deleted) for one in found.copies],
            retired=[RetiredRecords(box=old.box, records=old.records) for old in found.retired],
        )


class Purge(Document):
    """What is older than the retention."""

    done: bool
    """Whether it was deleted; else it is what would be."""
    controllers: list[Purged]

    @classmethod
    def of(cls, found: Sequence[retention.Purged], *, done: bool) -> Purge:
        """Of each controller that was named."""
        return cls(done=done, controllers=[Purged.of(each) for each in found])
