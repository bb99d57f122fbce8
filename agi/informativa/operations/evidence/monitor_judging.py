"""Findings about logs in one look, from what was read and what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...evidence import monitoring
from ...evidence.checkpoint import Checkpoint
from ...evidence.encoding import without_epoch
from ...evidence.log_following import LogForkError
from ...evidence.monitor_state import MonitorState
from ...evidence.note_standing import NoteStanding, NoteVerdict
from ...evidence.notes import NextNote
from ...evidence.policy import CosignedCheckpoint
from ...model.text import Text
from .monitor_findings import FindingKind, MonitoredLog, MonitorFinding
from .note_words import note_words, rule_changes

LASTING = (NoteVerdict.FLAWED, NoteVerdict.WAITS)
"""The verdicts on notes into which somebody should look."""


@dataclass(frozen=True)
class LogView:
    """A log as one look shows it: what is verified of it, since when a quorum of witnesses confirms that
    (POSIX seconds), how many leaves are published if it could be followed, the checkpoints that prove a fork
    and their folder, a contradiction that is not proven, and its notes."""

    origin: str
    size: int
    ended: bool
    newest: CosignedCheckpoint | None
    confirmed_at: int | None
    published: int | None
    forks: Sequence[Checkpoint]
    forks_folder: Path
    contradiction: LogForkError | None
    notes: Sequence[NoteStanding]


def findings(logs: Sequence[LogView], state: MonitorState, now: int) -> Iterator[MonitorFinding]:
    """Yield the findings about all logs, at a time in POSIX seconds."""
    at = datetime.fromtimestamp(now, UTC)
    for log in logs:
        yield from _forks(log, at)
        yield from _behind(log, state.signed.get(log.origin, []), now, at)
        yield from _unconfirmed(log, state.first[log.origin], now, at)
        yield from (_note(standing, at) for standing in log.notes)
    yield from _few_leaves(logs, state.growth, now, at)


def monitored(log: LogView) -> MonitoredLog:
    """Return how far a log is followed."""
    return MonitoredLog(
        log=log.origin,
        size=log.size,
        at=None if log.confirmed_at is None else datetime.fromtimestamp(log.confirmed_at, UTC),
        witnesses=tuple(witness.name for witness in log.newest.witnesses) if log.newest else (),
        ended=log.ended,
    )


def _forks(log: LogView, at: datetime) -> Iterator[MonitorFinding]:
    for checkpoint in log.forks:
        message = Text(
            "The log signed a checkpoint of {size} leaves with the root {root}, which contradicts what it"
            " signed before. Keep both: {folder}",
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            folder=log.forks_folder,
        )
        yield MonitorFinding(FindingKind.FORK, log.origin, True, message, at, checkpoint.size)
    if log.contradiction:
        size = log.contradiction.checkpoint.size
        yield MonitorFinding(FindingKind.FORK, log.origin, True, log.contradiction.message, at, size)
    for standing in log.notes:
        note = standing.entry.note
        if note and isinstance(note.content, NextNote) and note.index < log.size - 1:
            message = Text("The log went on after its end, which was leaf {index}.", index=note.index)
            yield MonitorFinding(FindingKind.FORK, log.origin, True, message, at, note.index + 1)


def _behind(
    log: LogView, signed: Sequence[monitoring.Signed], now: int, at: datetime
) -> Iterator[MonitorFinding]:
    if log.published is None:
        return
    size = monitoring.behind(log.published, signed, now)
    if size is not None:
        message = Text(
            "{size} leaves are published, and {signed} were signed ten minutes ago or earlier.",
            size=log.published,
            signed=size,
        )
        yield MonitorFinding(FindingKind.BEHIND, log.origin, True, message, at, size)


def _unconfirmed(log: LogView, first: int, now: int, at: datetime) -> Iterator[MonitorFinding]:
    """Yield a finding if nobody has confirmed for too long that the log is still the same for all."""
    since = log.confirmed_at if log.newest else first
    if log.ended or not monitoring.is_still(since, now):
        return
    if log.newest is None:
        message = Text("No checkpoint of it was ever read.")
    elif since is None and log.newest.quorum:
        message = Text("The policy asks for no witness, so nobody but who keeps the log confirms it.")
    elif since is None:
        message = Text("Not enough witnesses of the policy signed its newest checkpoint.")
    else:
        message = Text(
            "No witness has confirmed it since {time:%Y-%m-%d %H:%M} UTC.",
            time=datetime.fromtimestamp(since, UTC),
        )
    yield MonitorFinding(FindingKind.STILL, log.origin, True, message, at, log.size)


def _note(judged: NoteStanding, at: datetime) -> MonitorFinding:
    note, leaf = judged.entry.note, judged.entry.leaf
    return MonitorFinding(
        FindingKind.NOTE,
        leaf.origin,
        open=judged.standing in LASTING,
        message=note_words(judged),
        at=at,
        index=leaf.index,
        note=note.kind if note else None,
        standing=judged.standing,
        approved_by=judged.approved_by,
        instruction=getattr(note.content, "instruction", None) or None if note else None,
        changes=rule_changes(judged),
    )


def _few_leaves(
    logs: Sequence[LogView], growth: Mapping[str, monitoring.Growth], now: int, at: datetime
) -> Iterator[MonitorFinding]:
    newest = {without_epoch(log.origin): log.origin for log in logs}  # the last one of a name
    for name in filter(newest.__contains__, growth):
        if day := monitoring.day_of_few_leaves(growth[name], now):
            date, leaves, usual = day
            message = Text.counted(
                "{day} has {count} new leaf, and the same weekday usually has {usual}.",
                "{day} has {count} new leaves, and the same weekday usually has {usual}.",
                leaves,
                day=date.isoformat(),
                usual=usual,
            )
            yield MonitorFinding(FindingKind.FEW, newest[name], False, message, at, leaves)
