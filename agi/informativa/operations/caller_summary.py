"""The summary of a caller for whoever answers him: of which notices he is informed, and until when; his
consents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..call import policy
from ..config import Configuration
from ..model import ALWAYS, Controller, Identified, Line, PriorDelivery, Reason, RecordKind, countries
from . import consents
from .callers import Held
from .consents import StandingConsent
from .controller_state import lines_of
from .explain import told_by_controller
from .record_document import Record


@dataclass(frozen=True)
class InformedNotice:
    """A notice of which a caller is informed."""

    notice: str
    """The name of the notice."""
    version: str
    """The version that he got last."""
    at: datetime
    """The time of that delivery."""
    kind: RecordKind | None
    """The way in which he got it; `None` where its record is gone."""
    until: datetime | None
    """The time until which it counts, if nothing changes; `None` for as long as there is its record."""
    is_purged: bool
    """True if its record is deleted then; else a plan asks for the notice again."""
    due: tuple[tuple[str, Reason], ...]
    """The lines on which he would hear it again now, each with the reason."""
    is_due_everywhere: bool
    """True if those are all lines that have it."""


@dataclass(frozen=True)
class CallerSummary:
    """The notices and consents that count for a caller at one company now."""

    notices: tuple[InformedNotice, ...]
    """The notices of which he is informed."""
    consents: tuple[StandingConsent, ...]
    """His last acts about consents."""


def summary(
    records: Held, controller: Controller, caller: Identified, configuration: Configuration, now: datetime
) -> CallerSummary:
    """Return what counts for a caller at a company, of whom it has these `records`. Raises LedgerError."""
    history = told_by_controller(caller, controller)
    lines = [countries.line_for(line, "") for line in lines_of(controller, configuration)]
    due: dict[str, list[tuple[str, Reason]]] = {}
    for line in lines:
        for decision in policy.decide(line, history, caller, now):
            if decision.play and decision.reason is not Reason.EVERY_CALL:
                due.setdefault(decision.notice.id, []).append((line.number, decision.reason))
    by_number = {record.number: record for record in records.records}
    notices = tuple(
        _informed(notice, prior, by_number.get(prior.record), controller, lines, due.get(notice, ()))
        for notice, prior in sorted(history.items())
    )
    acts = consents.of_caller(controller, consents.consents(configuration, controller.id), caller, now)
    return CallerSummary(notices, tuple(act for act in acts.standing if act.answer is not None))


def _informed(
    notice: str,
    prior: PriorDelivery,
    record: Record | None,
    controller: Controller,
    lines: Iterable[Line],
    due: Sequence[tuple[str, Reason]],
) -> InformedNotice:
    """Return what a prior delivery counts for: till its record is purged, or a plan asks for it again."""
    zone, due_lines = controller.zone, {line for line, _reason in due}
    recorded = record.recorded if record else prior.at
    purged = controller.retention.after(recorded, zone) if controller.retention else None
    steps = [(line.number, step) for line in lines for step in line.plan if step.notice.id == notice]
    undue = [step for line, step in steps if line not in due_lines]
    repeated = (
        step.repeat_after.after(prior.last_complete, zone)
        for step in undue
        if step.repeat_after not in (None, ALWAYS) and step.repeat_after and prior.last_complete
    )
    until = min([*repeated, *([purged] if purged else [])], default=None)
    return InformedNotice(
        notice,
        (record and record.version) or max(prior.versions),
        prior.at,
        record.kind if record else None,
        until,
        until is not None and until == purged,
        tuple(due),
        bool(steps) and not undue,
    )
