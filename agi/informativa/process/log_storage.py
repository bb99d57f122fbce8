"""Access to what the logs of a controller's ledger state: rules, purge plans, totals, approvals.

One function for each operation, for commands, the console and work beside the calls, as in `storage.py`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..model import Controller
from .storage import access_log, existing_ledger, reading, store

if TYPE_CHECKING:
    from ..evidence.note import Verifier
    from ..evidence.note_standing import NoteStanding
    from ..evidence.note_values import NoteSource
    from ..evidence.notes import RuleNote
    from ..evidence.received_approval import ReceivedApproval
    from ..ledgers.purge_plan import PurgePlan
    from ..ledgers.sqlite import SqliteStore


def keep_rule(controller: Controller, at: datetime, by: NoteSource, instruction: str = "") -> None:
    """Write the rule of the configuration into the log of a controller's ledger, which must exist, unless it
    is the newest one there; with this `instruction` in the place of the one in the configuration. Raises
    LedgerError, EvidenceError."""
    from ..evidence.rules import configured_rule

    if configured_rule(controller) is None:
        return
    with closing(store(controller, create=False)) as ledger:
        rule = missing_rule(controller, ledger, instruction)
        if rule is not None:
            ledger.keep_rule(rule, at, by)


def missing_rule(controller: Controller, ledger: SqliteStore, instruction: str = "") -> RuleNote | None:
    """Return the rule that `keep_rule` would write, but for the numbers of records that are gone; `None` for
    nothing. Raises LedgerError, EvidenceError."""
    from ..evidence.rules import configured_rule
    from ..ledgers import note_leaves

    rule = configured_rule(controller)
    with ledger.connected() as connection:
        if rule is None or note_leaves.missing_rule(connection, rule) is None:
            return None
    return replace(rule, instruction=instruction or rule.instruction)


def require_instruction_for_rule(controller: Controller, at: datetime, instruction: str) -> None:
    """Check that the rule that `keep_rule` would write now has the instruction that it needs. Changes
    nothing. Raises InformativaError (exit code 2), LedgerError and EvidenceError."""
    from ..ledgers import approvals, instructions

    instructions.require_instruction(instruction)
    with existing_ledger(controller) as ledger:
        rule = missing_rule(controller, ledger, instruction) if ledger else None
        if ledger is not None and rule is not None:
            instructions.require_for_rule(approvals.rules_to_approve(ledger, rule, at), rule.instruction)


def purge_plan(controller: Controller, ledger: SqliteStore, at: datetime) -> PurgePlan | None:
    """Return the plan of a purge of a controller's ledger, as if the rule of the configuration were in its
    log; `None` where there is no rule at all. Raises LedgerError, EvidenceError."""
    from ..evidence.rules import configured_rule
    from ..ledgers import purge_plan

    return purge_plan.read(ledger, at, configured_rule(controller))


def purged_until(controller: Controller, at: datetime) -> datetime | None:
    """Return the time from before which a purge deletes records of a controller's ledger, which must exist;
    `None` where the controller has no retention. Raises LedgerError, EvidenceError."""
    if controller.retention is None:
        return None
    with reading(controller) as ledger:
        plan = purge_plan(controller, ledger, at)
    return (plan and plan.cutoff) or controller.retention.before(at, controller.zone)


def keep_totals(controller: Controller, at: datetime, *, log_ends: bool = False) -> None:
    """Write into a controller's ledger, which must exist, the totals of its last day; if the log ends, of all
    that is left. A controller whose log states no rule has none. Raises LedgerError."""
    from ..ledgers import totals

    if controller.rule is not None:
        with closing(store(controller, create=False)) as ledger:
            totals.keep(ledger, at, controller.zone, ends=log_ends)


def keep_access_head(controller: Controller, at: datetime) -> None:
    """Write into a controller's ledger, which must exist, the newest entry of the access log. A controller
    whose log states no rule has none. Raises LedgerError."""
    from ..ledgers import access_heads

    if controller.rule is not None:
        with closing(store(controller, create=False)) as ledger:
            access_heads.keep(ledger, access_log(controller), at)


def waiting_notes(controller: Controller) -> tuple[tuple[NoteStanding, ...], set[str]]:
    """Return the notes in the logs of a controller's ledger that wait for an approval, and the names of the
    approvals there; none where there is no ledger. Changes nothing. Raises LedgerError, EvidenceError."""
    from ..ledgers import approvals

    with existing_ledger(controller) as ledger:
        return approvals.state(ledger, _approver(controller)) if ledger else ((), set())


def judge_approval(controller: Controller, data: bytes) -> ReceivedApproval | None:
    """Judge an approval by the logs of a controller's ledger, which must exist; `None` if it names none of
    them. Changes nothing. Raises LedgerError, and EvidenceError for one that would be refused."""
    from ..ledgers import approvals

    with closing(store(controller, read_only=True)) as ledger:
        return approvals.judge(ledger, data, _approver(controller))


def take_approval(
    controller: Controller, data: bytes, at: datetime, by: NoteSource
) -> ReceivedApproval | None:
    """Write an approval into the newest log of a controller's ledger, unless it is there. Raises as
    `judge_approval` does, and changes nothing then."""
    from ..ledgers import approvals

    with closing(store(controller, create=False)) as ledger:
        return approvals.take(ledger, data, _approver(controller), at, by)


def _approver(controller: Controller) -> Verifier | None:
    """Return the key that the configuration has approve. Raises EvidenceFormatError for a key that is
    none."""
    from ..evidence.note import Verifier

    rule = controller.rule
    return Verifier.parse(rule.approver) if rule and rule.approver else None


def rule(controller: Controller) -> RuleNote | None:
    """Return the rule that the next note of a controller's log stands under: that of the configuration, or
    the newest one in its ledger; `None` without either. Raises LedgerError, EvidenceError."""
    from ..evidence.notes import RuleNote
    from ..evidence.rules import configured_rule

    if configured := configured_rule(controller):
        return configured
    with existing_ledger(controller) as ledger:
        noted = ledger.rule() if ledger else None
    return noted.content if noted and isinstance(noted.content, RuleNote) else None


def newest_note(controller: Controller) -> tuple[int, int]:
    """Return the row of the newest note in a ledger, which must exist, -1 before the first, and the number of
    the newest log. Raises LedgerError."""
    from ..ledgers import own_logs

    with closing(store(controller, read_only=True)) as ledger:
        ledger.log()
        with ledger.connected() as connection:
            return own_logs.newest_note(connection)
