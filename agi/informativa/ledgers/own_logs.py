"""A ledger's logs with their notes: as the ledger itself has them, and as an audit, which does not trust it,
reads them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from ..evidence.checkpoint import Checkpoint
from ..evidence.cosignature import WitnessVerifier
from ..evidence.log_folder import LogFolder
from ..evidence.note import NoteVerifier, Verifier
from ..evidence.note_standing import NoteStanding
from ..evidence.notes import NoteKind, RuleNote
from ..evidence.read_log import UNKNOWN_ROOT, ReadLog
from ..evidence.received_approval import waiting
from ..model.errors import EvidenceError
from . import leaves, note_leaves

_REMEMBERED = "SELECT key, size, root FROM signed WHERE epoch = ?"
_REMEMBER = "INSERT OR REPLACE INTO signed (epoch, key, size, root) VALUES (?, ?, ?, ?)"


class RememberedTree(NamedTuple):
    """A tree of `size` leaves with that root (32 bytes), signed by the log's key (a vkey): the last
    one of a log, as the ledger itself remembers it. A folder of the log that was deleted, or is another one,
    contradicts it."""

    key: str
    size: int
    root: bytes


def read(connection: sqlite3.Connection) -> dict[str, ReadLog]:
    """Return all logs of a ledger with their notes, by origin, the newest last. Raises sqlite3.Error."""
    return {log.origin: _read_log(connection, log) for log in leaves.logs(connection)}


def read_for_audit(
    connection: sqlite3.Connection, folder: LogFolder, keys: Sequence[NoteVerifier]
) -> dict[str, ReadLog]:
    """Return all logs of a ledger with their notes, each by its own of these keys or by the published one,
    and as long as it was published, or longer. A log whose name is none is left out; the audit reports it.
    Raises sqlite3.Error."""
    own_keys = {key.name: key for key in keys if isinstance(key, Verifier)}
    return {
        log.origin: read_log
        for log in leaves.logs(connection)
        for read_log in _read_for_audit(connection, folder, log, own_keys.get(log.origin))
    }


def witnesses(connection: sqlite3.Connection) -> Iterator[WitnessVerifier]:
    """Yield the witnesses that the rules of all logs name. Raises sqlite3.Error."""
    for log in leaves.logs(connection):
        for note in note_leaves.backwards(connection, log):
            if isinstance(note.content, RuleNote):
                yield from note.content.witnesses


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


def remembered_tree(connection: sqlite3.Connection, epoch: int) -> RememberedTree | None:
    """Return the last tree of a log of which the ledger knows that it was signed. Raises sqlite3.Error, also
    for values that no tree has."""
    row = connection.execute(_REMEMBERED, (epoch,)).fetchone()
    if row is None:
        return None
    if tuple(map(type, row)) != (str, int, bytes):
        raise sqlite3.DatabaseError("what was signed is not as it was written")
    return RememberedTree(*row)


def remember(connection: sqlite3.Connection, epoch: int, tree: RememberedTree) -> None:
    """Remember a signed tree, within a transaction. Raises sqlite3.Error."""
    connection.execute(_REMEMBER, (epoch, *tree))


def _read_log(connection: sqlite3.Connection, log: leaves.LedgerLog) -> ReadLog:
    signed = remembered_tree(connection, log.epoch)
    key = Verifier.parse(signed.key) if signed else note_leaves.unsigned_key(log)
    root = signed.root if signed and signed.size == log.size else UNKNOWN_ROOT
    return note_leaves.read_log(connection, log, key, root)


def _read_for_audit(
    connection: sqlite3.Connection, folder: LogFolder, log: leaves.LedgerLog, key: Verifier | None
) -> Iterator[ReadLog]:
    published, tree = folder.published(log.epoch), None
    with suppress(EvidenceError):
        key = key or published.key()
    with suppress(EvidenceError):
        tree = Checkpoint.unverified(published.checkpoint() or b"")
    with suppress(EvidenceError):
        if key is None or key.name != log.origin:
            key = note_leaves.unsigned_key(log)
        read_log = note_leaves.read_log(connection, log, key)
        is_longer = tree is not None and tree.origin == log.origin and tree.size >= log.size
        yield replace(read_log, size=tree.size, root=tree.root) if tree and is_longer else read_log
