"""The approvals in a ledger's own logs, and which of its notes wait for one."""

from __future__ import annotations

from datetime import datetime

from ..evidence.note import Verifier
from ..evidence.note_standing import NoteStanding, rules_of
from ..evidence.note_values import NoteSource
from ..evidence.notes import LogNote, RuleNote
from ..evidence.received_approval import ReceivedApproval, noted, received, waiting
from ..evidence.rules import needs_approval
from . import leaves, note_leaves, own_logs
from .sqlite import SqliteStore


def state(store: SqliteStore, approver: Verifier | None) -> tuple[tuple[NoteStanding, ...], set[str]]:
    """Return the notes that wait for an approval, and the names of the approvals that the logs have
    (`Approval.file_name`). Raises LedgerError."""
    with store.connected() as connection:
        logs = own_logs.read(connection)
    return waiting(logs, approver), {approval.file_name for approval in noted(logs)}


def rules_to_approve(store: SqliteStore, rule: RuleNote, at: datetime) -> tuple[RuleNote, ...]:
    """Return a rule, and the one by which it would be judged, if it needed the controller's approval as the
    next note of a ledger; else nothing. Raises LedgerError."""
    with store.connected() as connection:
        rule = note_leaves.missing_rule(connection, rule) or rule
        logs, log = own_logs.read(connection), leaves.log(connection)
    minute = at.replace(second=0, microsecond=0)
    agreed = rules_of(logs, log.origin).agreed(minute)
    note = LogNote(log.origin, log.size, minute, NoteSource.COMMAND, rule)
    if not needs_approval(note, agreed):
        return ()
    return (rule, agreed) if agreed else (rule,)


def judge(store: SqliteStore, data: bytes, approver: Verifier | None) -> ReceivedApproval | None:
    """Judge the signed note of an approval, as `received_approval.received` does, and write nothing. Raises
    EvidenceError, LedgerError."""
    with store.connected() as connection:
        return received(data, own_logs.read(connection), approver)


def take(
    store: SqliteStore, data: bytes, approver: Verifier | None, at: datetime, by: NoteSource
) -> ReceivedApproval | None:
    """Write an approval into the newest log as a note, unless it is there already. Raises as `judge` does,
    and changes nothing then."""
    with store.connected() as connection:
        while True:
            newest = own_logs.newest_note(connection)
            approval = received(data, own_logs.read(connection), approver)  # takes too long for a transaction
            if approval is None or approval.is_there:
                return approval
            with store.turn() as transaction:
                if own_logs.newest_note(connection) == newest:
                    note_leaves.append(transaction, connection, approval.content, at, by)
                    return approval
