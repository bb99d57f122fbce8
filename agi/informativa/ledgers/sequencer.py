"""From the leaves of a ledger to a signed checkpoint: outside of calls, by one process at a time.

A checkpoint is signed only if it extends what was signed and published before (`extension`). The last signed
checkpoint is stored beside the key before anybody sees the signature, and its tree in the ledger afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence import note
from ..evidence.checkpoint import Checkpoint
from ..evidence.elsewhere import CheckpointSource, LocalLog
from ..evidence.log_folder import LogFolder
from ..evidence.note_values import NoteSource
from ..evidence.notes import NewLogNote, NextNote
from ..evidence.tiles import TileHashes
from ..evidence.tree import EMPTY_ROOT, root_at
from ..model import Reason, RecordKind
from ..model.errors import ENDS_UNSIGNED, SigningError
from . import leaves, note_leaves, own_logs, references, rows
from .extension import (
    PAGE,
    end_of_signed,
    leaves_so_far,
    require_agreement,
    require_extension,
    signed_before,
    successor,
    unsigned_end,
)
from .instructions import instruction_for
from .leaves import LedgerLog
from .own_logs import RememberedTree
from .sqlite import SqliteStore

Progress = Callable[[int, int], object]
"""Called with the number of leaves in tiles so far, and with that of all."""


@dataclass(frozen=True)
class SequencingResult:
    """The present state of a log: its newest checkpoint, as a value and as its published bytes, and the
    number of leaves that were added since the checkpoint before. `key` (a vkey) signed it."""

    epoch: int
    checkpoint: Checkpoint
    data: bytes
    added: int
    key: str

    @property
    def tree(self) -> RememberedTree:
        """The signed tree, as the ledger remembers it."""
        return RememberedTree(self.key, self.checkpoint.size, self.checkpoint.root)


def sequence(
    ledger: Path, progress: Progress | None = None, elsewhere: Sequence[CheckpointSource] = ()
) -> SequencingResult:
    """Put new leaves into tiles, and sign a checkpoint of them; if there are none, return the last one.
    `elsewhere` are others who hold checkpoints of the log. Raises LedgerError, and EvidenceError if nothing
    can, or may, be signed."""
    folder = LogFolder(ledger)
    with folder.sequencing():
        with contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store:
            *earlier_logs, log = store.logs()
            signed = [(end.epoch, end.tree) for end in _sign_ends(store, folder, earlier_logs)]
            result = _sign(store, folder, log, progress, elsewhere)
            signed.append((result.epoch, result.tree))
            new = [(epoch, tree) for epoch, tree in signed if store.remembered_tree(epoch) != tree]
        if new:
            with (
                contextlib.closing(SqliteStore(str(ledger), create=False)) as store,
                store.transaction(),
                store.connected() as connection,
            ):
                for epoch, tree in new:
                    own_logs.remember(connection, epoch, tree)
        for epoch, _tree in signed[:-1]:
            folder.retire(epoch)
    return result


def _sign_ends(
    store: SqliteStore, folder: LogFolder, earlier_logs: Sequence[LedgerLog]
) -> Iterator[SequencingResult]:
    """Sign the ends of earlier logs whose last leaf names the next log's key, and whose own key is still
    there: whoever ended them was interrupted."""
    for log in earlier_logs:
        if folder.has_key(log.epoch) and successor(store, log) is not None:
            try:
                yield _sign(store, folder, log)
            except SigningError as error:
                if error.code not in ENDS_UNSIGNED:  # then the next log says more
                    raise


def _sign(
    store: SqliteStore,
    folder: LogFolder,
    log: LedgerLog,
    progress: Progress | None = None,
    elsewhere: Sequence[CheckpointSource] = (),
) -> SequencingResult:
    """Sign a log to its end, as the one who is `sequencing`."""
    published = folder.published(log.epoch)
    published_data = published.checkpoint()
    signer, checkpoints = signed_before(store, folder, log)
    key = str(signer.verifier)
    signed_size = require_extension(store, log, checkpoints, published)
    for leaf, event in store.notes(log.first + signed_size):
        published.note_gone(leaf, f"{event.kind} {event.reference}")
    signed = folder.last_signed(log.epoch)
    if published_data and signed and {checkpoint.size for checkpoint in checkpoints} == {log.size}:
        return SequencingResult(log.epoch, checkpoints[0], published_data, 0, key)
    if published_data is None:  # a witness needs it before the first checkpoint
        published.put_key(signer.verifier)
    if elsewhere:
        last = signed or note.sign(Checkpoint(log.origin, 0, EMPTY_ROOT).text, signer)
        require_agreement(elsewhere, LocalLog(published, signer.verifier, signed_size, last))
    for start in range(signed_size, log.size, PAGE):
        published.extend(start, store.entries(log.first + start, min(PAGE, log.size - start)))
        if progress:
            progress(min(start + PAGE, log.size), log.size)
    root = root_at(log.size, TileHashes(log.size, published.tiles.read))
    checkpoint = Checkpoint(log.origin, log.size, root)
    data = note.sign(checkpoint.text, signer)
    folder.keep_signed(log.epoch, data)
    published.put_checkpoint(log.size, data)
    published.tiles.drop_partials(signed_size, log.size)
    return SequencingResult(log.epoch, checkpoint, data, log.size - signed_size, key)


def begin_epoch(
    ledger: Path, at: datetime, instruction: str = "", by: NoteSource = NoteSource.COMMAND
) -> None:
    """Sign a ledger's log to its end, and begin another one with a key of its own. A log whose folder or
    key is gone ends unsigned, with all leaves that the ledger has; then the note about it has the
    `instruction`. Writers wait meanwhile, so what can be signed before should be (`sequence`).

    Both logs change in one transaction: the last leaf of a log with a rule names the key of the next one,
    which begins with the tree that ends so. If that is interrupted, nothing has changed; if the signing of
    this last leaf is, `sequence` goes on with it. Raises as `sequence` does, but for the folder, and
    InformativaError if the instruction is missing.
    """
    folder = LogFolder(ledger)
    with (
        folder.sequencing(),
        contextlib.closing(SqliteStore(str(ledger), create=False)) as store,
    ):
        hashed, log = None, store.log()
        if not folder.has_key(log.epoch):  # before calls have to wait
            hashed = leaves_so_far(store, log, folder.published(log.epoch))
        with store.connected() as connection, store.transaction() as transaction:
            log, rule = store.log(), note_leaves.stated_rule(connection, store.logs())
            try:
                last = _sign(store, folder, log)
            except SigningError as error:
                if error.code not in ENDS_UNSIGNED:
                    raise
                end = unsigned_end(store, log, folder.published(log.epoch), hashed)
                new_log = NewLogNote((end,), instruction_for([rule], instruction) if rule else "")
            else:
                own_logs.remember(connection, log.epoch, last.tree)
                if rule is not None:
                    next_origin = leaves.next_origin(log)
                    key = folder.signer(next_origin, log.epoch + 1, create=True).verifier
                    note_leaves.append(transaction, connection, NextNote(key), at, by)
                end = end_of_signed(store, store.log(), folder.published(log.epoch), last.checkpoint.size)
                new_log = NewLogNote((end,))
            leaves.begin_another(connection, store.log())
            transaction.forget_log()
            if rule is None:
                reference = references.follows(end)
                transaction.append(rows.note(RecordKind.NEW_LOG, Reason.NEW_KEY, at, reference))
            else:
                note_leaves.append(transaction, connection, new_log, at, by)
                note_leaves.keep_rule(transaction, connection, rule, at, by)
        ends = list(_sign_ends(store, folder, [ended for ended in store.logs() if ended.epoch == log.epoch]))
        with store.connected() as connection, store.transaction():
            for signed in ends:
                own_logs.remember(connection, signed.epoch, signed.tree)
        folder.retire(log.epoch)


def examine(store: SqliteStore) -> None:
    """Check whether the next checkpoint of an open ledger may be signed, as far as can be seen on this
    machine. Raises as `sequence` does."""
    folder, log = LogFolder(store.file), store.log()
    published = folder.published(log.epoch)
    signed = folder.last_signed(log.epoch)
    is_signed = signed is not None and Checkpoint.unverified(signed).size > 0
    if not (is_signed or store.remembered_tree(log.epoch) or published.checkpoint()):
        return  # nothing was ever signed, though the key may be about to be made
    _signer, checkpoints = signed_before(store, folder, log, create=False)
    log = store.log()  # as it is after the checkpoints were read
    require_extension(store, log, checkpoints, published)
