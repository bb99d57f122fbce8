"""Deletion of the records that are past a controller's retention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence.note_values import NoteSource
from ..ledgers import expiry, purge_plan
from ..ledgers.instructions import require_instruction
from ..model import Controller
from ..model.text import NOTHING
from ..process import log_storage, storage
from ..process.maintenance import PATIENCE_SECONDS
from .document import OptionalSentence, Time


@dataclass(frozen=True)
class Purged:
    """The records of one controller that were deleted, or would be."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The controller's full name."""
    before: Time | None
    """The time before which records are deleted; null where no retention is set."""
    records: int | None
    """The number of these records; null where no retention is set."""
    older_kept: int
    """The number of records that were recorded before that time, and that stay for now: they stand after the
    first leaves of the log that may go."""
    why_less: OptionalSentence
    """The reason, if the rules in the log let less be deleted than the configuration says."""
    doubt: OptionalSentence
    """The reason, if an audit does not excuse what is deleted."""
    instruction: str | None
    """The controller's instruction in the rule that the log states first, or would; null where it states none
    anew, or without an instruction."""


@dataclass(frozen=True)
class Purge:
    """The records that are older than the retention."""

    done: bool
    """True if they were deleted; else they only would be."""
    controllers: tuple[Purged, ...]


Progress = Callable[[Purged], None]
"""Receives each controller when it is done."""


def purge(
    controllers: Sequence[Controller],
    now: datetime,
    *,
    really: bool,
    progress: Progress = lambda _purged: None,
    instruction: str = "",
) -> Purge:
    """Delete what is older than each controller's retention, or tell what would be. Where the log states
    another rule first, that has the controller's `instruction`, or the one in the configuration.

    Raises InformativaError, and deletes nothing, if it is none, or is missing in a rule that needs an
    approval; or for another reason.
    """
    require_instruction(instruction)
    for controller in controllers if really else ():
        if controller.retention is not None and Path(controller.ledger).exists():
            log_storage.require_instruction_for_rule(controller, now, instruction)
    purged = []
    for controller in controllers:
        purged.append(_purged(controller, now, really, instruction))
        progress(purged[-1])
    return Purge(really, tuple(purged))


def _purged(
    controller: Controller,
    now: datetime,
    really: bool,
    instruction: str,
) -> Purged:
    if controller.retention is None:
        return Purged(controller.id, controller.name, None, None, 0, NOTHING, NOTHING, None)
    before, records = controller.retention.before(now, controller.zone), 0
    older_kept, why_less, doubt, rule = 0, NOTHING, NOTHING, None
    if Path(controller.ledger).exists():
        with closing(storage.store(controller)) as store:
            rule = log_storage.missing_rule(controller, store, instruction)
        if really:
            log_storage.keep_rule(controller, now, NoteSource.COMMAND, instruction)
            log_storage.keep_totals(controller, now)  # before what it counts is gone
        with closing(storage.store(controller)) as store:
            plan = log_storage.purge_plan(controller, store, now)
            if plan is None:
                records = expiry.purge(store, before, now) if really else expiry.count_older(store, before)
            else:
                before, why_less, doubt = plan.cutoff or before, plan.why_less, plan.doubt
                records = purge_plan.count(store, plan)
                older_kept = expiry.count_recorded_before(store, before) - records
                if really:
                    records = expiry.purge_by_rules(store, plan, now, NoteSource.COMMAND)
            if really:
                store.empty_log(PATIENCE_SECONDS)  # where what was deleted still stands
    if really:
        storage.access_log(controller).purge(storage.access_log_kept_since(controller, now))
    return Purged(
        controller.id,
        controller.name,
        before.astimezone(controller.zone),
        records,
        max(0, older_kept),
        why_less,
        doubt,
        (rule and rule.instruction) or None,
    )
