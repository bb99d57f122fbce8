"""Approvals that come back to whoever keeps the logs: what each changes there, or why it is refused. Pure.

They are judged as a monitor does it, by the logs alone (`note_standing`); where those name nobody who could
approve a note, by the key in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..model.errors import EvidenceError, SignatureError
from ..model.text import Text, joined
from .approval import Approval, LeafIdentity, VerifiedApproval, verify
from .note import Note, Verifier, open_note
from .note_standing import NoteStanding, NoteVerdict, standings
from .note_values import NoteSource
from .notes import ApprovalNote, LogNote, RuleNote
from .read_log import ReadEntry, ReadLog

Logs = Mapping[str, ReadLog]
"""All logs of one ledger by origin, the newest last."""


@dataclass(frozen=True)
class ReceivedApproval:
    """An approval that a ledger's logs may note: the origin of the log that notes it, the newest; the signed
    note with the signatures of approvers alone; the notes of these logs that it is for, as they stand with
    it; and whether it is noted already."""

    log: str
    content: ApprovalNote
    notes: tuple[NoteStanding, ...]
    is_there: bool


def own_standings(logs: Logs, approver: Verifier | None) -> dict[str, tuple[NoteStanding, ...]]:
    """Return the standing of every note of a ledger's own logs, in order. `approver` counts where the logs
    name nobody. The times of cosignatures are not asked for: they matter to purges alone, which need no
    approval."""
    by_log = standings(logs, (), _cosigned_in_time)
    if approver is None:
        return by_log
    by_configuration = standings(logs, (approver,), _cosigned_in_time)
    return {
        origin: tuple(
            stated if stated.approver else configured
            for stated, configured in zip(notes, by_configuration[origin], strict=True)
        )
        for origin, notes in by_log.items()
    }


def waiting(logs: Logs, approver: Verifier | None) -> tuple[NoteStanding, ...]:
    """Return the notes of a ledger's own logs that wait for an approval."""
    return tuple(
        standing
        for notes in own_standings(logs, approver).values()
        for standing in notes
        if standing.standing is NoteVerdict.WAITS
    )


def received(data: bytes, logs: Logs, approver: Verifier | None) -> ReceivedApproval | None:
    """Judge the signed note of an approval; `None` if it names none of these logs. Raises EvidenceError for
    what is no approval, or may not be noted because it approves nothing here."""
    approval = Approval.unverified(data)
    own_leaves = tuple(leaf for leaf in approval.leaves if leaf.origin in logs)
    if not own_leaves:
        return None
    verified = _verified(data, _keys(logs, approver))
    for leaf in own_leaves:
        for flaw in _leaf_flaws(leaf, logs[leaf.origin]):
            raise EvidenceError(flaw)
    content = _content(data, verified)
    before = _by_leaf(own_standings(logs, approver))
    after = _by_leaf(own_standings(_with(logs, approval, content), approver))
    notes = tuple(after[leaf] for leaf in own_leaves)
    is_new = any(_is_newly_approved(before[leaf], after[leaf]) for leaf in own_leaves)
    if is_new:
        return ReceivedApproval(_newest(logs), content, notes, is_there=False)
    if approval in noted(logs):
        return ReceivedApproval(_newest(logs), content, notes, is_there=True)
    raise EvidenceError(joined(" ", *(_nothing_changed(standing, verified) for standing in notes)))


def _cosigned_in_time(_origin: str, _size: int, _witnesses: Sequence[object], latest: int) -> int:
    return latest


def _keys(logs: Logs, approver: Verifier | None) -> tuple[Verifier, ...]:
    """Return the keys of all who may approve something in these logs. Raises EvidenceError if nobody may."""
    rules = (entry.note.content for log in logs.values() for entry in log.entries if entry.note)
    named = [rule.approver for rule in rules if isinstance(rule, RuleNote) and rule.approver]
    keys = tuple(dict.fromkeys((*named, approver) if approver else named))
    if not keys:
        raise EvidenceError(
            Text("Neither the log nor the configuration names anybody who approves."),
            Text("Put his key there, as the controller gives it: controllers.NAME.approver"),
        )
    return keys


def _verified(data: bytes, keys: Sequence[Verifier]) -> VerifiedApproval:
    try:
        return verify(data, keys)
    except SignatureError as error:
        raise SignatureError(
            Text(
                "{why}",
                "whoever approves here has the key of {names}",
                why=error.message,
                names=", ".join(key.name for key in keys),
            )
        ) from error


def _leaf_flaws(leaf: LeafIdentity, log: ReadLog) -> Iterator[Text]:
    """Yield the reason why a leaf that an approval names is no note here."""
    if leaf.index >= log.size:
        yield Text(
            "{log} has {size} leaves, and no leaf {index}.", log=leaf.origin, size=log.size, index=leaf.index
        )
        return
    entry = next((entry for entry in log.entries if entry.leaf.index == leaf.index), None)
    if entry is None:
        yield Text(
            "Leaf {index} of {log} is a record: only notes are approved.", index=leaf.index, log=leaf.origin
        )
    elif entry.leaf.hash != leaf.hash:
        yield Text(
            "Leaf {index} of {log} is another one than was approved.", index=leaf.index, log=leaf.origin
        )


def _content(data: bytes, verified: VerifiedApproval) -> ApprovalNote:
    """Return the approval as a note: other signatures prove nothing, and could say anything for ever."""
    opened = open_note(data, verified.keys)
    return ApprovalNote(Note(opened.text, opened.verified).data)


def _with(logs: Logs, approval: Approval, content: ApprovalNote) -> Logs:
    """Return the logs as they would be with an approval in the newest."""
    origin = _newest(logs)
    log = logs[origin]
    at = datetime.fromtimestamp(approval.time // 60 * 60, UTC)  # any: of an approval only its text counts
    entry = LogNote(origin, log.size, at, NoteSource.COMMAND, content).entry
    entries = (*log.entries, ReadEntry.read(entry, origin, log.size))
    return {**logs, origin: replace(log, size=log.size + 1, entries=entries)}


def _newest(logs: Logs) -> str:
    return list(logs)[-1]


def _by_leaf(notes: Mapping[str, Sequence[NoteStanding]]) -> dict[LeafIdentity, NoteStanding]:
    return {standing.entry.leaf: standing for of_log in notes.values() for standing in of_log}


def _is_newly_approved(before: NoteStanding, after: NoteStanding) -> bool:
    return after.standing is NoteVerdict.APPROVED and before.standing is not NoteVerdict.APPROVED


def noted(logs: Logs) -> Iterator[Approval]:
    """Yield the approvals that stand in these logs."""
    for log in logs.values():
        for content in (entry.note.content for entry in log.entries if entry.note):
            if isinstance(content, ApprovalNote):
                yield Approval.unverified(content.text)


def _nothing_changed(standing: NoteStanding, verified: VerifiedApproval) -> Text:
    """Return the reason why an approval does not approve a note."""
    place = {"index": standing.entry.leaf.index, "log": standing.entry.leaf.origin}
    match standing.standing:
        case NoteVerdict.FLAWED:
            return Text("The note {index} of {log} does not hold: {why}", why=standing.flaw, **place)
        case NoteVerdict.APPROVED:
            names = ", ".join(standing.approved_by)
            return Text("The note {index} of {log} is approved already, by {names}.", names=names, **place)
        case NoteVerdict.WAITS if standing.approver:
            return Text(
                "The note {index} of {log} waits for the word of {name}, and {signer} signed.",
                name=standing.approver.name,
                signer=", ".join(key.name for key in verified.keys),
                **place,
            )
        case _:
            return Text("The note {index} of {log} needs no approval.", **place)
