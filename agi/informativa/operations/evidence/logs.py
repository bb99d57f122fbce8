"""The logs of ledgers: their keys, their checkpoints, and how far they are."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from pathlib import Path

from ... import maintenance, publication, storage
from ...errors import EvidenceError, ForkError, InformativaError, LedgerError
from ...evidence.checkpoint import Checkpoint
from ...evidence.elsewhere import Elsewhere, OwnLog, require_ours
from ...evidence.keys import PRIVATE
from ...evidence.log_folder import LogFolder
from ...evidence.note import Verifier
from ...evidence.origin import slug
from ...evidence.settings import EvidenceSettings
from ...ledgers import sequencer
from ...ledgers.audit_log import AuditedLog, audit_ledger
from ...model import Controller
from ...text import Text
from ...turns import Turns
from . import stamps

Progress = Callable[[int, int], object]
"""Called with how much is done, and of how much."""


@dataclass(frozen=True)
class SignedLog:
    """A controller's log after its newest checkpoint: of which epoch, how many records it has, how many of
    them came since the one before, where it lies, by which key."""

    controller: Controller
    epoch: int
    origin: str
    size: int
    added: int
    root: bytes
    folder: Path
    key: Verifier


@dataclass(frozen=True)
class LogKey:
    """The public key of one epoch of a controller's log, `None` before its first checkpoint; and how many
    records its newest checkpoint has."""

    controller: Controller
    epoch: int
    origin: str
    key: Verifier | None
    size: int


@dataclass(frozen=True)
class ComparedCheckpoint:
    """The newest checkpoint of a log, named by its origin, that somebody else has: a publishing target, or a
    witness. Of `size` records, 0 if there is none; `error` says why it could not be had, or contradicts the
    log (ForkError). `independent`: whoever administers the ledger cannot change it."""

    name: str
    log: str
    independent: bool
    size: int
    error: EvidenceError | None = None


@dataclass(frozen=True)
class Audit:
    """What was found wrong with one controller's ledger and log, which were looked at as a whole, and what
    others have of the log."""

    controller: Controller
    audited: AuditedLog
    elsewhere: tuple[ComparedCheckpoint, ...] = ()
    stamps: tuple[stamps.CheckedStamps, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong, nobody's checkpoint says otherwise, and no time-stamp is false."""
        contradicted = any(isinstance(each.error, ForkError) for each in self.elsewhere)
        return self.audited.sound and not contradicted and not any(each.problems for each in self.stamps)


def checkpoint(
    controller: Controller, progress: Progress | None = None, elsewhere: Sequence[Elsewhere] = ()
) -> SignedLog:
    """Sign what was recorded since the last checkpoint, unless those who have others of the log `elsewhere`
    say otherwise. Raises LedgerError, EvidenceError."""
    storage.store(controller, create=False).close()  # migrated, where there is no service to do it
    done = sequencer.sequence(Path(controller.ledger), progress, elsewhere)
    published = LogFolder(Path(controller.ledger)).published(done.epoch)
    key = published.key()
    if key is None:
        raise EvidenceError(
            Text("{folder} has no key: the first checkpoint wrote it.", folder=published.folder)
        )
    found = done.checkpoint
    return SignedLog(
        controller, done.epoch, found.origin, found.size, done.added, found.root, published.folder, key
    )


def change_key(
    controller: Controller,
    at: datetime,
    progress: Progress | None = None,
    elsewhere: Sequence[Elsewhere] = (),
) -> EvidenceError | None:
    """Sign what there is, and go on in another log, by a new key; why its first checkpoint cannot be signed
    yet, if so: a witness must know the key. Raises LedgerError, EvidenceError, and changes nothing then."""
    checkpoint(controller, progress, elsewhere)
    sequencer.begin_epoch(Path(controller.ledger), at)
    try:
        checkpoint(controller, None, elsewhere)
    except EvidenceError as error:
        return error
    return None


async def sequence(controllers: Sequence[Controller], settings: EvidenceSettings) -> None:
    """Sign and publish the logs of these controllers from time to time, until SIGTERM or SIGINT. What cannot
    be signed goes to the log, and is tried again."""
    over, signing, turns = asyncio.Event(), maintenance.Signing(), Turns("signing")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    while not over.is_set():
        for controller in controllers:
            await turns.take(controller.id, partial(_sign, signing, controller, settings))
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), settings.interval)


async def _sign(signing: maintenance.Signing, controller: Controller, settings: EvidenceSettings) -> None:
    with suppress(LedgerError, EvidenceError):  # which is logged
        await signing.sign(controller, settings.of(controller.id))


def keys(controller: Controller) -> list[LogKey]:
    """All that its log ever had, the newest last. Raises LedgerError, EvidenceError."""
    folder = LogFolder(Path(controller.ledger))
    with closing(storage.store(controller, read_only=True)) as store:
        logs = store.logs()
    return [
        LogKey(
            controller,
            log.epoch,
            log.origin,
            folder.published(log.epoch).key(),
            max(folder.published(log.epoch).sizes(), default=0),
        )
        for log in logs
    ]


def audit(
    controller: Controller,
    trusted: tuple[Verifier, ...] = (),
    progress: Progress | None = None,
    *,
    settings: EvidenceSettings | None = None,
    copy: Path | None = None,
) -> Audit:
    """Look at everything, and ask those who have other checkpoints by the controller's `settings`, which say
    also whose time-stamps are believed. Without keys that are `trusted` its own are taken: those that sign,
    or that were published with the logs. With a `copy` of the log, as it was published, the ledger is held
    against that one. Raises LedgerError, EvidenceError, and InformativaError where there is no copy."""
    ledger = Path(controller.ledger)
    storage.require_own(controller)
    if not trusted:
        trusted = _own_keys(controller)
    folder = LogFolder(ledger, copy)
    if copy and not folder.epochs():
        raise InformativaError(
            Text("{folder} has no log that was published.", folder=copy),
            Text("Name the folder that has 1/ in it: …/informativa/{id}/BOX", id=slug(controller.id)),
        )
    audited = audit_ledger(ledger, trusted, progress, folder)
    compared = _compared(folder, trusted, settings) if settings else ()
    stamped = stamps.check(folder, trusted, settings.timestamp if settings else None)
    return Audit(controller, audited, tuple(compared), tuple(stamped))


def _compared(
    folder: LogFolder, trusted: Sequence[Verifier], settings: EvidenceSettings
) -> Iterator[ComparedCheckpoint]:
    """Of every epoch: whoever has an old key, too, can write that log anew."""
    declared = [each.independent for each in settings.targets]  # and witnesses are by themselves
    others = list(zip(publication.sources(settings), chain(declared, repeat(True)), strict=False))
    for epoch in folder.epochs() if others else ():
        published = folder.published(epoch)
        key = published.key_among(trusted)
        if key is None:
            continue  # the audit says so
        last = published.checkpoint() or b""
        own = OwnLog(published, key, Checkpoint.unverified(last).size, last)
        for each, independent in others:
            size, error = 0, None
            try:
                there = each.newest(own)
                if there is not None:
                    require_ours(there, own, each.name)
                    size = there.size
            except EvidenceError as failed:
                error = failed
            yield ComparedCheckpoint(each.name, key.name, independent, size, error)


def _own_keys(controller: Controller) -> tuple[Verifier, ...]:
    """Of all its logs: the one that signs or, where that is not ours to read, the published one."""
    folder = LogFolder(Path(controller.ledger))
    with closing(storage.store(controller, read_only=True)) as store:
        logs = store.logs()
    found = []
    for log in logs:
        try:
            found.append(folder.signer(log.origin, log.epoch).verifier)
        except EvidenceError:
            found += filter(None, [folder.published(log.epoch).key()])
    return tuple(found)


def trusted_keys(texts: list[str]) -> tuple[Verifier, ...]:
    """The keys that somebody gave. Raises InformativaError."""
    found = []
    for text in texts:
        if text.strip().startswith(PRIVATE):
            raise InformativaError(
                Text("A private key signs; who checks needs the public one, and nobody else this one."),
                Text("Give it as `informativa evidence key` shows it."),
            )
        try:
            found.append(Verifier.parse(text.strip()))
        except EvidenceError as error:
            raise InformativaError(
                Text("{text} is no key of a log: {why}", text=text, why=error.message),
                Text("Give it as `informativa evidence key` shows it."),
            ) from error
    return tuple(found)
