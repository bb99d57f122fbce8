"""The notes of a log with a rule that goes on after a backup was put in its ledger's place: what is lost, and
what the ledger of before had noted without publishing it. Afterwards all that notes say is done again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from ..evidence.checkpoint import Checkpoint
from ..evidence.erased_leaves import ErasedLeaves
from ..evidence.log_folder import LogFolder
from ..evidence.note_values import NoteSource
from ..evidence.notes import (
    ApprovalNote,
    ErasureNote,
    LogNote,
    LostNote,
    NewLogNote,
    NoteContent,
    NoteKind,
    PurgeNote,
    RuleNote,
)
from ..model.errors import EvidenceError, LedgerError
from ..model.text import Text
from . import answers, erasure, erasure_notes, leaves, loss_notes, note_leaves, own_logs, private_lists, rows
from .replaced import ReplacedLedger
from .transaction import SqliteTransaction


@dataclass(frozen=True)
class LogEnding:
    """The logs that the newest one follows, by the trees with which they ended. `is_chained` is true if the
    last leaf of each names the newest log's key, so that nothing is missing between them."""

    trees: tuple[Checkpoint, ...]
    is_chained: bool


@dataclass
class RestoredNotes:
    """The notes of a restored ledger, within its transaction. `instruction` returns the controller's, or
    raises InformativaError if it is missing; all that does so comes before the first file is written."""

    transaction: SqliteTransaction
    connection: sqlite3.Connection
    folder: LogFolder
    replaced: ReplacedLedger
    at: datetime
    instruction: Callable[[], str]

    def begin(self, ending: LogEnding) -> None:
        """Write the first leaf of the newest log, which follows others."""
        instruction = "" if ending.is_chained else self.instruction()
        self._append(NewLogNote(ending.trees, instruction))

    def keep_rule(self, rule: RuleNote, first: RuleNote) -> None:
        """Write the rule, if it is not the newest one; `first` if there never was one."""
        if note_leaves.stated_rule(self.connection, leaves.logs(self.connection)) is None:
            self._append(first)
        else:
            note_leaves.keep_rule(self.transaction, self.connection, rule, self.at, NoteSource.COMMAND)

    def require_lists(self) -> None:
        """Check that each erasure that is noted has its private list, unless a purge takes all that was
        recorded before. Raises LedgerError."""
        logs = leaves.logs(self.connection)
        purged = loss_notes.read_loss_notes(self.connection, logs, self.folder).purged
        for log, note in private_lists.missing(self.connection, logs, self.folder, purged):
            raise LedgerError(
                Text(
                    "The list of the records of an erasure is missing, or is another one: {file}",
                    file=self.folder.private_file(log.epoch, note.index),
                ),
                Text(
                    "Put it back, from a backup of that folder or from the approver. Without it a"
                    " caller would come back; nothing was changed."
                ),
            )

    def note_again(self) -> None:
        """Write the approvals and purges that were not published."""
        unpublished = list(self._unpublished())
        for note in unpublished:
            if isinstance(note.content, ApprovalNote):
                self._append(note.content)
        logs = {log.origin: log for log in leaves.logs(self.connection)}
        purges: dict[str, tuple[LogNote, PurgeNote]] = {}
        for note in unpublished:
            if isinstance(note.content, PurgeNote) and note.content.of in logs:
                purges[note.content.of] = (note, note.content)  # each goes as far as the one before
        for origin, (note, purge) in purges.items():
            if below := min(purge.below, logs[origin].size):
                cutoff = min(purge.cutoff, self.at.replace(second=0, microsecond=0))
                self._append(replace(purge, below=below, cutoff=cutoff, rule=self._rule(note, purge)))

    def note_lost(self, origin: str, lost: range) -> None:
        """Note leaves of a log that have no record any more."""
        self._append(LostNote(origin, lost.start, lost.stop, self.instruction()))

    def note_erased(self, sizes: dict[str, int]) -> list[tuple[int, int]]:
        """Note the erasures that were not published as one, with one list. `sizes` are those of the logs as
        far as they were published or in the backup. Return the epochs and indices of lists that are of no
        use from now on."""
        logs = leaves.logs(self.connection)
        own, resting, useless = set[int](), set[int](), []
        origins = {log.epoch: log.origin for log in logs}
        for epoch, index in self.folder.private_lists():
            if index < sizes.get(origins.get(epoch, ""), 0):
                continue  # its note is there, or it is of an erasure that came to nothing
            useless.append((epoch, index))
            with suppress(EvidenceError):
                listed = ErasedLeaves.parse(self.folder.private_list(epoch, index) or b"")
                own |= _indices(loss_notes.rows_of_places(logs, listed.erased))
                resting |= _indices(loss_notes.rows_of_places(logs, listed.resting))
        for row, is_own in self.replaced.closed_since(self.connection):
            (own if is_own else resting).add(row)
        named = loss_notes.read_loss_notes(self.connection, logs, self.folder)
        own, resting = (
            {
                row
                for row in leaf_rows
                if leaves.names_anybody(self.connection, range(row, row + 1)) and not named.is_erased(row)
            }
            for leaf_rows in (own, resting)
        )
        if own:
            log = leaves.log(self.connection)
            erasure_notes.write(
                self.transaction,
                self.connection,
                self.folder,
                own,
                resting - own,
                self._erasures_instruction(),
                self.at,
                NoteSource.COMMAND,
            )
            useless = [place for place in useless if place != (log.epoch, log.size)]
        return useless

    def carry_out(self) -> int:
        """Do again what the notes say, but for erasures that wait for an approval. Return how many records
        were still there."""
        logs, again = leaves.logs(self.connection), 0
        waiting = {standing.entry.leaf for standing in own_logs.waiting_erasures(self.connection)}
        for note in [note for log in logs for note in note_leaves.backwards(self.connection, log)]:
            if isinstance(note.content, ErasureNote) and note.leaf not in waiting:
                named = loss_notes.named_by(note, logs, self.folder)
                again += self._erase(_indices(named.own), _indices(named.resting))
            elif isinstance(note.content, PurgeNote):
                for leaf_range in loss_notes.named_by(note, logs, self.folder).own:
                    again += self._purge(leaf_range)
        named_by_all = loss_notes.read_loss_notes(self.connection, logs, self.folder)
        closed = [
            pair for pair in self.replaced.closed_since(self.connection) if named_by_all.is_erased(pair[0])
        ]
        own, resting = ({row for row, is_own in closed if is_own is own_part} for own_part in (True, False))
        return again + self._erase(own, resting)

    def _append(self, content: NoteContent) -> None:
        note_leaves.append(self.transaction, self.connection, content, self.at, NoteSource.COMMAND)

    def _unpublished(self) -> Iterator[LogNote]:
        """Yield the notes of the ledger of before that are not in this one."""
        logs = leaves.logs(self.connection)
        known = {note.leaf for log in logs for note in note_leaves.backwards(self.connection, log)}
        return (note for note in self.replaced.notes if note.leaf not in known)

    def _rule(self, note: LogNote, purge: PurgeNote) -> int:
        """Return the index of the rule of a purge: the same, or the newest one if that is not in this log."""
        log = leaves.log(self.connection)
        rules = [
            rule.index for rule in note_leaves.backwards(self.connection, log) if rule.kind is NoteKind.RULE
        ]
        return purge.rule if note.log == log.origin and purge.rule in rules else rules[0]

    def _erasures_instruction(self) -> str:
        """Return the instruction of the erasures that were not published; if they do not have one in common,
        that of the restore."""
        contents = (note.content for note in self._unpublished())
        known = {content.instruction for content in contents if isinstance(content, ErasureNote)}
        return known.pop() if len(known) == 1 else self.instruction()

    def _erase(self, own: Iterable[int], resting: Iterable[int]) -> int:
        named = loss_notes.NamedLeaves(loss_notes.ranges_of(own), loss_notes.ranges_of(resting))
        return erasure.erase_again(self.connection, named)

    def _purge(self, leaf_range: range) -> int:
        """Purge the records of these rows of `leaf`, but for those that are always kept."""
        numbers = [
            number
            for number in leaves.deletable(self.connection, leaf_range)
            if self.transaction.purge(number)
        ]
        self.transaction.close_leaves(numbers)
        self.connection.execute(rows.DROP_BASELESS)
        self.connection.execute(answers.DROP_BASELESS)
        return len(numbers)


def _indices(ranges: Iterable[range]) -> set[int]:
    return {row for leaf_range in ranges for row in leaf_range}
