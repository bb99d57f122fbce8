"""Whether the checkpoints of a log that were kept are of one tree, which is that of its tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import EvidenceError
from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier
from ..evidence.tiles import leaf_hashes
from ..evidence.tree import Frontier
from ..text import Text
from . import leaves


def kept(
    folder: LogFolder, log: leaves.LedgerLog, keys: Sequence[NoteVerifier], problems: list[Text]
) -> list[Checkpoint]:
    """Look at all checkpoints that were kept; those that one of these keys signed, by their sizes."""
    published = folder.published(log.epoch)
    known: list[Checkpoint] = []
    for data in _kept(folder, log.epoch):
        try:
            found = open_checkpoint(data, keys).checkpoint
            if found.origin == log.origin:
                known.append(found)
                continue
            told = _other_log(published, found)
        except EvidenceError as error:
            told = error.text
        if told not in problems:
            problems.append(told)
    problems += _key_problems(published, log, keys, bool(known))
    return sorted(known, key=lambda each: each.size)


def of_one_tree(published: PublishedLog, known: Sequence[Checkpoint]) -> list[Text]:
    """What is wrong with the tiles of these checkpoints, which are in the order of their sizes."""
    problems = []
    frontier = Frontier()
    try:
        hashes = leaf_hashes(known[-1].size if known else 0, published.tiles.read)
        for each in known:
            while frontier.size < each.size:
                frontier.append(next(hashes))
            if frontier.root() != each.root:
                problems.append(_other_tree(published, each))
    except EvidenceError as error:
        problems.append(error.text)
    return problems


def _kept(folder: LogFolder, epoch: int) -> Iterator[bytes]:
    """The checkpoints that there are: the published ones, and the one beside the key."""
    published = folder.published(epoch)
    yield from filter(None, map(published.checkpoint_of, published.sizes()))
    newest = published.checkpoint()
    if newest is not None:
        yield newest
    try:
        signed = folder.last_signed(epoch)
    except EvidenceError:  # another user's, who signs
        return
    if signed is not None and signed != newest:
        yield signed


def _key_problems(
    published: PublishedLog, log: leaves.LedgerLog, keys: Sequence[NoteVerifier], signed: bool
) -> Iterator[Text]:
    """What is wrong with the key that was published with the first checkpoint."""
    try:
        key = published.key()
    except EvidenceError as error:
        yield error.text
        return
    if key is None:
        return
    if key.name != log.origin or all((key.name, key.key_id) != (each.name, each.key_id) for each in keys):
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
