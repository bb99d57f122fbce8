"""The state of a controller's log: the numbers of records that are recorded, signed, and kept by others."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ... import publication, storage
from ...evidence import timestamp
from ...evidence.log_folder import LogFolder
from ...model import Controller


@dataclass(frozen=True)
class KeptElsewhere:
    """The newest checkpoint that a publishing target or a witness has."""

    place: str
    """The path or address of the target, or the name of the witness."""
    size: int
    """The number of records in it."""
    at: datetime | None
    """The time when it was kept."""
    problem: str
    """The reason why it is not a newer one, in English; '' if nothing is wrong."""


@dataclass(frozen=True)
class LogState:
    """The state of the present log of a controller."""

    origin: str
    """The name of the log."""
    epoch: int
    """The number of the log among those of the ledger."""
    size: int
    """The number of leaves of the log."""
    signed: int
    """The number of records in the newest checkpoint."""
    signed_at: datetime | None
    """The time of that checkpoint; `None` before the first."""
    waiting_old: int
    """The greatest number of records from before the log that have no leaf yet."""
    waiting_since: datetime | None
    """The time when the first record that is not signed yet was recorded."""
    published: tuple[KeptElsewhere, ...]
    """The newest checkpoints of the publishing targets."""
    witnessed: tuple[KeptElsewhere, ...]
    """The newest checkpoints of the witnesses."""
    stamped: int
    """The number of records in the newest checkpoint with a time-stamp; 0 if there is none."""
    stamped_at: datetime | None
    """The time of that time-stamp."""

    @property
    def waiting(self) -> int:
        """The number of records that wait to be signed."""
        return max(self.size - self.signed, 0) + self.waiting_old


def log_state(controller: Controller) -> LogState:
    """Return the state of a controller's log, by the files beside its ledger; nothing is verified. Raises
    LedgerError, EvidenceError."""
    folder = LogFolder(Path(controller.ledger))
    with closing(storage.store(controller, read_only=True)) as store:
        log = store.log()
        published = folder.published(log.epoch)
        signed, at = published.newest()
        since = store.recorded_from(log.first + signed)
    others = publication.state(controller, log.epoch)
    stamped, stamped_at = timestamp.newest(published.timestamps(), signed)
    return LogState(
        origin=log.origin,
        epoch=log.epoch,
        size=log.size,
        signed=signed,
        signed_at=datetime.fromtimestamp(at, UTC) if at else None,
        waiting_old=log.old - log.entered,
        waiting_since=since,
        published=_kept_elsewhere(others.targets),
        witnessed=_kept_elsewhere(others.witnesses),
        stamped=stamped,
        stamped_at=stamped_at,
    )


def _kept_elsewhere(state: dict[str, tuple[int, datetime | None, str]]) -> tuple[KeptElsewhere, ...]:
    return tuple(KeptElsewhere(place, *checkpoint) for place, checkpoint in sorted(state.items()))
