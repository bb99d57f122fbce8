"""A bundle that was written, for programs."""

from __future__ import annotations

from datetime import date

from ...operations.evidence.bundle import WrittenBundle
from .shapes import Document, Shape, Time


class BundledLog(Shape):
    """What a bundle has of one log."""

    box: str | None
    """Of which box; null where the bundle is of this one alone."""
    log: str
    """The origin of the log."""
    epoch: int
    """Which of the controller's logs: 1, 2, …"""
    key: str
    """The public key by which it is published."""
    size: int
    """How many records its newest checkpoint has."""
    checkpoints: int
    """How many checkpoints the bundle has."""
    timestamps: int
    """How many time-stamps the bundle has."""
    witnesses: list[str]
    """Whose names other signatures of the newest checkpoint bear."""


class IncompleteBox(Shape):
    """A box that may have records of the period which are not in a bundle."""

    box: str
    """What it is called."""
    behind: int
    """How many of its records are not in the database yet, as far as it said."""
    seen: Time
    """When it was last heard of, by the database's clock."""
    retired: Time | None
    """When it left for good."""


class Bundle(Document):
    """A bundle that was written."""

    controller: str
    """The controller's name in the configuration."""
    first: date
    """The first day, of the controller's time zone."""
    last: date
    """The last day, which is in it."""
    file: str
    """Where it is."""
    sha256: str
    """The SHA-256 of that file."""
    records: int
    """How many records are in it."""
    receipts: int
    """How many of them have a proof."""
    waiting_from: int | None
    """The first record without a proof, which waits for a checkpoint; null where none does."""
    erased: int
    """How many of them were erased at their caller's request."""
    notes: int
    """How many of them are from after the period and say what became of others."""
    gone: int
    """How many records among those of the period are purged, or lost."""
    logs: list[BundledLog]
    """The logs that have them."""
    incomplete: list[IncompleteBox]
    """The boxes that may have records of the period which are not in it; none where it is of one box."""
    unknown_recordings: list[str]
    """The digests of recordings that records name and that are not there any more."""

    @classmethod
    def of(cls, made: WrittenBundle) -> Bundle:
        """As it was written."""
        bundle = made.bundle
        return cls(
            controller=bundle.controller.id,
            first=bundle.period.first,
            last=bundle.period.last,
            file=str(made.file),
            sha256=made.sha256,
            records=bundle.records,
            receipts=bundle.receipts,
            waiting_from=bundle.waiting_from,
            erased=bundle.erased,
            notes=bundle.notes,
            gone=bundle.gone,
            logs=[
                BundledLog(
                    box=each.box or None,
                    log=each.origin,
                    epoch=each.epoch,
                    key=each.key,
                    size=each.size,
                    checkpoints=each.checkpoints,
                    timestamps=each.timestamps,
                    witnesses=list(each.witnesses),
                )
                for each in bundle.logs
            ],
            incomplete=[
                IncompleteBox(box=each.name, behind=each.behind, seen=each.seen, retired=each.retired)
                for each in bundle.incomplete
            ],
            unknown_recordings=list(bundle.unknown),
        )
