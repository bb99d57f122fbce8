"""The way back of what was published of a company's log, to the machine that has lost it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from ..evidence.checkpoint import open_checkpoint
from ..evidence.elsewhere import CheckpointSource, LocalLog, another_log, longer_elsewhere
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import Verifier
from ..evidence.notes import NextNote
from ..evidence.origin import origin
from ..evidence.publishing import TargetSource, folder_of
from ..evidence.read_log import ReadEntry
from ..evidence.retrieving import retrieve as read_back
from ..evidence.settings import EvidenceConfig, PublishingTarget
from ..evidence.targets import FolderTarget
from ..evidence.witness_client import WitnessClient
from ..model import Controller
from ..model.errors import ElsewhereError, EvidenceError, ForkError, InformativaError, SigningError
from ..model.text import NOTHING, Text
from . import storage


def retrieve(controller: Controller, settings: EvidenceConfig) -> None:
    """Add to a controller's log, and to those that followed it, what their targets have beyond what is here.
    Where the signing key is here so is all that it signed, and a target may be away. Raises EvidenceError,
    and InformativaError for a target that must be read and cannot be."""
    folder = LogFolder(Path(controller.ledger))
    for place in settings.targets if folder.epochs() else ():
        try:
            _retrieve_from(folder, place)
        except ElsewhereError as error:
            if not _has_key(folder):
                raise InformativaError(
                    Text(
                        "What was published of its log at {place} may be more than is here, and cannot be"
                        " read ({why}).",
                        place=place.place,
                        why=error.message,
                    ),
                    Text(
                        "Mount it, and try again. If it is gone for good, take it out of"
                        " evidence.publish first: what was there alone is lost then."
                    ),
                ) from error


def _has_key(folder: LogFolder) -> bool:
    """Return whether the key of the newest log is here, if need be as another user's."""
    try:
        return folder.has_key(folder.epochs()[-1])
    except SigningError:
        return True


def _retrieve_from(folder: LogFolder, place: PublishingTarget) -> None:
    source = FolderTarget(Path(place.place))
    source.begin()
    epochs = folder.epochs()
    for epoch in epochs:
        read_back(folder.published(epoch), source)
    epoch = epochs[-1]
    while key := _next_key(folder.published(epoch), epoch, source):
        epoch += 1
        folder.published(epoch).put_key(key)
        read_back(folder.published(epoch), source)


def _next_key(log: PublishedLog, epoch: int, source: FolderTarget) -> Verifier | None:
    """Return the key of the log that follows this one at a target; `None` if none does. Raises
    InformativaError where this one does not name it."""
    key, size = log.key(), log.newest()[0]
    if key is None or not size:
        return None
    following = origin(key.name.rpartition("/")[0], epoch + 1)
    if source.read(f"{folder_of(following)}/checkpoint") is None:
        return None
    with suppress(EvidenceError):  # published without entries
        note = ReadEntry.read(log.entry(size - 1, size), key.name, size - 1).note
        if note is not None and isinstance(note.content, NextNote):
            return note.content.key
    raise InformativaError(
        Text(
            "At {place} is the log {log}, which is not here, and which the log before it does not name.",
            place=source.name,
            log=following,
        ),
        Text(
            "If you began it, copy its folder from there to {folder}, and try again.",
            folder=log.folder.with_name(str(epoch + 1)),
        ),
    )


def signed_beyond(controller: Controller, settings: EvidenceConfig) -> Text:
    """Return the word of a witness that has signed another or a longer log than what is left of the newest
    one; empty if none has, or none answers. Raises EvidenceError if the log cannot be read."""
    folder = LogFolder(Path(controller.ledger))
    for log in map(folder.published, reversed(folder.epochs())):
        key, data = log.key(), log.checkpoint()
        if key is None or data is None:
            continue
        own = LocalLog(log, key, open_checkpoint(data, [key]).checkpoint.size, data)
        for address in settings.witnesses:
            try:
                WitnessClient(address).newest(own)
            except ForkError as error:
                return error.message
            except ElsewhereError:
                continue
        break
    return NOTHING


def require_end(controller: Controller, elsewhere: Sequence[CheckpointSource]) -> None:
    """Check that the ledger has all of its newest log that a target has: it is to end unsigned, and the next
    log says how it ended. Raises ElsewhereError for a target that cannot be asked, ForkError, LedgerError."""
    from ..ledgers.extension import tree

    with closing(storage.store(controller, read_only=True)) as store:
        log = store.log()
        published = LogFolder(Path(controller.ledger)).published(log.epoch)
        key, signed_size = published.key(), published.newest()[0]
        for place in elsewhere:
            if key is None or not isinstance(place, TargetSource):
                continue
            newest = place.newest(LocalLog(published, key, signed_size, b""))
            if newest is None or tree(store, log, newest.size) == newest:
                continue
            if newest.size > signed_size:
                raise longer_elsewhere(place.name, newest.size, signed_size)
            raise another_log(place.name, newest.size)
