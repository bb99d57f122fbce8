"""The standing of the notes in logs: does each hold, and does it wait for the controller's word? Pure.

It is judged by what the logs themselves show. That the records which a note names are really gone, and no
others, only an audit of the ledger shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from ..model.text import NOTHING, Text
from .encoding import without_epoch
from .note import Verifier
from .note_approvals import LogApprovals
from .note_flaws import FirstCosigned, NoteFlaws, SignedAt
from .notes import LogNote, LostNote, NewLogNote, RuleNote
from .purging import LARGEST_STEP
from .read_log import ReadEntry, ReadLog
from .rules import NOTICE, DatedRule, LogRules, loosens, needs_approval, shortens

MOST_RULES = 1000  # in one log


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
class NoteStanding:
    """One note: its standing, the flaw if it does not hold, the names of the keys that approved it, whether
    only the log itself says that those may, the rule that was in force before it, and whether nobody is known
    who could give it an approval that it needs."""

    entry: ReadEntry
    standing: NoteVerdict
    flaw: Text = NOTHING
    approved_by: tuple[str, ...] = ()
    as_the_log_says: bool = False
    rule: RuleNote | None = None
    nobody_approves: bool = False

    @property
    def approver(self) -> Verifier | None:
        """The key by which the log itself has the note approved: that of the rule in force, or of the first
        rule; `None` if it names none."""
        content = self.entry.note.content if self.entry.note else None
        rule = self.rule or (content if isinstance(content, RuleNote) else None)
        return rule.approver if rule else None


@dataclass
class _Judged:
    """A log while it is judged."""

    rules: LogRules
    standings: list[NoteStanding] = field(default_factory=list)


def standings(
    logs: Mapping[str, ReadLog],
    approvers: Sequence[Verifier],
    first_cosigned: FirstCosigned,
    signed_at: SignedAt = lambda *_: None,
) -> dict[str, tuple[NoteStanding, ...]]:
    """Return the standing of every note by log, in order. `logs` are all that are followed, by origin;
    approvals in one count for all. `approvers` are the keys that the controller gave; without them those that
    the rules name."""
    judge = _Judge(logs, tuple(approvers), first_cosigned, signed_at)
    return {origin: tuple(judge.judged(origin).standings) for origin in logs}


def rules_of(
    logs: Mapping[str, ReadLog],
    origin: str,
    signed_at: SignedAt = lambda *_: None,
    approvers: Sequence[Verifier] = (),
) -> LogRules:
    """Return the rules of one of these logs, with those of the logs before it. `approvers` are as for
    `standings`."""
    return _Judge(logs, tuple(approvers), lambda *_: None, signed_at).judged(origin).rules


class _Judge:
    """The logs, and what was judged of them."""

    def __init__(
        self,
        logs: Mapping[str, ReadLog],
        approvers: tuple[Verifier, ...],
        first_cosigned: FirstCosigned,
        signed_at: SignedAt,
    ) -> None:
        self._logs = logs
        self._approvals = LogApprovals(logs.values(), approvers)
        self._signed_at = signed_at
        self._flaws = NoteFlaws(logs, self._approvals, first_cosigned, signed_at)
        self._judged: dict[str, _Judged] = {}
        self._ended = {log.tree: log.successor for log in logs.values() if log.successor}

    def judged(self, origin: str) -> _Judged:
        """Return the judgement of a log, after those of the logs before it."""
        if origin not in self._judged:
            judged = self._judged[origin] = _Judged(LogRules())
            log = self._logs[origin]
            judged.rules.inherited = self._inherited(log)
            last: datetime | None = None
            for entry in log.entries:
                judged.standings.append(self._standing(entry, log, judged.rules, last))
                if entry.note:
                    last = max(last, entry.note.at) if last else entry.note.at
        return self._judged[origin]

    def _inherited(self, log: ReadLog) -> tuple[DatedRule, ...]:
        """Return the rules of the log before. Logs that follow one another in a ring have none."""
        first = log.entries[0].note if log.entries else None
        if first is None or not isinstance(first.content, NewLogNote):
            return ()
        origins = [tree.origin for tree in first.content.after if tree.origin in self._logs]
        same = [origin for origin in origins if without_epoch(origin) == without_epoch(log.key.name)]
        if not origins:
            return ()
        before = self.judged((same or origins)[-1]).rules
        return (*before.inherited, *before.own.values())

    def _standing(
        self, entry: ReadEntry, log: ReadLog, rules: LogRules, last: datetime | None
    ) -> NoteStanding:
        note = entry.note
        if note is None:
            return NoteStanding(entry, NoteVerdict.FLAWED, entry.flaw)
        in_force, agreed = rules.in_force(note.at), rules.agreed(note.at)
        first = next((dated.content for dated in (*rules.inherited, *rules.own.values())), None)
        standing = self._approval(entry, note, in_force, agreed, first, log)
        if isinstance(note.content, RuleNote):
            if len(rules.own) >= MOST_RULES:
                return NoteStanding(entry, NoteVerdict.FLAWED, Text("It is one rule too many to be read."))
            since = self._in_effect(note, note.content, in_force, standing)
            is_agreed = standing.standing is not NoteVerdict.WAITS or not _worsens(note.content, agreed)
            rules.own[note.index] = DatedRule(note.index, note.content, since, is_agreed)
        standing = replace(standing, rule=in_force)
        flaw = next(self._flaws.of(note, log, rules, last), NOTHING)
        return replace(standing, standing=NoteVerdict.FLAWED, flaw=flaw) if flaw else standing

    def _approval(
        self,
        entry: ReadEntry,
        note: LogNote,
        in_force: RuleNote | None,
        agreed: RuleNote | None,
        first: RuleNote | None,
        log: ReadLog,
    ) -> NoteStanding:
        """Return the standing of a note by the controller's word, as if it had no flaw. The rule in force
        names who approves, and the `agreed` one decides what needs it. Where no rule is in force yet, the
        `first` one names who approves."""
        ended = [tree for tree, key in self._ended.items() if key == log.key]
        if not needs_approval(note, agreed, ended):
            return NoteStanding(entry, NoteVerdict.HOLDS)
        rule = in_force or (note.content if isinstance(note.content, RuleNote) else first)
        keys = self._approvals.keys(rule)
        names = tuple(self._names(entry, keys or self._first_keys(note)))
        if names or keys:
            standing = NoteVerdict.APPROVED if names else NoteVerdict.WAITS
            return NoteStanding(entry, standing, NOTHING, names, not self._approvals.approvers)
        loses = isinstance(note.content, LostNote | NewLogNote)
        judge = agreed or rule
        is_own = judge is not None and not judge.processor and not loses
        standing = NoteVerdict.OWN_WORD if is_own else NoteVerdict.WAITS
        return NoteStanding(entry, standing, nobody_approves=True)

    def _first_keys(self, note: LogNote) -> tuple[Verifier, ...]:
        """Return the key that a rule is the first to name: where nobody else is known, its word counts."""
        return self._approvals.keys(note.content) if isinstance(note.content, RuleNote) else ()

    def _names(self, entry: ReadEntry, keys: tuple[Verifier, ...]) -> dict[str, None]:
        return {key.name: None for approval in self._approvals.of(entry.leaf, keys) for key in approval.keys}

    def _in_effect(
        self, note: LogNote, rule: RuleNote, before: RuleNote | None, standing: NoteStanding
    ) -> datetime | None:
        """Return the moment from which a rule is in effect."""
        if standing.standing is NoteVerdict.HOLDS:
            return note.at
        keys = self._approvals.keys(rule if before is None else before)
        if not keys and standing.standing is NoteVerdict.APPROVED:
            keys = self._first_keys(note)
        if not keys:
            if before is None or not _worsens(rule, before):
                return note.at
            signed = self._signed_at(note.log, note.index, before.witnesses)
            earliest = datetime.fromtimestamp(signed, UTC) - LARGEST_STEP if signed else note.at
            return max(note.at, earliest) + NOTICE  # a note's own time may be any after the note before it
        times = [approval.approval.time for approval in self._approvals.of(note.leaf, keys)]
        return max(note.at, datetime.fromtimestamp(min(times), UTC)) if times else None


def _worsens(rule: RuleNote, before: RuleNote | None) -> bool:
    """Return whether a rule shortens or loosens the one before, if there was one."""
    return before is not None and (shortens(rule, before) or loosens(rule, before))
