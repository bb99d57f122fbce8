"""The content of a bundle: its numbers as a document, all that the text for the auditor explains, and the
port to its texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...model import Controller, Line, Record, Verdict
from ..boxes import QUIET_SECONDS
from ..day_range import DayRange
from ..document import Time
from .bundle_holes import BoxHoles, verdict_of
from .bundle_log import BundledLog
from .bundle_prompts import BundledPrompt

if TYPE_CHECKING:  # its driver is there only where boxes share a database
    from ...sharing.administration import RegisteredBox


@dataclass(frozen=True)
class IncompleteBox:
    """A box that may have records of the period which are not in a bundle."""

    box: str
    """Its name."""
    behind: int
    """The number of its records that are not in the database yet, as far as it said."""
    seen: Time
    """The time when it was last heard of, by the database's clock."""
    retired: Time | None
    """The time when it left for good."""
    successor: str | None
    """The box that took its place, if any; its log says so."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written."""

    controller: str
    """The controller's name in the configuration."""
    first: date
    """The first day, of the controller's time zone."""
    last: date
    """The last day, which is in it."""
    file: Path
    """The ZIP file."""
    sha256: str
    """The SHA-256 of that file."""
    records: int
    """The number of records in it."""
    receipts: int
    """The number of them that have a proof."""
    log_notes: int
    """The number of them that are notes of the log, which are entries of their own and need no proof."""
    waiting_from: int | None
    """The first record without a proof, which waits for a checkpoint; null where none does."""
    erased: int
    """The number of them that were erased at their caller's request."""
    notes: int
    """The number of them that are from after the period and note an erasure or a purge of others."""
    gone: int
    """The number of records among those of the period that are purged, or lost."""
    verdict: Verdict
    """The verdict on its records, by their proofs and the notes of the logs; that on the whole ledger is of
    `evidence audit`."""
    holes: tuple[BoxHoles, ...]
    """The leaves that are gone of each box, with the notes of its logs; none where nothing is."""
    logs: tuple[BundledLog, ...]
    """The logs that have them."""
    incomplete: tuple[IncompleteBox, ...]
    """The boxes that may have records of the period which are not in it; none where it is of one box."""
    unknown_recordings: tuple[str, ...]
    """The digests of recordings that records name and that are not there any more."""

    @property
    def waiting(self) -> int:
        """The number of records that wait for a checkpoint."""
        return self.records - self.receipts - self.log_notes


@dataclass(frozen=True)
class BundleContent:
    """The content of a bundle, for the text that explains it."""

    controller: Controller
    period: DayRange
    lines: tuple[Line, ...]
    """The controller's lines."""
    logs: tuple[BundledLog, ...]
    prompts: tuple[BundledPrompt, ...]
    records: int
    """The number of records."""
    receipts: int
    """The number of records with a receipt."""
    log_notes: int
    """The number of records that are notes of the log, which need none."""
    erased: int
    """The number of records that were erased at their caller's request."""
    notes: int
    """The number of records from after the period, which note an erasure or a purge of others."""
    gone: int
    """The number of the period's leaves that cannot be opened any more."""
    holes: tuple[BoxHoles, ...]
    """The leaves that are gone of each box, with the notes of its logs."""
    waiting_from: int | None
    """The number of the first record that waits for a checkpoint."""
    unknown_recordings: tuple[str, ...]
    """The digests of recordings that records name and whose files are gone."""
    boxes: tuple[RegisteredBox, ...] = ()
    """The boxes of a bundle of all boxes, as they were before it was made."""

    @property
    def waiting(self) -> int:
        """The number of records that wait for a checkpoint."""
        return self.records - self.receipts - self.log_notes

    @property
    def verdict(self) -> Verdict:
        """The verdict on the records. A changed one has no proof, and there is no bundle of it."""
        return verdict_of(self.holes)

    @property
    def incomplete(self) -> tuple[IncompleteBox, ...]:
        """The boxes that may have records of the period which are not in the bundle: they say so, or they
        have been silent since before the period ended. A box that was retired before the period is not among
        them."""
        return tuple(
            IncompleteBox(box.name, box.behind, box.seen, box.retired, box.successor)
            for box in self.boxes
            if _may_lack(box, self.period)
        )


class BundleWriter(Protocol):
    """The port to the texts of a bundle."""

    def begin(self, controller: Controller, *, choices: bool) -> Mapping[str, str]:
        """Return the beginnings of the files of records, by file name. Some records may be about
        `choices`."""

    def record(self, record: Record, box: str) -> Sequence[str]:
        """Return the text of one record for each of these files; `box` is '' if the bundle has one box
        alone."""

    def plan(self, lines: Sequence[Line]) -> str:
        """Return the text of the plans of these lines."""

    def readme(self, content: BundleContent) -> str:
        """Return the text that explains a bundle, its proofs, and how to check them."""


def _may_lack(box: RegisteredBox, period: DayRange) -> bool:
    if box.retired and box.retired < period.since:
        return False
    return box.behind > 0 or (box.silence > QUIET_SECONDS and box.seen < period.until)
