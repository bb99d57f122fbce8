"""Approvals of notes, and what a note changes, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.text import Text, joined
from ...operations.evidence.approver_key import ApproverKey
from ...operations.evidence.approving import ApprovedNote, Proposal, WrittenApproval
from ...operations.evidence.erasure_lists import ErasureList
from ...operations.evidence.note_words import RuleChange
from ...operations.evidence.noted_approvals import NotedApproval, NotedApprovals
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
        "Put it into the folder that your witness serves (informativa witness serve --approvals FOLDER), from"
        " which it is fetched every hour; or send it to whoever keeps the logs, and he types: informativa"
        " evidence approval FILE. It counts as soon as it stands in one of them."
    )


def noted_lines(approvals: NotedApprovals, say: Language) -> Iterator[str]:
    """Yield what was approved, and what happens now. Refused files are left out."""
    for approval in approvals.approvals:
        if not approval.problem:
            yield from _noted(approval, say)


def change_lines(changes: Iterable[RuleChange], say: Language) -> Iterator[str]:
    """Yield the values that a rule changes, one on each line."""
    for change in changes:
        after = say("nothing") if change.after is None else change.after
        if change.before is None:
            yield f"  {change.name}: {after}"
        else:
            yield "  " + say(
                "{name}: {value} instead of {before}", name=change.name, value=after, before=change.before
            )


def _noted(approval: NotedApproval, say: Language) -> Iterator[str]:
    for note in approval.notes:
        yield f"{note.log} {note.index}: {say(joined(' ', note.message, note.next))}"
        yield from change_lines(note.changes, say)
    for log in approval.written:
        yield say("{file}: now stands in {log}", file=approval.file, log=log)
    if not approval.written:
        yield say("{file}: stood in the log already", file=approval.file)
    if approval.elsewhere:
        yield say(
            "It is also for logs that are not kept here: {logs}. Their keepers need it, too.",
            logs=", ".join(approval.elsewhere),
        )


def _note(note: ApprovedNote, say: Language) -> Iterator[str]:
    yield f"{note.log} {note.index}: {say(note.message)}"
    yield from change_lines(note.changes, say)
    if note.erasure_list:
        yield from _list(note.erasure_list, say)


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
