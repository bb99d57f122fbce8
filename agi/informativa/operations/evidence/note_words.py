"""Notes of logs in words, for the controller."""

from __future__ import annotations

from dataclasses import dataclass

from ...evidence.approval import Approval
from ...evidence.note_standing import NoteStanding, NoteVerdict
from ...evidence.note_values import ErasureRule, minute_text
from ...evidence.notes import (
    KEYS,
    ApprovalNote,
    ErasureNote,
    LogNote,
    LostNote,
    NewLogNote,
    NextNote,
    PurgeNote,
    RuleNote,
)
from ...ledgers.instructions import UNSTATED
from ...model.plan import Period
from ...model.text import NOTHING, Text, joined


@dataclass(frozen=True)
class RuleChange:
    """A value of a rule that is another one than before."""

    name: str
    """Its name in the note."""
    before: str | None
    """The value in the rule that is in force; null if there is none."""
    after: str | None
    """The value in the note; null if it has none."""


def rule_changes(judged: NoteStanding) -> tuple[RuleChange, ...]:
    """Return the values of a rule that are other than in the rule in force, or all of the first one; none of
    another note."""
    note = judged.entry.note
    if note is None or not isinstance(note.content, RuleNote):
        return ()
    changes = []
    for key in KEYS[RuleNote]:
        values = []
        for rule in (judged.rule, note.content):
            value = None if rule is None else getattr(rule, key.field)
            is_absent = rule is None or value == key.absent
            values.append(None if is_absent else str(key.write(value)))
        if values[0] != values[1]:
            changes.append(RuleChange(key.name, *values))
    return tuple(changes)


def note_words(judged: NoteStanding) -> Text:
    """Return what a note says, and its standing."""
    note = judged.entry.note
    if note is None:
        return joined(" ", Text("An entry that is neither a record nor a note."), _standing(judged))
    return joined(
        " ",
        Text("{minute}: {statement}", minute=minute_text(note.at), statement=statement(note)),
        _instruction(note),
        _standing(judged),
    )


def statement(note: LogNote) -> Text:
    """Return what a note says."""
    match note.content:
        case RuleNote() as rule:
            return _rule(rule)
        case PurgeNote() as purge:
            return Text(
                "The records of the first {count} leaves of {log} are deleted by their age: all from before"
                " {time}.",
                count=purge.below,
                log=purge.of,
                time=minute_text(purge.cutoff),
            )
        case ErasureNote() as erasure:
            return Text("A caller is erased, from {most} records at most.", most=erasure.most)
        case LostNote() as lost_note:
            return Text(
                "The records of the leaves {first} to {last} of {log} are lost.",
                first=lost_note.first,
                last=lost_note.end - 1,
                log=lost_note.of,
            )
        case NewLogNote() as new_log:
            return Text(
                "The log begins where others ended: {logs}.",
                logs=", ".join(f"{tree.origin} ({tree.size})" for tree in new_log.after),
            )
        case NextNote() as successor:
            return Text("The log ends, and goes on in {log}.", log=successor.key.name)
        case ApprovalNote() as approval:
            count = len(Approval.unverified(approval.text).leaves)
            return Text.counted("An approval of {count} note.", "An approval of {count} notes.", count)


def headline(note: LogNote) -> Text:
    """Return the main part of what a note says, for a line of a list."""
    if isinstance(note.content, RuleNote):
        return Text("From now on records are kept {time}.", time=_retention(note.content.retention))
    return statement(note)


def _rule(rule: RuleNote) -> Text:
    """Return all that a rule says but its instruction."""
    erasures = {
        ErasureRule.EACH: Text("each erasure needs an approval"),
        ErasureRule.STANDING: Text("erasures need no approval of their own"),
    }
    keepers = {
        False: Text("The company answers its calls itself."),
        True: Text("Somebody else answers its calls for the company."),
    }
    lost = rule.purged + rule.erased + rule.lost
    before = Text.counted(
        "Before it {count} record was deleted.", "Before it {count} records were deleted.", lost
    )
    witnesses = Text("Witnesses: {names}.", names=", ".join(witness.name for witness in rule.witnesses))
    return joined(
        " ",
        Text(
            "From now on records are kept {time}, in the time zone {zone}, and {erasures}.",
            time=_retention(rule.retention),
            zone=rule.zone,
            erasures=erasures[rule.erasures],
        ),
        keepers[rule.processor],
        witnesses if rule.witnesses else Text("No witness is named."),
        Text("{name} approves.", name=rule.approver.name)
        if rule.approver
        else Text("Nobody is named who approves."),
        before if lost else NOTHING,
    )


def _retention(period: Period | None) -> Text:
    if period is None:
        return Text("for ever")
    if period.months:
        return Text.counted("for {count} month", "for {count} months", period.months)
    return Text.counted("for {count} day", "for {count} days", period.days)


def _instruction(note: LogNote) -> Text:
    instruction = getattr(note.content, "instruction", "")
    if instruction == UNSTATED:
        return Text("Instruction not stated.")
    return Text("Instruction {instruction}.", instruction=instruction) if instruction else NOTHING


def _standing(judged: NoteStanding) -> Text:
    names = ", ".join(judged.approved_by)
    match judged.standing:
        case NoteVerdict.HOLDS:
            return Text("It holds.")
        case NoteVerdict.APPROVED if judged.as_the_log_says:
            return Text("It is approved by {names}, as the log itself says who may.", names=names)
        case NoteVerdict.APPROVED:
            return Text("It is approved by {names}.", names=names)
        case NoteVerdict.OWN_WORD:
            return Text("It stands by the company's own word: nobody is known who could approve it.")
        case NoteVerdict.WAITS if judged.nobody_approves:
            return Text("It waits for an approval, and nobody is known who could give it.")
        case NoteVerdict.WAITS:
            return Text("It waits for an approval.")
        case NoteVerdict.FLAWED:
            return Text("IT DOES NOT HOLD: {why}", why=judged.flaw)
