"""Publication of logs: to witnesses, and the places where copies are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ...evidence.settings import EvidenceConfig
from ...model import Controller
from ...model.errors import EvidenceError
from ...model.text import Text
from ...process import publication
from ..document import Sentence


@dataclass(frozen=True)
class AskedWitness:
    """A witness that was asked."""

    name: str
    """The name of its key."""
    signed: bool
    """True if it signed the newest checkpoint."""
    size: int
    """The number of records that the last checkpoint has which it signed, as far as is known."""
    problem: Sentence | None
    """The reason why it did not sign."""


@dataclass(frozen=True)
class PublishedTo:
    """A target that a log was brought to."""

    place: str
    """The folder or the address where it is."""
    independent: bool
    """True if who administers the ledgers cannot change what is there."""
    size: int
    """The number of records the log has there, as far as is known."""
    files: int
    """The number of files that were written."""
    problem: Sentence | None
    """The reason why it is not up to date."""


@dataclass(frozen=True)
class PublishedLog:
    """A log that was published."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the log."""
    size: int
    """The number of records its newest checkpoint has."""
    quorum: bool
    """True if witnesses enough signed it."""
    witnesses: tuple[AskedWitness, ...]
    """The witnesses that were asked."""
    targets: tuple[PublishedTo, ...]
    """The targets that it was brought to."""

    @property
    def complete(self) -> bool:
        """`True` if all did what is configured."""
        problems = [
            *(witness.problem for witness in self.witnesses),
            *(target.problem for target in self.targets),
        ]
        return self.quorum and not any(problems)


@dataclass(frozen=True)
class Publications:
    """The logs that were published."""

    logs: tuple[PublishedLog, ...]
    """The newest of each controller, and those before it of which somebody lacks something."""

    @property
    def complete(self) -> bool:
        """`True` if all did what is configured, with each log."""
        return all(log.complete for log in self.logs)


def publish(
    controllers: Iterable[Controller],
    settings: EvidenceConfig,
    now: datetime,
    *,
    check: bool = False,
    progress: publication.Progress | None = None,
) -> Publications:
    """Publish the logs of these controllers, as `publication.publish`. Raises LedgerError, EvidenceError."""
    return Publications(
        tuple(
            _published(published)
            for controller in controllers
            for published in publication.publish(
                controller, settings.for_controller(controller.id), now, check=check, progress=progress
            )
        )
    )


def _published(published: publication.Publication) -> PublishedLog:
    return PublishedLog(
        controller=published.controller.id,
        log=published.origin,
        size=published.size,
        quorum=published.quorum,
        witnesses=tuple(
            AskedWitness(
                name=witness.name,
                signed=witness.error is None,
                size=witness.size,
                problem=_sentence(witness.error),
            )
            for witness in published.witnesses
        ),
        targets=tuple(
            PublishedTo(
                place=target.place,
                independent=target.independent,
                size=target.size,
                files=target.files,
                problem=_sentence(target.error),
            )
            for target in published.targets
        ),
    )


def _sentence(error: EvidenceError | None) -> Text | None:
    return error.text if error else None
