"""The state of a controller's log: the numbers of records that are recorded, signed, and kept by
others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from ...evidence.log_folder import LogFolder
from ...ledgers import extension
from ...ledgers.sqlite import SqliteStore
from ...model import Controller
from ...process import publication, storage
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


def _kept_elsewhere(state: dict[str, tuple[int, datetime | None, str]]) -> tuple[KeptElsewhere, ...]:
    return tuple(
        KeptElsewhere(place, size, at, problem or None)
        for place, (size, at, problem) in sorted(state.items())
    )
