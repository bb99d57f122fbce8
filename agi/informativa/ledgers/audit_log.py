"""Audit of a whole ledger against its signed and published log, on all cores."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ..evidence.checkpoint import Checkpoint
from ..evidence.commitment import NOTE_TAG
from ..evidence.cosignature import WitnessVerifier
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.note import NoteVerifier, Verifier
from ..evidence.notes import NewLogNote, NoteKind, RuleNote
from ..evidence.read_log import ReadEntry, ReadLog
from ..evidence.tiles import WIDTH
from ..evidence.tree import complete_root
from ..model.errors import EvidenceError, LedgerError
from ..model.text import Text
from ..system.processes import worker_pool
from . import (
    access_heads,
    audit,
    audit_checkpoints,
    audit_history,
    audit_reading,
    audit_tiles,
    leaves,
    loss_notes,
    named_holes,
    note_leaves,
    remembered_trees,
    rows,
    tally,
    totals,
)
from .access_log import AccessLog
from .audit_checkpoints import Begin
from .audit_flaws import AuditedFlaw, ClosedLeaves, Flaw
from .foreign_schema import foreign_parts
from .ledger_file import translated
from .named_holes import NamingNote

CLOCK_STEP = 10  # minutes that a clock may be put back unremarked
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
    and that are gone. `remarks` are what is strange, and wrong by itself in no case."""

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
    of `witnesses`, and of those that the rules name, are remarked. A ledger that
    nobody has open is read without its locks; if it was written to meanwhile, it is checked once more. Raises
    LedgerError if the ledger cannot be read, and EvidenceError if the log cannot be read."""
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
        _require_numbers(ledger, logs)
        ended = _ended_epochs(connection, folder, logs)
        problems = list(_log_problems(connection, ledger, folder, logs, ended))
        cut_off, remarks, closed = list[Text](), list[Text](), list[ClosedLeaves]()
        witnesses = tuple(dict.fromkeys((*known_witnesses, *_rules_witnesses(connection, logs))))
        notes = loss_notes.read_loss_notes(connection, logs, folder)
        farthest = connection.execute(leaves.BOUNDS).fetchone()[2] + FAR
        counted, flaws, signed_in_all = audit.RecordCounts(), list(notes.flaws), 0
        derived, last = tally.Derived(), connection.execute(rows.NEWEST).fetchone()[0]
        with _workers(newest.next) as begin:
            history = begin(_history, ledger, folder)
            totals_flaws = begin(_totals, ledger)
            steps_back = begin(_steps_back, ledger)
            later_records, without_leaf = begin(_later, ledger, last), begin(_without_leaf, ledger, newest)
            for log in logs:
                checkpoints = audit_checkpoints.signed_checkpoints(
                    folder, log, keys, problems, begin, witnesses, remarks
                )
                signed = checkpoints[-1].size if checkpoints else 0
                if remembered := remembered_trees.read(connection, log.epoch):
                    if remembered.size > signed:
                        cut_off.append(_shortened(ledger, folder.published(log.epoch), remembered.size))
                    else:
                        checkpoints.append(Checkpoint(log.origin, remembered.size, remembered.root))
                        checkpoints.sort(key=lambda checkpoint: checkpoint.size)
                signed_in_all += signed
                end = max(min(log.size, farthest), signed)
                task = _Task(ledger, folder, folder.published(log.epoch), log, signed, notes, 0, end)
                tree = begin(audit_checkpoints.of_one_tree, task.published, checkpoints)
                log_counted, log_flaws, log_closed = _audit_leaves(task, begin, problems, derived, progress)
                problems += tree()
                counted, flaws, closed = counted.plus(log_counted), flaws + log_flaws, closed + log_closed
                if log.size < signed:
                    closed.append(ClosedLeaves(log.origin, range(log.size, signed), facts=True))
                if log.size < signed and log.epoch in ended:
                    counted = counted.plus(audit.RecordCounts(lost=signed - log.size))
                else:
                    flaws += _missing(log, end)
                    cut_off += [_truncated(ledger, log, signed)] if log.size < signed else []
            flaws += without_leaf()
            flawed = {flaw.leaf for flaw in flaws}
            flaws += [flaw for flaw, counted_leaves in totals_flaws() if flawed.isdisjoint(counted_leaves)]
            counters_right = not flaws and tally.borne_out(connection, notes, derived, later_records())
            counters = () if counters_right else tuple(tally.forged(connection, notes))
            forged = tuple(history())
            problems += access_heads.problems(connection, AccessLog(ledger), datetime.now(UTC))
            remarks += [*steps_back(), *_missing_lists(connection, logs, folder)]
        with audit_reading.reading(ledger) as now:  # notes that were written meanwhile count, too
            read = {log.key.name: log for log in _read_logs(now, folder, keys)}
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
        )


def _read_logs(
    connection: sqlite3.Connection, folder: LogFolder, keys: Sequence[NoteVerifier]
) -> Iterator[ReadLog]:
    """Yield the logs with their notes, each as long as it was published, or longer. A log without a key that
    is known has one that signs nothing. A log whose name is none has no notes; the audit reports it."""
    own_keys = {key.name: key for key in keys if isinstance(key, Verifier)}
    for log in leaves.logs(connection):
        key, tree = own_keys.get(log.origin), None
        with contextlib.suppress(EvidenceError):
            key = key or folder.published(log.epoch).key()
        with contextlib.suppress(EvidenceError):
            tree = Checkpoint.unverified(folder.published(log.epoch).checkpoint() or b"")
        with contextlib.suppress(EvidenceError):
            if key is None or key.name != log.origin:
                key = note_leaves.unsigned_key(log)
            read = note_leaves.read_log(connection, log, key)
            is_longer = tree is not None and tree.origin == log.origin and tree.size >= log.size
            yield replace(read, size=tree.size, root=tree.root) if tree and is_longer else read


def _rules_witnesses(
    connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog]
) -> Iterator[WitnessVerifier]:
    """Yield the witnesses that the rules of these logs name."""
    for log in logs:
        for note in note_leaves.backwards(connection, log):
            if isinstance(note.content, RuleNote):
                yield from note.content.witnesses


def _steps_back(ledger: Path) -> list[Text]:
    """Return a sentence if the clock was put back while records were made, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        count, record = connection.execute(leaves.STEPS_BACK, (CLOCK_STEP * 60_000_000,)).fetchone()
    if not count:
        return []
    return [
        Text.counted(
            "The clock was put back by more than {minutes} minutes once, before record {record} was made.",
            "The clock was put back by more than {minutes} minutes {count} times, first before record"
            " {record} was made.",
            count,
            minutes=CLOCK_STEP,
            record=record,
        )
    ]


def _missing_lists(
    connection: sqlite3.Connection, logs: Sequence[leaves.LedgerLog], folder: LogFolder
) -> Iterator[Text]:
    """Yield a sentence for each erasure whose private list is missing: its leaves seem to be unexplained."""
    for log in logs:
        for note in note_leaves.backwards(connection, log):
            if note.kind is NoteKind.ERASURE and loss_notes.read_list(note, logs, folder) is None:
                yield Text(
                    "The list {file} of the erasure in leaf {index} of {log} is missing, or is another one."
                    " Put it back, from a backup of that folder or from the approver.",
                    file=folder.private_file(log.epoch, note.index),
                    index=note.index,
                    log=log.origin,
                )


def _place(flaw: AuditedFlaw) -> tuple[int, str, int]:
    return flaw.record or 0, flaw.flaw, flaw.leaf or 0


def _history(ledger: Path, folder: LogFolder) -> list[audit_history.HistoryRow]:
    """Check the history, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        logs = leaves.logs(connection)
        notes = loss_notes.read_loss_notes(connection, logs, folder)
        return audit_history.forged(connection, notes, logs[0].old)


def _later(ledger: Path, last: int) -> list[tuple[object, object, int]]:
    """Count the records that are not the first of their call, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return tally.later(connection, last)


def _totals(ledger: Path) -> list[tuple[AuditedFlaw, range]]:
    """Check the totals, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return list(totals.contradicted(connection, leaves.logs(connection)))


def _without_leaf(ledger: Path, log: leaves.LedgerLog) -> list[AuditedFlaw]:
    """Find the records without a leaf, over a connection of its own."""
    with translated(ledger), audit_reading.reading(ledger) as connection:
        return list(audit.without_leaf(connection, log))


def _require_numbers(ledger: Path, logs: Sequence[leaves.LedgerLog]) -> None:
    """Check that the ledger describes its logs by values of the right types. Raises EvidenceError."""
    for log in logs:
        numbers = (log.epoch, log.first, log.next, log.old, log.entered, log.v2_from)
        if any(type(number) is not int for number in numbers) or type(log.origin) is not str:
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
    """Find what is wrong in the ledger's description of its logs. The logs `ended` may have lost all their
    leaves."""
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
    if len({log.v2_from for log in logs}) > 1 or not 0 <= logs[-1].v2_from <= logs[-1].next:
        yield Text("The ledger {ledger} says wrongly which of its records are of version 2.", ledger=ledger)
    if parts := foreign_parts(connection):
        yield Text(
            "The ledger {ledger} has parts that informativa did not make: {parts}.",
            ledger=ledger,
            parts=", ".join(parts),
        )
    first, last, _ = connection.execute(leaves.BOUNDS).fetchone()
    log = logs[0]
    if not (last or 0) <= log.entered <= log.old or (first is not None and log.old >= first):
        yield Text(
            "The ledger {ledger} says wrongly which of its records are from before there was a log.",
            ledger=ledger,
        )


def _missing(log: leaves.LedgerLog, end: int) -> list[AuditedFlaw]:
    """Return the flaws of a log that ends before its last signed leaf, or whose numbers go far beyond its
    leaves. Only the first missing leaves are listed."""
    if end < log.size:
        return [AuditedFlaw(None, end, Flaw.DELETED)]
    return [AuditedFlaw(None, at, Flaw.TRUNCATED) for at in range(log.size, end)[:MOST]]


def _audit_leaves(
    all_leaves: _Task, begin: Begin, problems: list[Text], derived: tally.Derived, progress: Progress | None
) -> tuple[audit.RecordCounts, list[AuditedFlaw], list[ClosedLeaves]]:
    """Check all leaves, a share at a time. A leaf that seems wrong is checked again, because calls go on
    meanwhile, and records are purged."""
    starts = range(0, all_leaves.end, SHARE)
    shares = [replace(all_leaves, first=at, end=min(at + SHARE, all_leaves.end)) for at in starts]
    counted, doubtful, checked, closed = audit.RecordCounts(), set[int](), 0, list[ClosedLeaves]()
    roots: dict[int, tuple[bytes | None, ...]] = {}
    for wait in [begin(_Task.run, share) for share in shares]:
        result: _Share = wait()
        counted, checked = counted.plus(result.counted), checked + result.checked
        problems += [problem for problem in result.problems if problem not in problems][:MOST]
        roots[result.first] = result.roots
        derived.merge(result.derived)
        closed += result.closed
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
    return counted, _recheck(all_leaves, sorted(doubtful)), closed


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


@dataclass(frozen=True)
class _Task:
    """The check of the leaves of a log from index `first` to `end`, and of the published entries below
    `signed`. `folder` has the private lists of erasures."""

    ledger: Path
    folder: LogFolder
    published: PublishedLog
    log: leaves.LedgerLog
    signed: int
    notes: loss_notes.LossNotes
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
        derived = tally.Derived()
        counted, flaws, closed = audit.leaves_of(
            connection, self.log, self.first, end, self.notes, entries, derived.add
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


def _ended_epochs(
    connection: sqlite3.Connection, folder: LogFolder, logs: Sequence[leaves.LedgerLog]
) -> set[int]:
    """Return the epochs that ended as they were published according to the first record of a later log: their
    last records were lost with a ledger that a backup replaced."""
    first_records = ((log, connection.execute(leaves.FIRST, (log.first,)).fetchone()) for log in logs[1:])
    ends = {end for log, row in first_records if row for end in _ends(log.origin, *row)}
    return {log.epoch for log in logs if _follows(folder.published(log.epoch)) in ends}


def _ends(origin: str, text: object, is_note: object) -> Iterator[str]:
    """Yield the ends of other logs that the first record of a log names, as `leaves.follows` writes them."""
    if not is_note:
        yield from str(text).split(leaves.AND)
        return
    note = ReadEntry.read(NOTE_TAG + str(text).encode("utf-8", "surrogateescape"), origin, 0).note
    if note is not None and isinstance(note.content, NewLogNote):
        yield from map(leaves.follows, note.content.after)


def _follows(published: PublishedLog) -> str | None:
    try:
        data = published.checkpoint()
        return None if data is None else leaves.follows(Checkpoint.unverified(data))
    except EvidenceError:  # which the check of the checkpoints reports
        return None


def _shortened(ledger: Path, published: PublishedLog, size: int) -> Text:
    return Text(
        "The log in {folder} ends before {size} records that were signed according to the ledger {ledger}.",
        folder=published.folder,
        size=size,
        ledger=ledger,
    )


def _truncated(ledger: Path, log: leaves.LedgerLog, signed: int) -> Text:
    return Text(
        "The ledger {ledger} ends before {missing} records that were signed: it was cut off, or put back.",
        ledger=ledger,
        missing=signed - log.size,
    )
