"""The approvals in a ledger's own logs, and which of its notes wait for one."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from ..evidence.note import Verifier
from ..evidence.note_standing import NoteStanding
from ..evidence.note_values import NoteSource
from ..evidence.read_log import UNKNOWN_ROOT, ReadLog
from ..evidence.received_approval import ReceivedApproval, noted, received, waiting
from . import leaves, note_leaves, remembered_trees
from .leaves import LedgerLog
from .sqlite import SqliteStore


def read_logs(connection: sqlite3.Connection) -> dict[str, ReadLog]:
    """Return all logs of a ledger with their notes, by origin, the newest last. Raises sqlite3.Error."""
    return {log.origin: _read_log(connection, log) for log in leaves.logs(connection)}


def state(store: SqliteStore, approver: Verifier | None) -> tuple[tuple[NoteStanding, ...], set[str]]:
    """Return the notes that wait for an approval, and the names of the approvals that the logs have
    (`Approval.file_name`). Raises LedgerError."""
    with store.connected() as connection:
        logs = read_logs(connection)
    return waiting(logs, approver), {approval.file_name for approval in noted(logs)}


def judge(store: SqliteStore, data: bytes, approver: Verifier | None) -> ReceivedApproval | None:
    """Judge the signed note of an approval, as `received_approval.received` does, and write nothing. Raises
    EvidenceError, LedgerError."""
    with store.connected() as connection:
        return received(data, read_logs(connection), approver)


def take(
    store: SqliteStore, data: bytes, approver: Verifier | None, at: datetime, by: NoteSource
) -> ReceivedApproval | None:
    """Write an approval into the newest log as a note, unless it is there already. Raises as `judge` does,
    and changes nothing then."""
    with store.connected() as connection:
        while True:
            newest = _newest_note(connection)
            approval = received(data, read_logs(connection), approver)  # takes too long for a transaction
            if approval is None or approval.is_there:
                return approval
            with store.turn() as transaction:
                if _newest_note(connection) == newest:
                    note_leaves.append(transaction, connection, approval.content, at, by)
                    return approval


def _newest_note(connection: sqlite3.Connection) -> tuple[int, ...]:
    """Return the row of `leaf` of the newest note, and the epoch of the newest log."""
    row: tuple[int, ...] = connection.execute(leaves.NEWEST_NOTE).fetchone()
    return row


def _read_log(connection: sqlite3.Connection, log: LedgerLog) -> ReadLog:
    """Return a log. One that was not signed yet has no key, and another one stands there."""
    signed = remembered_trees.read(connection, log.epoch)
    key = Verifier.parse(signed.key) if signed else note_leaves.unsigned_key(log)
    root = signed.root if signed and signed.size == log.size else UNKNOWN_ROOT
    return note_leaves.read_log(connection, log, key, root)
