"""The standing of the notes in logs: does each hold, and does it wait for the controller's word? Pure.

It is judged by what the logs themselves show. That the records which a note names are really gone, and no
others, only an audit of the ledger shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..model.errors import EvidenceError
from ..model.text import NOTHING, Text
from .approval import Approval, LeafIdentity, VerifiedApproval, verify
from .checkpoint import Checkpoint
from .cosignature import WitnessVerifier
from .encoding import without_epoch
from .note import Verifier
from .notes import (
    ApprovalNote,
    ErasureNote,
    LogNote,
    LostNote,
    NewLogNote,
    NextNote,
    PurgeNote,
    RuleNote,
)
from .rules import loosens, needs_approval, shortens

MOST_RULES = 1000  # in one log
_NOTICE = timedelta(days=7)  # before a stricter rule takes effect without an approval

FirstCosigned = Callable[[str, int, Sequence[WitnessVerifier], int], int | None]
"""Returns when one of these witnesses cosigned the checkpoint of that log and size, in POSIX seconds: the
first time, or any that is not after the last argument. `None` if none did, there is no such checkpoint, or it
is of another tree."""


class NoteVerdict(StrEnum):
    """The verdicts on a note."""

    HOLDS = "holds"
    """It holds, and needs no approval."""
    APPROVED = "approved"
    """It holds, and has the approval that it needs."""
    OWN_WORD = "own-word"
    """It holds by the company's own word: nobody is known who could approve it."""
    WAITS = "waits"
    """It holds, and the approval that it needs is not there."""
    FLAWED = "flawed"
    """It does not hold."""


@dataclass(frozen=True)
class ReadEntry:
    """An entry that is no record: its leaf, and the note in it, or what is wrong with it."""

    leaf: LeafIdentity
    note: LogNote | None
    flaw: Text = NOTHING

    @classmethod
    def read(cls, entry: bytes, log: str, index: int) -> ReadEntry:
        """Return the entry of a leaf."""
        leaf = LeafIdentity.of(log, index, entry)
        try:
            return cls(leaf, LogNote.parse(entry, log, index))
        except EvidenceError as error:
            return cls(leaf, None, error.message)


@dataclass(frozen=True)
class ReadLog:
    """A log as far as it was verified: its key, its size and root, and its notes in order."""

    key: Verifier
    size: int
    root: bytes
    entries: Sequence[ReadEntry]

    @property
    def tree(self) -> Checkpoint:
        """Its size and root, as a note `new-log` names them."""
        return Checkpoint(self.key.name, self.size, self.root)

    @property
    def successor(self) -> Verifier | None:
        """The key of the next log, if the last leaf names it."""
        last = self.entries[-1] if self.entries else None
        if last is None or last.note is None or last.leaf.index != self.size - 1:
            return None
        return last.note.content.key if isinstance(last.note.content, NextNote) else None


@dataclass(frozen=True)
class NoteStanding:
    """One note: its standing, the flaw if it does not hold, the names of the keys that approved it, and
    whether only the log itself says that those may."""

    entry: ReadEntry
    standing: NoteVerdict
    flaw: Text = NOTHING
    approved_by: tuple[str, ...] = ()
    as_the_log_says: bool = False


@dataclass(frozen=True)
class _Rule:
    """A rule and the moment from which it is in effect; `None` if it is not."""

    note: LogNote
    content: RuleNote
    since: datetime | None


@dataclass
class _Judged:
    """A log while it is judged."""

    standings: list[NoteStanding] = field(default_factory=list)
    inherited: tuple[_Rule, ...] = ()
    rules: list[_Rule] = field(default_factory=list)


def standings(
    logs: Mapping[str, ReadLog], approvers: Sequence[Verifier], first_cosigned: FirstCosigned
) -> dict[str, tuple[NoteStanding, ...]]:
    """Return the standing of every note by log, in order. `logs` are all that are followed, by origin;
    approvals in one count for all. `approvers` are the keys that the controller gave; without them those that
    the rules name."""
    judge = _Judge(logs, tuple(approvers), first_cosigned)
    return {origin: tuple(judge.judged(origin).standings) for origin in logs}


class _Judge:
    """The logs, and what was judged of them."""

    def __init__(
        self, logs: Mapping[str, ReadLog], approvers: tuple[Verifier, ...], first_cosigned: FirstCosigned
    ) -> None:
        self._logs, self._approvers, self._first_cosigned = logs, approvers, first_cosigned
        self._judged: dict[str, _Judged] = {}
        self._approvals: dict[LeafIdentity, list[bytes]] = defaultdict(list)
        self._named: dict[Verifier, None] = {}  # approvers by the rules' own word
        self._ended = {log.tree: log.successor for log in logs.values() if log.successor}
        for log in logs.values():
            for content in (entry.note.content for entry in log.entries if entry.note):
                if isinstance(content, RuleNote) and content.approver:
                    self._named[content.approver] = None
                elif isinstance(content, ApprovalNote):
                    for leaf in _approved_leaves(content):
                        self._approvals[leaf].append(content.text)

    def judged(self, origin: str) -> _Judged:
        """Return the judgement of a log, after those of the logs before it."""
        if origin not in self._judged:
            judged = self._judged[origin] = _Judged()
            log = self._logs[origin]
            judged.inherited = self._inherited(log)
            last: datetime | None = None
            for entry in log.entries:
                judged.standings.append(self._standing(entry, log, judged, last))
                if entry.note:
                    last = max(last, entry.note.at) if last else entry.note.at
        return self._judged[origin]

    def _inherited(self, log: ReadLog) -> tuple[_Rule, ...]:
        """Return the rules of the log before. Logs that follow one another in a ring have none."""
        first = log.entries[0].note if log.entries else None
        if first is None or not isinstance(first.content, NewLogNote):
            return ()
        origins = [tree.origin for tree in first.content.after if tree.origin in self._logs]
        same = [origin for origin in origins if without_epoch(origin) == without_epoch(log.key.name)]
        before = self.judged((same or origins)[-1]) if origins else _Judged()
        return (*before.inherited, *before.rules)

    def _standing(
        self, entry: ReadEntry, log: ReadLog, judged: _Judged, last: datetime | None
    ) -> NoteStanding:
        note = entry.note
        if note is None:
            return NoteStanding(entry, NoteVerdict.FLAWED, entry.flaw)
        in_force = _in_force(judged, note.at)
        standing = self._approval(entry, note, in_force, log)
        if isinstance(note.content, RuleNote):
            if len(judged.rules) >= MOST_RULES:
                return NoteStanding(entry, NoteVerdict.FLAWED, Text("It is one rule too many to be read."))
            judged.rules.append(
                _Rule(note, note.content, self._in_effect(note, note.content, in_force, standing))
            )
        flaw = next(self._flaws(note, log, judged, last), NOTHING)
        return replace(standing, standing=NoteVerdict.FLAWED, flaw=flaw) if flaw else standing

    # the controller's word

    def _approval(
        self, entry: ReadEntry, note: LogNote, in_force: RuleNote | None, log: ReadLog
    ) -> NoteStanding:
        ended = [tree for tree, key in self._ended.items() if key == log.key]
        if not needs_approval(note, in_force, ended):
            return NoteStanding(entry, NoteVerdict.HOLDS)
        rule = in_force or (note.content if isinstance(note.content, RuleNote) else None)
        keys = self._approvers or ((rule.approver,) if rule and rule.approver else ())
        if not keys:
            loses = isinstance(note.content, LostNote | NewLogNote)
            is_own = rule is not None and not rule.processor and not loses
            return NoteStanding(entry, NoteVerdict.OWN_WORD if is_own else NoteVerdict.WAITS)
        approvals = list(self._valid(entry.leaf, keys))
        if not approvals:
            return NoteStanding(entry, NoteVerdict.WAITS, as_the_log_says=not self._approvers)
        names = dict.fromkeys(name for _time, signers in approvals for name in signers)
        return NoteStanding(entry, NoteVerdict.APPROVED, NOTHING, tuple(names), not self._approvers)

    def _valid(self, leaf: LeafIdentity, keys: Sequence[Verifier]) -> Iterator[tuple[int, list[str]]]:
        """Yield the time and the signers of each approval of a leaf."""
        for text in self._approvals.get(leaf, ()):
            try:
                verified = _verified(text, tuple(keys))
            except EvidenceError:
                continue
            yield verified.approval.time, [key.name for key in verified.keys]

    def _in_effect(
        self, note: LogNote, rule: RuleNote, before: RuleNote | None, standing: NoteStanding
    ) -> datetime | None:
        """Return the moment from which a rule is in effect."""
        if standing.standing is NoteVerdict.HOLDS:
            return note.at
        keys = self._approvers or tuple(
            filter(None, [before.approver if before is not None else rule.approver])
        )
        if not keys:
            stricter = before is not None and (shortens(rule, before) or loosens(rule, before))
            return note.at + _NOTICE if stricter else note.at
        times = [time for time, _signers in self._valid(note.leaf, keys)]
        return max(note.at, datetime.fromtimestamp(min(times), UTC)) if times else None

    # the note itself

    def _flaws(self, note: LogNote, log: ReadLog, judged: _Judged, last: datetime | None) -> Iterator[Text]:
        if last is not None and note.at < last:
            yield Text("It says that it was made before the note before it.")
        loses = isinstance(note.content, PurgeNote | ErasureNote | LostNote)
        if loses and not any(rule.note.index < note.index for rule in judged.rules):
            yield Text("No rule comes before it.")
        match note.content:
            case PurgeNote() as purge:
                yield from self._purge_flaws(note, purge, judged)
            case LostNote() as lost:
                yield from self._range_flaws(lost.of, lost.end)
            case NewLogNote(after=after):
                yield from self._tree_flaws(after)
            case NextNote() as successor:
                yield from self._next_flaws(note, successor, log)
            case ApprovalNote() as approval:
                yield from self._approval_flaws(approval)

    def _range_flaws(self, of: str, end: int) -> Iterator[Text]:
        if of not in self._logs:
            yield Text("It names the log {origin}, which is not followed here.", origin=of)
        elif end > self._logs[of].size:
            yield Text("It names leaves that were not published.")

    def _purge_flaws(self, note: LogNote, purge: PurgeNote, judged: _Judged) -> Iterator[Text]:
        if flaws := tuple(self._range_flaws(purge.of, purge.below)):
            yield from flaws
            return
        named = next((rule for rule in judged.rules if rule.note.index == purge.rule), None)
        if named is None or named.since is None or named.since > note.at:
            yield Text("The rule that it names is none, or was not in effect.")
            return
        if any(not _is_kept_long_enough(rule, purge, note.at) for rule in _recent(judged, note.at)):
            yield Text("It goes beyond the longest retention of the seven days before it.")
        if witnesses := named.content.witnesses:
            latest = int(purge.cutoff.timestamp())
            at = self._first_cosigned(purge.of, purge.below, witnesses, latest)
            if at is None:
                yield Text("No checkpoint of {size} leaves that a witness signed is known.", size=purge.below)
            elif at > latest:
                yield Text("The first witness signed its leaves after the time that it names.")

    def _tree_flaws(self, after: Iterable[Checkpoint]) -> Iterator[Text]:
        for tree in after:
            log = self._logs.get(tree.origin)
            if log and log.size > tree.size:
                yield Text("The log {origin} is longer than it says.", origin=tree.origin)
            elif log and log.size == tree.size and log.root != tree.root:
                yield Text("The log {origin} is another one than it says.", origin=tree.origin)

    def _next_flaws(self, note: LogNote, successor: NextNote, log: ReadLog) -> Iterator[Text]:
        if note.index != log.size - 1:
            yield Text("It should be the last leaf of its log.")
        following = self._logs.get(successor.key.name)
        if following is None or not following.size:
            return
        first = following.entries[0].note if following.entries else None
        is_named = (
            first is not None
            and isinstance(first.content, NewLogNote)
            and log.tree in first.content.after
            and following.key == successor.key
        )
        if not is_named:
            yield Text("The log {origin} does not begin where this one ends.", origin=successor.key.name)

    def _approval_flaws(self, approval: ApprovalNote) -> Iterator[Text]:
        try:
            _verified(approval.text, self._approvers or tuple(self._named))
        except EvidenceError as error:
            yield error.message


@lru_cache(4096)  # each look judges all notes; of the largest approvals these take 60 MB
def _verified(text: bytes, keys: tuple[Verifier, ...]) -> VerifiedApproval:
    return verify(text, keys)


def _in_force(judged: _Judged, at: datetime) -> RuleNote | None:
    """Return the content of the last rule so far that is in effect at a moment."""
    for rules in (judged.rules, judged.inherited):
        for rule in reversed(rules):
            if rule.since is not None and rule.since <= at:
                return rule.content
    return None


def _recent(judged: _Judged, at: datetime) -> Iterator[RuleNote]:
    """Yield the rules that were in effect at some time of the seven days before a moment."""
    before = _in_force(judged, at - _NOTICE)
    if before is not None:
        yield before
    for rule in (*judged.inherited, *judged.rules):
        if rule.since is not None and at - _NOTICE < rule.since <= at:
            yield rule.content


def _is_kept_long_enough(rule: RuleNote, purge: PurgeNote, at: datetime) -> bool:
    """Return whether a rule allows a purge up to its cutoff."""
    if rule.retention is None:
        return False
    try:
        return purge.cutoff <= rule.retention.before(at, ZoneInfo(rule.zone))
    except (ValueError, OverflowError, OSError, KeyError):  # no such zone, or a time before the year 1
        return False


def _approved_leaves(content: ApprovalNote) -> tuple[LeafIdentity, ...]:
    return Approval.unverified(content.text).leaves
