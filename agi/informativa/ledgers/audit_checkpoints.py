"""Check that the kept checkpoints of a log are of one tree, and that its tiles are of the same tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..evidence.checkpoint import Checkpoint, CheckpointNote, open_checkpoint
from ..evidence.cosignature import WitnessVerifier, cosigned_at
from ..evidence.encoding import HASH_SIZE
from ..evidence.leaf_times import Cosigned
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier
from ..evidence.tiles import HEIGHT, WIDTH, Tile, fetch
from ..evidence.tree import Frontier, complete_root
from ..model.errors import EvidenceError, SigningError
from ..model.text import Text
from . import leaves

SHARE = 1000  # checkpoints that one process checks in one go

Read = Callable[[], bytes | None]
"""Reads a kept checkpoint; returns `None` if there is none. Raises EvidenceError."""
Begin = Callable[..., Callable[[], Any]]
"""Starts a function with the given arguments, and returns a function that waits for its result."""


@dataclass
class KeptCheckpoints:
    """The checkpoints of a log that were kept and that one of its keys signed, with what is wrong with others
    (`problems`), the broken signatures of witnesses (`remarks`), and the `cosigned` ones, which are right."""

    checkpoints: list[Checkpoint] = field(default_factory=list)
    problems: list[Text] = field(default_factory=list)
    remarks: list[Text] = field(default_factory=list)
    cosigned: list[Cosigned] = field(default_factory=list)

    def add(self, other: KeptCheckpoints) -> None:
        """Add others of the same log. No problem and no remark is there twice."""
        self.checkpoints += other.checkpoints
        self.problems += [problem for problem in other.problems if problem not in self.problems]
        self.remarks += [remark for remark in other.remarks if remark not in self.remarks]
        self.cosigned += other.cosigned


def kept_checkpoints(
    folder: LogFolder,
    log: leaves.LedgerLog,
    keys: Sequence[NoteVerifier],
    begin: Begin = partial,
    witnesses: Sequence[WitnessVerifier] = (),
) -> KeptCheckpoints:
    """Check all kept checkpoints of a log, and return those that one of these keys signed, sorted by size,
    and what is wrong. `begin` spreads the work, because there may be one checkpoint for each minute of
    years."""
    published, result = folder.published(log.epoch), KeptCheckpoints()
    sizes = published.sizes()
    shares = [
        begin(_open_published, published, log, keys, witnesses, sizes[at : at + SHARE])
        for at in range(0, len(sizes), SHARE)
    ]
    newest = _open_all(published, log, keys, witnesses, _newest(folder, log))
    for share in [*(share() for share in shares), newest]:
        result.add(share)
    result.problems += _key_problems(published, log, keys, bool(result.checkpoints))
    result.checkpoints.sort(key=lambda checkpoint: checkpoint.size)
    return result


def of_one_tree(published: PublishedLog, checkpoints: Sequence[Checkpoint]) -> list[Text]:
    """Return the problems of the tiles, held against these checkpoints, which are sorted by size."""
    problems = []
    frontier, hashes = Frontier(), b""
    try:
        for checkpoint in checkpoints:
            while frontier.size < checkpoint.size:
                number, position = divmod(frontier.size, WIDTH)
                if position == 0:
                    width = min(checkpoints[-1].size - frontier.size, WIDTH)
                    hashes = fetch(Tile(0, number, width), published.tiles.read)
                if position == 0 and frontier.size + WIDTH <= checkpoint.size:  # takes half the time
                    frontier.append(complete_root(hashes), HEIGHT)
                else:
                    frontier.append(hashes[position * HASH_SIZE : (position + 1) * HASH_SIZE])
            if frontier.root() != checkpoint.root:
                problems.append(_other_tree(published, checkpoint))
    except EvidenceError as error:
        problems.append(error.text)
    return problems


def _open_published(
    published: PublishedLog,
    log: leaves.LedgerLog,
    keys: Sequence[NoteVerifier],
    witnesses: Sequence[WitnessVerifier],
    sizes: Sequence[int],
) -> KeptCheckpoints:
    """Open the published checkpoints of these sizes."""
    return _open_all(
        published, log, keys, witnesses, [partial(published.checkpoint_of, size) for size in sizes]
    )


def _newest(folder: LogFolder, log: leaves.LedgerLog) -> list[Read]:
    """Return readers of the newest published checkpoint and of the one beside the key."""

    def signed() -> bytes | None:
        try:
            return folder.last_signed(log.epoch)
        except SigningError:  # it is readable only by the user who signs
            return None

    return [folder.published(log.epoch).checkpoint, signed]


def _open_all(
    published: PublishedLog,
    log: leaves.LedgerLog,
    keys: Sequence[NoteVerifier],
    witnesses: Sequence[WitnessVerifier],
    readers: Iterable[Read],
) -> KeptCheckpoints:
    """Check the checkpoints that are read so."""
    result = KeptCheckpoints()
    for read in readers:
        try:
            data = read()
            if data is None:
                continue
            opened = open_checkpoint(data, keys)
            checkpoint = opened.checkpoint
            if checkpoint.origin == log.origin:
                result.checkpoints.append(checkpoint)
                _check_cosignatures(opened, witnesses, result)
                continue
            problem = _other_log(published, checkpoint)
        except EvidenceError as error:
            problem = error.text
        if problem not in result.problems:
            result.problems.append(problem)
    return result


def _check_cosignatures(
    opened: CheckpointNote, witnesses: Sequence[WitnessVerifier], result: KeptCheckpoints
) -> None:
    """Add the signatures of witnesses under one checkpoint."""
    size = opened.checkpoint.size
    for signature in opened.note.others if witnesses else ():
        for witness in witnesses:
            if (witness.name, witness.key_id) != (signature.name, signature.key_id):
                continue
            if witness.verify(opened.note.text, signature.data):
                result.cosigned.append(Cosigned(size, witness, cosigned_at(signature)))
                continue
            result.remarks.append(
                Text(
                    "The signature of the witness {name} under the checkpoint of {size} records is broken.",
                    name=witness.name,
                    size=size,
                )
            )


def _key_problems(
    published: PublishedLog, log: leaves.LedgerLog, keys: Sequence[NoteVerifier], signed: bool
) -> Iterator[Text]:
    """Find what is wrong with the key that was published with the first checkpoint."""
    try:
        published_key = published.key()
    except EvidenceError as error:
        yield error.text
        return
    if published_key is None:
        return
    if published_key.name != log.origin or all(
        (published_key.name, published_key.key_id) != (verifier.name, verifier.key_id) for verifier in keys
    ):
        yield Text(
            "The key in {folder} is not the one by which the log {origin} is known here.",
            folder=published.folder,
            origin=log.origin,
        )
    elif not signed:
        yield Text("The log in {folder} has lost its checkpoints.", folder=published.folder)


def _other_tree(published: PublishedLog, checkpoint: Checkpoint) -> Text:
    return Text(
        "The tiles in {folder} are not those of the checkpoint of {size} records.",
        folder=published.folder,
        size=checkpoint.size,
    )


def _other_log(published: PublishedLog, checkpoint: Checkpoint) -> Text:
    return Text(
        "A checkpoint in {folder} is of another log, {origin}.",
        folder=published.folder,
        origin=checkpoint.origin,
    )
