"""A whole ledger against what was signed and published of it, with all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from ..errors import EvidenceError, TileChangedError
from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier
from ..evidence.tiles import ENTRIES, WIDTH, Tile, fetch, leaf_hashes, parse_bundle
from ..evidence.tree import Frontier, leaf_hash
from ..text import Text
from . import audit, audit_history, leaves
from .ledger_file import translated

MOST = 100  # missing leaves that are named one by one
SHARE = 64 * WIDTH  # leaves that a process looks at before it says how far it is

Progress = Callable[[int, int], object]
"""Called with how many leaves were looked at, and how many there are."""


@dataclass(frozen=True)
class AuditedLog:
    """What an audit found. Of `log` as it was when it began, of which `signed` leaves are in the newest
    checkpoint. `counted` says what became of the records, `found` what is wrong with which; `history` which
    row of the history is not borne out; `problems` what is wrong with the log itself."""

    log: leaves.LedgerLog
    signed: int
    counted: audit.Counted
    found: tuple[audit.Found, ...]
    history: tuple[audit_history.ForgedHistory, ...]
    problems: tuple[Text, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.found or self.history or self.problems)


def audit_ledger(ledger: Path, keys: Sequence[NoteVerifier], progress: Progress | None = None) -> AuditedLog:
    """Look at everything. Raises LedgerError where the ledger cannot be read, EvidenceError where the log
    cannot."""
    with translated(ledger), audit.reading(ledger) as connection:
        log = leaves.log(connection)
        published = LogFolder(ledger).published(log.epoch)
        problems: list[Text] = []
        signed = _checkpoints(published, keys, problems)
        counted, found = _leaves(ledger, log, published, signed, problems, progress)
        found += [audit.Found(0, audit.Flaw.TRUNCATED, index) for index in range(log.size, signed)][:MOST]
        if log.size < signed:
            problems.append(_truncated(ledger, log, signed))
        found += audit.without_leaf(connection, log)
        gone = audit.gone(connection, log)
        found += gone.found
        history = audit_history.forged(connection, purged=bool(gone.purged))
        return AuditedLog(log, signed, counted, tuple(sorted(found)), tuple(history), tuple(problems))


def _checkpoints(published: PublishedLog, keys: Sequence[NoteVerifier], problems: list[Text]) -> int:
    """Look at all checkpoints that were kept, and at the tiles that they are of; how many leaves the newest
    that is in order has."""
    known: list[Checkpoint] = []
    for data in (*map(published.checkpoint_of, published.sizes()), published.checkpoint()):
        if data is None:
            continue
        try:
            known.append(open_checkpoint(data, keys).checkpoint)
        except EvidenceError as error:
            if error.text not in problems:
                problems.append(error.text)
    known.sort(key=lambda each: each.size)
    frontier, size = Frontier(), 0
    try:
        hashes = leaf_hashes(known[-1].size if known else 0, published.tiles.read)
        for each in known:
            while frontier.size < each.size:
                frontier.append(next(hashes))
            if frontier.root() == each.root:
                size = each.size
            else:
                problems.append(_other_tree(published, each))
    except EvidenceError as error:
        problems.append(error.text)
    return size


def _leaves(
    ledger: Path,
    log: leaves.LedgerLog,
    published: PublishedLog,
    signed: int,
    problems: list[Text],
    progress: Progress | None,
) -> tuple[audit.Counted, list[audit.Found]]:
    """Look at all leaves, a share at a time. What seems wrong is looked at again: meanwhile calls go on, and
    records are purged."""
    shares = [(first, min(first + SHARE, log.size)) for first in range(0, log.size, SHARE)]
    counted, found, done = audit.Counted(), list[audit.Found](), 0
    for share in _shared(ledger, published, min(signed, log.size), shares):
        counted, done = counted.plus(share.counted), done + share.looked_at
        problems += [each for each in share.problems if each not in problems]
        for first in {(each.leaf or 0) // WIDTH * WIDTH for each in share.found}:
            end = min(first + WIDTH, log.size)
            found += _share(ledger, published, min(signed, log.size), first, end).found
        if progress:
            progress(done, log.size)
    return counted, found


@dataclass(frozen=True)
class _Share:
    """What one share of the leaves is like."""

    looked_at: int
    counted: audit.Counted
    found: tuple[audit.Found, ...]
    problems: tuple[Text, ...]


def _shared(
    ledger: Path, published: PublishedLog, signed: int, shares: Sequence[tuple[int, int]]
) -> Iterable[_Share]:
    """The shares, as they are done: by as many processes as there are cores, where it is worth it."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2 or len(shares) < 2:
        for first, end in shares:
            yield _share(ledger, published, signed, first, end)
        return
    with ProcessPoolExecutor(min(cores, len(shares)), mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_share, ledger, published, signed, first, end) for first, end in shares]
        for each in as_completed(waiting):
            yield each.result()


def _share(ledger: Path, published: PublishedLog, signed: int, first: int, end: int) -> _Share:
    """Look at the leaves from index `first` to `end`, and at what was published of those below `signed`."""
    problems: list[Text] = []

    def hashes(at: int, count: int) -> Sequence[bytes]:
        found: list[bytes] = []
        for index in range(at, min(at + count, signed), WIDTH):
            try:
                found += _published(published, index, min(WIDTH, signed - index))
            except EvidenceError as error:
                problems.append(error.text)
                break
        return found[:count]

    with translated(ledger), audit.reading(ledger) as connection:
        log = leaves.log(connection)
        gone = audit.gone(connection, log)
        counted, found = audit.leaves_of(connection, log, first, end, gone, hashes)
    return _Share(end - first, counted, tuple(found), tuple(problems))


def _published(published: PublishedLog, first: int, width: int) -> list[bytes]:
    """The hashes in a tile, whose bundle has the entries of the same. Raises EvidenceError."""
    tile = Tile(0, first // WIDTH, width)
    data = fetch(tile, published.tiles.read)
    hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
    bundle = Tile(ENTRIES, tile.index, width)
    entries = parse_bundle(fetch(bundle, published.tiles.read), width)
    if [leaf_hash(entry) for entry in entries] != hashes:
        raise TileChangedError(
            Text(
                "The published file {path} has other entries than its tile.",
                path=published.folder / bundle.path,
            )
        )
    return hashes


def _truncated(ledger: Path, log: leaves.LedgerLog, signed: int) -> Text:
    return Text(
        "The ledger {ledger} ends before {missing} records that were signed: it was cut off, or put back.",
        ledger=ledger,
        missing=signed - log.size,
    )


def _other_tree(published: PublishedLog, checkpoint: Checkpoint) -> Text:
    return Text(
        "The tiles in {folder} are not those of the checkpoint of {size} records.",
        folder=published.folder,
        size=checkpoint.size,
    )
