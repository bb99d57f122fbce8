"""Checks before a checkpoint is signed: it must extend all that was signed and published, and what the ledger
remembers. If a ledger or the folder of its log was put back to an older state, or has other leaves now,
nothing is signed; calls go on, and are recorded."""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.elsewhere import CheckpointSource, LocalLog, require_ours
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import Signer, Verifier
from ..evidence.notes import NextNote
from ..evidence.read_log import ReadEntry
from ..evidence.tiles import TileHashes
from ..evidence.tree import Frontier, leaf_hash, root_at
from ..model.errors import LOG_MISSING, ElsewhereError, SigningError
from ..model.text import Text
from .leaves import LedgerLog
from .sqlite import SqliteStore

PAGE = 8192  # entries in memory at once


def require_extension(
    store: SqliteStore, log: LedgerLog, checkpoints: Sequence[Checkpoint], published: PublishedLog
) -> int:
    """Check that the ledger extends the signed checkpoints, and return the size of the largest. Raises
    SigningError."""
    signed_size = max((checkpoint.size for checkpoint in checkpoints), default=0)
    for checkpoint in checkpoints:
        _require_prefix(checkpoint, signed_size, published)
    _require_same(store, log, signed_size, published)
    _require_remembered(store, log, signed_size, published)
    return signed_size


def require_agreement(elsewhere: Sequence[CheckpointSource], own: LocalLog) -> None:
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


def require_present(store: SqliteStore, folder: LogFolder, log: LedgerLog) -> None:
    """Check that a checkpoint is left of a log that was signed, according to the ledger. Raises SigningError
    if none is, and if only the user who signs can say it."""
    remembered, published = store.remembered_tree(log.epoch), folder.published(log.epoch)
    if remembered is None or published.checkpoint() is not None or published.sizes():
        return
    signed = folder.last_signed(log.epoch)
    if signed is None or Checkpoint.unverified(signed).size == 0:
        raise SigningError(
            Text(
                "The log of the ledger {file} is gone from {folder}: {size} records of it were signed",
                "put the folder back, from a backup or from where it is published; where there is none,"
                " end the log: informativa evidence key --new --controller NAME",
                file=store.file,
                folder=folder.folder,
                size=remembered.size,
            ),
            code=LOG_MISSING,
        )


def signed_before(
    store: SqliteStore, folder: LogFolder, log: LedgerLog, *, create: bool = True
) -> tuple[Signer, list[Checkpoint]]:
    """Return the key that signs, and the last checkpoints that it signed: the one beside it, and the
    published ones. With `create` a log that has none yet gets its key. Raises SigningError if none of them is
    left, because then nobody knows what a new one could contradict, and if the ledger remembers another
    key."""
    published, signed = folder.published(log.epoch), folder.last_signed(log.epoch)
    require_present(store, folder, log)
    remembered = store.remembered_tree(log.epoch)
    sizes = published.sizes()
    last = published.checkpoint_of(sizes[-1]) if sizes else None
    published_ones = [data for data in (published.checkpoint(), last) if data is not None]
    has_signed = signed is not None and Checkpoint.unverified(signed).size > 0
    signer = folder.signer(log.origin, log.epoch, create=create and not published_ones and not has_signed)
    if not has_signed:
        signed = folder.last_signed(log.epoch)  # of a key that was just made
    # Mostly all are the same note, which is verified once.
    all_data = dict.fromkeys([*published_ones, *filter(None, [signed])])
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
    key = signer.verifier
    checkpoints = [open_checkpoint(data, [key]).checkpoint for data in all_data]
    if remembered and remembered.key != str(key):
        raise _not_remembered(store, published)
    return signer, checkpoints


def _require_remembered(
    store: SqliteStore, log: LedgerLog, signed_size: int, published: PublishedLog
) -> None:
    """Check that the log begins with the tree that the ledger remembers. Where the folder is older than that,
    the leaves show it, and the folder is brought up to date. Raises SigningError."""
    remembered = store.remembered_tree(log.epoch)
    if remembered is None:
        return
    if remembered.size <= signed_size:
        root = root_at(remembered.size, TileHashes(signed_size, published.tiles.read))
    else:
        frontier = Frontier.at(signed_size, TileHashes(signed_size, published.tiles.read))
        _grow(frontier, store, log, remembered.size)
        root = frontier.root()
    if root != remembered.root:
        raise _not_remembered(store, published)


def leaves_so_far(store: SqliteStore, log: LedgerLog, published: PublishedLog) -> Frontier:
    """Return the tree of all leaves of a log that the ledger has by now, whose hashing takes seconds for a
    million. Raises SigningError if it does not begin with the tree that the ledger remembers."""
    frontier, remembered = Frontier(), store.remembered_tree(log.epoch)
    if remembered:
        _grow(frontier, store, log, remembered.size)
        if frontier.root() != remembered.root:
            raise _not_remembered(store, published)
    _grow(frontier, store, log, log.size)
    return frontier


def unsigned_end(
    store: SqliteStore, log: LedgerLog, published: PublishedLog, hashed: Frontier | None = None
) -> Checkpoint:
    """Return the tree of all leaves of a log whose folder is gone, as the ledger has them; some may have been
    `hashed` before. Raises as `leaves_so_far` does."""
    frontier = hashed or leaves_so_far(store, log, published)
    _grow(frontier, store, log, log.size)
    return Checkpoint(log.origin, log.size, frontier.root())


def successor(store: SqliteStore, log: LedgerLog) -> Verifier | None:
    """Return the key of the next log, if the last leaf of a log names it."""
    for entry in store.entries(log.next - 1, 1) if log.size else ():
        note = ReadEntry.read(entry, log.origin, log.size - 1).note
        if note is not None and isinstance(note.content, NextNote):
            return note.content.key
    return None


def end_of_signed(store: SqliteStore, log: LedgerLog, published: PublishedLog, size: int) -> Checkpoint:
    """Return the tree of all leaves of a log of which `size` are signed and published."""
    frontier = Frontier.at(size, TileHashes(size, published.tiles.read))
    _grow(frontier, store, log, log.size)
    return Checkpoint(log.origin, log.size, frontier.root())


def tree(store: SqliteStore, log: LedgerLog, size: int) -> Checkpoint:
    """Return the tree of the first leaves of a log, as the ledger has them: `size`, or all."""
    frontier = Frontier()
    _grow(frontier, store, log, size)
    return Checkpoint(log.origin, frontier.size, frontier.root())


def _grow(frontier: Frontier, store: SqliteStore, log: LedgerLog, size: int) -> None:
    """Add the ledger's leaves to a tree until it has that size, or all."""
    while entries := store.entries(log.first + frontier.size, min(size - frontier.size, PAGE)):
        for entry in entries:
            frontier.append(leaf_hash(entry))


def _not_remembered(store: SqliteStore, published: PublishedLog) -> SigningError:
    return SigningError(
        Text(
            "The log in {folder} is not the one that the ledger {file} had when it was last signed",
            "put the right one back, from a backup or from where it is published",
            file=store.file,
            folder=published.folder,
        ),
        code="other-log",
    )


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
                "Record {index} of the log is gone from the ledger {file}, or is another one than was signed",
                "keep it, and type: informativa evidence audit",
                file=store.file,
                index=signed_size - 1,
            ),
            code="rolled-back",
        )
