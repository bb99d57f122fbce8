"""A whole ledger against what was signed and published of it, with all cores."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from ..errors import EvidenceError
from ..evidence.checkpoint import Checkpoint, open_checkpoint
from ..evidence.encoding import HASH_SIZE
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier
from ..evidence.tiles import WIDTH, leaf_hashes
from ..evidence.tree import Frontier, root
from ..text import Text
from . import audit, audit_history, audit_reading, audit_tiles, leaves
from .ledger_file import translated

MOST = 100  # missing leaves and files that are named one by one
SHARE = 64 * WIDTH  # leaves that a process looks at before it says how far it is

Progress = Callable[[int, int], object]
"""Called with how many leaves were looked at, and how many there are."""


@dataclass(frozen=True)
class AuditedLog:
    """What an audit found. Of the newest `log` as it was when it began, of which `signed` leaves are in the
    newest checkpoint. `counted` says what became of the records, `found` what is wrong with which; `history`
    which row of the history is not borne out; `problems` what is wrong with the logs themselves."""

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
    with translated(ledger), audit_reading.reading(ledger) as connection:
        newest, folder = leaves.log(connection), LogFolder(ledger)
        logs = leaves.logs(connection)
        problems = list(_log_problems(connection, ledger, folder, logs))
        counted, found, signed, gone = audit.Counted(), list[audit.Found](), 0, audit.Gone((), (), (), ())
        for log in logs:
            signed = _checkpoints(folder, log, keys, problems)
            its = audit.gone(connection, log)
            task = _Task(ledger, folder.published(log.epoch), log, signed, its, 0, max(log.size, signed))
            counted_here, found_here = _leaves(task, problems, progress)
            counted, found = counted.plus(counted_here), found + found_here
            found += [audit.Found(0, audit.Flaw.TRUNCATED, index) for index in range(log.size, signed)][:MOST]
            if log.size < signed:
                problems.append(_truncated(ledger, log, signed))
            found += its.found
            gone = its.since(gone)
        found += audit.without_leaf(connection, newest)
        history = audit_history.forged(connection, gone, logs[0].old)
        return AuditedLog(newest, signed, counted, tuple(sorted(set(found))), tuple(history), tuple(problems))


def _log_problems(
    connection: sqlite3.Connection, ledger: Path, folder: LogFolder, logs: Sequence[leaves.LedgerLog]
) -> Iterator[Text]:
    """What is wrong with what the ledger says of its logs."""
    epochs = [log.epoch for log in logs]
    starts = [log.first for log in logs]
    empty = any(log.size <= 0 for log in logs[1:])
    if epochs != list(range(1, len(logs) + 1)) or starts[0] != 0 or starts != sorted(starts) or empty:
        yield Text("The ledger {ledger} has a log too many, or one is missing.", ledger=ledger)
    for epoch in folder.epochs():
        if epoch not in epochs:
            yield Text(
                "The log in {folder} is none of the ledger {ledger}.",
                folder=folder.published(epoch).folder,
                ledger=ledger,
            )
    first, last = connection.execute(leaves.BOUNDS).fetchone()
    log = logs[0]
    if not (last or 0) <= log.entered <= log.old or (first is not None and log.old >= first):
        yield Text(
            "The ledger {ledger} says wrongly which of its records are from before there was a log.",
            ledger=ledger,
        )


def _checkpoints(
    folder: LogFolder, log: leaves.LedgerLog, keys: Sequence[NoteVerifier], problems: list[Text]
) -> int:
    """Look at all checkpoints that were kept, and at the tiles that they are of; how many leaves the newest
    has."""
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
    known.sort(key=lambda each: each.size)
    frontier, size = Frontier(), known[-1].size if known else 0
    try:
        hashes = leaf_hashes(size, published.tiles.read)
        for each in known:
            while frontier.size < each.size:
                frontier.append(next(hashes))
            if frontier.root() != each.root:
                problems.append(_other_tree(published, each))
    except EvidenceError as error:
        problems.append(error.text)
    return size


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


def _leaves(
    whole: _Task, problems: list[Text], progress: Progress | None
) -> tuple[audit.Counted, list[audit.Found]]:
    """Look at all leaves, a share at a time. What seems wrong is looked at again: meanwhile calls go on, and
    records are purged."""
    starts = range(0, whole.end, SHARE)
    shares = [replace(whole, first=at, end=min(at + SHARE, whole.end)) for at in starts]
    counted, doubtful, done = audit.Counted(), set[int](), 0
    roots: dict[int, tuple[bytes | None, ...]] = {}
    for share in _shared(shares):
        counted, done = counted.plus(share.counted), done + share.looked_at
        problems += [each for each in share.problems if each not in problems][:MOST]
        roots[share.first] = share.roots
        doubtful |= {(each.leaf or 0) // WIDTH * WIDTH for each in share.found}
        if progress:
            progress(done, whole.end)
    try:
        problems += audit_tiles.upper(whole.published, [each for at in starts for each in roots[at]])
        problems += audit_tiles.partial(whole.published, whole.signed)
    except EvidenceError as error:
        problems.append(error.text)
    return counted, _again(whole, sorted(doubtful))


def _again(whole: _Task, doubtful: Sequence[int]) -> list[audit.Found]:
    """What is wrong for good in the parts of 256 leaves that begin there."""
    found: list[audit.Found] = []
    if doubtful:
        with translated(whole.ledger), audit_reading.reading(whole.ledger) as connection:
            now = replace(whole, gone=audit.gone(connection, whole.log))
            for first in doubtful:
                found += replace(now, first=first, end=min(first + WIDTH, whole.end)).look(connection).found
    return found


@dataclass(frozen=True)
class _Share:
    """What one share of the leaves is like, from `first` on; `roots` are those of full tiles."""

    first: int
    looked_at: int
    counted: audit.Counted
    found: tuple[audit.Found, ...]
    problems: tuple[Text, ...]
    roots: tuple[bytes | None, ...]


@dataclass(frozen=True)
class _Task:
    """To look at the leaves of a log from index `first` to `end`, and at what was published of those below
    `signed`."""

    ledger: Path
    published: PublishedLog
    log: leaves.LedgerLog
    signed: int
    gone: audit.Gone
    first: int
    end: int

    def done(self) -> _Share:
        """The share, by a connection of its own."""
        with translated(self.ledger), audit_reading.reading(self.ledger) as connection:
            return self.look(connection)

    def look(self, connection: sqlite3.Connection) -> _Share:
        """The share."""
        problems: list[Text] = []
        roots: list[bytes | None] = []

        def entries(at: int, count: int) -> Sequence[bytes | None]:
            found: list[bytes | None] = []
            for index in range(at, min(at + count, self.signed), WIDTH):
                listed, hashes = audit_tiles.entries(self.published, index, self.signed, problems)
                found += listed
                if len(listed) == WIDTH:
                    roots.append(_root(hashes))
            found += [None] * (count - len(found))
            return found[:count]

        end = min(self.end, self.log.size)
        counted, found = audit.leaves_of(connection, self.log, self.first, end, self.gone, entries)
        for at in range(-(-max(end, self.first) // WIDTH) * WIDTH, self.end, WIDTH):
            entries(at, WIDTH)  # of which the ledger has nothing
        looked_at = self.end - self.first
        return _Share(self.first, looked_at, counted, tuple(found), tuple(problems), tuple(roots))


def _root(hashes: bytes) -> bytes | None:
    if not hashes:
        return None
    return root(hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE))


def _shared(tasks: Sequence[_Task]) -> Iterable[_Share]:
    """The shares, as they are done: by as many processes as there are cores, where it is worth it."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2 or len(tasks) < 2:
        for task in tasks:
            yield task.done()
        return
    with ProcessPoolExecutor(min(cores, len(tasks)), mp_context=get_context("spawn")) as pool:
        for each in as_completed([pool.submit(_Task.done, task) for task in tasks]):
            yield each.result()


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


def _other_log(published: PublishedLog, checkpoint: Checkpoint) -> Text:
    return Text(
        "A checkpoint in {folder} is of another log, {origin}.",
        folder=published.folder,
        origin=checkpoint.origin,
    )
