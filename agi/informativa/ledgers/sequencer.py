"""From the leaves of a ledger to a signed checkpoint: outside of calls, by one process at a time.

A checkpoint is signed only if it extends what was signed and published before. The last signed checkpoint is
stored beside the key before anybody sees the signature. If a ledger was put back to an older state, or has
other leaves now, signing is refused; calls go on, and are recorded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence import note
from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.elsewhere import CheckpointSource, LocalLog, require_ours
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import Signer
from ..evidence.tiles import TileHashes
from ..evidence.tree import EMPTY_ROOT, root_at
from ..model import Reason, RecordKind
from ..model.errors import ElsewhereError, SigningError
from ..model.text import Text
from . import leaves, rows
from .leaves import LedgerLog
from .sqlite import SqliteStore

PAGE = 8192  # entries in memory at once
OLD_AT_ONCE = 250  # records from before there was a log that get their leaves in one transaction: some 10 ms

Progress = Callable[[int, int], object]
"""Called with the number of records that have a leaf, or of leaves in tiles, so far, and with that of all."""


@dataclass(frozen=True)
class SequencingResult:
    """The present state of a log: its newest checkpoint, as a value and as its published bytes, and the
    number of leaves that were added since the checkpoint before."""

    epoch: int
    checkpoint: Checkpoint
    data: bytes
    added: int


def sequence(
    ledger: Path, progress: Progress | None = None, elsewhere: Sequence[CheckpointSource] = ()
) -> SequencingResult:
    """Put new leaves into tiles, and sign a checkpoint of them; if there are none, return the last one.
    Records from before there was a log get their leaves first, in turns beside the calls. `elsewhere` are
    others who hold checkpoints of the log. Raises LedgerError, and EvidenceError if nothing can, or may, be
    signed."""
    _enter_old(ledger, progress)
    folder = LogFolder(ledger)
    with folder.sequencing(), contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store:
        log = store.log()
        published = folder.published(log.epoch)
        published_data = published.checkpoint()
        signer, checkpoints = _signed_before(folder, log)
        signed_size = _require_extension(store, log, checkpoints, published)
        for leaf, event in store.notes(log.first + signed_size):
            published.note_gone(leaf, f"{event.kind} {event.reference}")
        signed = folder.last_signed(log.epoch)
        if published_data and signed and {checkpoint.size for checkpoint in checkpoints} == {log.size}:
            return SequencingResult(log.epoch, checkpoints[0], published_data, 0)
        if published_data is None:  # a witness needs it before the first checkpoint
            published.put_key(signer.verifier)
        if elsewhere:
            last = signed or note.sign(Checkpoint(log.origin, 0, EMPTY_ROOT).text, signer)
            _require_agreement(elsewhere, LocalLog(published, signer.verifier, signed_size, last))
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
        return SequencingResult(log.epoch, checkpoint, data, log.size - signed_size)


def begin_epoch(ledger: Path, at: datetime) -> None:
    """Sign a ledger's log to its end, and begin another one with a key of its own. Writers wait meanwhile, so
    what can be signed before should be (`sequence`). Raises as `sequence` does."""
    with (
        contextlib.closing(SqliteStore(str(ledger), create=False, migrate=False)) as store,
        store.connected() as connection,
        store.transaction() as transaction,
    ):
        last = sequence(ledger)
        leaves.begin_another(connection, store.log())
        transaction.forget_log()
        reference = leaves.follows(last.checkpoint)
        transaction.append(rows.note(RecordKind.NEW_LOG, Reason.NEW_KEY, at, reference))
    LogFolder(ledger).retire(last.epoch)


def _enter_old(ledger: Path, progress: Progress | None) -> None:
    with contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store:
        log = store.log()
    left = log.old - log.entered
    if not left:
        return
    with contextlib.closing(SqliteStore(str(ledger), create=False, migrate=False)) as store:
        while left:
            left = store.enter_old(OLD_AT_ONCE)
            if progress:
                progress(log.old - left, log.old)


def examine(ledger: Path) -> None:
    """Check whether the next checkpoint may be signed, as far as can be seen on this machine. Raises as
    `sequence` does."""
    folder = LogFolder(ledger)
    with contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store:
        log = store.log()
        published = folder.published(log.epoch)
        if published.checkpoint() is None and folder.last_signed(log.epoch) is None:
            return  # nothing was ever signed
        _signer, checkpoints = _signed_before(folder, log)
        log = store.log()  # as it is after the checkpoints were read
        _require_extension(store, log, checkpoints, published)


def _require_extension(
    store: SqliteStore, log: LedgerLog, checkpoints: Sequence[Checkpoint], published: PublishedLog
) -> int:
    """Check that the ledger extends the signed checkpoints, and return the size of the largest. Raises
    SigningError."""
    signed_size = max((checkpoint.size for checkpoint in checkpoints), default=0)
    for checkpoint in checkpoints:
        _require_prefix(checkpoint, signed_size, published)
    _require_same(store, log, signed_size, published)
    return signed_size


def _require_agreement(elsewhere: Sequence[CheckpointSource], own: LocalLog) -> None:
    """Check that at least one place elsewhere answers, and that none has leaves that are not in the log.
    Raises SigningError, ForkError."""
    errors = []
    for place in elsewhere:
        try:
            checkpoint = place.newest(own)
        except ElsewhereError as error:
            errors.append(error)
            continue
        if checkpoint is not None:
            require_ours(checkpoint, own, place.name)
    if len(errors) == len(elsewhere):
        raise SigningError(
            Text(
                "Nothing is signed as long as nobody elsewhere answers: {why}",
                "it is tried again; records wait in the ledger meanwhile",
                why=errors[0].text,
            ),
            code="nobody-answers",
        )


def _signed_before(folder: LogFolder, log: LedgerLog) -> tuple[Signer, list[Checkpoint]]:
    """Return the key that signs, and the last checkpoints that it signed: the one beside it, and the
    published ones. Raises SigningError if none of them is left, because then nobody knows what a new one
    could contradict."""
    published, signed = folder.published(log.epoch), folder.last_signed(log.epoch)
    sizes = published.sizes()
    last = published.checkpoint_of(sizes[-1]) if sizes else None
    published_ones = [data for data in (published.checkpoint(), last) if data is not None]
    has_signed = signed is not None and Checkpoint.unverified(signed).size > 0
    signer = folder.signer(log.origin, log.epoch, create=not published_ones and not has_signed)
    all_data = [*published_ones, *filter(None, [folder.last_signed(log.epoch)])]
    if not all_data:
        raise SigningError(
            Text(
                "What the key of the log {origin} has signed is lost, beside it and in {folder}",
                "put one of the two back",
                origin=log.origin,
                folder=published.folder,
            ),
            code="signed-unknown",
        )
    return signer, [open_checkpoint(data, [signer.verifier]).checkpoint for data in all_data]


def _require_prefix(checkpoint: Checkpoint, size: int, published: PublishedLog) -> None:
    """Check that the tiles of `size` leaves begin with the tree of a checkpoint. Raises SigningError."""
    if root_at(checkpoint.size, TileHashes(size, published.tiles.read)) != checkpoint.root:
        raise SigningError(
            Text(
                "The tiles in {folder} are not those of the checkpoint of {size} records",
                "they, or the checkpoint, were changed: keep all, and type: informativa evidence audit",
                folder=published.folder,
                size=checkpoint.size,
            ),
            code="tiles-differ",
        )


def _require_same(store: SqliteStore, log: LedgerLog, signed_size: int, published: PublishedLog) -> None:
    """Check that the ledger has all signed leaves, and that the last of them is the same. Raises
    SigningError."""
    if log.size < signed_size:
        raise SigningError(
            Text(
                "The ledger {file} was put back to an older state: of {old} signed records it has {size}",
                "stop the service, and type: informativa ledger restore COPY --controller NAME",
                file=store.file,
                size=log.size,
                old=signed_size,
            ),
            code="rolled-back",
        )
    if signed_size and store.entries(log.first + signed_size - 1, 1) != [
        published.entry(signed_size - 1, signed_size)
    ]:
        raise SigningError(
            Text(
                "Record {index} of the log is another one in the ledger {file} than the one that was signed",
                "keep it, and type: informativa evidence audit",
                file=store.file,
                index=signed_size - 1,
            ),
            code="rolled-back",
        )
