"""Whether the checkpoints of a log that were kept are of one tree, which is that of its tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from ..errors import EvidenceError, SigningError
from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.encoding import HASH_SIZE
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier
from ..evidence.tiles import HEIGHT, WIDTH, Tile, fetch
from ..evidence.tree import Frontier, complete_root
from ..text import Text
from . import leaves

SHARE = 1000  # checkpoints that are looked at one after the other

Read = Callable[[], bytes | None]
"""Reads a checkpoint that was kept; `None` where there is none. Raises EvidenceError."""
Begin = Callable[..., Callable[[], Any]]
"""Begins some work with what is given; what it returns waits for the result."""


def kept(
    folder: LogFolder,
    log: leaves.LedgerLog,
    keys: Sequence[NoteVerifier],
    problems: list[Text],
    begin: Begin = partial,
) -> list[Checkpoint]:
    """Look at all checkpoints that were kept; those that one of these keys signed, by their sizes. `begin`
    spreads the work: there may be one of each minute of years."""
    published = folder.published(log.epoch)
    sizes = published.sizes()
    shares = [
        begin(_published, published, log, keys, sizes[at : at + SHARE]) for at in range(0, len(sizes), SHARE)
    ]
    known: list[Checkpoint] = []
    newest = _opened(published, log, keys, _newest(folder, log))
    for opened, wrong in [*(share() for share in shares), newest]:
        known += opened
        problems += [each for each in wrong if each not in problems]
    problems += _key_problems(published, log, keys, bool(known))
    return sorted(known, key=lambda each: each.size)


def of_one_tree(published: PublishedLog, known: Sequence[Checkpoint]) -> list[Text]:
    """What is wrong with the tiles of these checkpoints, which are in the order of their sizes."""
    problems = []
    frontier, hashes = Frontier(), b""
    try:
        for each in known:
            while frontier.size < each.size:
                number, at = divmod(frontier.size, WIDTH)
                if at == 0:
                    width = min(known[-1].size - frontier.size, WIDTH)
                    hashes = fetch(Tile(0, number, width), published.tiles.read)
                if at == 0 and frontier.size + WIDTH <= each.size:  # in half the time
                    frontier.append(complete_root(hashes), HEIGHT)
                else:
                    frontier.append(hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE])
            if frontier.root() != each.root:
                problems.append(_other_tree(published, each))
    except EvidenceError as error:
        problems.append(error.text)
    return problems


def _published(
    published: PublishedLog, log: leaves.LedgerLog, keys: Sequence[NoteVerifier], sizes: Sequence[int]
) -> tuple[list[Checkpoint], list[Text]]:
    """Those of some sizes."""
    return _opened(published, log, keys, [partial(published.checkpoint_of, size) for size in sizes])


def _newest(folder: LogFolder, log: leaves.LedgerLog) -> list[Read]:
    """The newest one as it is published, and the one beside the key."""

    def signed() -> bytes | None:
        try:
            return folder.last_signed(log.epoch)
        except SigningError:  # another user's, who signs
            return None

    return [folder.published(log.epoch).checkpoint, signed]


def _opened(
    published: PublishedLog, log: leaves.LedgerLog, keys: Sequence[NoteVerifier], kept: Iterable[Read]
) -> tuple[list[Checkpoint], list[Text]]:
    """Those that one of the keys signed, and what is wrong with others."""
    known, problems = [], list[Text]()
    for read in kept:
        try:
            data = read()
            if data is None:
                continue
            found = open_checkpoint(data, keys).checkpoint
            if found.origin == log.origin:
                known.append(found)
                continue
            problem = _other_log(published, found)
        except EvidenceError as error:
            problem = error.text
        if problem not in problems:
            problems.append(problem)
    return known, problems


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
