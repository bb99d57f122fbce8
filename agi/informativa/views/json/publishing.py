"""Who else has logs, for programs."""

from __future__ import annotations

from collections.abc import Iterable

from ...publication import Publication
from .shapes import Document, Shape, Time


class AskedWitness(Shape):
    """A witness that was asked."""

    name: str
    """The name of its key."""
    signed: bool
    """Whether it signed the newest checkpoint."""
    size: int
    """How many records the last checkpoint has that it signed, as far as is known."""
    problem: str | None
    """Why it did not sign."""


class PublishedTo(Shape):
    """A target that a log was brought to."""

    place: str
    """Where it is."""
    independent: bool
    """Whether who administers the ledgers cannot change what is there."""
    size: int
    """How many records the log has there, as far as is known."""
    files: int
    """How many files were written."""
    problem: str | None
    """Why it is not up to date."""


class StampedBy(Shape):
    """The newest time-stamp of a log."""

    authority: str
    """Whose."""
    size: int
    """How many records the checkpoint has that it is of; 0 if there is none."""
    at: Time | None
    """When it was stamped."""
    problem: str | None
    """Why today's is missing."""


class PublishedLog(Shape):
    """A log that was published."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the log."""
    size: int
    """How many records its newest checkpoint has."""
    quorum: bool
    """Whether witnesses enough signed it."""
    witnesses: list[AskedWitness]
    """Who was asked."""
    targets: list[PublishedTo]
    """Where it went."""
    stamp: StampedBy | None
    """Its newest time-stamp; null where no authority is configured."""


class Publications(Document):
    """What was published."""

    logs: list[PublishedLog]
    """The newest of each controller, and those before it of which somebody lacks something."""

    @classmethod
    def of(cls, found: Iterable[Publication]) -> Publications:
        """As it is now."""
        return cls(logs=[_published(each) for each in found])


def _published(found: Publication) -> PublishedLog:
    return PublishedLog(
        controller=found.controller.id,
        log=found.origin,
        size=found.size,
        quorum=found.quorum,
        witnesses=[
            AskedWitness(
                name=each.name,
                signed=each.error is None,
                size=each.size,
                problem=None if each.error is None else str(each.error),
            )
            for each in found.witnesses
        ],
        targets=[
            PublishedTo(
                place=each.place,
                independent=each.independent,
                size=each.size,
                files=each.files,
                problem=None if each.error is None else str(each.error),
            )
            for each in found.targets
        ],
        stamp=None
        if found.stamp is None
        else StampedBy(
            authority=found.stamp.authority,
            size=found.stamp.size,
            at=found.stamp.at,
            problem=None if found.stamp.error is None else str(found.stamp.error),
        ),
    )
