"""Audit of a whole ledger against its signed and published log, on all cores."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ..evidence.checkpoint import Checkpoint
from ..evidence.cosignature import WitnessVerifier
from ..evidence.leaf_times import Cosigned
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier
from ..evidence.read_log import ReadLog
from ..evidence.tiles import WIDTH
from ..evidence.tree import complete_root
from ..model.errors import EvidenceError, LedgerError
from ..model.text import Text
from ..system.processes import worker_pool
from . import (
    access_heads,
    audit,
    audit_answers,
    audit_checkpoints,
    audit_description,
    audit_history,
    audit_reading,
    audit_tiles,
    leaves,
    loss_notes,
    named_holes,
    own_logs,
    recorded_times,
    rows,
    tally,
    totals,
)
from .access_log import AccessLog
from .audit_checkpoints import Begin
from .audit_flaws import AuditedFlaw, ClosedLeaves, Flaw
from .ledger_file import translated
from .named_holes import NamingNote

MOST = 100  # missing leaves and files that are named one by one
TIMES = 3  # attempts, if calls are recorded meanwhile
FAR = 1 << 20  # missing leaves that are looked for
SHARE = 64 * WIDTH  # leaves that a process checks before it reports progress

Progress = Callable[[int, int], object]
"""Called with the number of leaves checked so far, and the number of all."""


@dataclass(frozen=True)
class AuditedLog:
    """The result of an audit of all logs of a ledger. `log` is the newest log as it was when the audit began:
    it had `log.next` leaves in all, and `signed` are in the newest checkpoints. `counted` has the numbers of
    records by state, `flaws` are theirs, `history` the rows of the history that the records contradict,
    `counters` the counters that they contradict, and `problems` the faults of the logs themselves. `cut_off`
    says where the ledger or a log ends before what was signed.

    `closed` are the leaves that cannot be opened, `naming` the notes that name some of them, and `logs` all
    logs with their notes, by origin, the newest last. `without_record` are the records that `history` names
    and that are gone. `remarks` are what is strange, and wrong by itself in no case. `cosigned` are, by the
    origin of the log, the signatures of witnesses under its checkpoints, and `times` its leaves' times of
    recording (`RecordedTimes`), which are read only where there are such signatures."""

    log: leaves.LedgerLog
    signed: int
    counted: audit.RecordCounts
    flaws: tuple[AuditedFlaw, ...]
    history: tuple[audit_history.HistoryRow, ...]
    problems: tuple[Text, ...]
    counters: tuple[tally.CounterRow, ...] = ()
    cut_off: tuple[Text, ...] = ()
    closed: tuple[ClosedLeaves, ...] = ()
    naming: tuple[NamingNote, ...] = ()
    logs: Mapping[str, ReadLog] = field(default_factory=dict)
    without_record: frozenset[int] = frozenset()
    remarks: tuple[Text, ...] = ()
    cosigned: Mapping[str, Sequence[Cosigned]] = field(default_factory=dict)
    times: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """Return whether nothing is wrong, whoever may have allowed what is gone."""
        return not (self.flaws or self.history or self.counters or self.problems or self.cut_off)


def audit_ledger(
    ledger: Path,
    keys: Sequence[NoteVerifier],
    progress: Progress | None = None,
    folder: LogFolder | None = None,
    witnesses: Sequence[WitnessVerifier] = (),
) -> AuditedLog:
    """Check everything against the log beside the ledger, or against the log in `folder`. Broken signatures
    of `witnesses`, and of those that the rules name, are remarked. A ledger that nobody has open is read
    without its locks; if it was written to meanwhile, it is checked once more. Raises LedgerError if the
    ledger cannot be read, and EvidenceError if the log cannot be read."""
    for _ in range(TIMES):
        version = audit_reading.version(ledger)
        try:
            result = _audit(ledger, keys, progress, folder or LogFolder(ledger), witnesses)
        except LedgerError:
            if audit_reading.version(ledger) == version:
                raise
            continue
        if result.is_sound or audit_reading.version(ledger) == version:
            return result
    return _audit(ledger, keys, progress, folder or LogFolder(ledger), witnesses)


def _audit(
    ledger: Path,
    keys: Sequence[NoteVerifier],
    progress: Progress | None,
    folder: LogFolder,
    known_witnesses: Sequence[WitnessVerifier],
) -> AuditedLog:
    with translated(ledger), audit_reading.reading(ledger) as connection:
        newest = leaves.log(connection)
        logs = leaves.logs(connection)
        audit_description.require_numbers(ledger, logs)
        ended = audit_description.ended_epochs(connection, folder, logs)
        problems = list(audit_description.problems(connection, ledger, folder, logs, ended))
        cut_off, remarks, closed = list[Text](), list[Text](), list[ClosedLeaves]()
        witnesses = tuple(dict.fromkeys((*known_witnesses, *own_logs.witnesses(connection))))
        notes = loss_notes.read_loss_notes(connection, logs, folder)
        farthest = connection.execute(leaves.COUNT).fetchone()[0] + FAR
        counted, flaws, signed_in_all = audit.RecordCounts(), list(notes.flaws), 0
        derived, last = tally.Derived(), connection.execute(rows.NEWEST).fetchone()[0]
        cosigned, times = dict[str, Sequence[Cosigned]](), dict[str, Sequence[int]]()
        with _workers(newest.next) as begin:
            history = begin(_history, ledger, folder)
            totals_flaws = begin(_totals, ledger, folder)
            steps_back = begin(recorded_times.steps_back, ledger)
            later_records, without_leaf = (
                begin(_later_records, ledger, last),
                begin(_without_leaf, ledger),
            )
            for log in logs:
                published = folder.published(log.epoch)
                checked = audit_checkpoints.kept_checkpoints(folder, log, keys, begin, witnesses)
                problems += [problem for problem in checked.problems if problem not in problems]
                remarks += checked.remarks
                checkpoints, cosigned[log.origin] = checked.checkpoints, checked.cosigned
                signed = checkpoints[-1].size if checkpoints else 0
                if remembered := own_logs.remembered_tree(connection, log.epoch):
                    if remembered.size > signed:
                        # A copy was made, or published to, at some time before.
                        place = remarks if folder.is_copy else cut_off
                        place.append(audit_description.shortened(ledger, published, remembered.size))
                    else:
                        checkpoints.append(Checkpoint(log.origin, remembered.size, remembered.root))
                        checkpoints.sort(key=lambda checkpoint: checkpoint.size)
                signed_in_all += signed
                end = max(min(log.size, farthest), signed)
                task = _Task(ledger, folder, published, log, signed, notes, bool(checked.cosigned), 0, end)
                tree = begin(audit_checkpoints.of_one_tree, task.published, checkpoints)
                log_counted, log_flaws, log_closed, times[log.origin] = _audit_leaves(
                    task, begin, problems, derived, progress
                )
                problems += tree()
                counted, flaws, closed = counted.plus(log_counted), flaws + log_flaws, closed + log_closed
                if log.size < signed:
                    closed.append(ClosedLeaves(log.origin, range(log.size, signed), facts=True))
                if log.size < signed and log.epoch in ended:
                    counted = counted.plus(audit.RecordCounts(lost=signed - log.size))
                else:
                    flaws += _missing(log, end)
                    cut_off += [audit_description.truncated(ledger, log, signed)] if log.size < signed else []
            flaws += without_leaf()
            flawed = {flaw.leaf for flaw in flaws}
            flaws += [flaw for flaw, counted_leaves in totals_flaws() if flawed.isdisjoint(counted_leaves)]
            counters_right = not flaws and tally.borne_out(connection, notes, derived, later_records())
            counters = () if counters_right else tuple(tally.forged(connection, notes))
            forged = tuple(history())
            problems += access_heads.problems(connection, AccessLog(ledger), datetime.now(UTC))
            remarks += [
                *steps_back(),
                *audit_description.missing_lists(connection, logs, folder, notes.purged),
            ]
        with audit_reading.reading(ledger) as now:  # notes that were written meanwhile count, too
            read = own_logs.read_for_audit(now, folder, keys)
            naming = named_holes.naming_notes(now, leaves.logs(now), folder, read)
            numbers = {row.record for row in forged}
            gone_records = {number for number in numbers if not leaves.has_record(now, number)}
        return AuditedLog(
            log=newest,
            signed=signed_in_all,
            counted=counted,
            flaws=tuple(sorted(set(flaws), key=_place)),
            history=forged,
            problems=tuple(problems),
            counters=counters,
            cut_off=tuple(cut_off),
            closed=tuple(closed),
            naming=naming,
            logs=read,
            without_record=frozenset(gone_records),
            remarks=tuple(remarks),
            cosigned=cosigned,
            times=times,
        )


def _place(flaw: AuditedFlaw) -> tuple[int, str, int]:
    return flaw.record or 0, flaw.flaw, flaw.leaf or 0


def _history(ledger: Path, folder: LogFolder) -> list[audit_history.HistoryRow]:
    """Check the history, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        logs = leaves.logs(connection)
        notes = loss_notes.read_loss_notes(connection, logs, folder)
        return [
            *audit_history.forged(connection, notes),
            *audit_answers.forged(connection, notes),
        ]


def _later_records(ledger: Path, last: int) -> list[tuple[object, object, int]]:
    """Count the records that are not the first of their call, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return tally.later(connection, last)


def _totals(ledger: Path, folder: LogFolder) -> list[tuple[AuditedFlaw, range]]:
    """Check the totals, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return list(totals.contradicted(connection, leaves.logs(connection), folder))


def _without_leaf(ledger: Path) -> list[AuditedFlaw]:
    """Find the records without a leaf, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return list(audit.without_leaf(connection))


def _missing(log: leaves.LedgerLog, end: int) -> list[AuditedFlaw]:
    """Return the flaws of a log that ends before its last signed leaf, or whose numbers go far beyond its
    leaves. Only the first missing leaves are listed."""
    if end < log.size:
        return [AuditedFlaw(None, end, Flaw.DELETED)]
    return [AuditedFlaw(None, at, Flaw.TRUNCATED) for at in range(log.size, end)[:MOST]]


def _audit_leaves(
    all_leaves: _Task, begin: Begin, problems: list[Text], derived: tally.Derived, progress: Progress | None
) -> tuple[audit.RecordCounts, list[AuditedFlaw], list[ClosedLeaves], array[int]]:
    """Check all leaves, a share at a time. A leaf that seems wrong is checked again, because calls go on
    meanwhile, and records are purged."""
    starts = range(0, all_leaves.end, SHARE)
    shares = [replace(all_leaves, first=at, end=min(at + SHARE, all_leaves.end)) for at in starts]
    counted, doubtful, checked, closed = audit.RecordCounts(), set[int](), 0, list[ClosedLeaves]()
    roots: dict[int, tuple[bytes | None, ...]] = {}
    times = array("q")
    for wait in [begin(_Task.run, share) for share in shares]:
        result: _Share = wait()
        counted, checked = counted.plus(result.counted), checked + result.checked
        problems += [problem for problem in result.problems if problem not in problems][:MOST]
        roots[result.first] = result.roots
        derived.merge(result.derived)
        closed += result.closed
        times += result.times
        doubtful |= {(flaw.leaf or 0) // WIDTH * WIDTH for flaw in result.flaws}
        if progress:
            progress(checked, all_leaves.end)
    try:
        problems += audit_tiles.upper(
            all_leaves.published, [root for start in starts for root in roots[start]]
        )
        problems += audit_tiles.partial(all_leaves.published, all_leaves.signed)
    except EvidenceError as error:
        problems.append(error.text)
    return counted, _recheck(all_leaves, sorted(doubtful)), closed, times


def _recheck(all_leaves: _Task, doubtful: Sequence[int]) -> list[AuditedFlaw]:
    """Check again the parts of 256 leaves that begin at these indices, and return their flaws."""
    flaws: list[AuditedFlaw] = []
    if doubtful:
        with translated(all_leaves.ledger), audit_reading.reading(all_leaves.ledger) as connection:
            logs = leaves.logs(connection)
            notes = loss_notes.read_loss_notes(connection, logs, all_leaves.folder)
            task = replace(all_leaves, notes=notes)
            for first in doubtful:
                flaws += (
                    replace(task, first=first, end=min(first + WIDTH, all_leaves.end)).check(connection).flaws
                )
    return flaws


@dataclass(frozen=True)
class _Share:
    """The result for one share of the leaves, which begins at index `first`; `roots` are those of its full
    tiles."""

    first: int
    checked: int
    counted: audit.RecordCounts
    flaws: tuple[AuditedFlaw, ...]
    closed: tuple[ClosedLeaves, ...]
    problems: tuple[Text, ...]
    roots: tuple[bytes | None, ...]
    derived: tally.Derived
    times: array[int]


@dataclass(frozen=True)
class _Task:
    """The check of the leaves of a log from index `first` to `end`, and of the published entries below
    `signed`. `folder` has the private lists of erasures. If the log is `cosigned`, the times of the leaves
    are read, too."""

    ledger: Path
    folder: LogFolder
    published: PublishedLog
    log: leaves.LedgerLog
    signed: int
    notes: loss_notes.LossNotes
    cosigned: bool
    first: int
    end: int

    def run(self) -> _Share:
        """Check them over a connection of its own."""
        with translated(self.ledger), audit_reading.reading(self.ledger) as connection:
            return self.check(connection)

    def check(self, connection: sqlite3.Connection) -> _Share:
        """Check them, reading the ledger over this connection."""
        problems: list[Text] = []
        roots: list[bytes | None] = []

        def entries(start: int, count: int) -> Sequence[bytes | None]:
            page_entries: list[bytes | None] = []
            for index in range(start, min(start + count, self.signed), WIDTH):
                bundle_entries, hashes = audit_tiles.entries(self.published, index, self.signed, problems)
                page_entries += bundle_entries
                if len(bundle_entries) == WIDTH:
                    roots.append(complete_root(hashes) if hashes else None)
            page_entries += [None] * (count - len(page_entries))
            return page_entries[:count]

        end = min(self.end, self.log.size)
        derived, start = tally.Derived(), self.log.first
        times = recorded_times.RecordedTimes(start + self.first, start + end if self.cosigned else 0)

        def sound(leaf_rows: Sequence[tuple[Any, ...]]) -> None:
            derived.add(leaf_rows)
            if self.cosigned:
                times.add(leaf_rows)

        counted, flaws, closed = audit.leaves_of(
            connection, self.log, self.first, end, self.notes, entries, sound
        )
        for at in range(-(-max(end, self.first) // WIDTH) * WIDTH, self.end, WIDTH):
            entries(at, WIDTH)  # leaves that the ledger does not have
        checked = self.end - self.first
        return _Share(
            self.first,
            checked,
            counted,
            tuple(flaws),
            tuple(closed),
            tuple(problems),
            tuple(roots),
            derived,
            times.seconds,
        )


@contextlib.contextmanager
def _workers(count: int) -> Iterator[Begin]:
    """Yield a way to begin work: in as many processes as there are cores, if `count` leaves are worth it,
    else in this process."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2 or count <= SHARE:
        yield partial
        return
    with worker_pool(cores) as pool:
        yield partial if pool is None else lambda work, *arguments: pool.submit(work, *arguments).result
