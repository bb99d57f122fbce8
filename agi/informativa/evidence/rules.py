"""The controller's rules for its log, compared, and the notes that need its approval. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ..model.plan import Period
from .checkpoint import Checkpoint
from .note_values import ErasureRule
from .notes import (
    ApprovalNote,
    ErasureNote,
    LogNote,
    LostNote,
    NewLogNote,
    NextNote,
    PurgeNote,
    RuleNote,
)

_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31  # days


def shortens(rule: RuleNote, before: RuleNote) -> bool:
    """Return whether records may be kept for a shorter time than before. Where months become days, or days
    months, a month of the longer side has 31 days and one of the shorter side 28: a doubt counts as
    shorter."""
    if rule.retention is None or rule.retention == before.retention:
        return False
    if before.retention is None:
        return True
    new, old = rule.retention, before.retention
    if bool(new.months) == bool(old.months):
        return (new.months, new.days) < (old.months, old.days)
    return _days(new, _SHORTEST_MONTH) < _days(old, _LONGEST_MONTH)


def loosens(rule: RuleNote, before: RuleNote) -> bool:
    """Return whether less is asked of the log's keeper than before: no approval of each erasure, no notes
    that need approval at all, another approver or none, other witnesses. First witnesses, and a first
    approver, loosen nothing."""
    return any(
        (
            (before.erasures, rule.erasures) == (ErasureRule.EACH, ErasureRule.STANDING),
            before.processor and not rule.processor,
            before.witnesses and rule.witnesses != before.witnesses,
            before.approver and rule.approver != before.approver,
        )
    )


def needs_approval(note: LogNote, rule: RuleNote | None, ended: Collection[Checkpoint] = ()) -> bool:
    """Return whether a note stands only with the controller's approval. `rule` is the one in force before the
    note, in the log before if the note's own has none yet; `None` where there was none. `ended` are trees
    whose last leaf, a note `next`, names the key of the note's log."""
    match note.content:
        case LostNote():
            return True
        case NewLogNote(after=after, instruction=instruction):
            return bool(instruction) or any(tree not in ended for tree in after)
        case ErasureNote():
            return rule is None or rule.erasures is ErasureRule.EACH
        case RuleNote() as new:
            return bool(new.purged or new.erased or new.lost) or (rule is not None and _changes(new, rule))
        case PurgeNote() | NextNote() | ApprovalNote():
            return False


def _changes(rule: RuleNote, before: RuleNote) -> bool:
    """Return whether a rule is so different from the one before that it needs the controller's word."""
    guarded = ((side.erasures, side.processor, side.witnesses, side.approver) for side in (rule, before))
    return shortens(rule, before) or len(set(guarded)) > 1


def _days(period: Period, month: int) -> int:
    """Return the length in days, of months of that many days."""
    return period.months * month + period.days
