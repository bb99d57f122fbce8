"""Operations on the logs of ledgers: signing, keys, audits."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ...evidence.elsewhere import CheckpointSource
from ...evidence.keys import PRIVATE
from ...evidence.log_folder import LogFolder, PublishedLog
from ...evidence.note import Verifier
from ...evidence.note_values import NoteSource
from ...evidence.settings import EvidenceConfig
from ...ledgers import sequencer
from ...ledgers.instructions import require_instruction
from ...ledgers.leaves import LedgerLog
from ...ledgers.own_logs import RememberedTree
from ...model import Controller
from ...model.errors import (
    ENDS_UNSIGNED,
    EvidenceError,
    InformativaError,
    LedgerError,
    SigningError,
)
from ...model.text import Text
from ...process import log_storage, maintenance, retrieval, storage
from ...system.turns import Turns

Progress = Callable[[int, int], object]
"""A function that is called with the amount done and the whole amount."""


@dataclass(frozen=True)
class SignedCheckpoint:
    """The newest checkpoint of a log."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the log."""
    size: int
    """The number of records it has."""
    added: int
    """The number of records that came since the one before."""
    root: str
    """The root of the tree, in hexadecimal."""
    folder: Path
    """The folder in which the log is published."""
    key: str
    """The key by which it was signed."""


@dataclass(frozen=True)
class Checkpoints:
    """The newest checkpoints, as they were signed."""

    checkpoints: tuple[SignedCheckpoint, ...]
    """One a controller."""


@dataclass(frozen=True)
class LogKey:
    """The public key of one epoch of a log."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of the log."""
    epoch: int
    """The number of the log among the controller's: 1, 2, …"""
    key: str | None
    """The key (C2SP signed-note); null before the first checkpoint."""
    size: int
    """The number of records its newest checkpoint has."""


@dataclass(frozen=True)
class LogKeys:
    """The keys of logs."""

    keys: tuple[LogKey, ...]
    """The newest of a controller last."""


def checkpoint(
    controller: Controller, progress: Progress | None = None, elsewhere: Sequence[CheckpointSource] = ()
) -> SignedCheckpoint:
    """Sign a checkpoint with all records, unless one that is kept `elsewhere` contradicts the log. Raises
    LedgerError, EvidenceError."""
    log_storage.keep_rule(controller, datetime.now(UTC), NoteSource.COMMAND)
    sequenced = sequencer.sequence(Path(controller.ledger), progress, elsewhere)
    published = LogFolder(Path(controller.ledger)).published(sequenced.epoch)
    key = published.key()
    if key is None:
        raise EvidenceError(
            Text("{folder} has no key: the first checkpoint wrote it.", folder=published.folder)
        )
    signed = sequenced.checkpoint
    return SignedCheckpoint(
        controller=controller.id,
        log=signed.origin,
        size=signed.size,
        added=sequenced.added,
        root=signed.root.hex(),
        folder=published.folder,
        key=str(key),
    )


def change_key(
    controller: Controller,
    at: datetime,
    progress: Progress | None = None,
    elsewhere: Sequence[CheckpointSource] = (),
    instruction: str = "",
) -> EvidenceError | None:
    """Sign all records, and begin another log with a new key. A log whose folder is gone ends unsigned; the
    note about it has the controller's `instruction`.

    Return the error if its first checkpoint cannot be signed yet, because a witness must know the key first.
    Raises LedgerError and EvidenceError before the log ends, and InformativaError if the instruction is
    missing.
    """
    require_instruction(instruction)
    log_storage.keep_rule(controller, at, NoteSource.COMMAND)
    log_storage.keep_totals(controller, at, log_ends=True)
    try:
        checkpoint(controller, progress, elsewhere)
    except SigningError as error:
        if error.code not in ENDS_UNSIGNED:
            raise
        retrieval.require_end(controller, elsewhere)
    sequencer.begin_epoch(Path(controller.ledger), at, instruction)
    try:
        checkpoint(controller, None, elsewhere)
    except EvidenceError as error:
        return error
    return None


async def sequence(controllers: Sequence[Controller], settings: EvidenceConfig) -> None:
    """Sign and publish the logs of these controllers at each interval, until SIGTERM or SIGINT. Failures are
    logged and tried again."""
    stopped, signing, turns = asyncio.Event(), maintenance.Signing(), Turns("signing")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    while not stopped.is_set():
        for controller in controllers:
            await turns.take(controller.id, partial(_sign, signing, controller, settings))
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), settings.interval)


async def _sign(signing: maintenance.Signing, controller: Controller, settings: EvidenceConfig) -> None:
    with suppress(LedgerError, EvidenceError):  # `sign` logs it
        await signing.sign(controller, settings.for_controller(controller.id))


def keys(controller: Controller) -> list[LogKey]:
    """Return the keys of all logs of a controller, the newest last; of a log whose files are gone, what the
    ledger remembers. Raises LedgerError, EvidenceError."""
    folder = LogFolder(Path(controller.ledger))
    with closing(storage.store(controller, read_only=True)) as store:
        remembered = [(log, store.remembered_tree(log.epoch)) for log in store.logs()]
    return [_key(controller, log, folder.published(log.epoch), tree) for log, tree in remembered]


def _key(
    controller: Controller, log: LedgerLog, published: PublishedLog, remembered: RememberedTree | None
) -> LogKey:
    key, size = published.key(), max(published.sizes(), default=0)
    text = str(key) if key else None
    if remembered:
        text, size = text or remembered.key, max(size, remembered.size)
    return LogKey(controller.id, log.origin, log.epoch, text, size)


def trusted_keys(texts: list[str]) -> tuple[Verifier, ...]:
    """Parse public keys. Raises InformativaError if one is none, or is private."""
    verifiers = []
    for text in texts:
        if text.strip().startswith(PRIVATE):
            raise InformativaError(
                Text("A private key signs; who checks needs the public one, and nobody else this one."),
                Text("Give it as `informativa evidence key` shows it."),
            )
        try:
            verifiers.append(Verifier.parse(text.strip()))
        except EvidenceError as error:
            raise InformativaError(
                Text("{text} is no key of a log: {why}", text=text, why=error.message),
                Text("Give it as `informativa evidence key` shows it."),
            ) from error
    return tuple(verifiers)
