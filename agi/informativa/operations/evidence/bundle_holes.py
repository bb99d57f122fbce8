"""Records of a bundle's period that are gone, by the notes of the log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...evidence.note_standing import NoteStanding
from ...evidence.notes import PurgeNote
from ...ledgers.audit_flaws import ClosedLeaves
from ...ledgers.leaves import LedgerLog
from ...ledgers.named_holes import NamingNote, by_log
from ...model import RecordKind
from . import verdict
from .verdict import Hole, HoleCause


@dataclass(frozen=True)
class LedgerNotes:
    """The notes of a ledger: its logs in order, the leaves that nobody can open, the notes that name leaves,
    and the standings of all notes by log."""

    logs: Sequence[LedgerLog]
    closed: Sequence[ClosedLeaves]
    naming: Sequence[NamingNote]
    standings: Mapping[str, Sequence[NoteStanding]]


def of_period(notes: LedgerNotes, first: int, last: int, since: datetime) -> tuple[Hole, ...]:
    """Return what is gone from row `first` to `last` of `leaf`, or right before `first` and may be from after
    `since`."""
    period = dict(by_log(notes.logs, (range(first, last + 1),)))
    all_holes = verdict.holes(notes, notes.standings)
    within = [hole for hole in all_holes if hole.log in period and _overlaps(hole.leaves, period[hole.log])]
    if period and (before := _right_before(all_holes, period, _by_place(notes), since)):
        within = [*before, *within]
    return tuple(within)


def note_rows(notes: LedgerNotes, first: int, last: int) -> list[int]:
    """Return the rows of `leaf` of the notes that name leaves in rows `first` to `last`, in order. A purge
    names all that those before it did, and counts for the others alone."""
    firsts = {log.origin: log.first for log in notes.logs}
    period = dict(by_log(notes.logs, (range(first, last + 1),)))
    result, purged = set[int](), dict[str, int]()
    for note in notes.naming:
        named = list(note.ranges)
        if note.kind is RecordKind.PURGE and not note.is_text:
            named = [(log, range(max(part.start, purged.get(log, 0)), part.stop)) for log, part in named]
            purged |= {log: max(part.stop, purged.get(log, 0)) for log, part in note.ranges}
        if any(log in period and _overlaps(part, period[log]) for log, part in named):
            result.add(firsts[note.log] + note.index)
    return sorted(result)


def _right_before(
    holes: Sequence[Hole],
    period: Mapping[str, range],
    by_place: Mapping[tuple[str, int], NoteStanding],
    since: datetime,
) -> list[Hole]:
    """Return the holes that end where the period begins, unless their note says that all was recorded before
    it: nobody knows of what day they were."""
    log, indices = next(iter(period.items()))
    start, result = indices.start, list[Hole]()
    for hole in reversed([hole for hole in holes if hole.log == log and hole.last < start]):
        if hole.last != start - 1 or hole.cause is HoleCause.ERASED:
            break
        start = hole.first
        standing = by_place.get((hole.noted_in or "", -1 if hole.note is None else hole.note))
        content = standing.entry.note.content if standing and standing.entry.note else None
        if not (isinstance(content, PurgeNote) and content.cutoff <= since):
            result.insert(0, hole)
    return result


def _by_place(notes: LedgerNotes) -> dict[tuple[str, int], NoteStanding]:
    return {
        (standing.entry.leaf.origin, standing.entry.leaf.index): standing
        for log_standings in notes.standings.values()
        for standing in log_standings
    }


def _overlaps(part: range, other: range) -> bool:
    return max(part.start, other.start) < min(part.stop, other.stop)
