"""How far a controller's log is: what is recorded, signed, and kept by others."""

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
    """How many records somebody else has, and since when; `problem` is why not more, '' if nothing is
    wrong, in English. `place` is a target's path or address, or a witness's name."""

    place: str
    size: int
    at: datetime | None
    problem: str


@dataclass(frozen=True)
class LogState:
    """Of `size` records `signed` are in the newest checkpoint, which is from `signed_at`; `None` before the
    first. The first of those that wait was recorded at `waiting_since`. Up to `waiting_old` more are from
    before there was a log, and have no leaf yet. `stamped` is of how many records the newest checkpoint with
    a time-stamp is, 0 if there is none."""

    origin: str
    epoch: int
    size: int
    signed: int
    signed_at: datetime | None
    waiting_old: int
    waiting_since: datetime | None
    published: tuple[KeptElsewhere, ...]
    witnessed: tuple[KeptElsewhere, ...]
    stamped: int
    stamped_at: datetime | None

    @property
    def waiting(self) -> int:
        """How many records wait to be signed."""
        return max(self.size - self.signed, 0) + self.waiting_old


def log_state(controller: Controller) -> LogState:
    """How far it is, by what lies beside the ledger; nothing is verified. Raises LedgerError,
    EvidenceError."""
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
        published=_kept(others.targets),
        witnessed=_kept(others.witnesses),
        stamped=stamped,
        stamped_at=stamped_at,
    )


def _kept(state: dict[str, tuple[int, datetime | None, str]]) -> tuple[KeptElsewhere, ...]:
    return tuple(KeptElsewhere(place, *each) for place, each in sorted(state.items()))
