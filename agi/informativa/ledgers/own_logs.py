"""A ledger's logs with their notes, as the ledger itself has them. An audit, which trusts no ledger, reads
them by other keys and trees."""

from __future__ import annotations

import sqlite3

from ..evidence.encoding import HASH_SIZE
from ..evidence.note import Signer, Verifier
from ..evidence.note_standing import NoteStanding
from ..evidence.notes import NoteKind, RuleNote
from ..evidence.read_log import ReadLog
from ..evidence.received_approval import waiting
from . import leaves, note_leaves, remembered_trees


def read(connection: sqlite3.Connection) -> dict[str, ReadLog]:
    """Return all logs of a ledger with their notes, by origin, the newest last. Raises sqlite3.Error."""
    return {log.origin: _read_log(connection, log) for log in leaves.logs(connection)}


def waiting_erasures(connection: sqlite3.Connection) -> tuple[NoteStanding, ...]:
    """Return the notes of erasures that wait for the controller's approval. Where nobody is known who could
    give it, none waits: then what a caller asked for would never be done. Raises sqlite3.Error."""
    newest = note_leaves.newest_rule(connection, leaves.log(connection))
    stated = newest.content.approver if newest and isinstance(newest.content, RuleNote) else None
    return tuple(
        standing
        for standing in waiting(read(connection), stated)  # `stated` counts where no rule is in effect yet
        if standing.entry.note
        and standing.entry.note.kind is NoteKind.ERASURE
        and (standing.rule.approver if standing.rule else stated)
    )


def newest_note(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the row of `leaf` of the newest note, -1 before the first, and the epoch of the newest log.
    Raises sqlite3.Error."""
    row: tuple[int, int] = connection.execute(leaves.NEWEST_NOTE).fetchone()
    return row


def key_without_signature(origin: str) -> Verifier:
    """Return a key for a log that nobody signed yet: only its name counts. Raises EvidenceFormatError for a
    name that no key has."""
    return Signer(origin, bytes(32)).verifier


def _read_log(connection: sqlite3.Connection, log: leaves.LedgerLog) -> ReadLog:
    signed = remembered_trees.read(connection, log.epoch)
    key = Verifier.parse(signed.key) if signed else key_without_signature(log.origin)
    root = signed.root if signed and signed.size == log.size else bytes(HASH_SIZE)
    return note_leaves.read_log(connection, log, key, root)
