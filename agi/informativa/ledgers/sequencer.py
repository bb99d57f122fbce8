"""From the leaves of a ledger to a signed checkpoint: off the call path, by one process at a time.

Nothing is signed that does not extend what was signed and published before: the last signed checkpoint lies
with the key, and is there before anybody sees the signature. A ledger that was put back to an older state, or
whose leaves are others now, is refused; calls go on, and are recorded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import ElsewhereError, SigningError
from ..evidence import note
from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.elsewhere import Elsewhere, OwnLog, require_ours
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import Signer
from ..evidence.tiles import TileHashes
from ..evidence.tree import EMPTY_ROOT, root_at
from ..model import Reason, RecordKind
from ..text import Text
from . import leaves, rows
from .leaves import LedgerLog
from .sqlite import SqliteStore

PAGE = 8192  # entries that are held in memory
OLD_AT_ONCE = 250  # records from before there was a log that get their leaves in one turn: some 10 ms

Progress = Callable[[int, int], object]
"""Called with how many records have their leaf, or leaves are in tiles, by now, and how many there are."""


@dataclass(frozen=True)
class Sequenced:
    """A log as it is now: its newest checkpoint as it is published, and how many leaves it has that the
    checkpoint before had not."""

    epoch: int
    checkpoint: Checkpoint
    data: bytes
    added: int


def sequence(
    ledger: Path, progress: Progress | None = None, elsewhere: Sequence[Elsewhere] = ()
) -> Sequenced:
    """Put what was recorded into tiles and sign a checkpoint of it; none where nothing was added. Those from
    before there was a log are entered first, in turns beside the calls. `elsewhere` are those who have other
    checkpoints of the log. Raises LedgerError, and EvidenceError where nothing can, or may, be signed."""
    _enter_old(ledger, progress)
    folder = LogFolder(ledger)
    with folder.sequencing(), contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store:
        log = store.log()
        published = folder.published(log.epoch)
        there = published.checkpoint()
        signer, known = _signed_before(folder, log)
        old = _require_extension(store, log, known, published)
        for leaf, event in store.notes(log.first + old):
            published.note_gone(leaf, f"{event.kind} {event.reference}")
        signed = folder.last_signed(log.epoch)
        if there and signed and {each.size for each in known} == {log.size}:
            return Sequenced(log.epoch, known[0], there, 0)
        if there is None:  # whoever witnesses needs it before the first checkpoint
            published.put_key(signer.verifier)
        if elsewhere:
            last = signed or note.sign(Checkpoint(log.origin, 0, EMPTY_ROOT).text, signer)
            _require_agreement(elsewhere, OwnLog(published, signer.verifier, old, last))
        for at in range(old, log.size, PAGE):
            published.extend(at, store.entries(log.first + at, min(PAGE, log.size - at)))
            if progress:
                progress(min(at + PAGE, log.size), log.size)
        root = root_at(log.size, TileHashes(log.size, published.tiles.read))
        checkpoint = Checkpoint(log.origin, log.size, root)
        data = note.sign(checkpoint.text, signer)
        folder.keep_signed(log.epoch, data)
        published.put_checkpoint(log.size, data)
        published.tiles.drop_partials(old, log.size)
        return Sequenced(log.epoch, checkpoint, data, log.size - old)


def begin_epoch(ledger: Path, at: datetime) -> None:
    """Sign a ledger's log to its end, and go on in another by a key of its own. Writers wait meanwhile: what
    can be signed before should be (`sequence`). Raises as `sequence` does."""
    with (
        contextlib.closing(SqliteStore(str(ledger), create=False, migrate=False)) as store,
        store.connected() as connection,
        store.transaction() as transaction,
    ):
        last = sequence(ledger)
        leaves.begin_another(connection, store.log())
        transaction.forget_log()
        says = leaves.follows(last.checkpoint)
        transaction.append(rows.note(RecordKind.NEW_LOG, Reason.NEW_KEY, at, says))
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
    """Whether the next checkpoint may be signed, as far as it can be seen here. Raises as `sequence` does."""
    folder = LogFolder(ledger)
    with contextlib.closing(SqliteStore(str(ledger), read_only=True)) as store:
        log = store.log()
        published = folder.published(log.epoch)
        if published.checkpoint() is None and folder.last_signed(log.epoch) is None:
            return  # nothing was ever signed
        _signer, known = _signed_before(folder, log)
        _require_extension(store, store.log(), known, published)  # as it is after that was read


def _require_extension(
    store: SqliteStore, log: LedgerLog, known: Sequence[Checkpoint], published: PublishedLog
) -> int:
    """That the ledger extends what was signed; how many leaves that is. Raises SigningError."""
    old = max((each.size for each in known), default=0)
    for each in known:
        _require_prefix(each, old, published)
    _require_same(store, log, old, published)
    return old


def _require_agreement(elsewhere: Sequence[Elsewhere], own: OwnLog) -> None:
    """That somebody elsewhere answers, and that nobody has what is not in the log. Raises SigningError,
    ForkError."""
    silent = []
    for each in elsewhere:
        try:
            there = each.newest(own)
        except ElsewhereError as error:
            silent.append(error)
            continue
        if there is not None:
            require_ours(there, own, each.name)
    if len(silent) == len(elsewhere):
        raise SigningError(
            Text(
                "Nothing is signed as long as nobody elsewhere answers: {why}",
                "it is tried again; records wait in the ledger meanwhile",
                why=silent[0].text,
            ),
            code="nobody-answers",
        )


def _signed_before(folder: LogFolder, log: LedgerLog) -> tuple[Signer, list[Checkpoint]]:
    """The key that signs, and the last checkpoints that it did sign: the one beside it, and those that are
    published. Raises SigningError where none of them is left: nobody knows then what would contradict it."""
    published, signed = folder.published(log.epoch), folder.last_signed(log.epoch)
    sizes = published.sizes()
    last = published.checkpoint_of(sizes[-1]) if sizes else None
    there = [data for data in (published.checkpoint(), last) if data is not None]
    begun = signed is not None and Checkpoint.unverified(signed).size > 0
    signer = folder.signer(log.origin, log.epoch, create=not there and not begun)
    kept = [*there, *filter(None, [folder.last_signed(log.epoch)])]
    if not kept:
        raise SigningError(
            Text(
                "What the key of the log {origin} has signed is lost, beside it and in {folder}",
                "put one of the two back",
                origin=log.origin,
                folder=published.folder,
            ),
            code="signed-unknown",
        )
    return signer, [open_checkpoint(data, [signer.verifier]).checkpoint for data in kept]


def _require_prefix(checkpoint: Checkpoint, size: int, published: PublishedLog) -> None:
    """That the tiles of `size` leaves begin with the tree of a checkpoint. Raises SigningError."""
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


def _require_same(store: SqliteStore, log: LedgerLog, old: int, published: PublishedLog) -> None:
    """That the ledger has what was signed, and that the last of it is the same. Raises SigningError."""
    if log.size < old:
        raise SigningError(
            Text(
                "The ledger {file} was put back to an older state: of {old} signed records it has {size}",
                "stop the service, and type: informativa ledger restore COPY --controller NAME",
                file=store.file,
                size=log.size,
                old=old,
            ),
            code="rolled-back",
        )
    if old and store.entries(log.first + old - 1, 1) != [published.entry(old - 1, old)]:
        raise SigningError(
            Text(
                "Record {index} of the log is another one in the ledger {file} than the one that was signed",
                "keep it, and type: informativa evidence audit",
                file=store.file,
                index=old - 1,
            ),
            code="rolled-back",
        )
