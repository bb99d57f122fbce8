"""The boxes of an installation, and the database where they meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...operations import boxes as operations
from .shapes import Document, Seconds, Shape, Time

if TYPE_CHECKING:
    from ...sharing import administration


class Box(Shape):
    """One box of one company."""

    name: str
    """What it is called."""
    this: bool
    """Whether it is the one that was asked."""
    records: int
    """Up to which of its records they are in the database."""
    behind: int
    """How many of its records are not there yet, as far as it said."""
    to_erase: int
    """How many callers it has still to erase."""
    seen: Time
    """When it was last heard of, by the database's clock."""
    seconds_ago: Seconds
    """How long ago that was."""
    version: str | None
    """Which informativa it is."""
    different: list[operations.Difference]
    """What of it is not as on this box: the program, the company's keys, what decides about callers."""
    retired: Time | None
    """When it left for good."""

    @classmethod
    def of(cls, found: operations.BoxState) -> Box:
        """As the database has it."""
        box = found.box
        return cls(
            name=box.name,
            this=found.this,
            records=box.record,
            behind=box.behind,
            to_erase=box.erasures,
            seen=box.seen,
            seconds_ago=box.age,
            version=box.program or None,
            different=list(found.different),
            retired=box.retired,
        )


class Meeting(Shape):
    """The boxes of one company."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    migration: int
    """The migration that its schema is of."""
    milliseconds: Seconds
    """How long the database took to be reached and to answer."""
    months_left: int | None
    """For how many months its schema is divided in advance; null where it is not divided."""
    boxes: list[Box]

    @classmethod
    def of(cls, found: operations.Meeting) -> Meeting:
        """As they stand."""
        return cls(
            controller=found.controller.id,
            name=found.controller.name,
            migration=found.migration,
            milliseconds=found.milliseconds,
            months_left=found.months_left,
            boxes=[Box.of(each) for each in found.boxes],
        )


class Boxes(Document):
    """The boxes of the companies."""

    controllers: list[Meeting]

    @classmethod
    def of(cls, found: Sequence[operations.Meeting]) -> Boxes:
        """Of each company that was named."""
        return cls(controllers=[Meeting.of(each) for each in found])


class RetiredBox(Shape):
    """A box that left for good, or would."""

    controller: str
    """The controller's name in the configuration."""
    box: str
    """What it is called."""
    recently: bool
    """Whether it was there in the last minute."""


class BoxesRetired(Document):
    """A box that left for good, or would, of each company."""

    done: bool
    """Whether it is done; else it is what would be done."""
    boxes: list[RetiredBox]

    @classmethod
    def of(cls, found: Sequence[operations.Retired], *, done: bool) -> BoxesRetired:
        """Of each company that was named."""
        retired = [
            RetiredBox(controller=each.controller.id, box=each.box, recently=each.recently) for each in found
        ]
        return cls(done=done, boxes=retired)


class JoinedController(Shape):
    """What a box knows now of one company's callers."""

    controller: str
    """The controller's name in the configuration."""
    records: int
    """How many records of other boxes were taken in."""
    boxes: int
    """How many other boxes there are."""


class Joined(Document):
    """What a box knows now of callers of others."""

    controllers: list[JoinedController]

    @classmethod
    def of(cls, found: Sequence[operations.Joined]) -> Joined:
        """Of each company that was named."""
        return cls(
            controllers=[
                JoinedController(controller=each.controller.id, records=each.records, boxes=each.boxes)
                for each in found
            ]
        )


class MigratedSchema(Shape):
    """What became of one company's schema."""

    controller: str
    """The controller's name in the configuration."""
    before: int
    """The migration that it was of; 0 for none."""
    now: int
    """The one that it is of."""
    months: int
    """How many months of partitions were added."""


class SchemasMigrated(Document):
    """What became of the schemas in the database where boxes meet."""

    controllers: list[MigratedSchema]

    @classmethod
    def of(cls, found: Sequence[administration.Migrated]) -> SchemasMigrated:
        """Of each company that was named."""
        return cls(
            controllers=[
                MigratedSchema(
                    controller=each.controller, before=each.before, now=each.now, months=each.months
                )
                for each in found
            ]
        )
