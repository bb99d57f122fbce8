"""Publication of a log to parties whom the administrator of a ledger does not control: witnesses sign it, and
targets keep copies."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.cosignature import cosigned_at
from ..evidence.elsewhere import CheckpointSource
from ..evidence.log_folder import LogFolder, PublishedLog, failing
from ..evidence.note import Note, Signature, Verifier, parse
from ..evidence.publishing import PublishedFiles, TargetSource
from ..evidence.publishing import publish as deliver
from ..evidence.settings import (
    EvidenceConfig,
    PublishingTarget,
    WitnessAddress,
)
from ..evidence.targets import FolderTarget
from ..evidence.tiles import TileHashes
from ..evidence.witness_client import WitnessClient
from ..model import Controller
from ..model.errors import EvidenceError, SigningError
from ..model.text import Text
from ..system import files
from . import storage

COSIGNED_ANEW = timedelta(hours=1)
"""The age of a witness's signature after which it is asked for another one of the same checkpoint."""

Progress = Callable[[int, int], object]
"""A callback that gets the number of files at a target by now, and the number in the end."""


@dataclass(frozen=True)
class WitnessAnswer:
    """The result with one witness, by the name of its key: signed, or the error. `size` is that of the last
    checkpoint that it signed, as far as is known."""

    name: str
    size: int
    error: EvidenceError | None = None


@dataclass(frozen=True)
class TargetAnswer:
    """The result with one target: it has the log now, or the error. `size` is the number of its records, as
    far as is known; `files` the number of files written."""

    place: str
    independent: bool
    size: int
    files: int = 0
    error: EvidenceError | None = None


@dataclass(frozen=True)
class Publication:
    """The result of publishing a log of `size` signed records. `required_witnesses` must sign the newest
    checkpoint; `quorum` says whether they did."""

    controller: Controller
    origin: str
    size: int
    witnesses: tuple[WitnessAnswer, ...]
    required_witnesses: int
    targets: tuple[TargetAnswer, ...]

    @property
    def quorum(self) -> bool:
        return sum(witness.error is None for witness in self.witnesses) >= self.required_witnesses

    @property
    def errors(self) -> list[EvidenceError]:
        """Return the errors of those who did not."""
        errors = [*(witness.error for witness in self.witnesses), *(target.error for target in self.targets)]
        return [error for error in errors if error]


@dataclass(frozen=True)
class PublishedState:
    """The progress of others at the last try, by a target's place or a witness's name: the size, the time
    when it was reached, and the error since, in English."""

    targets: dict[str, tuple[int, datetime | None, str]]
    witnesses: dict[str, tuple[int, datetime | None, str]]


def sources(settings: EvidenceConfig) -> list[CheckpointSource]:
    """Return the targets and witnesses without whom nothing is signed. Raises EvidenceError."""
    return [
        *(TargetSource(FolderTarget(Path(place.place))) for place in settings.targets),
        *(WitnessClient(address) for address in settings.witnesses),
    ]


def publish(
    controller: Controller,
    settings: EvidenceConfig,
    now: datetime,
    *,
    check: bool = False,
    progress: Progress | None = None,
) -> list[Publication]:
    """Get the newest checkpoint signed by the controller's witnesses, and then copy the log to its targets.
    With `check` the files there are compared one by one.
    Earlier logs come first, as long as somebody lacks a part of them. `settings` are those of the controller.
    An error with one party is in the result, and does not hinder the others. Raises LedgerError, and
    EvidenceError where there is no checkpoint, a log cannot be read, or another process is publishing."""
    folder, publications = LogFolder(Path(controller.ledger)), []
    with folder.sequencing():  # or a witness could have signed a newer checkpoint meanwhile
        with closing(storage.store(controller, read_only=True)) as store:
            logs = store.logs()
        for log in logs:
            published, has_ended = folder.published(log.epoch), log is not logs[-1]
            size = published.newest()[0]
            is_complete = _State(folder, log.epoch, now).complete(size, settings)
            if size and (check or not (has_ended and is_complete)):
                publications.append(
                    _publish_log(controller, folder, log.epoch, settings, now, check, progress)
                )
    if not publications:
        raise SigningError(
            Text(
                "There is no checkpoint of {id} to publish",
                "type: informativa evidence checkpoint --controller {id}",
                id=controller.id,
            ),
            code="no-checkpoint",
        )
    return publications


def _publish_log(
    controller: Controller,
    folder: LogFolder,
    epoch: int,
    settings: EvidenceConfig,
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
    witnesses = _cosign(published, newest, settings.witnesses, state, now)
    targets = [_deliver_to(published, key, place, state, check, progress) for place in settings.targets]
    state.keep()
    enough = settings.required_witnesses
    return Publication(controller, newest.origin, newest.size, tuple(witnesses), enough, tuple(targets))


def state(controller: Controller, epoch: int) -> PublishedState:
    """Return the progress of others with a log at the last try. Raises EvidenceError."""
    stored = _State(LogFolder(Path(controller.ledger)), epoch, None)
    return PublishedState(stored.of("targets"), stored.of("witnesses"))


def _cosign(
    published: PublishedLog,
    newest: Checkpoint,
    addresses: Sequence[WitnessAddress],
    state: _State,
    now: datetime,
) -> list[WitnessAnswer]:
    """Ask all witnesses that have not signed the checkpoint yet, or not for an hour, and store their
    signatures with it: whoever follows the log sees that it stands still, and is not withheld."""
    data = published.checkpoint() or b""
    existing = {(signature.name, signature.key_id): signature for signature in parse(data).signatures}
    hashes, answers = TileHashes(newest.size, published.tiles.read), []
    first: list[Signature] = []
    again: list[Signature] = []
    for address in addresses:
        client = WitnessClient(address)
        last_size = state.size("witnesses", client.name)
        signature = existing.get((client.key.name, client.key.key_id))
        try:
            if signature is None or not client.key.verify(newest.text, signature.data):
                first += client.cosign(data, hashes, last_size)
            elif cosigned_at(signature) <= (now - COSIGNED_ANEW).timestamp():
                again += client.cosign(data, hashes, newest.size)
            state.reached("witnesses", client.name, newest.size)
            answers.append(WitnessAnswer(client.name, newest.size))
        except EvidenceError as error:
            state.failed("witnesses", client.name, error)
            answers.append(WitnessAnswer(client.name, last_size, error))
    if first:
        kept = published.checkpoint_of(newest.size) or data
        published.put_checkpoint(newest.size, _with_signatures(kept, first))
    if again:
        published.put_newest(_with_signatures(data, [*first, *again]))
    return answers


def _with_signatures(checkpoint: bytes, signatures: Sequence[Signature]) -> bytes:
    """Return a checkpoint with signatures, in the place of older ones by the same keys."""
    note = parse(checkpoint)
    new = {(signature.name, signature.key_id) for signature in signatures}
    others = (signature for signature in note.signatures if (signature.name, signature.key_id) not in new)
    return Note(note.text, (*others, *signatures)).data


def _deliver_to(
    published: PublishedLog,
    key: Verifier,
    place: PublishingTarget,
    state: _State,
    check: bool,
    progress: Progress | None,
) -> TargetAnswer:
    try:
        delivered: PublishedFiles = deliver(
            published,
            key,
            FolderTarget(Path(place.place)),
            entries=place.entries,
            check=check,
            progress=progress,
        )
    except EvidenceError as error:
        state.failed("targets", place.place, error)
        return TargetAnswer(place.place, place.independent, state.size("targets", place.place), 0, error)
    state.reached("targets", place.place, delivered.size)
    return TargetAnswer(place.place, place.independent, delivered.size, delivered.files)


class _State:
    """The stored progress of others between two runs, for display only: nothing else depends on it."""

    def __init__(self, folder: LogFolder, epoch: int, now: datetime | None) -> None:
        file = folder.folder / f"elsewhere-{epoch}.json"
        self._file, self._now = file, now
        self._progress: dict[str, dict[str, list[object]]] = {"targets": {}, "witnesses": {}}
        with failing(file), suppress(FileNotFoundError, ValueError):
            stored = json.loads(file.read_bytes())
            for kind in self._progress:
                self._progress[kind] = {str(name): list(values) for name, values in stored[kind].items()}

    def of(self, kind: str) -> dict[str, tuple[int, datetime | None, str]]:
        progress: dict[str, tuple[int, datetime | None, str]] = {}
        for name, (size, at, error) in self._progress[kind].items():
            time = datetime.fromisoformat(at) if isinstance(at, str) else None
            progress[name] = (int(str(size)), time, str(error))
        return progress

    def size(self, kind: str, name: str) -> int:
        return int(str(self._progress[kind].get(name, [0])[0]))

    def complete(self, size: int, settings: EvidenceConfig) -> bool:
        """Return whether everybody had all of a log."""
        return all(self.size("targets", place.place) >= size for place in settings.targets) and all(
            self.size("witnesses", WitnessClient(address).name) >= size for address in settings.witnesses
        )

    def reached(self, kind: str, name: str, size: int) -> None:
        assert self._now is not None  # only read without it
        self._progress[kind][name] = [size, self._now.isoformat(), ""]

    def failed(self, kind: str, name: str, error: EvidenceError) -> None:
        previous = self._progress[kind].get(name, [0, None, ""])
        self._progress[kind][name] = [previous[0], previous[1], str(error)]

    def keep(self) -> None:
        """Write the progress to its file. Raises EvidenceError."""
        with failing(self._file):
            files.write_file(self._file, json.dumps(self._progress).encode(), for_folders_owner=True)
