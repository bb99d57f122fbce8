"""Records of a bundle's period that are gone, by the notes of the logs of their box. Pure.

Of another box the database has its notes, each held against its signed tree, and the private lists of its
erasures, which count where a note's commitment binds them. It has not what only the box's own machine has:
when a witness first signed what is named, and lists that were not sent or that no key here opens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...evidence.note_standing import NoteStanding, NoteVerdict
from ...evidence.note_values import ErasureRule
from ...evidence.notes import ErasureNote, PurgeNote, ReplacesNote, RetiresNote, RuleNote
from ...ledgers.audit_flaws import ClosedLeaves
from ...ledgers.leaves import LedgerLog
from ...ledgers.named_holes import NamedRange, NamingNote, by_log
from ...model import RecordKind, Verdict
from ...model.text import NOTHING
from ..document import OptionalSentence
from . import verdict
from .verdict import Hole, HoleCause


@dataclass(frozen=True)
class BoxNotes:
    """The notes of one box: its logs in order, the leaves that nobody can open, the notes that name leaves,
    and the standings of all notes by log. `unlisted` are the places of the notes of erasures that the box
    alone knows the private lists of. `of_database` is true if all this is by what the box sent to the
    shared database. Of a box that left for good, `elsewhere` has the erasures in other boxes' logs that name
    leaves of its logs."""

    logs: Sequence[LedgerLog]
    closed: Sequence[ClosedLeaves]
    naming: Sequence[NamingNote]
    standings: Mapping[str, Sequence[NoteStanding]]
    unlisted: Collection[tuple[str, int]] = ()
    of_database: bool = False
    elsewhere: Sequence[tuple[NamingNote, NoteStanding]] = ()


@dataclass(frozen=True)
class BoxErasure:
    """The note of an erasure on another box, which alone knows whose records it names."""

    log: str
    """The origin of the log that has the note."""
    note: int
    """Its leaf, from 0."""
    at: datetime
    """The time of the note."""
    instruction: str
    """The controller's instruction that the note names."""
    standing: NoteVerdict
    """The standing of the note."""
    flaw: OptionalSentence
    """The reason why the note does not hold; null if it does."""
    approved: bool | None
    """True if the note has the approval that it needs, false if that is missing; null if it needs none, or
    nobody is known who could give it."""
    by: tuple[str, ...]
    """The names of the keys that approved the note."""

    @property
    def is_accounted(self) -> bool:
        """`True` if the note accounts for what it names."""
        return self.standing in verdict.ACCOUNTING


@dataclass(frozen=True)
class BoxHoles:
    """Records of one box that are gone, among those of a bundle's period or next to them."""

    box: str | None
    """The box; null where the bundle is of this one alone."""
    log: str
    """The origin of its newest log."""
    holes: tuple[Hole, ...]
    """The leaves. The note of an erased one is null where the box alone knows it."""
    erasures: tuple[BoxErasure, ...]
    """The notes among which are those of the erased leaves, where the box alone knows them."""
    of_database: bool
    """True if they are by what the box sent to the database that boxes share."""

    @property
    def gaps(self) -> tuple[Hole, ...]:
        """The leaves for which no note accounts; also those of erasures of which the box alone knows the
        notes, unless all of those account for what they name."""
        noted = all(erasure.is_accounted for erasure in self.erasures)
        return tuple(
            hole
            for hole in self.holes
            if not hole.is_accounted and not (hole.is_of_unknown_note and noted and self.erasures)
        )


def verdict_of(boxes: Sequence[BoxHoles]) -> Verdict:
    """Return the verdict on the records of a bundle, of which each was found as it was written."""
    if any(box.gaps for box in boxes):
        return Verdict.GAPS
    return Verdict.ACCOUNTED if boxes else Verdict.COMPLETE


def of_period(notes: BoxNotes, box: str, first: int, last: int, since: datetime) -> BoxHoles | None:
    """Return what is gone from row `first` to `last` of a box's `leaf`, or right before `first` and may be
    from after `since`; `None` if nothing is."""
    period = dict(by_log(notes.logs, (range(first, last + 1),)))
    all_holes = verdict.holes(notes, notes.standings, notes.elsewhere)
    within = [hole for hole in all_holes if hole.log in period and _overlaps(hole.leaves, period[hole.log])]
    if period and (before := _right_before(all_holes, period, _by_place(notes), since)):
        within = [*before, *within]
    if notes.unlisted:
        within = [_of_erasure(hole, notes) for hole in within]
    if not within:
        return None
    is_unknown = any(hole.is_of_unknown_note for hole in within)
    erasures = tuple(_erasures(notes)) if is_unknown else ()
    return BoxHoles(box or None, notes.logs[-1].origin, tuple(within), erasures, notes.of_database)


def elsewhere_of(
    notes: BoxNotes, standings: Mapping[str, Sequence[NoteStanding]], origins: Iterable[str]
) -> list[tuple[NamingNote, NoteStanding]]:
    """Return the erasures that a box's log notes of leaves in the logs `origins` of another box, which left
    for good, each with its standing. `standings` are those of that one's notes: an erasure that would wait
    for an approval there waits here too, whatever rule its own log has."""
    by_place, origins, last_rule = _by_place(notes), set(origins), _strictest_rule(standings)
    result = list[tuple[NamingNote, NoteStanding]]()
    for note in notes.naming:
        # A copy of the other one's ledger has its log too, which another one follows; the newest is its own.
        copied = (named for named in note.ranges if named[0] != notes.logs[-1].origin)
        ranges = tuple(named for named in (*copied, *note.elsewhere) if named[0] in origins)
        standing = by_place.get((note.log, note.index))
        if not ranges or note.kind is not RecordKind.ERASURE or note.is_text or standing is None:
            continue
        if standing.standing in verdict.ACCOUNTING and not _satisfies(last_rule, standing, notes):
            standing = replace(standing, standing=NoteVerdict.WAITS, approved_by=())
        result.append((replace(note, ranges=ranges), standing))
    return result


def _strictest_rule(standings: Mapping[str, Sequence[NoteStanding]]) -> RuleNote | None:
    """Return the last rule of logs in order by which each erasure is approved, unless one that loosened this
    afterwards counts; `None` if there is none."""
    result = None
    for standing in (standing for log_standings in standings.values() for standing in log_standings):
        content = standing.entry.note.content if standing.entry.note else None
        if isinstance(content, RuleNote):
            is_each = content.erasures is ErasureRule.EACH
            if is_each and (result is None or standing.standing in verdict.ACCOUNTING):
                result = content
            elif not is_each and standing.standing in verdict.ACCOUNTING:
                result = None
    return result


def _satisfies(rule: RuleNote | None, standing: NoteStanding, notes: BoxNotes) -> bool:
    """Return whether the note of an erasure has the word that another log's rule asks for: of the key that
    this names, or of one to which the note's own log came from that key by rules that count."""
    if rule is None:
        return True
    if rule.approver is None:
        return standing.standing is NoteVerdict.APPROVED or not rule.processor
    approvers = [
        earlier.entry.note.content.approver
        for log_standings in notes.standings.values()
        for earlier in log_standings
        if earlier.entry.note
        and isinstance(earlier.entry.note.content, RuleNote)
        and earlier.standing in verdict.ACCOUNTING
    ]
    return standing.standing is NoteVerdict.APPROVED and rule.approver in approvers


def note_rows(notes: BoxNotes, first: int, last: int) -> list[int]:
    """Return the rows of `leaf` of the notes that name leaves in rows `first` to `last`, in order: all notes
    of erasures, where the box alone knows which, or which name leaves of boxes that left for good; and of the
    notes that another box left, or that this one took its place. A purge names all that those before it did,
    and counts for the others alone."""
    firsts = {log.origin: log.first for log in notes.logs}
    period = dict(by_log(notes.logs, (range(first, last + 1),)))
    result, purged = set[int](), dict[str, int]()
    for note in notes.naming:
        named = list(note.ranges)
        if note.kind is RecordKind.PURGE and not note.is_text:
            named = [(log, range(max(part.start, purged.get(log, 0)), part.stop)) for log, part in named]
            purged |= {log: max(part.stop, purged.get(log, 0)) for log, part in note.ranges}
        is_of_period = any(log in period and _overlaps(part, period[log]) for log, part in named)
        if is_of_period or (note.elsewhere and first >= 0):
            result.add(firsts[note.log] + note.index)
    if notes.unlisted and any(
        not closed.facts and _is_among(closed.leaves, period) for closed in notes.closed
    ):
        result |= {firsts[erasure.log] + erasure.note for erasure in _erasures(notes)}
    if first >= 0:
        result |= {
            firsts[log] + index
            for (log, index), standing in _by_place(notes).items()
            if standing.entry.note and isinstance(standing.entry.note.content, ReplacesNote | RetiresNote)
        }
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


def _of_erasure(hole: Hole, notes: BoxNotes) -> Hole:
    """Return a hole of which nobody knows the caller as that of an erasure, if its box has noted any: by
    which note it alone knows."""
    is_facts = any(
        closed.facts and closed.log == hole.log and _overlaps(closed.indices, hole.leaves)
        for closed in notes.closed
    )
    if hole.note is None and not is_facts and any(_erasures(notes)):
        return replace(hole, cause=HoleCause.ERASED)
    return hole


def _erasures(notes: BoxNotes) -> Iterator[BoxErasure]:
    for place, standing in _by_place(notes).items():
        note = standing.entry.note
        if place in notes.unlisted and note is not None and isinstance(note.content, ErasureNote):
            yield BoxErasure(
                log=note.log,
                note=note.index,
                at=note.at,
                instruction=note.content.instruction,
                standing=standing.standing,
                flaw=standing.flaw or NOTHING,
                approved=verdict.APPROVALS.get(standing.standing),
                by=standing.approved_by,
            )


def _by_place(notes: BoxNotes) -> dict[tuple[str, int], NoteStanding]:
    return {
        (standing.entry.leaf.origin, standing.entry.leaf.index): standing
        for log_standings in notes.standings.values()
        for standing in log_standings
    }


def _is_among(leaves: NamedRange, period: Mapping[str, range]) -> bool:
    return leaves[0] in period and _overlaps(leaves[1], period[leaves[0]])


def _overlaps(part: range, other: range) -> bool:
    return max(part.start, other.start) < min(part.stop, other.stop)
