"""How the service and the ledgers stand."""

from __future__ import annotations

from datetime import date

from ... import model
from ...operations import status
from ...operations.boxes import Meeting
from ...operations.evidence import log_state
from ...operations.record_document import Record
from .shapes import Document, Seconds, Shape, Time, said


class Service(Shape):
    """The service as it looks from outside."""

    address: str
    """Where it should answer."""
    answers: bool
    """Whether it does."""
    as_configured: bool
    """Whether it is the one that is installed and configured."""
    version: str | None
    """Which informativa it is."""
    since: Time | None
    """When it was started."""
    calls_in_progress: int | None
    """How many calls it handles at this moment, by its metrics."""
    unit: str | None
    """How the systemd unit is."""

    @classmethod
    def of(cls, service: status.Service) -> Service:
        """As it answered."""
        return cls(
            address=service.address,
            answers=service.answers,
            as_configured=service.as_configured,
            version=service.version,
            since=service.since,
            calls_in_progress=service.calls,
            unit=service.unit,
        )


class Tally(Shape):
    """What a time came to."""

    calls: int
    """How many calls there were."""
    notices: dict[model.Status, int]
    """How many notices went how."""
    seconds_spared: Seconds
    """How long the notices last that were not due."""

    @classmethod
    def of(cls, tally: status.Tally) -> Tally:
        """As counted."""
        return cls(calls=tally.calls, notices=dict(tally.notices), seconds_spared=tally.seconds_spared)


class LedgerCounts(Shape):
    """What a ledger comes to."""

    today: Tally
    """Since the day began."""
    last_30_days: Tally
    """In the last 30 days, today included."""
    known_callers: int
    """How many callers there are of whom it is known that they were told something."""
    bytes: int
    """The size of its files."""
    last_record: Record | None
    """The newest record."""

    @classmethod
    def of(cls, counts: status.Counts, controller: str) -> LedgerCounts:
        """As of that company's ledger."""
        return cls(
            today=Tally.of(counts.today),
            last_30_days=Tally.of(counts.last_days),
            known_callers=counts.known_callers,
            bytes=counts.size,
            last_record=Record.of(counts.last, controller) if counts.last else None,
        )


class KeptElsewhere(Shape):
    """What somebody else has of a log."""

    place: str
    """Where it is published, or the witness's name."""
    size: int
    """How many records are there, or were signed there."""
    at: Time | None
    """Since when."""
    problem: str | None
    """Why not more."""

    @classmethod
    def of(cls, found: log_state.KeptElsewhere) -> KeptElsewhere:
        """As it was when it was last tried."""
        return cls(place=found.place, size=found.size, at=found.at, problem=found.problem or None)


class LogState(Shape):
    """How far a log is."""

    log: str
    """The origin of the log."""
    size: int
    """How many records it has."""
    signed: int
    """How many of them are in the newest checkpoint."""
    signed_at: Time | None
    """When that was signed; null before the first."""
    waiting: int
    """How many records wait to be signed."""
    published: list[KeptElsewhere]
    """Where the log is published."""
    witnessed: list[KeptElsewhere]
    """Which witnesses sign it."""
    stamped: int
    """How many records the newest checkpoint with a time-stamp has."""
    stamped_at: Time | None
    """When that was stamped."""

    @classmethod
    def of(cls, found: log_state.LogState) -> LogState:
        """By what lies beside the ledger."""
        return cls(
            log=found.origin,
            size=found.size,
            signed=found.signed,
            signed_at=found.signed_at,
            waiting=found.waiting,
            published=[KeptElsewhere.of(each) for each in found.published],
            witnessed=[KeptElsewhere.of(each) for each in found.witnessed],
            stamped=found.stamped,
            stamped_at=found.stamped_at,
        )


class FellBack(Shape):
    """The last hour's calls of a company, as the service counted them."""

    calls: int
    """How many there were."""
    fell_back: int
    """How many of them it could not decide or record."""


class ControllerStatus(Shape):
    """A company, and what its ledger comes to."""

    id: str
    """Its name in the configuration."""
    name: str
    """Its name."""
    live: bool
    """Whether it may go live."""
    why_not: str | None
    """Why it may not: also a mistake in its part of the configuration."""
    as_before: str | None
    """The mistake in its part for which the service serves it as before; null where there is none."""
    lines: list[str]
    """The called numbers."""
    ledger: str
    """Where its ledger is."""
    usable: bool
    """Whether the ledger could be read."""
    kept_since: date | None
    """From before this day the daily purge deletes records."""
    counts: LedgerCounts | None
    """What the ledger comes to."""
    log: LogState | None
    """How far its log is."""
    meeting: Meeting | None
    """How its boxes stand; null where they share no database, or it does not answer."""
    last_hour: FellBack | None
    """Calls that fell back; null where none did, or the service does not say it."""

    @classmethod
    def of(cls, found: status.ControllerStatus) -> ControllerStatus:
        """As it was found."""
        controller = found.controller
        return cls(
            id=controller.id,
            name=controller.name,
            live=not controller.refused,
            why_not=said(controller.refused),
            as_before=said(found.as_before),
            lines=list(found.lines),
            ledger=controller.ledger,
            usable=found.counts is not None,
            kept_since=found.kept_since,
            counts=LedgerCounts.of(found.counts, controller.id) if found.counts else None,
            log=LogState.of(found.log) if found.log else None,
            meeting=found.meeting,
            last_hour=_fell_back(found.fell_back),
        )


def _fell_back(found: tuple[int, int] | None) -> FellBack | None:
    return None if found is None else FellBack(calls=found[1], fell_back=found[0])


class StatusReport(Document):
    """The service and the ledgers."""

    service: Service
    """The service."""
    today_since: Time
    """When today began."""
    controllers: list[ControllerStatus]
    """The companies."""
    spool_rows: int | None
    """How many rows wait in the fallback spool."""
    warnings: list[str]
    """What somebody should know."""
    in_order: bool
    """Whether the service answers, the ledgers can be used and the configuration has no mistakes."""

    @classmethod
    def of(cls, report: status.Report) -> StatusReport:
        """As it was found."""
        return cls(
            service=Service.of(report.service),
            today_since=report.today_since,
            controllers=[ControllerStatus.of(found) for found in report.controllers],
            spool_rows=report.spool_rows,
            warnings=[str(warning) for warning in report.warnings],
            in_order=report.in_order,
        )
