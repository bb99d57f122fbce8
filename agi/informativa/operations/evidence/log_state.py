"""The state of a controller's log: the numbers of records that are recorded, signed, and kept by others; and
the logs of its other boxes, as far as each has sent them to the shared database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from ...config import Configuration
from ...evidence.checkpoint import Checkpoint
from ...evidence.log_folder import LogFolder
from ...ledgers import extension
from ...ledgers.sqlite import SqliteStore
from ...model import Controller
from ...process import publication, storage
from ..boxes import Box, meeting
from ..document import Time


@dataclass(frozen=True)
class KeptElsewhere:
    """The newest checkpoint that a publishing target or a witness has."""

    place: str
    """The place where the log is published, or the witness's name."""
    size: int
    """The number of records that are there, or were signed there."""
    at: Time | None
    """The time since when they are."""
    problem: str | None
    """The reason why there are not more."""


@dataclass(frozen=True)
class LogState:
    """The state of a log."""

    log: str
    """The origin of the log."""
    size: int
    """The number of its records."""
    signed: int
    """The number of records in the newest checkpoint."""
    signed_at: Time | None
    """The time of that checkpoint; null before the first."""
    waiting: int
    """The number of records that wait to be signed."""
    waiting_since: Annotated[datetime | None, Field(exclude=True)]
    """The time when the first of them was recorded."""
    published: tuple[KeptElsewhere, ...]
    """The newest checkpoints where the log is published."""
    witnessed: tuple[KeptElsewhere, ...]
    """The newest checkpoints that witnesses signed."""


@dataclass(frozen=True)
class BoxLog:
    """Another box, and the number of records in the newest checkpoints of all its logs. Nothing is
    verified."""

    box: Box
    signed: int


def log_state(controller: Controller) -> LogState:
    """Return the state of a controller's log, by the files beside its ledger; nothing is verified. Raises
    LedgerError, and EvidenceError also if the files of a log that was signed are gone."""
    with storage.reading(controller) as store:
        return _state(controller, store)


def _state(controller: Controller, store: SqliteStore) -> LogState:
    folder, log = LogFolder(store.file), store.log()
    extension.require_present(store, folder, log)
    published = folder.published(log.epoch)
    signed, at = published.newest()
    since = store.recorded_from(log.first + signed)
    others = publication.state(controller, log.epoch)
    return LogState(
        log=log.origin,
        size=log.size,
        signed=signed,
        signed_at=datetime.fromtimestamp(at, UTC) if at else None,
        waiting=max(log.size - signed, 0),
        waiting_since=since,
        published=_kept_elsewhere(others.targets),
        witnessed=_kept_elsewhere(others.witnesses),
    )


def other_box_logs(configuration: Configuration, controller: Controller) -> tuple[BoxLog, ...]:
    """Return the logs of the other boxes, by box name; none if no database is shared. Raises
    SharedDatabaseError, EvidenceFormatError."""
    if configuration.shared is None:
        return ()
    boxes = [box for box in meeting(configuration, controller).boxes if box.joined and not box.this]
    with storage.provable(configuration.shared, controller) as proofs:
        signed = dict.fromkeys((box.name for box in boxes), 0)
        for log in proofs.logs():
            note = proofs.newest(log.box, log.epoch)
            if note is not None and log.box in signed:
                signed[log.box] += Checkpoint.unverified(note).size
    return tuple(BoxLog(box, signed[box.name]) for box in boxes)


def _kept_elsewhere(state: dict[str, tuple[int, datetime | None, str]]) -> tuple[KeptElsewhere, ...]:
    return tuple(
        KeptElsewhere(place, size, at, problem or None)
        for place, (size, at, problem) in sorted(state.items())
    )
