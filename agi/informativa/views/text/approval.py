"""Approvals of notes, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.text import Text
from ...operations.evidence.approver_key import ApproverKey
from ...operations.evidence.approving import ApprovedNote, Proposal, RuleChange, WrittenApproval
from ...operations.evidence.erasure_lists import ErasureList
from ..messages import Language


def key_lines(key: ApproverKey, made: bool, say: Language) -> Iterator[str]:
    """Yield the public key, for the monitor and the log's operator; `made` if it is new."""
    yield key.key
    if made:
        yield say(
            "The private key lies in {file}: keep it for yourself, and not on the witness's machine.",
            file=key.file,
        )


def proposal_lines(proposal: Proposal, say: Language) -> Iterator[str]:
    """Yield the notes that would be approved, in words."""
    for note in proposal.notes:
        yield from _note(note, say)


def written_lines(approval: WrittenApproval, say: Language) -> Iterator[str]:
    """Yield the place of an approval, and what to do with it next."""
    yield say("{file}: signed by {key}", file=approval.file, key=approval.key)
    yield say(
        "Put it into the folder that your witness serves (informativa witness serve --approvals FOLDER), or"
        " send it to whoever keeps the logs. It counts as soon as it stands in one of them."
    )


def _note(note: ApprovedNote, say: Language) -> Iterator[str]:
    yield f"{note.log} {note.index}: {say(note.message)}"
    for change in note.changes:
        yield f"  {_change(change, say)}"
    if note.erasure_list:
        yield from _list(note.erasure_list, say)


def _change(change: RuleChange, say: Language) -> str:
    after = say("nothing") if change.after is None else change.after
    if change.before is None:
        return f"{change.name}: {after}"
    return say("{name}: {value} instead of {before}", name=change.name, value=after, before=change.before)


def _list(erasure_list: ErasureList, say: Language) -> Iterator[str]:
    for part in erasure_list.logs:
        erased = Text.counted("{count} record of the caller", "{count} records of the caller", part.erased)
        resting = Text.counted(
            "{count} record that rested on those",
            "{count} records that rested on those",
            part.resting,
        )
        words = Text(
            "Its list, in {log}: {erased}, and {resting}.", erased=erased, resting=resting, log=part.log
        )
        yield f"  {say(words)}"
