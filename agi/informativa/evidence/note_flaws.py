"""Flaws of notes: contradictions to the logs that are followed, and to the rules of their own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ..model.text import Text
from .checkpoint import Checkpoint
from .cosignature import WitnessVerifier
from .note_approvals import LogApprovals
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
from .purging import LARGEST_STEP
from .read_log import UNKNOWN_ROOT, ReadLog
from .rules import LogRules

FirstCosigned = Callable[[str, int, Sequence[WitnessVerifier], int], int | None]
"""Returns when one of these witnesses cosigned the checkpoint of that log and size, in POSIX seconds: the
first time, or any that is not after the last argument. `None` if none did, there is no such checkpoint, or it
is of another tree."""
SignedAt = Callable[[str, int, Sequence[WitnessVerifier]], int | None]
"""Returns when one of these witnesses first signed a checkpoint with that leaf of that log, as far as is
known, in POSIX seconds; `None` if that is not known."""


class NoteFlaws:
    """The flaws of notes in these logs, by origin."""

    def __init__(
        self,
        logs: Mapping[str, ReadLog],
        approvals: LogApprovals,
        first_cosigned: FirstCosigned,
        signed_at: SignedAt,
    ) -> None:
        self._logs, self._approvals = logs, approvals
        self._first_cosigned, self._signed_at = first_cosigned, signed_at

    def of(self, note: LogNote, log: ReadLog, rules: LogRules, last: datetime | None) -> Iterator[Text]:
        """Yield the flaws of a note, of which the log has the rules `rules` before it. `last` is the time of
        the latest note before it."""
        if last is not None and note.at < last:
            yield Text("It says that it was made before the note before it.")
        loses = isinstance(note.content, PurgeNote | ErasureNote | LostNote)
        if loses and not rules.own:
            yield Text("No rule comes before it.")
        match note.content:
            case PurgeNote() as purge:
                yield from self._purge_flaws(note, purge, rules)
            case LostNote() as lost:
                yield from self._range_flaws(lost.of, lost.end)
            case NewLogNote(after=after):
                yield from self._tree_flaws(after)
            case NextNote() as successor:
                yield from self._next_flaws(note, successor, log)
            case ApprovalNote() as approval:
                if flaw := self._approvals.flaw(approval):
                    yield flaw

    def _range_flaws(self, of: str, end: int) -> Iterator[Text]:
        if of not in self._logs:
            yield Text("It names the log {origin}, which is not followed here.", origin=of)
        elif end > self._logs[of].size:
            yield Text("It names leaves that were not published.")

    def _purge_flaws(self, note: LogNote, purge: PurgeNote, rules: LogRules) -> Iterator[Text]:
        if flaws := tuple(self._range_flaws(purge.of, purge.below)):
            yield from flaws
            return
        named = rules.own.get(purge.rule)
        if named is None or named.since is None or named.since > note.at:
            yield Text("The rule that it names is none, or was not in effect.")
            return
        if any(not _is_kept_long_enough(rule, purge, note.at) for rule in rules.recent(note.at)):
            yield Text("It goes beyond the longest retention of the seven days before it.")
        yield from self._witness_flaws(note, purge, named.content.witnesses)
        agreed = rules.agreed(note.at)
        if agreed is None or agreed == rules.in_force(note.at):
            return
        by_agreed = self._witness_flaws(note, purge, agreed.witnesses)
        if not _is_kept_long_enough(agreed, purge, note.at) or any(by_agreed):
            yield Text(
                "It deletes by a rule that needs an approval and has none, because nobody is known who could"
                " approve it: name an approver in the configuration, or to the audit by --approver."
            )

    def _witness_flaws(
        self, note: LogNote, purge: PurgeNote, witnesses: Sequence[WitnessVerifier]
    ) -> Iterator[Text]:
        """Yield what contradicts the times of these witnesses; nothing where there are none."""
        if not witnesses:
            return
        signed = self._signed_at(note.log, note.index, witnesses)
        if signed is not None and note.at > datetime.fromtimestamp(signed, UTC) + LARGEST_STEP:
            yield Text("It says that it was made after a witness signed it.")
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
        yield from self._other_trees(after)

    def _other_trees(self, after: Iterable[Checkpoint]) -> Iterator[Text]:
        for tree in after:
            log = self._logs.get(tree.origin)
            if log and log.size == tree.size and log.root not in (tree.root, UNKNOWN_ROOT):
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


def _is_kept_long_enough(rule: RuleNote, purge: PurgeNote, at: datetime) -> bool:
    """Return whether a rule allows a purge up to its cutoff."""
    if rule.retention is None:
        return False
    try:
        return purge.cutoff <= rule.retention.before(at, ZoneInfo(rule.zone))
    except (ValueError, OverflowError, OSError, KeyError):  # no such zone, or a time before the year 1
        return False
