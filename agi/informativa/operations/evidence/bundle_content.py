"""The content of a bundle: its numbers as a document, all that the text for the auditor explains, and the
port to its texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from ...model import Controller, Line, Record, Verdict
from ..day_range import DayRange
from .bundle_log import BundledLog
from .bundle_prompts import BundledPrompt
from .verdict import Hole


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the newest log."""
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
    holes: tuple[Hole, ...]
    """The records of the period, or next to it, that nobody can open any more, each under the note that
    accounts for it, or under none."""
    logs: tuple[BundledLog, ...]
    """The logs that have them."""
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
    log: str
    """The origin of the newest log."""
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
    holes: tuple[Hole, ...]
    """The leaves that are gone, with the notes of the log."""
    waiting_from: int | None
    """The number of the first record that waits for a checkpoint."""
    unknown_recordings: tuple[str, ...]
    """The digests of recordings that records name and whose files are gone."""

    @property
    def waiting(self) -> int:
        """The number of records that wait for a checkpoint."""
        return self.records - self.receipts - self.log_notes

    @property
    def verdict(self) -> Verdict:
        """The verdict on the records. A changed one has no proof, and there is no bundle of it."""
        if any(not hole.is_accounted for hole in self.holes):
            return Verdict.GAPS
        return Verdict.ACCOUNTED if self.holes else Verdict.COMPLETE


class BundleWriter(Protocol):
    """The port to the texts of a bundle."""

    def begin(self, controller: Controller, *, choices: bool) -> Mapping[str, str]:
        """Return the beginnings of the files of records, by file name. Some records may be about
        `choices`."""

    def record(self, record: Record) -> Sequence[str]:
        """Return the text of one record for each of these files."""

    def plan(self, lines: Sequence[Line]) -> str:
        """Return the text of the plans of these lines."""

    def readme(self, content: BundleContent) -> str:
        """Return the text that explains a bundle, its proofs, and how to check them."""
