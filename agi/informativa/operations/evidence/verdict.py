"""The verdict on a ledger by its audit: is anything gone, and by whose word? Pure.

A hole is a leaf whose facts or whose caller nobody can open any more. A note accounts for it if it holds and
has the approval that it needs. Records about records of version 1 stand under the ledger's first rule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from ...evidence.note_standing import NoteStanding, NoteVerdict
from ...evidence.notes import RuleNote
from ...ledgers.audit_flaws import ClosedLeaves, Flaw
from ...ledgers.named_holes import NamedRange, NamingNote
from ...model import RecordKind, Verdict
from ...model.text import NOTHING, Text
from ..document import OptionalSentence

if TYPE_CHECKING:
    from ...ledgers.audit_log import AuditedLog  # not for a command that only shows the last verdict

WORDS: Mapping[Verdict, Text] = {
    Verdict.COMPLETE: Text("complete"),
    Verdict.ACCOUNTED: Text("accounted for"),
    Verdict.GAPS: Text("GAPS"),
    Verdict.CHANGED: Text("CHANGED"),
}
"""The verdicts in a word, with which the sentences of audits begin."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of verdicts, `COMPLETE` if there are none."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.COMPLETE)


class HoleCause(StrEnum):
    """The reasons why leaves can no longer be opened."""

    PURGED = "purged"
    """Deleted because of their age."""
    ERASED = "erased"
    """The caller was erased; the facts are there."""
    LOST = "lost"
    """Lost with a ledger that a backup replaced."""
    DELETED = "deleted"
    """Gone, and no note says why."""


@dataclass(frozen=True)
class Hole:
    """Leaves that nobody can open any more, one after the other, under one note or under none."""

    log: str
    """The origin of the log."""
    first: int
    """The first of the leaves, from 0."""
    last: int
    """The last of them."""
    cause: HoleCause
    """The reason."""
    note: int | None = None
    """The leaf of the note that names them, from 0; null if none does."""
    noted_in: str | None = None
    """The origin of the log that has the note."""
    at: datetime | None = None
    """The time of the note."""
    instruction: str | None = None
    """The controller's instruction that the note names."""
    standing: NoteVerdict | None = None
    """The standing of the note."""
    flaw: OptionalSentence = NOTHING
    """The reason why the note does not hold; null if it does."""
    approved: bool | None = None
    """True if the note has the approval that it needs, false if that is missing; null if it needs none, or
    nobody is known who could give it."""
    by: tuple[str, ...] = ()
    """The names of the keys that approved the note."""

    @property
    def leaves(self) -> range:
        """The leaves."""
        return range(self.first, self.last + 1)

    @property
    def count(self) -> int:
        """The number of leaves."""
        return len(self.leaves)

    @property
    def is_accounted(self) -> bool:
        """`True` if a note accounts for them."""
        return self.standing in ACCOUNTING


ACCOUNTING = (NoteVerdict.HOLDS, NoteVerdict.APPROVED, NoteVerdict.OWN_WORD)
"""The standings of a note that accounts for what it names."""
APPROVALS: Mapping[NoteVerdict, bool] = {NoteVerdict.APPROVED: True, NoteVerdict.WAITS: False}
"""The standings of notes that need an approval, and whether it is there."""
_GAPS = (Flaw.DELETED, Flaw.UNEXPLAINED, Flaw.TRUNCATED)
_CAUSES: Mapping[RecordKind, HoleCause] = {
    RecordKind.PURGE: HoleCause.PURGED,
    RecordKind.ERASURE: HoleCause.ERASED,
    RecordKind.LOST: HoleCause.LOST,
    RecordKind.NEW_LOG: HoleCause.LOST,
}


class NotedLeaves(Protocol):
    """The leaves of a ledger that cannot be opened, and the notes that name leaves: its audit, say."""

    @property
    def closed(self) -> Sequence[ClosedLeaves]: ...  # as AuditedLog
    @property
    def naming(self) -> Sequence[NamingNote]: ...


@dataclass(frozen=True)
class _Standing:
    """The standing of a note that names leaves."""

    verdict: NoteVerdict
    flaw: Text = NOTHING
    by: tuple[str, ...] = ()


def verdict(audited: AuditedLog, holes: Sequence[Hole], *, contradicted: bool = False) -> Verdict:
    """Return the verdict by the audit of a ledger and its holes. `contradicted`: others have another
    log."""
    gap = any(not hole.is_accounted for hole in holes)
    gap = gap or bool(audited.cut_off) or any(flaw.flaw in _GAPS for flaw in audited.flaws)
    if contradicted or audited.problems or _is_altered(audited, holes):
        return Verdict.CHANGED
    if gap:
        return Verdict.GAPS
    return Verdict.ACCOUNTED if holes else Verdict.COMPLETE


def _is_altered(audited: AuditedLog, holes: Sequence[Hole]) -> bool:
    """Return whether records, the history or counters are other than they were written. A row of the history
    whose record is gone, and counters that are higher by no more than what is gone without a note, follow
    from the gap."""
    missing = sum(hole.count for hole in holes if not hole.is_accounted)
    return (
        any(flaw.flaw not in _GAPS for flaw in audited.flaws)
        or any(not missing or row.record not in audited.without_record for row in audited.history)
        or any(not 0 <= counter.says - counter.records <= missing for counter in audited.counters)
    )


def holes(audited: NotedLeaves, standings: Mapping[str, Sequence[NoteStanding]]) -> tuple[Hole, ...]:
    """Return the holes of a ledger in order, each under the best of the notes that name its leaves.
    `standings` are those of all notes, by log."""
    judged = {
        (standing.entry.leaf.origin, standing.entry.leaf.index): standing
        for log_standings in standings.values()
        for standing in log_standings
    }
    texts = [note for note in audited.naming if note.is_text]
    old_standings = _old_standings(audited, texts, _first_rule(standings))
    notes = [
        (note, old_standings[note.log, note.index] if note.is_text else _standing(judged, note))
        for note in audited.naming
    ]
    notes.sort(key=lambda item: item[1].verdict not in ACCOUNTING)  # otherwise in their order
    result: list[Hole] = []
    for is_facts in (True, False):
        remaining = _by_log(closed.leaves for closed in audited.closed if closed.facts == is_facts)
        for note, standing in notes:
            if (note.kind is RecordKind.ERASURE) != is_facts:
                result += (_hole(*part, note, standing) for part in _take(remaining, note.ranges))
        for log, ranges in remaining.items():
            result += (Hole(log, part.start, part.stop - 1, HoleCause.DELETED) for part in ranges)
    order = {log: number for number, log in enumerate(standings)}
    return tuple(sorted(result, key=lambda hole: (order.get(hole.log, -1), hole.first)))


def _standing(judged: Mapping[tuple[str, int], NoteStanding], note: NamingNote) -> _Standing:
    standing = judged.get((note.log, note.index))
    if standing is None:  # in a log whose name is none
        return _Standing(NoteVerdict.FLAWED)
    return _Standing(standing.standing, standing.flaw, standing.approved_by)


def _first_rule(standings: Mapping[str, Sequence[NoteStanding]]) -> NoteStanding | None:
    """Return the first rule of the ledger, whose logs are in order."""
    return next(
        (
            standing
            for log_standings in standings.values()
            for standing in log_standings
            if standing.entry.note and isinstance(standing.entry.note.content, RuleNote)
        ),
        None,
    )


def _old_standings(
    audited: NotedLeaves, texts: Sequence[NamingNote], rule: NoteStanding | None
) -> dict[tuple[str, int], _Standing]:
    """Return the standings of records about records of version 1."""
    counts = Counter[HoleCause]()
    remaining = {
        facts: _by_log(closed.leaves for closed in audited.closed if closed.facts == facts)
        for facts in (True, False)
    }
    for note in texts:
        if note.before_rules:
            parts = _take(remaining[note.kind is not RecordKind.ERASURE], note.ranges)
            counts[_CAUSES[note.kind]] += sum(len(part) for _log, part in parts)
    return {(note.log, note.index): _old_standing(note, rule, counts) for note in texts}


def _old_standing(note: NamingNote, rule: NoteStanding | None, counts: Counter[HoleCause]) -> _Standing:
    cause = _CAUSES[note.kind]
    if rule is None:
        is_lost = cause is HoleCause.LOST
        return _Standing(NoteVerdict.WAITS if is_lost else NoteVerdict.OWN_WORD)
    if not note.before_rules:
        return _Standing(NoteVerdict.FLAWED, Text("It is of version 1, and comes after the first rule."))
    content = rule.entry.note.content if rule.entry.note else None
    assert isinstance(content, RuleNote)
    stated = {
        HoleCause.PURGED: content.purged,
        HoleCause.ERASED: content.erased,
        HoleCause.LOST: content.lost,
    }
    if stated[cause] < counts[cause]:
        text = Text(
            "The first rule says that {stated} were gone before it in this way, and {count} are.",
            stated=stated[cause],
            count=counts[cause],
        )
        return _Standing(NoteVerdict.FLAWED, text)
    if rule.standing is NoteVerdict.OWN_WORD and cause is HoleCause.LOST:
        return _Standing(NoteVerdict.WAITS)
    return _Standing(rule.standing, rule.flaw, rule.approved_by)


def _hole(log: str, part: range, note: NamingNote, standing: _Standing) -> Hole:
    return Hole(
        log=log,
        first=part.start,
        last=part.stop - 1,
        cause=_CAUSES[note.kind],
        note=note.index,
        noted_in=note.log,
        at=note.at,
        instruction=note.instruction or None,
        standing=standing.verdict,
        flaw=standing.flaw,
        approved=APPROVALS.get(standing.verdict),
        by=standing.by,
    )


def _by_log(ranges: Iterable[NamedRange]) -> dict[str, list[range]]:
    """Return ranges of leaves by log, sorted, where touching ones are one."""
    merged: dict[str, list[range]] = {}
    for log, part in sorted(ranges, key=lambda item: (item[0], item[1].start)):
        parts = merged.setdefault(log, [])
        if parts and part.start <= parts[-1].stop:
            parts[-1] = range(parts[-1].start, max(parts[-1].stop, part.stop))
        else:
            parts.append(part)
    return merged


def _take(remaining: Mapping[str, list[range]], named: Iterable[NamedRange]) -> Iterator[NamedRange]:
    """Take the named leaves out of those that remain, and yield them."""
    for log, indices in named:
        parts = remaining.get(log, [])
        at = max(0, bisect_right(parts, indices.start, key=lambda part: part.start) - 1)
        while at < len(parts) and parts[at].start < indices.stop:
            part = parts[at]
            both = range(max(part.start, indices.start), min(part.stop, indices.stop))
            if not both:
                at += 1
                continue
            yield log, both
            rest = [*filter(None, (range(part.start, both.start), range(both.stop, part.stop)))]
            parts[at : at + 1] = rest
            at += len(rest)
