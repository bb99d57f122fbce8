"""A whole ledger against what was signed and published of it, with all cores."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..errors import EvidenceError, LedgerError
from ..evidence.checkpoint import Checkpoint
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier
from ..evidence.tiles import WIDTH
from ..evidence.tree import complete_root
from ..processes import worker_pool
from ..text import Text
from . import audit, audit_checkpoints, audit_history, audit_reading, audit_tiles, leaves, rows, tally
from .audit_checkpoints import Begin
from .ledger_file import translated

MOST = 100  # missing leaves and files that are named one by one
TIMES = 3  # to look again where calls came meanwhile
FAR = 1 << 20  # leaves that are missing, and looked for
SHARE = 64 * WIDTH  # leaves that a process looks at before it says how far it is

Progress = Callable[[int, int], object]
"""Called with how many leaves were looked at, and how many there are."""


@dataclass(frozen=True)
class AuditedLog:
    """What an audit found of all logs of a ledger, of which `log` is the newest as it was when it began:
    there were `log.next` leaves in all, and `signed` are in the newest checkpoints. `counted` says what
    became of the records, `found` what is wrong with which; `history` which row of the history is not borne
    out, and `counters` which counter is not; `problems` what is wrong with the logs themselves."""

    log: leaves.LedgerLog
    signed: int
    counted: audit.Counted
    found: tuple[audit.Found, ...]
    history: tuple[audit_history.ForgedHistory, ...]
    problems: tuple[Text, ...]
    counters: tuple[tally.ForgedCount, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.found or self.history or self.counters or self.problems)


def audit_ledger(
    ledger: Path,
    keys: Sequence[NoteVerifier],
    progress: Progress | None = None,
    folder: LogFolder | None = None,
) -> AuditedLog:
    """Look at everything, by the log as it lies beside the ledger, or in a `folder` elsewhere. Raises
    LedgerError where the ledger cannot be read, EvidenceError where the log cannot. A ledger that nobody has
    open is read without its locks: one that is written to meanwhile is looked at once more."""
    for _ in range(TIMES):
        before = audit_reading.version(ledger)
        try:
            found = _audited(ledger, keys, progress, folder or LogFolder(ledger))
        except LedgerError:
            if audit_reading.version(ledger) == before:
                raise
            continue
        if found.sound or audit_reading.version(ledger) == before:
            return found
    return _audited(ledger, keys, progress, folder or LogFolder(ledger))


def _audited(
    ledger: Path, keys: Sequence[NoteVerifier], progress: Progress | None, folder: LogFolder
) -> AuditedLog:
    with translated(ledger), audit_reading.reading(ledger) as connection:
        newest = leaves.log(connection)
        logs = leaves.logs(connection)
        _require_numbers(ledger, logs)
        ended = _ended(connection, folder, logs)
        problems = list(_log_problems(connection, ledger, folder, logs, ended))
        gone = audit.gone(connection, logs)
        most = connection.execute(leaves.BOUNDS).fetchone()[2] + FAR
        counted, found, signed_in_all = audit.Counted(), list(gone.found), 0
        derived, last = tally.Derived(), connection.execute(rows.NEWEST).fetchone()[0]
        with _workers(newest.next) as begin:
            history = begin(_history, ledger)
            later, without = begin(_later, ledger, last), begin(_without_leaf, ledger, newest)
            for log in logs:
                known = audit_checkpoints.kept(folder, log, keys, problems, begin)
                signed = known[-1].size if known else 0
                signed_in_all += signed
                end = max(min(log.size, most), signed)
                task = _Task(ledger, folder.published(log.epoch), log, signed, gone, 0, end)
                tree = begin(audit_checkpoints.of_one_tree, task.published, known)
                counted_here, found_here = _leaves(task, begin, problems, derived, progress)
                problems += tree()
                counted, found = counted.plus(counted_here), found + found_here
                if log.size < signed and log.epoch in ended:
                    counted = counted.plus(audit.Counted(lost=signed - log.size))
                else:
                    found += _missing(log, end)
                    problems += [_truncated(ledger, log, signed)] if log.size < signed else []
            found += without()
            right = not found and tally.borne_out(connection, gone, derived, later())
            counters = () if right else tuple(tally.forged(connection, gone))
            forged = tuple(history())
        flaws = tuple(sorted(set(found)))
        return AuditedLog(newest, signed_in_all, counted, flaws, forged, tuple(problems), counters)


def _history(ledger: Path) -> list[audit_history.ForgedHistory]:
    """What is wrong with the history, by a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        logs = leaves.logs(connection)
        return audit_history.forged(connection, audit.gone(connection, logs), logs[0].old)


def _later(ledger: Path, last: int) -> list[tuple[object, object, int]]:
    """How many records are not the first of their call, by a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return tally.later(connection, last)


def _without_leaf(ledger: Path, log: leaves.LedgerLog) -> list[audit.Found]:
    """Which records were put in without one, by a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return list(audit.without_leaf(connection, log))


def _require_numbers(ledger: Path, logs: Sequence[leaves.LedgerLog]) -> None:
    """That the ledger says in numbers where its logs begin. Raises EvidenceError."""
    for log in logs:
        numbers = (log.epoch, log.first, log.next, log.old, log.entered)
        if any(type(each) is not int for each in numbers) or type(log.origin) is not str:
            raise EvidenceError(
                Text("The ledger {ledger} has something else in the place of its log.", ledger=ledger)
            )


def _log_problems(
    connection: sqlite3.Connection,
    ledger: Path,
    folder: LogFolder,
    logs: Sequence[leaves.LedgerLog],
    ended: Collection[int],
) -> Iterator[Text]:
    """What is wrong with what the ledger says of its logs, of which those `ended` may have lost all."""
    epochs = [log.epoch for log in logs]
    starts = [log.first for log in logs]
    empty = any(log.size <= 0 and log.epoch not in ended for log in logs[1:])
    if epochs != list(range(1, len(logs) + 1)) or starts[0] != 0 or starts != sorted(starts) or empty:
        yield Text("The ledger {ledger} has a log too many, or one is missing.", ledger=ledger)
    for epoch in folder.epochs():
        if epoch not in epochs:
            yield Text(
                "The log in {folder} is none of the ledger {ledger}.",
                folder=folder.published(epoch).folder,
                ledger=ledger,
            )
    first, last, _ = connection.execute(leaves.BOUNDS).fetchone()
    log = logs[0]
    if not (last or 0) <= log.entered <= log.old or (first is not None and log.old >= first):
        yield Text(
            "The ledger {ledger} says wrongly which of its records are from before there was a log.",
            ledger=ledger,
        )


def _missing(log: leaves.LedgerLog, end: int) -> list[audit.Found]:
    """What a log has not that ends before what was signed, or far beyond all that is there; the first stand
    for all."""
    if end < log.size:
        return [audit.Found(0, audit.Flaw.DELETED, end)]
    return [audit.Found(0, audit.Flaw.TRUNCATED, at) for at in range(log.size, end)[:MOST]]


def _leaves(
    whole: _Task, begin: Begin, problems: list[Text], derived: tally.Derived, progress: Progress | None
) -> tuple[audit.Counted, list[audit.Found]]:
    """Look at all leaves, a share at a time. What seems wrong is looked at again: meanwhile calls go on, and
    records are purged."""
    starts = range(0, whole.end, SHARE)
    shares = [replace(whole, first=at, end=min(at + SHARE, whole.end)) for at in starts]
    counted, doubtful, done = audit.Counted(), set[int](), 0
    roots: dict[int, tuple[bytes | None, ...]] = {}
    for result in [begin(_Task.done, each) for each in shares]:
        share: _Share = result()
        counted, done = counted.plus(share.counted), done + share.looked_at
        problems += [each for each in share.problems if each not in problems][:MOST]
        roots[share.first] = share.roots
        derived.merge(share.derived)
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
            now = replace(whole, gone=audit.gone(connection, leaves.logs(connection)))
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
    derived: tally.Derived


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
                    roots.append(complete_root(hashes) if hashes else None)
            found += [None] * (count - len(found))
            return found[:count]

        end = min(self.end, self.log.size)
        derived = tally.Derived()
        counted, found = audit.leaves_of(
            connection, self.log, self.first, end, self.gone, entries, derived.add
        )
        for at in range(-(-max(end, self.first) // WIDTH) * WIDTH, self.end, WIDTH):
            entries(at, WIDTH)  # of which the ledger has nothing
        looked_at = self.end - self.first
        return _Share(self.first, looked_at, counted, tuple(found), tuple(problems), tuple(roots), derived)


@contextlib.contextmanager
def _workers(count: int) -> Iterator[Begin]:
    """As many processes as there are cores, where it is worth it for so many leaves."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2 or count <= SHARE:
        yield partial
        return
    with worker_pool(cores) as pool:
        yield partial if pool is None else lambda work, *given: pool.submit(work, *given).result


def _ended(connection: sqlite3.Connection, folder: LogFolder, logs: Sequence[leaves.LedgerLog]) -> set[int]:
    """The epochs of which the first record of a later log says that they ended as they were published: their
    last records were lost with a ledger that a backup replaced."""
    found = (connection.execute(leaves.FIRST, (log.first,)).fetchone() for log in logs[1:])
    said = {each for row in found if row for each in str(row[0]).split(leaves.AND)}
    return {log.epoch for log in logs if _follows(folder.published(log.epoch)) in said}


def _follows(published: PublishedLog) -> str | None:
    try:
        data = published.checkpoint()
        return None if data is None else leaves.follows(Checkpoint.unverified(data))
    except EvidenceError:  # which is told where checkpoints are looked at
        return None


def _truncated(ledger: Path, log: leaves.LedgerLog, signed: int) -> Text:
    return Text(
        "The ledger {ledger} ends before {missing} records that were signed: it was cut off, or put back.",
        ledger=ledger,
        missing=signed - log.size,
    )
