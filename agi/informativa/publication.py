"""Out of the hands of whoever administers a ledger: witnesses sign its log, and others keep copies of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import files, storage
from .errors import EvidenceError, SigningError
from .evidence import timestamp
from .evidence.checkpoint import Checkpoint, open_checkpoint
from .evidence.elsewhere import Elsewhere
from .evidence.log_folder import LogFolder, PublishedLog, failing
from .evidence.note import Note, Signature, Verifier, parse
from .evidence.publishing import Delivered, TargetSource
from .evidence.publishing import publish as deliver
from .evidence.settings import EvidenceSettings, PublishingTarget, TimestampAuthority, WitnessAddress
from .evidence.targets import target
from .evidence.tiles import TileHashes
from .evidence.witness_client import WitnessClient
from .model import Controller
from .text import Text

Progress = Callable[[int, int], object]
"""Called with how many files are at a target by now, and how many there will be."""


@dataclass(frozen=True)
class WitnessAnswer:
    """Whether a witness signed, by the name of its key; why not, if so. `size` is that of the last checkpoint
    that it signed, as far as is known."""

    name: str
    size: int
    error: EvidenceError | None = None


@dataclass(frozen=True)
class TargetAnswer:
    """Whether a target has the log now; why not, if so. `size` is how many records it has, as far as is
    known; `files` how many were written."""

    place: str
    independent: bool
    size: int
    files: int = 0
    error: EvidenceError | None = None


@dataclass(frozen=True)
class StampAnswer:
    """Of how many records the newest checkpoint with a time-stamp is, and when it was stamped; or why today's
    is missing."""

    authority: str
    size: int
    at: datetime | None
    error: EvidenceError | None = None


@dataclass(frozen=True)
class Publication:
    """What became of a log of `size` signed records. `quorum` says whether witnesses enough signed the newest
    checkpoint, of whom `enough` must."""

    controller: Controller
    origin: str
    size: int
    witnesses: tuple[WitnessAnswer, ...]
    enough: int
    targets: tuple[TargetAnswer, ...]
    stamp: StampAnswer | None = None

    @property
    def quorum(self) -> bool:
        return sum(each.error is None for each in self.witnesses) >= self.enough

    @property
    def whole(self) -> bool:
        """Whether everybody did what is configured."""
        return self.quorum and not self.errors

    @property
    def errors(self) -> list[EvidenceError]:
        """Why somebody did not."""
        errors = [*(each.error for each in self.witnesses), *(each.error for each in self.targets)]
        errors += [self.stamp.error] if self.stamp else []
        return [error for error in errors if error]


@dataclass(frozen=True)
class PublishedState:
    """How far others were when it was last tried: by a target's place or a witness's name the size, and when
    that was reached; and what went wrong since, in English."""

    targets: dict[str, tuple[int, datetime | None, str]]
    witnesses: dict[str, tuple[int, datetime | None, str]]


def sources(settings: EvidenceSettings) -> list[Elsewhere]:
    """Those without whom nothing is signed. Raises EvidenceError."""
    return [
        *(TargetSource(target(each)) for each in settings.targets),
        *(WitnessClient(each) for each in settings.witnesses),
    ]


def publish(
    controller: Controller,
    settings: EvidenceSettings,
    now: datetime,
    *,
    check: bool = False,
    progress: Progress | None = None,
) -> list[Publication]:
    """Have the newest checkpoint signed by the controller's witnesses and, once a day, stamped by an
    authority, and then bring the log to its targets; with `check` what is there is compared file by file.
    Logs from before the newest come first, as long as somebody lacks something of them. `settings` are those
    of the controller. What fails is in the answer, and does not hinder the others. Raises LedgerError, and
    EvidenceError where there is no checkpoint, a log cannot be read, or another process is at it."""
    folder, found = LogFolder(Path(controller.ledger)), []
    with folder.sequencing():  # or a witness would know of a newer checkpoint than is asked for
        with closing(storage.store(controller, read_only=True)) as store:
            logs = store.logs()
        for log in logs:
            size = folder.published(log.epoch).newest()[0]
            wanted = log is logs[-1] or check or not _State(folder, log.epoch, now).whole(size, settings)
            if size and wanted:
                found.append(_published(controller, folder, log.epoch, settings, now, check, progress))
    if not found:
        raise SigningError(
            Text(
                "There is no checkpoint of {id} to publish",
                "type: informativa evidence checkpoint --controller {id}",
                id=controller.id,
            ),
            code="no-checkpoint",
        )
    return found


def _published(
    controller: Controller,
    folder: LogFolder,
    epoch: int,
    settings: EvidenceSettings,
    now: datetime,
    check: bool,
    progress: Progress | None,
) -> Publication:
    published, state = folder.published(epoch), _State(folder, epoch, now)
    key, data = published.key(), published.checkpoint() or b""
    if key is None:
        raise EvidenceError(
            Text("{folder} has no key: the first checkpoint wrote it.", folder=published.folder)
        )
    newest = open_checkpoint(data, [key]).checkpoint
    witnesses = _witnessed(published, newest, settings.witnesses, state)
    stamp = _stamped(published, key, newest, settings.timestamp, now) if settings.timestamp else None
    targets = [_delivered(published, key, each, state, check, progress) for each in settings.targets]
    state.keep()
    enough = settings.enough
    return Publication(
        controller, newest.origin, newest.size, tuple(witnesses), enough, tuple(targets), stamp
    )


def state(controller: Controller, epoch: int) -> PublishedState:
    """How far others were with a log when it was last tried. Raises EvidenceError."""
    read = _State(LogFolder(Path(controller.ledger)), epoch, None)
    return PublishedState(read.of("targets"), read.of("witnesses"))


def _witnessed(
    published: PublishedLog,
    newest: Checkpoint,
    addresses: Sequence[WitnessAddress],
    state: _State,
) -> list[WitnessAnswer]:
    """Ask all of them that have not signed it yet, and keep what they sign with the checkpoint."""
    data = published.checkpoint() or b""
    there = {(each.name, each.key_id): each for each in parse(data).signatures}
    hashes, answers = TileHashes(newest.size, published.tiles.read), []
    signatures: list[Signature] = []
    for each in addresses:
        client = WitnessClient(each)
        before = state.size("witnesses", client.name)
        signed = there.get((client.key.name, client.key.key_id))
        try:
            if signed is None or not client.key.verify(newest.text, signed.data):
                signatures += client.cosign(data, hashes, before)
            state.reached("witnesses", client.name, newest.size)
            answers.append(WitnessAnswer(client.name, newest.size))
        except EvidenceError as error:
            state.failed("witnesses", client.name, error)
            answers.append(WitnessAnswer(client.name, before, error))
    if signatures:
        _keep(published, newest, signatures)
    return answers


def _keep(published: PublishedLog, newest: Checkpoint, signatures: Sequence[Signature]) -> None:
    """Put signatures under the checkpoint."""
    note = parse(published.checkpoint() or b"")
    known = {(each.name, each.key_id) for each in signatures}
    others = tuple(each for each in note.signatures if (each.name, each.key_id) not in known)
    published.put_checkpoint(newest.size, Note(note.text, (*others, *signatures)).data)


def _stamped(
    published: PublishedLog, key: Verifier, newest: Checkpoint, authority: TimestampAuthority, now: datetime
) -> StampAnswer:
    """Have the newest checkpoint stamped, once a day in which something was added."""
    size, at = 0, None
    try:
        size, at = timestamp.newest(published.timestamps(), newest.size)
        today = now.astimezone(UTC).date()
        if size == newest.size or (at is not None and at.astimezone(UTC).date() >= today):
            return StampAnswer(authority.url, size, at)
        signed = timestamp.stamped_bytes(published.checkpoint() or b"", key)
        stamp = timestamp.stamp(signed, authority)
        published.put_timestamp(newest.size, stamp.data)
    except EvidenceError as error:
        return StampAnswer(authority.url, size, at, error)
    return StampAnswer(authority.url, newest.size, stamp.at)


def _delivered(
    published: PublishedLog,
    key: Verifier,
    place: PublishingTarget,
    state: _State,
    check: bool,
    progress: Progress | None,
) -> TargetAnswer:
    try:
        done: Delivered = deliver(
            published, key, target(place), entries=place.entries, check=check, progress=progress
        )
    except EvidenceError as error:
        state.failed("targets", place.place, error)
        return TargetAnswer(place.place, place.independent, state.size("targets", place.place), 0, error)
    state.reached("targets", place.place, done.size)
    return TargetAnswer(place.place, place.independent, done.size, done.files)


class _State:
    """What is remembered of others between two runs, for whoever shows it: nothing rests on it."""

    def __init__(self, folder: LogFolder, epoch: int, now: datetime | None) -> None:
        file = folder.folder / f"elsewhere-{epoch}.json"
        self._file, self._now = file, now
        self._known: dict[str, dict[str, list[object]]] = {"targets": {}, "witnesses": {}}
        with failing(file), suppress(FileNotFoundError, ValueError):
            read = json.loads(file.read_bytes())
            for kind in self._known:
                self._known[kind] = {str(name): list(values) for name, values in read[kind].items()}

    def of(self, kind: str) -> dict[str, tuple[int, datetime | None, str]]:
        found: dict[str, tuple[int, datetime | None, str]] = {}
        for name, (size, at, why) in self._known[kind].items():
            when = datetime.fromisoformat(at) if isinstance(at, str) else None
            found[name] = (int(str(size)), when, str(why))
        return found

    def size(self, kind: str, name: str) -> int:
        return int(str(self._known[kind].get(name, [0])[0]))

    def whole(self, size: int, settings: EvidenceSettings) -> bool:
        """Whether everybody had all of a log."""
        return all(self.size("targets", each.place) >= size for each in settings.targets) and all(
            self.size("witnesses", WitnessClient(each).name) >= size for each in settings.witnesses
        )

    def reached(self, kind: str, name: str, size: int) -> None:
        assert self._now is not None  # only read without it
        self._known[kind][name] = [size, self._now.isoformat(), ""]

    def failed(self, kind: str, name: str, error: EvidenceError) -> None:
        known = self._known[kind].get(name, [0, None, ""])
        self._known[kind][name] = [known[0], known[1], str(error)]

    def keep(self) -> None:
        """Raises EvidenceError."""
        with failing(self._file):
            files.put(self._file, json.dumps(self._known).encode(), for_folders_owner=True)
