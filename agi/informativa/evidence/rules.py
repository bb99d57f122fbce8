"""The controller's rules for its log: when they are in force, compared, and the notes that need its approval.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..model import Controller
from ..model.plan import Period
from .checkpoint import Checkpoint
from .cosignature import WitnessVerifier
from .note import Verifier
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

NOTICE = timedelta(days=7)  # before a stricter rule takes effect without an approval
_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31  # days


@dataclass(frozen=True)
class DatedRule:
    """A rule and the moment from which it is in effect; `None` if it is not. `is_agreed` is false if that is
    so only because time passed: it shortens or loosens, and nobody is known who could have approved it."""

    index: int
    content: RuleNote
    since: datetime | None
    is_agreed: bool = True


@dataclass
class LogRules:
    """The rules of a log so far, by index, after those of the logs before it."""

    inherited: tuple[DatedRule, ...] = ()
    own: dict[int, DatedRule] = field(default_factory=dict)

    def in_force(self, at: datetime) -> RuleNote | None:
        """Return the last rule that is in effect at a moment."""
        return next((rule.content for rule in self._in_effect(at)), None)

    def agreed(self, at: datetime) -> RuleNote | None:
        """Return the rule by which the notes of a moment are judged: the last in effect that had the
        controller's word, or needed none. Where others came since, it differs from the one in force."""
        return next((rule.content for rule in self._in_effect(at) if rule.is_agreed), None)

    def _in_effect(self, at: datetime) -> Iterator[DatedRule]:
        """Yield the rules that took effect by a moment, the last one first."""
        for rules in (self.own.values(), self.inherited):
            for rule in reversed(rules):
                if rule.since is not None and rule.since <= at:
                    yield rule

    def recent(self, at: datetime) -> Iterator[RuleNote]:
        """Yield the rules that were in effect at some time of the seven days before a moment."""
        before = self.in_force(at - NOTICE)
        if before is not None:
            yield before
        for rule in (*self.inherited, *self.own.values()):
            if rule.since is not None and at - NOTICE < rule.since <= at:
                yield rule.content


def configured_rule(controller: Controller) -> RuleNote | None:
    """Return the rule that a controller's log states by its configuration; `None` if it states none. Raises
    EvidenceFormatError for a key that is none."""
    rule = controller.rule
    if rule is None:
        return None
    return RuleNote(
        retention=controller.retention,
        zone=str(controller.zone),
        erasures=ErasureRule(rule.erasures),
        processor=controller.outsourcing is not None,
        witnesses=tuple(map(WitnessVerifier.parse, rule.witnesses)),
        approver=Verifier.parse(rule.approver) if rule.approver else None,
        instruction=rule.instruction,
    )


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
