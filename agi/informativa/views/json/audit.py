"""What an audit found, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ...errors import ForkError
from ...ledgers import audit, audit_history
from ...operations.evidence import logs
from .shapes import Document, Shape


class AuditedFlaw(Shape):
    """What is wrong with one record."""

    record: int | None
    """Its number in the ledger; null where it is gone."""
    leaf: int | None
    """The index of its leaf in the log; null where it has none."""
    flaw: audit.Flaw
    """What is wrong."""


class HistoryRow(Shape):
    """What the history says of a caller, and no record bears out."""

    record: int
    """By which record."""
    notice: str
    """Which notice."""
    version: str
    """Which version of it."""


class CounterRow(Shape):
    """A counter of the ledger that its records do not bear out."""

    at: datetime | None
    """When the hour began that it is of; null for the number of known callers."""
    line: str
    """Of which line."""
    notice: str
    """Of which notice; empty for calls."""
    status: str
    """Of which status; empty for calls."""
    says: int
    """What it says."""
    records: int
    """What the records come to that are left."""


class ComparedLog(Shape):
    """What somebody else has of a log."""

    name: str
    """Who: a publishing target or a witness."""
    log: str
    """The origin of the log: of this epoch or an earlier one."""
    independent: bool
    """Whether who administers the ledger cannot change it."""
    size: int
    """How many records the newest checkpoint there has; 0 if there is none, or it could not be had."""
    contradicts: bool
    """Whether it is of another log than the one that is here."""
    problem: str | None
    """Why it could not be compared, or what it contradicts."""


class AuditedStamps(Shape):
    """What the time-stamps of a log's checkpoints say."""

    log: str
    """The origin of the log: of this epoch or an earlier one."""
    hold: int
    """How many hold, by the roots in evidence.timestamp.certificates."""
    first: datetime | None
    """When the first of them was made."""
    last: datetime | None
    """When the last of them was made."""
    problems: list[str]
    """What is wrong with others."""
    unchecked: str | None
    """Why none was looked at."""


class AuditedLedger(Shape):
    """What was found of one controller."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the newest log."""
    sound: bool
    """Whether nothing is wrong."""
    size: int
    """How many records were ever made."""
    signed: int
    """How many of them are in the newest checkpoints."""
    whole: int
    """How many are there as they were written."""
    erased: int
    """How many were erased at a caller's request."""
    purged: int
    """How many were purged after the retention."""
    lost: int
    """How many were lost with a ledger that a backup replaced."""
    flaws: list[AuditedFlaw]
    """What is wrong with which record."""
    history: list[HistoryRow]
    """What is wrong with the history."""
    counters: list[CounterRow]
    """What is wrong with the counters."""
    problems: list[str]
    """What is wrong with the log itself."""
    elsewhere: list[ComparedLog]
    """What others have of the log."""
    stamps: list[AuditedStamps]
    """One for each log whose checkpoints have time-stamps."""


class Audits(Document):
    """What an audit found."""

    ledgers: list[AuditedLedger]
    """One a controller."""

    @classmethod
    def of(cls, found: Iterable[logs.Audit]) -> Audits:
        """As it was found."""
        return cls(ledgers=[_audited(each) for each in found])


def _audited(found: logs.Audit) -> AuditedLedger:
    audited = found.audited
    return AuditedLedger(
        controller=found.controller.id,
        log=audited.log.origin,
        sound=found.sound,
        size=audited.log.next,
        signed=audited.signed,
        whole=audited.counted.whole,
        erased=audited.counted.erased,
        purged=audited.counted.purged,
        lost=audited.counted.lost,
        flaws=_flaws(audited.found),
        history=_history(audited.history),
        counters=[CounterRow(**vars(each)) for each in audited.counters],
        problems=[str(each) for each in audited.problems],
        elsewhere=[
            ComparedLog(
                name=each.name,
                log=each.log,
                independent=each.independent,
                size=each.size,
                contradicts=isinstance(each.error, ForkError),
                problem=str(each.error) if each.error else None,
            )
            for each in found.elsewhere
        ],
        stamps=[
            AuditedStamps(
                log=each.log,
                hold=each.hold,
                first=each.first,
                last=each.last,
                problems=[str(problem) for problem in each.problems],
                unchecked=str(each.unchecked) if each.unchecked else None,
            )
            for each in found.stamps
        ],
    )


def _flaws(found: Sequence[audit.Found]) -> list[AuditedFlaw]:
    return [AuditedFlaw(record=each.record or None, leaf=each.leaf, flaw=each.flaw) for each in found]


def _history(found: Sequence[audit_history.ForgedHistory]) -> list[HistoryRow]:
    return [HistoryRow(record=each.record, notice=each.notice, version=each.version) for each in found]
