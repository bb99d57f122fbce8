"""Notes of logs in words, for the controller."""

from __future__ import annotations

from ...evidence.approval import Approval
from ...evidence.note_standing import NoteStanding, NoteVerdict
from ...evidence.note_values import ErasureRule, minute_text
from ...evidence.notes import (
    ApprovalNote,
    ErasureNote,
    LogNote,
    LostNote,
    NewLogNote,
    NextNote,
    PurgeNote,
    RuleNote,
)
from ...model.plan import Period
from ...model.text import NOTHING, Text, joined


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
            erasures = {
                ErasureRule.EACH: Text("each erasure needs an approval"),
                ErasureRule.STANDING: Text("erasures need no approval of their own"),
            }
            lost = rule.purged + rule.erased + rule.lost
            return joined(
                " ",
                Text(
                    "From now on records are kept {time}, and {erasures}.",
                    time=_retention(rule.retention),
                    erasures=erasures[rule.erasures],
                ),
                Text.counted(
                    "Before it {count} record was deleted.", "Before it {count} records were deleted.", lost
                )
                if lost
                else NOTHING,
            )
        case PurgeNote() as purge:
            return Text(
                "The first {count} records of {log} are deleted by their age, all from before {time}.",
                count=purge.below,
                log=purge.of,
                time=minute_text(purge.cutoff),
            )
        case ErasureNote() as erasure:
            return Text("A caller is erased, from {most} records at most.", most=erasure.most)
        case LostNote() as lost_note:
            return Text(
                "The records {first} to {last} of {log} are lost.",
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


def _retention(period: Period | None) -> Text:
    if period is None:
        return Text("for ever")
    if period.months:
        return Text.counted("for {count} month", "for {count} months", period.months)
    return Text.counted("for {count} day", "for {count} days", period.days)


def _instruction(note: LogNote) -> Text:
    instruction = getattr(note.content, "instruction", "")
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
        case NoteVerdict.WAITS:
            return Text("It waits for an approval.")
        case NoteVerdict.FLAWED:
            return Text("IT DOES NOT HOLD: {why}", why=judged.flaw)
